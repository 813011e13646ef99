//! What could not be done, counted by its kind and told once.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::{Error, disk};

/// Kinds of things that a system may not be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Undone {
    /// A symbolic link was not made.
    Link,
    /// A second name of a file became a copy.
    HardLink,
    /// Two names that are said to be one file hold different bytes.
    NotOne,
    /// A time was not set.
    Time,
    /// Mode bits were not set.
    Mode,
    /// The marks that give a program its owner's rights were left away.
    SetId,
    /// Flags of Windows were not set.
    Flags,
    /// An access list was not set.
    Access,
    /// Extended attributes were not set.
    Extended,
}

impl Undone {
    fn told(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Link if cfg!(windows) => (
                "symbolic link needs Developer Mode or the privilege to make links",
                "symbolic links need Developer Mode or the privilege to make links",
            ),
            Self::Link => (
                "symbolic link could not be made on this disk",
                "symbolic links could not be made on this disk",
            ),
            Self::HardLink => (
                "hard link became a copy: this disk has none",
                "hard links became copies: this disk has none",
            ),
            Self::NotOne => (
                "hard link was not made: the two files differ",
                "hard links were not made: the files differ",
            ),
            Self::Time => ("time could not be set", "times could not be set"),
            Self::Mode => (
                "file or folder kept its own mode bits",
                "files and folders kept their own mode bits",
            ),
            Self::SetId => (
                "file was to run with its owner's rights, which was left away",
                "files were to run with their owners' rights, which was left away",
            ),
            Self::Flags => (
                "file or folder has flags that this system does not know",
                "files and folders have flags that this system does not know",
            ),
            Self::Access => (
                "access list could not be set by this account or on this disk",
                "access lists could not be set by this account or on this disk",
            ),
            Self::Extended => (
                "file or folder did not get its extended attributes by this account or on this disk",
                "files and folders did not get their extended attributes by this account or on this disk",
            ),
        };
        match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {many}"),
        }
    }
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How many, and the first of them.
    counts: BTreeMap<Undone, (usize, String)>,
}

impl Tally {
    /// Counts one thing that was not done.
    pub(super) fn add(&mut self, what: Undone, path: &Path) {
        let first = || (0, path.display().to_string());
        self.counts.entry(what).or_insert_with(first).0 += 1;
    }

    /// Counts what the system can't or may not do; anything else is an error of the disk.
    pub(super) fn allow(
        &mut self,
        what: Undone,
        path: &Path,
        done: io::Result<()>,
    ) -> Result<(), Error> {
        match done {
            Ok(()) => Ok(()),
            Err(error) if is_incapable(&error) => {
                tracing::debug!(%error, path = %path.display(), "left undone");
                self.add(what, path);
                Ok(())
            }
            Err(error) => Err(disk::failed("finish", path, &error)),
        }
    }

    /// One sentence for each kind.
    pub(super) fn sentences(&self) -> Vec<String> {
        let told = |(what, (count, first)): (&Undone, &(usize, String))| match count {
            1 => format!("{}: {first}", what.told(*count)),
            _ => format!("{}: {first} and others", what.told(*count)),
        };
        self.counts.iter().map(told).collect()
    }
}

/// Whether the system lacks the means or the right, not the disk its health.
fn is_incapable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::Unsupported
            | ErrorKind::InvalidInput
            | ErrorKind::CrossesDevices
            | ErrorKind::TooManyLinks
    )
}
