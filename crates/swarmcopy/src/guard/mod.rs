//! The guard: lock files of a share by which its server counts the machines that read it.
//!
//! A folder of lock files is looked for beside each share and beside the .torrent; when there is one,
//! and its locks prove to work, a slot may read a share only while it holds a lock of each folder.
//! Which lock is all the same: K locks are for all contents of that share together, so that two
//! roll-outs at once share the K places.
//!
//! What must stay true: the loop never waits for a lock file, for its server may hang; a lock is
//! held by nobody but the keeper's thread and ends with it.

mod desk;
mod keeper;
mod signs;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use swarmcopy_sys::FileId;
use swarmcopy_sys::lock::{LockReach, SlotLocks};
use tokio::sync::oneshot;

use crate::{GuardState, GuardUse};
use desk::Desk;
pub(crate) use desk::GuardNews;
use keeper::Keeper;

/// The folder of lock files, in the folder that a share's content or its .torrent lies in.
pub(crate) const FOLDER_NAME: &str = ".swarmcopy";
/// Most folders of locks of one content.
const FOLDERS_MAX: usize = 8;

/// The lock files of one folder, tested.
#[derive(Debug, Default)]
pub(crate) enum Locks {
    /// There are none.
    #[default]
    None,
    /// There are some that do not work.
    Broken,
    /// They work; the folder's own id tells it from the others.
    Work(FileId, SlotLocks),
}

/// The lock files of one content.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What they are worth.
    pub(crate) state: GuardState,
    folders: Vec<SlotLocks>,
}

impl Found {
    /// What was found in several folders, each counted once.
    pub(crate) fn of(wanted: GuardUse, all: Vec<Locks>) -> Self {
        if wanted == GuardUse::Off {
            let state = GuardState::Off;
            return Self {
                state,
                folders: Vec::new(),
            };
        }
        let (mut folders, mut broken, mut seen) = (Vec::new(), false, Vec::new());
        for locks in all {
            match locks {
                Locks::None => {}
                Locks::Broken => broken = true,
                Locks::Work(id, _) if seen.contains(&id) => {}
                Locks::Work(id, locks) => {
                    seen.push(id);
                    folders.push(locks);
                }
            }
        }
        // the same order on every machine: each takes the scarcest lock first
        folders.sort_by_key(SlotLocks::slots);
        folders.truncate(FOLDERS_MAX);
        let state = if folders.is_empty() && broken {
            GuardState::Unavailable
        } else if folders.is_empty() {
            GuardState::None
        } else if folders.iter().all(|it| it.reach() == LockReach::Server) {
            GuardState::Server
        } else {
            GuardState::Local
        };
        Self { state, folders }
    }

    /// How many machines may read, if lock files count them.
    pub(crate) fn slots(&self) -> Option<u32> {
        self.folders.iter().map(SlotLocks::slots).min()
    }
}

/// Looks for lock files in a folder on a thread of its own; nothing is told if that ends without a word. May be
/// dropped at any await.
pub(crate) async fn look(beside: PathBuf) -> Locks {
    let (tell, told) = oneshot::channel();
    let looking = std::thread::Builder::new().spawn(move || {
        // nobody listens any more when the server took too long
        let _ = tell.send(look_now(&beside));
    });
    if let Err(error) = looking {
        tracing::warn!("lock files left out: cannot start a thread: {error}");
        return Locks::Broken;
    }
    told.await.unwrap_or_default()
}

/// Looks for lock files in a folder and tests them. May hang with its server.
pub(crate) fn look_now(beside: &Path) -> Locks {
    let folder = beside.join(FOLDER_NAME);
    let Ok(id) = swarmcopy_sys::file_id(&folder) else {
        return Locks::None;
    };
    match SlotLocks::open(&folder).and_then(|locks| Ok((locks.self_test()?, locks))) {
        Ok((true, locks)) => Locks::Work(id, locks),
        Ok((false, _)) => {
            tracing::warn!("{}: two handles get the same lock", folder.display());
            Locks::Broken
        }
        Err(error) => {
            tracing::warn!("cannot use the lock files in {}: {error}", folder.display());
            Locks::Broken
        }
    }
}

/// Takes and drops locks as told, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Guard {
    desk: Arc<Desk>,
}

impl Guard {
    /// Starts the keeper of these locks, if there are any. It tells how orders went by `tell`,
    /// which may block and says whether anybody still listens.
    pub(crate) fn start(
        found: Found,
        tell: impl FnMut(GuardNews) -> bool + Send + 'static,
    ) -> Option<Self> {
        if found.folders.is_empty() {
            return None;
        }
        let desk = Arc::new(Desk::default());
        let keeper = Keeper::new(found.folders, Box::new(tell));
        let orders = Arc::clone(&desk);
        let keeping = std::thread::Builder::new().spawn(move || keeper.run(&orders));
        if let Err(error) = keeping {
            tracing::warn!("the server's locks are not used: cannot start a thread: {error}");
            return None;
        }
        Some(Self { desk })
    }

    /// Has the lock of a slot taken (`true`) or dropped. Never waits.
    pub(crate) fn order(&self, slot: u32, take: bool) {
        self.desk.with(|orders| {
            orders.slots.insert(slot, take);
        });
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.desk.with(|orders| orders.closed = true);
    }
}
