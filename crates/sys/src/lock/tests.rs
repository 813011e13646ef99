//! The rules of slot locks, between handles and between processes.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// Tells a child of this test binary which folder to lock in.
const DIR_OF_CHILD: &str = "SWARMCOPY_SYS_TEST_LOCK_DIR";

#[test]
fn a_held_slot_is_refused_until_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(dir.path(), 2).unwrap();
    let held = locks.try_lock(0).unwrap().unwrap();
    assert_eq!(held.slot(), 0);
    assert!(locks.try_lock(0).unwrap().is_none());
    assert!(
        SlotLocks::open(dir.path())
            .unwrap()
            .try_lock(0)
            .unwrap()
            .is_none()
    );
    drop(held);
    assert!(locks.try_lock(0).unwrap().is_some());
}

#[test]
fn slots_do_not_touch_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(dir.path(), SLOTS_MAX).unwrap();
    let all: Vec<SlotLock> = (0..SLOTS_MAX)
        .filter_map(|i| locks.try_lock(i).unwrap())
        .collect();
    assert_eq!(all.len(), 64);
    assert!(locks.self_test().unwrap());
}

#[test]
fn self_test_leaves_every_slot_free() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(dir.path(), 3).unwrap();
    assert!(locks.self_test().unwrap());
    assert!((0..locks.slots()).all(|i| locks.try_lock(i).unwrap().is_some()));
}

#[test]
fn making_the_files_again_frees_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(&dir.path().join(".swarmcopy"), 2).unwrap();
    let _held = locks.try_lock(1).unwrap().unwrap();
    let again = SlotLocks::create(&dir.path().join(".swarmcopy"), 2).unwrap();
    assert!(again.try_lock(1).unwrap().is_none());
}

#[test]
fn counts_and_slots_beyond_the_limits_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for count in [0, SLOTS_MAX + 1, u32::MAX] {
        assert_eq!(
            SlotLocks::create(dir.path(), count).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
    let locks = SlotLocks::create(dir.path(), 2).unwrap();
    for slot in [2, SLOT_OF_TEST, u32::MAX] {
        let errors = [
            locks.try_lock(slot).unwrap_err(),
            locks.try_sign(slot).unwrap_err(),
            locks.sees_sign(slot).unwrap_err(),
        ];
        assert!(
            errors
                .iter()
                .all(|error| error.kind() == ErrorKind::InvalidInput)
        );
    }
}

#[test]
fn a_folder_without_lock_files_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        SlotLocks::open(dir.path()).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn the_folder_tells_how_many_slots_there_are() {
    let dir = tempfile::tempdir().unwrap();
    for slots in [5, 2, 64] {
        SlotLocks::create(dir.path(), slots).unwrap();
        assert_eq!(SlotLocks::open(dir.path()).unwrap().slots(), slots);
    }
    for text in ["", "0", "65", "-1", "three", "99999999999999999999"] {
        std::fs::write(dir.path().join("slots"), text).unwrap();
        let error = SlotLocks::open(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
    }
}

#[test]
fn a_sign_of_life_is_seen_while_it_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(dir.path(), 2).unwrap();
    assert!(!locks.sees_sign(1).unwrap());
    let sign = locks.try_sign(1).unwrap().unwrap();
    assert!(locks.sees_sign(1).unwrap() && !locks.sees_sign(0).unwrap());
    assert!(locks.try_lock(1).unwrap().is_some(), "a sign is no slot");
    drop(sign);
    assert!(!locks.sees_sign(1).unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn a_slot_held_by_this_machine_is_known_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(dir.path(), 2).unwrap();
    let _held = locks.try_lock(1).unwrap().unwrap();
    assert!(locks.is_held_here(1).unwrap() && !locks.is_held_here(0).unwrap());
}

#[test]
fn another_process_is_refused_and_its_death_frees_the_slot() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(dir.path(), 1).unwrap();
    let mut child = holder(dir.path());
    assert!(locks.try_lock(0).unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(locks.try_lock(0).unwrap().is_some());
}

#[test]
fn a_slot_held_here_is_refused_to_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let locks = SlotLocks::create(dir.path(), 1).unwrap();
    let _held = locks.try_lock(0).unwrap().unwrap();
    let mut child = start_child(dir.path());
    assert_eq!(first_answer(&mut child), "refused");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Starts a process that holds slot 0 until it dies.
fn holder(dir: &Path) -> Child {
    let mut child = start_child(dir);
    assert_eq!(first_answer(&mut child), "held");
    child
}

fn start_child(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "lock::tests::child_process",
            "--nocapture",
            "--include-ignored",
        ])
        .env(DIR_OF_CHILD, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads what the child says; its pipe ends with it, so this ends too.
fn first_answer(child: &mut Child) -> String {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let answer = lines
        .map(Result::unwrap)
        .find(|line| line.starts_with("slot 0: "));
    answer
        .unwrap()
        .trim_start_matches("slot 0: ")
        .trim_end()
        .to_owned()
}

/// The other process of the tests above: does nothing when run by itself.
#[test]
#[ignore = "run by other tests as a process of its own"]
fn child_process() {
    let Some(dir) = std::env::var_os(DIR_OF_CHILD) else {
        return;
    };
    let lock = SlotLocks::open(Path::new(&dir))
        .unwrap()
        .try_lock(0)
        .unwrap();
    let answer = if lock.is_some() { "held" } else { "refused" };
    // the first words of a line belong to the test harness
    println!("\nslot 0: {answer}");
    std::io::stdout().flush().unwrap();
    // stays until the parent kills this process or closes the pipe by its own end
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
