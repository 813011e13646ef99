//! Files that have a hash as a whole alone.
//!
//! Their pieces cannot be verified one by one, so the copy stands under a temporary name until each such
//! file is read back and has its hash. What must stay true: no copy is published with such a file
//! unproven, and the bytes of one that is wrong are not found again by the next run.

use swarmcopy_digest::{Sha1, Sha256, Sha384, Sha512};
use swarmcopy_layout::{FileDigest, FileIndex, RelPath, Span};

use crate::error::StoreError;
use crate::files::{Files, u64_of, usize_of};
use crate::target::Target;

/// Bytes read at a time.
const READ_LEN: usize = 4 << 20;

/// Whether `file` has its hash; `true` for one that has none of its own.
pub(crate) fn is_right(
    target: &Target,
    files: &Files,
    file: FileIndex,
) -> Result<bool, StoreError> {
    let (Some(digest), Some(entry)) = (target.digests().of_file(file), target.layout().file(file))
    else {
        return Ok(true);
    };
    let mut hasher = Hasher::of(digest);
    let mut buffer = vec![0; READ_LEN.min(usize_of(entry.len()))];
    let mut rest = entry.span();
    while !rest.is_empty() {
        let run: Span = rest.head(u64_of(buffer.len()));
        let part = buffer.get_mut(..usize_of(run.len())).unwrap_or_default();
        files.read_into(run, part)?;
        hasher.update(part);
        rest = rest.after(run.len());
    }
    Ok(hasher.finish() == digest)
}

/// Reads all such files back; those that are wrong are removed, and told.
pub(crate) fn prove(target: &Target, files: &Files) -> Result<(), StoreError> {
    let mut wrong: Vec<RelPath> = Vec::new();
    for (file, _) in target.digests().files() {
        let known = !target.stores(file) || files.is_vouched(file);
        if known || is_right(target, files, file)? {
            continue;
        }
        let path = files.path_of(file);
        if files.is_staged(&target.place()) {
            let removed = files.disk().remove(&path);
            removed.map_err(|cause| files.error("remove", &path, cause))?;
        }
        wrong.extend(target.layout().file(file).map(|entry| entry.path().clone()));
    }
    match wrong.first() {
        Some(first) => Err(StoreError::WholeFile {
            first: first.clone(),
            count: wrong.len(),
        }),
        None => Ok(()),
    }
}

/// The hash function of a digest.
enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
    Unknown,
}

impl Hasher {
    fn of(digest: FileDigest) -> Self {
        match digest {
            FileDigest::Sha1(_) => Self::Sha1(Sha1::new()),
            FileDigest::Sha256(_) => Self::Sha256(Sha256::new()),
            FileDigest::Sha384(_) => Self::Sha384(Sha384::new()),
            FileDigest::Sha512(_) => Self::Sha512(Sha512::new()),
            _ => Self::Unknown,
        }
    }

    fn update(&mut self, part: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(part),
            Self::Sha256(hasher) => hasher.update(part),
            Self::Sha384(hasher) => hasher.update(part),
            Self::Sha512(hasher) => hasher.update(part),
            Self::Unknown => {}
        }
    }

    /// The digest; one that equals none of another function, nor of an unknown one.
    fn finish(self) -> FileDigest {
        match self {
            Self::Sha1(hasher) => FileDigest::Sha1(hasher.finish()),
            Self::Sha256(hasher) => FileDigest::Sha256(hasher.finish()),
            Self::Sha384(hasher) => FileDigest::Sha384(hasher.finish()),
            Self::Sha512(hasher) => FileDigest::Sha512(hasher.finish()),
            Self::Unknown => FileDigest::Sha1([0; 20]),
        }
    }
}
