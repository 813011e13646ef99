//! Whether there is room for a copy, looked at before its first byte.
//!
//! What must stay true: a copy that may fit is never refused. Where bytes can be shared with an old copy, or
//! runs of zeros take no space, nobody can tell.

use swarmcopy_piece_store::{Placement, STAGED_SUFFIX, Target};
use swarmcopy_sys::{fs, space};

use crate::record::path_of;
use crate::{Content, Error, ErrorKind};

/// Fails if the disk is known to be too small. Blocks.
pub(crate) fn check(content: &Content, target: &Target, placement: Placement) -> Result<(), Error> {
    match space::free(&content.options.into) {
        Ok(Some(free)) => check_free(content, target, placement, free),
        _ => Ok(()),
    }
}

/// Does so where that many bytes are free.
pub(crate) fn check_free(
    content: &Content,
    target: &Target,
    placement: Placement,
    free: u64,
) -> Result<(), Error> {
    let old = || fs::symlink_metadata(&content.target_path()).is_ok();
    let (place, shares) = match placement {
        Placement::InPlace => (content.target_path(), false),
        _ => (content.beside_target(STAGED_SUFFIX), old()),
    };
    if shares || content.options.sparse || !content.options.reuse.is_empty() {
        return Ok(());
    }
    if target.bytes() <= free {
        return Ok(());
    }
    let missing = target.stored_files().map(|(_, file)| {
        let found = fs::symlink_metadata(&path_of(content, &place, file));
        let taken = found.as_ref().map_or(0, space::taken);
        file.len().saturating_sub(taken)
    });
    let missing: u64 = missing.fold(0, u64::saturating_add);
    if missing <= free {
        return Ok(());
    }
    let message = format!(
        "cannot copy to {}: the copy takes {missing} bytes more, and there is room for {free}",
        content.options.into.display()
    );
    Err(Error::new(ErrorKind::Disk, message).with_hint(
        "free some space and start the copy again, choose files with `select`, or let \
         runs of zeros take none with `sparse`",
    ))
}
