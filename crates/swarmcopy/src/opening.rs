//! Opening the store of a copy, or of what is served.
//!
//! What must stay true: no other process holds the copy when its files are looked at; a copy that its record
//! vouches for is not read.

use std::sync::Arc;

use swarmcopy_layout::FileIndex;
use swarmcopy_piece_store::{
    ASIDE_SUFFIX, Options, Placement, Resume, STAGED_SUFFIX, Store, StoreErrorKind, StoreEvent,
    Target,
};
use swarmcopy_scheduler::SourceId;
use tokio::sync::mpsc;

use crate::content::{Content, Role};
use crate::engine::Note;
use crate::holder::Holder;
use crate::{Error, ErrorKind, fits, look, record, select, tree};

/// A store that is open, and what it is of.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) content: Content,
    pub(crate) store: Store,
    /// `None` for what is only served.
    pub(crate) resume: Option<Resume>,
    pub(crate) holder: Option<Holder>,
}

/// Opens it. Blocks.
pub(crate) fn open_store(content: Content, notes: mpsc::Sender<Note>) -> Result<Opened, Error> {
    match content.role.clone() {
        Role::Copy => open_copy(content, notes),
        Role::Seed(folder) => {
            let (folder, name) = look::locate_by_look(&content, &folder)?;
            let target = target(&content, name)?;
            let store = Store::open_read_only(&folder, target, &Options::default());
            let store = store.map_err(|error| match error.kind() {
                StoreErrorKind::Missing => Error::new(ErrorKind::Failed, error.to_string()),
                _ => error.into(),
            })?;
            Ok(Opened {
                content,
                store,
                resume: None,
                holder: None,
            })
        }
    }
}

fn open_copy(mut content: Content, notes: mpsc::Sender<Note>) -> Result<Opened, Error> {
    let target = target(&content, content.name.clone())?;
    let holder = Holder::take(&content)?;
    let mut options = Options::default();
    options.sparse = content.options.sparse;
    options.distrust = content.options.check;
    let vouched = record::vouched(&content, &content.target_path());
    let vouched = vouched.filter(|_| !content.options.check);
    let is_vouched = |file: FileIndex| {
        let at = usize::try_from(file.value()).unwrap_or(usize::MAX);
        let vouched = vouched.as_ref().and_then(|vouched| vouched.get(at));
        vouched.copied().unwrap_or(false)
    };
    if target.stored_files().all(|(file, _)| is_vouched(file)) {
        // nothing is to be written: what is there stays where it is
        content.options.staged = false;
    } else if content.options.staged {
        options.placement = Placement::Switched;
    } else if must_be_staged(&content, &target) {
        options.placement = Placement::Staged;
    }
    if options.placement == Placement::InPlace {
        options.vouched = vouched.unwrap_or_default();
    }
    fits::check(&content, &target, options.placement)?;
    let tell = move |event| {
        if let Some(note) = note_of(event) {
            // the engine is gone when nobody listens
            let _ = notes.blocking_send(note);
        }
    };
    let prepare = || prepare(&content, options.placement);
    let folder = &content.options.into;
    let (store, resume) = Store::open_prepared(folder, target, &options, Box::new(tell), prepare)?;
    Ok(Opened {
        content,
        store,
        resume: Some(resume),
        holder: Some(holder),
    })
}

/// What is stored: of a copy, the files that were chosen.
fn target(content: &Content, name: swarmcopy_layout::RelPath) -> Result<Target, Error> {
    let wanted = select::wanted(&content.layout, &content.options.select)?;
    let listed = content.advice.listed.clone();
    let wanted = wanted.or(listed.filter(|_| !content.is_seed()));
    let shape = content.shape();
    let (layout, digests) = (Arc::clone(&content.layout), Arc::clone(&content.digests));
    let id = content.padded_id();
    let Some(wanted) = wanted else {
        return Ok(Target::new(name, shape, layout, digests, id)?);
    };
    let target = Target::of_some(name, shape, layout, digests, id)?;
    Ok(target.select(&|file| {
        let at = usize::try_from(file.value()).ok();
        let at = at.and_then(|at| wanted.get(at));
        at.copied().unwrap_or(false)
    })?)
}

/// Makes way for the copy, once no other process holds it.
fn prepare(content: &Content, placement: Placement) -> Result<(), Error> {
    tree::recover(&content.target_path(), &content.beside_target(ASIDE_SUFFIX))?;
    let place = match placement {
        Placement::InPlace => content.target_path(),
        _ => content.beside_target(STAGED_SUFFIX),
    };
    tree::prepare(&place, &content.tree_job())
}

/// Files that are verified as a whole stand under a temporary name before: unless they are there already,
/// and right.
fn must_be_staged(content: &Content, target: &Target) -> bool {
    let check = || swarmcopy_piece_store::check(&content.options.into, target, 0, &|_, _| ());
    content.has_whole_files() && !check().is_ok_and(|report| report.is_whole())
}

fn note_of(event: StoreEvent) -> Option<Note> {
    Some(match event {
        StoreEvent::PieceOk { piece } => Note::PieceOk { piece },
        StoreEvent::PieceBad { piece, senders } => Note::PieceBad {
            piece,
            senders: senders.into_iter().map(SourceId).collect(),
        },
        StoreEvent::Liar { sender, piece } => Note::Liar {
            source: SourceId(sender),
            piece,
        },
        StoreEvent::Failed(error) => Note::DiskFailed {
            error: Arc::new(error),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CopyOptions, MakeOptions, PieceLen, make};

    /// A copy with a wrong byte for which its record vouches all the same.
    fn copy(dir: &std::path::Path) -> Content {
        let place = dir.join("CS5");
        std::fs::write(&place, vec![7; 100_000]).unwrap();
        let mut options = MakeOptions::new(&place);
        options.piece_len = PieceLen::Bytes(16 << 10);
        let made = make(&options, &|_| ()).unwrap();
        std::fs::write(&place, vec![8; 100_000]).unwrap();
        let content = Content::torrent(std::fs::read(made.torrent).unwrap()).unwrap();
        let mut content = content.with_options(CopyOptions::new(dir));
        content.options.records = Some(dir.join("state"));
        record::write(&content, &place, &|_| true);
        content
    }

    fn resume(content: Content) -> Resume {
        let (notes, _heard) = mpsc::channel(100);
        open_store(content, notes).unwrap().resume.unwrap()
    }

    #[test]
    fn a_copy_that_its_record_vouches_for_is_read_only_if_that_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut content = copy(dir.path());
        let trusting = resume(content.clone());
        assert!(trusting.have.is_full() && trusting.recheck.is_empty());
        content.options.check = true;
        let checking = resume(content.clone());
        assert!(checking.have.is_empty() && checking.recheck.is_full());
        content.options.check = false;
        content.options.records = None;
        assert!(resume(content).have.is_empty());
    }

    #[test]
    fn a_disk_that_is_too_small_is_foreseen() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("large");
        let file = std::fs::File::create(&place).unwrap();
        file.set_len(16 << 20).unwrap();
        let made = make(&MakeOptions::new(&place), &|_| ()).unwrap();
        let content = Content::torrent(std::fs::read(made.torrent).unwrap()).unwrap();
        let content = content.with_options(CopyOptions::new(dir.path().join("to")));
        std::fs::create_dir(dir.path().join("to")).unwrap();
        let target = target(&content, content.name.clone()).unwrap();
        let check = |free| fits::check_free(&content, &target, Placement::InPlace, free);
        assert!(check(16 << 20).is_ok());
        let error = check((16 << 20) - 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disk);
        assert!(error.to_string().contains("room for 16777215"), "{error}");
    }
}
