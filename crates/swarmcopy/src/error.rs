//! What can go wrong with a copy, sorted by what the caller can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use swarmcopy_address::in_text;

/// What kind of failure: what the caller can do about it.
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

/// A failure with a sentence about it, and what it came from.
#[derive(Debug, Clone)]
pub struct Error(Box<About>);

/// Behind a pointer: results carry it everywhere.
#[derive(Debug, Clone)]
struct About {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    incomplete: Vec<String>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(About {
            kind,
            message: in_text(&message.into()).into_owned(),
            hint: None,
            incomplete: Vec::new(),
            cause: None,
        }))
    }

    /// The same error with a word on what to do; options of the library stand in it between backticks.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(in_text(&hint.into()).into_owned());
        self
    }

    /// The same error with what it came from, which [`source`](StdError::source) tells.
    #[must_use]
    pub fn with_cause(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// The same error with the files that lack something.
    pub(crate) fn with_incomplete(mut self, files: Vec<String>) -> Self {
        self.0.incomplete = files;
        self
    }

    /// The files of the content that are not complete, where the copy ended for that: paths joined with `/`, at
    /// most 10,000 of them.
    pub fn incomplete(&self) -> &[String] {
        &self.0.incomplete
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What to do about it, if there is something to say.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause: &(dyn StdError + 'static) = self.0.cause.as_deref()?;
        Some(cause)
    }
}
