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

/// What a failure says of its source to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// It answers, and wants to be left alone for a while.
    Busy,
    /// It answers, and does not have what was asked for, or has other bytes.
    Lacks,
    /// It answers, and lets this machine not have it: a login, a certificate, no permission.
    Refuses,
    /// It can't be reached, breaks off, or says nothing of use.
    Down,
}

/// Why a source has not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// It is not there, or not as it should be.
    Absent,
    /// It may be there, but not for this machine.
    Barred,
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
        /// Whether others may have it from there.
        lack: Lack,
        /// The bytes of the content that it lacks.
        span: Span,
    },
    /// The source sent nothing for too long; it may answer the next time.
    #[error("{name} is silent: {what}")]
    Silent {
        /// The source.
        name: String,
        /// For how long.
        what: String,
    },
    /// The source lets this machine not in: a login, its certificate, where it leads.
    #[error("{name} lets nobody in: {what}")]
    Refuses {
        /// The source.
        name: String,
        /// Its words.
        what: String,
    },
    /// The source has a fault of its own: it panicked.
    #[error("{name} panicked: {what}")]
    Panicked {
        /// The source.
        name: String,
        /// The words of the panic.
        what: String,
    },
    /// The source can't be reached, or breaks the protocol.
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
            Self::Busy { retry_after, .. } => Blame::Busy {
                retry_after: *retry_after,
            },
            Self::Silent { .. } => Blame::Busy { retry_after: None },
            Self::Lacks { span, .. } => Blame::Lacks(*span),
            Self::Refuses { .. } | Self::Panicked { .. } | Self::Broken { .. } => Blame::Broken,
        }
    }

    /// What it says of the source; `None` if nothing.
    pub fn finding(&self) -> Option<Finding> {
        Some(match self {
            Self::CalledOff => return None,
            Self::Busy { .. } => Finding::Busy,
            Self::Lacks {
                lack: Lack::Absent, ..
            } => Finding::Lacks,
            Self::Lacks {
                lack: Lack::Barred, ..
            }
            | Self::Refuses { .. } => Finding::Refuses,
            Self::Silent { .. } | Self::Panicked { .. } | Self::Broken { .. } => Finding::Down,
        })
    }

    /// Whether trying again is of no use as long as nobody changes the source: it refuses this machine, or has a fault.
    pub fn is_lasting(&self) -> bool {
        self.finding() == Some(Finding::Refuses) || matches!(self, Self::Panicked { .. })
    }

    /// What happened, without the name of the source.
    pub fn what(&self) -> String {
        match self {
            Self::Panicked { what, .. } => format!("it panicked: {what}"),
            Self::CalledOff => self.to_string(),
            Self::Lacks { path, what, .. } => format!("{path}: {what}"),
            Self::Busy { what, .. }
            | Self::Silent { what, .. }
            | Self::Refuses { what, .. }
            | Self::Broken { what, .. } => what.clone(),
        }
    }
}

/// Collects the lacks of a fetch that goes on with its other files: the first counts, joined by those that
/// follow it without a gap.
#[derive(Debug, Default)]
pub(crate) struct FirstLack(Option<SourceError>);

impl FirstLack {
    /// Keeps a lack; gives any other error back.
    pub(crate) fn note(&mut self, result: Result<(), SourceError>) -> Result<(), SourceError> {
        let Err(error) = result else { return Ok(()) };
        let SourceError::Lacks { span: next, .. } = &error else {
            return Err(error);
        };
        match &mut self.0 {
            None => self.0 = Some(error),
            Some(SourceError::Lacks { span, .. })
                if span.start() <= next.end() && next.start() <= span.end() =>
            {
                *span = Span::between(span.start().min(next.start()), span.end().max(next.end()));
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// The lack, if there was one.
    pub(crate) fn into_result(self) -> Result<(), SourceError> {
        self.0.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(start: u64, len: u64) -> Result<(), SourceError> {
        let name = "m".to_owned();
        let (path, what) = ("f".to_owned(), "404".to_owned());
        Err(SourceError::Lacks {
            name,
            path,
            what,
            lack: Lack::Absent,
            span: Span::new(start, len),
        })
    }

    #[test]
    fn lacks_side_by_side_are_told_as_one_and_others_later() {
        let mut lack = FirstLack::default();
        for part in [Ok(()), lacks(10, 5), lacks(15, 5), Ok(()), lacks(30, 5)] {
            lack.note(part).unwrap();
        }
        let blame = lack.into_result().unwrap_err().blame();
        assert_eq!(blame, Blame::Lacks(Span::new(10, 10)));
        assert_eq!(FirstLack::default().into_result(), Ok(()));
    }

    #[test]
    fn what_is_barred_is_refused_and_not_absent() {
        let mut error = lacks(0, 1).unwrap_err();
        assert_eq!(error.finding(), Some(Finding::Lacks));
        assert_eq!(error.what(), "f: 404");
        if let SourceError::Lacks { lack, .. } = &mut error {
            *lack = Lack::Barred;
        }
        assert_eq!(error.finding(), Some(Finding::Refuses));
        assert_eq!(SourceError::CalledOff.finding(), None);
    }

    #[test]
    fn what_is_no_lack_ends_the_fetch() {
        let mut lack = FirstLack::default();
        assert_eq!(
            lack.note(Err(SourceError::CalledOff)),
            Err(SourceError::CalledOff)
        );
    }
}
