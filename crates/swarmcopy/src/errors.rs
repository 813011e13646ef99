//! Options that can't be right, and sessions that can't be built.
//!
//! Each is typed where it is given, so that a caller can act on it; each becomes an [`Error`] with a kind.

use std::net::SocketAddr;

use swarmcopy_address::{Shown, in_text};

use crate::{Error, ErrorKind};

/// An option that can't be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} {value:?}: {why}")]
pub struct OptionError {
    option: OptionName,
    value: String,
    why: String,
}

/// Which option is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionName {
    /// The address of a mirror.
    Mirror,
    /// The address of a peer.
    Peer,
    /// The address of a tracker.
    Tracker,
    /// The address of a node of the distributed hash table.
    DhtNode,
    /// A pattern of files.
    Select,
    /// The most machines that read the origin at a time.
    ReadersMax,
    /// The most connected peers.
    Connections,
    /// The most bytes a second.
    Rate,
    /// The name of a group.
    Group,
    /// A country of mirrors.
    Location,
    /// Whether links are encrypted.
    Encryption,
}

impl OptionName {
    /// The option in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mirror => "mirror",
            Self::Peer => "peer",
            Self::Tracker => "tracker",
            Self::DhtNode => "node of the hash table",
            Self::Select => "pattern",
            Self::ReadersMax => "number of readers",
            Self::Connections => "number of connections",
            Self::Rate => "rate",
            Self::Group => "group",
            Self::Location => "country",
            Self::Encryption => "encryption",
        }
    }
}

impl std::fmt::Display for OptionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl OptionError {
    /// The value is shown as `value`: an address without its login.
    pub(crate) fn new(
        option: OptionName,
        value: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        let value: String = value.into();
        Self {
            option,
            value: match option {
                OptionName::Mirror
                | OptionName::Tracker
                | OptionName::Peer
                | OptionName::DhtNode => Shown(value).to_string(),
                _ => in_text(&value).into_owned(),
            },
            why: why.into(),
        }
    }

    /// Which option it is.
    pub fn option(&self) -> OptionName {
        self.option
    }

    /// Its value as it may be shown.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// It was not built in a tokio runtime, or in one without I/O and time.
    #[error("a session needs a tokio runtime with I/O and time")]
    NoRuntime,
    /// An option can't be right.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Nobody can be heard at the address.
    #[error("{cause}")]
    Listen {
        /// The address that was asked for; `None` for any.
        addr: Option<SocketAddr>,
        /// What the system says.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The distributed hash table can't be used.
    #[error(transparent)]
    Dht(Error),
}

impl From<OptionError> for Error {
    fn from(error: OptionError) -> Self {
        Self::new(ErrorKind::Usage, error.to_string()).with_cause(error)
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Option(error) => error.into(),
            other => Self::new(ErrorKind::Failed, other.to_string()).with_cause(other),
        }
    }
}
