//! What is asked of a mirror's file, and how much may be passed over for that.

use swarmcopy_layout::{FileEntry, FileIndex, Span};

/// How long a file may be that is read from its beginning for each part; longer ones are read once.
pub(crate) const SKIP_LEN_MAX: u64 = 1024 * 1024;

/// The part of a file that a question is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) index: FileIndex,
    pub(crate) file: &'a FileEntry,
    pub(crate) span: Span,
}
