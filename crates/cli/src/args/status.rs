//! Whom a machine tells how it does, as a flag.

use clap::ValueEnum;
use swarmcopy::StatusUse;

/// Whom a machine tells how it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusArg {
    /// Everybody who looks on at the room
    Room,
    /// Nobody
    None,
}

impl From<StatusArg> for StatusUse {
    fn from(arg: StatusArg) -> Self {
        match arg {
            StatusArg::Room => Self::Room,
            StatusArg::None => Self::Nobody,
        }
    }
}
