//! What the next run trusts after this one ended in any way.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{Opened, Sample, indexes, range};
use swarmcopy_piece_store::{Fault, FaultyDisk, MemoryDisk, Options, Target};

const JOURNAL: &str = "NAME.swarmcopy";

fn open(sample: &Sample, disk: &MemoryDisk) -> Opened {
    sample
        .open_on(Arc::new(disk.clone()), &Options::default())
        .unwrap()
}

fn feed(opened: &Opened, sample: &Sample, pieces: &[u32]) {
    for piece in pieces {
        opened.feed(sample, sample.span(*piece), 1);
    }
    opened.wait_ok(u32::try_from(pieces.len()).unwrap());
}

/// A disk on which an earlier run recorded pieces 0, 3 and 9.
fn recorded(sample: &Sample) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let opened = open(sample, &disk);
    feed(&opened, sample, &[0, 3, 9]);
    opened.store.close().unwrap();
    disk
}

#[test]
fn recorded_pieces_are_trusted_and_finished_without_hashing() {
    let sample = Sample::tree();
    let disk = recorded(&sample);
    let opened = open(&sample, &disk);
    assert_eq!(indexes(&opened.resume.have), [0, 3, 9]);
    assert!(
        opened.store.read(sample.span(3)).unwrap().concat() == sample.bytes[range(sample.span(3))]
    );
    feed(&opened, &sample, &[1, 2, 4, 5, 6, 7, 8, 10]);
    opened.store.finish().unwrap();
    for (path, bytes) in sample.files() {
        assert!(disk.bytes(&path).unwrap() == bytes, "{path:?}");
    }
    assert_eq!(disk.bytes(Path::new(JOURNAL)), None);
}

#[test]
fn a_run_that_was_killed_is_hashed_again_and_nothing_is_lost() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    let opened = sample.open(dir.path()).unwrap();
    feed(&opened, &sample, &[0, 1, 5]);
    drop(opened); // nothing synchronised
    let opened = sample.open(dir.path()).unwrap();
    assert_eq!(indexes(&opened.resume.have), []);
    let right = opened
        .store
        .recheck(&opened.resume.recheck, &|_, _| ())
        .unwrap();
    assert_eq!(indexes(&right), [0, 1, 5]);
    assert_eq!(opened.store.have(), right);
    // what was hashed is recorded too
    opened.store.close().unwrap();
    drop(opened);
    assert_eq!(
        indexes(&sample.open(dir.path()).unwrap().resume.have),
        [0, 1, 5]
    );
}

#[test]
fn a_journal_cut_anywhere_trusts_only_what_was_recorded() {
    let sample = Sample::tree();
    let disk = recorded(&sample);
    let journal = disk.bytes(Path::new(JOURNAL)).unwrap();
    let mut most = 0;
    for len in 0..=journal.len() {
        disk.put(Path::new(JOURNAL), &journal[..len]);
        let opened = open(&sample, &disk);
        let have = indexes(&opened.resume.have);
        assert!(
            have.iter().all(|piece| [0, 3, 9].contains(piece)),
            "{have:?} at {len}"
        );
        let both = opened
            .resume
            .have
            .iter()
            .any(|piece| opened.resume.recheck.contains(piece));
        assert!(!both, "hashed in vain at {len}");
        assert!(have.len() >= most, "less is trusted of more at {len}");
        most = have.len();
    }
    assert_eq!(most, 3);
}

#[test]
fn a_journal_with_a_flipped_bit_trusts_only_what_was_recorded() {
    let sample = Sample::tree();
    let disk = recorded(&sample);
    let journal = disk.bytes(Path::new(JOURNAL)).unwrap();
    for bit in 0..journal.len() * 8 {
        let mut wrong = journal.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        disk.put(Path::new(JOURNAL), &wrong);
        let have = indexes(&open(&sample, &disk).resume.have);
        assert!(
            have.iter().all(|piece| [0, 3, 9].contains(piece)),
            "{have:?} at bit {bit}"
        );
        assert!(have.len() < 3, "the flipped bit {bit} did not matter");
    }
}

#[test]
fn records_behind_a_torn_one_are_cut_before_new_ones_are_added() {
    let sample = Sample::tree();
    let disk = recorded(&sample);
    let mut journal = disk.bytes(Path::new(JOURNAL)).unwrap();
    journal.truncate(journal.len() - 5);
    disk.put(Path::new(JOURNAL), &journal);
    let opened = open(&sample, &disk);
    assert_eq!(opened.resume.have.len(), 2);
    feed(&opened, &sample, &[4]);
    opened.store.close().unwrap();
    drop(opened);
    assert_eq!(open(&sample, &disk).resume.have.len(), 3);
}

#[test]
fn a_file_that_was_touched_or_cut_is_hashed_again() {
    let sample = Sample::tree();
    let disk = recorded(&sample);
    let (path, mut bytes) = sample.files().swap_remove(4);
    assert_eq!(path, Path::new("NAME/z/ü"));
    let there = disk.bytes(&path).unwrap();
    bytes[20_000] ^= 1; // in piece 9 or 8
    disk.put(&path, &bytes);
    let opened = open(&sample, &disk);
    assert_eq!(indexes(&opened.resume.have), [0, 3]);
    let right = opened
        .store
        .recheck(&opened.resume.recheck, &|_, _| ())
        .unwrap();
    let damaged = sample
        .target
        .layout()
        .piece_at(1000 + 100_000 + 12_345 + 1343 + 20_000);
    assert!(!right.contains(damaged.unwrap()));
    drop(opened);
    disk.put(&path, &there[..10]);
    let opened = open(&sample, &disk);
    assert!(!opened.resume.have.contains(sample.piece(9)));
    assert!(!opened.resume.recheck.contains(sample.piece(9)));
}

#[test]
fn the_journal_of_another_content_or_layout_is_ignored() {
    let sample = Sample::tree();
    let disk = recorded(&sample);
    let of = &sample.target;
    let other_id = Target::new(
        of.name().clone(),
        of.shape(),
        Arc::clone(of.layout()),
        Arc::clone(of.digests()),
        [8; 32],
    );
    let other = Sample {
        target: other_id.unwrap(),
        bytes: sample.bytes.clone(),
    };
    let opened = open(&other, &disk);
    assert_eq!(indexes(&opened.resume.have), []);
    assert!(opened.resume.recheck.contains(sample.piece(3)));
}

#[test]
fn what_lies_there_without_a_journal_is_hashed_and_used() {
    let sample = Sample::tree();
    let disk = MemoryDisk::new();
    for (path, bytes) in sample.files() {
        disk.put(&path, &bytes);
    }
    let opened = open(&sample, &disk);
    assert!(opened.resume.have.is_empty() && opened.resume.recheck.is_full());
    assert!(
        opened
            .store
            .recheck(&opened.resume.recheck, &|_, _| ())
            .unwrap()
            .is_full()
    );
    assert!(opened.store.reserve(sample.whole(), 1).is_none());
    opened.store.finish().unwrap();
    assert_eq!(disk.bytes(Path::new(JOURNAL)), None);
}

#[test]
fn what_the_disk_did_not_keep_is_never_recorded() {
    let sample = Sample::tree();
    let memory = MemoryDisk::new();
    let disk = Arc::new(FaultyDisk::new(memory.clone(), Fault::SyncFails));
    let opened = sample.open_on(disk.clone(), &Options::default()).unwrap();
    feed(&opened, &sample, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert!(opened.store.close().is_err());
    // the system may report the next attempt as a success
    disk.set_fault(Fault::None);
    opened.store.close().unwrap();
    assert!(opened.store.finish().is_err());
    drop(opened);
    let opened = open(&sample, &memory);
    assert_eq!(indexes(&opened.resume.have), []);
    assert!(opened.resume.recheck.is_full());
}
