//! The keeper: holds the locks, gives the signs of life, on a thread that may hang with the server.
//!
//! What must stay true: a slot is held only while a lock of every folder is; what can't be had
//! whole is dropped at once, so that nobody waits for another.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use swarmcopy_scheduler::LockWord;
use swarmcopy_sys::lock::{LockReach, SlotLock, SlotLocks};
use swarmcopy_sys::{FsKind, fs_kind};

use super::desk::{Desk, GuardNews};
use super::signs::Signs;

/// A sign of life is given for that long, and left out for that long.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// Tells the loop; `false` when nobody listens.
type Tell = Box<dyn FnMut(GuardNews) -> bool + Send>;

/// A folder of locks.
struct Folder {
    locks: SlotLocks,
    signs: Signs,
    /// Whether a refusal may prove that the server keeps the locks.
    unproven: bool,
}

/// A lock of one folder, with the sign of life beside it.
struct Held {
    lock: SlotLock,
    sign: Option<SlotLock>,
}

/// Holds the locks of one content.
pub(super) struct Keeper {
    folders: Vec<Folder>,
    /// For each slot held a lock of each folder, in their order.
    held: BTreeMap<u32, Vec<Held>>,
    tell: Tell,
}

impl Keeper {
    pub(super) fn new(folders: Vec<SlotLocks>, tell: Tell) -> Self {
        let folders = folders.into_iter().map(|locks| Folder {
            signs: Signs::default(),
            unproven: locks.reach() != LockReach::Server
                && fs_kind(locks.dir()).is_ok_and(FsKind::may_be_remote),
            locks,
        });
        Self {
            folders: folders.collect(),
            held: BTreeMap::new(),
            tell,
        }
    }

    /// Does what is ordered until the desk closes; then every lock is free.
    pub(super) fn run(mut self, desk: &Desk) {
        let mut sign_at = Instant::now();
        let mut sign = true;
        loop {
            let at = (!self.held.is_empty()).then_some(sign_at);
            let Some(orders) = desk.next(at) else {
                return;
            };
            for (slot, take) in orders {
                if !take {
                    self.held.remove(&slot);
                } else if !self.take_and_tell(slot) {
                    return;
                }
            }
            if Instant::now() >= sign_at {
                sign_at = Instant::now() + SIGN_EVERY;
                self.give_signs(sign);
                sign = !sign;
            }
        }
    }

    fn take_and_tell(&mut self, slot: u32) -> bool {
        let (lock, proven) = if self.held.contains_key(&slot) {
            (LockWord::Held, false)
        } else {
            self.take(slot)
        };
        if proven && !(self.tell)(GuardNews::ReachesServer) {
            return false;
        }
        (self.tell)(GuardNews::Slot { slot, lock })
    }

    /// Takes a lock of every folder for the slot; also whether a refusal proved that all folders'
    /// locks reach the server.
    fn take(&mut self, slot: u32) -> (LockWord, bool) {
        let mut taken: Vec<Held> = Vec::new();
        for place in 0..self.folders.len() {
            let ours: Vec<u32> = self
                .held
                .values()
                .filter_map(|held| held.get(place))
                .map(|held| held.lock.slot())
                .collect();
            let Some(folder) = self.folders.get_mut(place) else {
                break;
            };
            match folder.take(slot, &ours) {
                Some(lock) => taken.push(Held { lock, sign: None }),
                None => return self.refused(place, &ours),
            }
        }
        self.held.insert(slot, taken);
        (LockWord::Held, false)
    }

    fn refused(&mut self, place: usize, ours: &[u32]) -> (LockWord, bool) {
        let Some(folder) = self.folders.get_mut(place) else {
            return (LockWord::Refused, false);
        };
        let alive = folder.signs.look(&folder.locks, ours, Instant::now());
        let proved = folder.unproven && folder.is_refused_by_server(ours);
        folder.unproven &= !proved;
        let proven = proved && !self.folders.iter().any(|folder| folder.unproven);
        let word = if alive {
            LockWord::InUse
        } else {
            LockWord::Refused
        };
        (word, proven)
    }

    /// Takes the signs beside all held locks, or drops them.
    fn give_signs(&mut self, give: bool) {
        for held in self.held.values_mut() {
            for (held, folder) in held.iter_mut().zip(&self.folders) {
                held.sign = if give {
                    // one that looks at it this very moment only delays the sign
                    folder.locks.try_sign(held.lock.slot()).ok().flatten()
                } else {
                    None
                };
            }
        }
    }
}

impl Folder {
    /// Any free lock; each slot begins at a place of its own.
    fn take(&self, slot: u32, ours: &[u32]) -> Option<SlotLock> {
        let count = self.locks.slots();
        let places = (0..count).map(|step| (slot % count + step) % count);
        for place in places.filter(|place| !ours.contains(place)) {
            match self.locks.try_lock(place) {
                Ok(Some(lock)) => return Some(lock),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "cannot try a lock in {}", self.locks.dir().display());
                }
            }
        }
        None
    }

    /// Whether some lock is refused though no process of this machine holds it.
    fn is_refused_by_server(&self, ours: &[u32]) -> bool {
        (0..self.locks.slots())
            .filter(|place| !ours.contains(place))
            .any(|place| {
                matches!(self.locks.is_held_here(place), Ok(false))
                    && matches!(self.locks.try_lock(place), Ok(None))
                    && matches!(self.locks.is_held_here(place), Ok(false))
            })
    }
}
