//! The rules of the guard, with real lock files on this machine.

use std::path::Path;
use std::sync::mpsc;

use std::time::{Duration, Instant};

use super::*;
use swarmcopy_scheduler::LockWord;

/// Nothing here takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Room {
    guard: Guard,
    news: mpsc::Receiver<GuardNews>,
}

impl Room {
    fn enter(folder: &Path) -> Self {
        let (tell, news) = mpsc::channel();
        let found = find_now(&[folder]);
        let guard = Guard::start(found, move |it| tell.send(it).is_ok()).unwrap();
        Self { guard, news }
    }

    /// Asks for a slot; the word on it.
    fn ask(&self, slot: u32) -> LockWord {
        self.guard.order(slot, true);
        match self.news.recv_timeout(PATIENCE).unwrap() {
            GuardNews::Slot { slot: of, lock } => {
                assert_eq!(of, slot);
                lock
            }
            GuardNews::ReachesServer => panic!("a local folder is no server"),
        }
    }
}

fn find_now(folders: &[&Path]) -> Found {
    let locks = folders.iter().map(|folder| look_now(folder));
    Found::of(GuardUse::Auto, locks.collect())
}

fn folder(slots: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    SlotLocks::create(&dir.path().join(FOLDER_NAME), slots).unwrap();
    dir
}

/// Asks until the word is `wanted`.
#[track_caller]
fn wait_for(wanted: LockWord, mut ask: impl FnMut() -> LockWord) {
    let end = Instant::now() + PATIENCE;
    while ask() != wanted {
        assert!(Instant::now() < end, "never {wanted:?}");
        std::thread::yield_now();
    }
}

#[test]
fn contents_of_one_share_share_its_places() {
    let share = folder(3);
    let (one, other) = (Room::enter(share.path()), Room::enter(share.path()));
    assert_eq!(one.ask(0), LockWord::Held);
    assert_eq!(other.ask(0), LockWord::Held, "any lock is as good");
    assert_eq!(one.ask(2), LockWord::Held);
    assert_ne!(other.ask(1), LockWord::Held, "only three places");
    assert_eq!(one.ask(2), LockWord::Held, "what is held stays held");
    one.guard.order(0, false);
    wait_for(LockWord::Held, || other.ask(1));
    assert_ne!(one.ask(0), LockWord::Held);
    drop(other);
    wait_for(LockWord::Held, || one.ask(0));
    wait_for(LockWord::Held, || one.ask(1));
}

#[test]
fn a_holder_that_lives_is_told_from_a_lock_that_leaked() {
    let share = folder(1);
    let (one, other) = (Room::enter(share.path()), Room::enter(share.path()));
    assert_eq!(one.ask(0), LockWord::Held);
    wait_for(LockWord::InUse, || other.ask(0));
    drop(one);
    wait_for(LockWord::Held, || other.ask(0));
}

#[test]
fn a_lock_without_a_sign_of_life_is_refused() {
    let share = folder(1);
    let folder = share.path().join(FOLDER_NAME);
    let _left_behind = SlotLocks::open(&folder).unwrap().try_lock(0).unwrap();
    let late = Room::enter(share.path());
    assert_eq!(late.ask(0), LockWord::Refused);
}

#[test]
fn a_slot_needs_a_lock_of_every_folder() {
    let (near, far) = (folder(2), folder(1));
    let (tell, news) = mpsc::channel();
    let found = find_now(&[near.path(), far.path()]);
    assert_eq!((found.state, found.slots()), (GuardState::Local, Some(1)));
    let guard = Guard::start(found, move |it| tell.send(it).is_ok()).unwrap();
    let both = Room { guard, news };
    let one = Room::enter(far.path());
    assert_eq!(one.ask(0), LockWord::Held);
    assert_ne!(both.ask(0), LockWord::Held);
    let near_only = Room::enter(near.path());
    assert_eq!(near_only.ask(0), LockWord::Held);
    assert_eq!(near_only.ask(1), LockWord::Held, "nothing is kept in vain");
}

#[test]
fn what_is_found_is_said_honestly() {
    let found = |folders: &[&Path]| {
        let found = find_now(folders);
        (found.state, found.slots())
    };
    let (bare, share) = (tempfile::tempdir().unwrap(), folder(4));
    assert_eq!(found(&[]), (GuardState::None, None));
    assert_eq!(found(&[bare.path()]), (GuardState::None, None));
    let twice = [share.path(), bare.path(), share.path()];
    assert_eq!(found(&twice), (GuardState::Local, Some(4)));
    assert_eq!(find_now(&[share.path(); 2]).folders.len(), 1);
    std::fs::remove_file(share.path().join(FOLDER_NAME).join("slot-2")).unwrap();
    assert_eq!(found(&[share.path()]), (GuardState::Unavailable, None));
}

#[tokio::test]
async fn lock_files_that_are_not_wanted_are_left_alone() {
    let share = folder(2);
    let off = Found::of(GuardUse::Off, vec![look(share.path().to_path_buf()).await]);
    assert_eq!((off.state, off.slots()), (GuardState::Off, None));
    assert!(Guard::start(off, |_| true).is_none());
    let auto = Found::of(GuardUse::Auto, vec![look(share.path().to_path_buf()).await]);
    assert_eq!((auto.state, auto.slots()), (GuardState::Local, Some(2)));
}
