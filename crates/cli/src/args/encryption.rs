//! Whether links with other clients are encrypted.

use clap::ValueEnum;
use swarmcopy::Encryption;

/// When links are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncryptionArg {
    /// Where the peer wants it
    Accept,
    /// Where the peer can do it
    Prefer,
    /// Never
    Off,
}

impl From<EncryptionArg> for Encryption {
    fn from(arg: EncryptionArg) -> Self {
        match arg {
            EncryptionArg::Accept => Self::Accept,
            EncryptionArg::Prefer => Self::Prefer,
            EncryptionArg::Off => Self::Off,
        }
    }
}
