//! The permit without which no origin is read.
//!
//! A permit names one origin and can be revoked; a source that holds one looks at it before each
//! piece. Only this crate can mint one, and it does so for a machine that the rules allow to read
//! (see [`crate::origin`]): whoever opens an origin must have been told to by a scheduler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::SourceId;

/// Leave to read one origin until it is revoked. Can't be made, copied or restored outside this
/// crate.
#[derive(Debug)]
pub struct OriginPermit {
    origin: SourceId,
    epoch: u64,
    live: Arc<AtomicBool>,
}

impl OriginPermit {
    /// The origin that may be read.
    pub fn origin(&self) -> SourceId {
        self.origin
    }

    /// Which permit of this scheduler it is, counted from 1.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether it still holds. A reader looks before each piece and stops at once when it does not.
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }
}

/// The scheduler's end of a permit: dropping it revokes the permit.
#[derive(Debug)]
pub(crate) struct PermitKeeper {
    live: Arc<AtomicBool>,
}

impl Drop for PermitKeeper {
    fn drop(&mut self) {
        self.live.store(false, Ordering::Release);
    }
}

/// Mints the permit number `epoch` for `origin`.
pub(crate) fn mint(origin: SourceId, epoch: u64) -> (OriginPermit, PermitKeeper) {
    let live = Arc::new(AtomicBool::new(true));
    (
        OriginPermit {
            origin,
            epoch,
            live: Arc::clone(&live),
        },
        PermitKeeper { live },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_keeper_revokes_the_permit() {
        let (permit, keeper) = mint(SourceId(3), 1);
        assert!(permit.is_live());
        drop(keeper);
        assert!(!permit.is_live());
        assert_eq!((permit.origin(), permit.epoch()), (SourceId(3), 1));
    }
}
