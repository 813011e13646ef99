//! The room between who sees it and who shows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::seen::Seen;

/// The room, shared by who sees it and who shows it.
pub type SharedRoom = Arc<Mutex<Seen>>;

/// Looks at or changes what is seen; not to be held across an await.
pub fn lock(room: &SharedRoom) -> MutexGuard<'_, Seen> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}
