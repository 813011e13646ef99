//! What can go wrong with a copy, sorted by what the caller can do about it.

use std::fmt;

use swarmcopy_address::in_text;

/// What kind of failure: the command line's exit codes follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that makes no sense.
    Usage,
    /// Anything else: a malformed torrent, a port that is taken.
    Failed,
    /// Not complete: no source has the missing pieces, or time ran out. What is verified is kept.
    Incomplete,
    /// The copy or the origin does not match the hashes.
    Mismatch,
    /// The local disk: full, read-only, no permission.
    Disk,
    /// The caller ended it; the state is saved.
    Interrupted,
}

/// A failure with a sentence about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    incomplete: Vec<String>,
}

impl Error {
    /// Makes an error of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: in_text(&message.into()).into_owned(),
            hint: None,
            incomplete: Vec::new(),
        }
    }

    /// The same error with a word on what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(in_text(&hint.into()).into_owned());
        self
    }

    /// The same error with the files that lack something.
    pub(crate) fn with_incomplete(mut self, files: Vec<String>) -> Self {
        self.incomplete = files;
        self
    }

    /// The files of the content that are not complete, where the copy ended for that: paths joined with `/`, at
    /// most 10,000 of them.
    pub fn incomplete(&self) -> &[String] {
        &self.incomplete
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do about it, if there is something to say.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
