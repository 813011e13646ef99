//! What can go wrong with a source, and what to do with it then.

use std::time::Duration;

use swarmcopy_layout::Span;

/// What a failure says about the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blame {
    /// Nothing: the fetch was called off.
    Nobody,
    /// It works, but wants to be left alone for a while.
    Busy {
        /// For how long, if it said so.
        retry_after: Option<Duration>,
    },
    /// It lacks these bytes; others of it may be fine.
    Lacks(Span),
    /// It is of no use for now.
    Broken,
}

/// Why a fetch failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The permit was revoked or the job cancelled.
    #[error("fetch called off")]
    CalledOff,
    /// The source asked for time: 429, 503, a choke.
    #[error("{name} is busy: {what}")]
    Busy {
        /// The source.
        name: String,
        /// Its words.
        what: String,
        /// How long to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// The source lacks a file or has it shorter or longer than the content's.
    #[error("{name} lacks {path}: {what}")]
    Lacks {
        /// The source.
        name: String,
        /// The file.
        path: String,
        /// What it said instead.
        what: String,
        /// The bytes of the content that it lacks.
        span: Span,
    },
    /// The source can't be reached, refuses, or breaks the protocol.
    #[error("cannot read {name}: {what}")]
    Broken {
        /// The source.
        name: String,
        /// What happened.
        what: String,
    },
}

impl SourceError {
    /// What to do with the source.
    pub fn blame(&self) -> Blame {
        match self {
            Self::CalledOff => Blame::Nobody,
            Self::Busy { retry_after, .. } => Blame::Busy { retry_after: *retry_after },
            Self::Lacks { span, .. } => Blame::Lacks(*span),
            Self::Broken { .. } => Blame::Broken,
        }
    }
}
