//! How a copy ended: always a report, and a failure where it did not end well.

use std::error::Error as StdError;
use std::fmt;

use crate::{Error, ErrorKind, Report, SourceProgress};

/// The end of a copy.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// What was done, also by a copy that failed or was stopped.
    pub report: Report,
    /// Why it did not end well; `None` if it did.
    pub failure: Option<Failure>,
}

impl Outcome {
    pub(crate) fn new(report: Report, failure: Option<Failure>) -> Self {
        Self { report, failure }
    }

    /// The end of a copy of which nothing more is known.
    pub(crate) fn of(report: Report, cause: Error) -> Self {
        Self::new(report, Some(Failure::of(cause)))
    }

    /// The report of a copy that ended well, or why it did not.
    ///
    /// # Errors
    /// The failure; the report is dropped.
    pub fn into_result(self) -> Result<Report, Failure> {
        match self.failure {
            None => Ok(self.report),
            Some(failure) => Err(failure),
        }
    }
}

/// Why a copy did not end well.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// What the caller can do about it.
    pub kind: ErrorKind,
    /// The sources that could not help, each with its last answer.
    pub sources: Vec<SourceProgress>,
    /// The files that lack something: paths joined with `/`, at most 10,000 of them.
    pub files: Vec<String>,
    /// What happened, with what it came from.
    pub cause: Error,
}

impl Failure {
    /// A failure before any source was asked.
    pub(crate) fn of(cause: Error) -> Self {
        Self {
            kind: cause.kind(),
            sources: Vec::new(),
            files: cause.incomplete().to_vec(),
            cause,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        StdError::source(&self.cause)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.cause
    }
}
