//! A transfer on its way, and the connection that it was asked for by.

use std::fmt;

use super::passive::Transfer;
use super::session::Session;
use super::sessions::Slot;
use crate::whole::Line;

/// A transfer of a file from its beginning.
pub(super) struct Coming {
    /// Both are taken out when the transfer is at its end.
    pub(super) open: Option<(Session, Transfer)>,
    pub(super) slot: Slot,
}

impl fmt::Debug for Coming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coming(open: {})", self.open.is_some())
    }
}

impl Line for Coming {
    fn is_wanted(&self) -> bool {
        self.slot.is_wanted()
    }
}
