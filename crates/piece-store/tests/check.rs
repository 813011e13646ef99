//! The lists of a check.

mod common;

use common::{Sample, indexes, path};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use swarmcopy_piece_store::{Fault, FaultyDisk, MemoryDisk, check, check_on};

fn complete(sample: &Sample) -> MemoryDisk {
    let disk = MemoryDisk::new();
    for (path, bytes) in sample.files() {
        disk.put(&path, &bytes);
    }
    disk
}

#[test]
fn a_whole_copy_has_empty_lists() {
    let sample = Sample::tree();
    let hashed = AtomicU32::new(0);
    let count = |_, _| {
        hashed.fetch_add(1, Ordering::Relaxed);
    };
    let report = check_on(Arc::new(complete(&sample)), &sample.target, 2, &count).unwrap();
    assert!(report.is_whole() && report.extra.is_empty() && report.unproven.is_empty());
    assert_eq!(hashed.into_inner(), 11);
}

#[test]
fn each_kind_of_harm_is_listed_once() {
    let sample = Sample::tree();
    let disk = complete(&sample);
    let files = sample.files();
    let (large, mut bytes) = files[1].clone();
    bytes[60_000] ^= 1;
    disk.put(&large, &bytes);
    swarmcopy_piece_store::Disk::remove(&disk, &files[0].0).unwrap(); // a/small one
    disk.put(&files[5].0, b"not empty"); // last empty
    disk.put(&PathBuf::from("NAME/a/extra"), b"x");
    disk.put(&PathBuf::from("NAME.swarmcopy"), b"beside");
    let report = check_on(Arc::new(disk), &sample.target, 1, &|_, _| ()).unwrap();
    assert_eq!(report.missing, [path("a/small one")]);
    assert_eq!(report.wrong_len, [(path("last empty"), 9)]);
    assert_eq!(report.damaged, [path("a/b/large #1")]);
    assert_eq!(report.extra, [PathBuf::from("a/extra")]);
    assert!(!report.is_whole());
    assert_eq!(indexes(&report.good), [1, 2, 4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn a_folder_in_the_place_of_a_file_counts_as_missing() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in sample.files() {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.ends_with("tool") {
            std::fs::create_dir(path).unwrap();
        } else {
            std::fs::write(path, bytes).unwrap();
        }
    }
    let report = check(dir.path(), &sample.target, 0, &|_, _| ()).unwrap();
    assert_eq!(report.missing, [path("bin/tool")]);
    assert!(report.damaged.is_empty());
}

#[test]
fn a_neighbour_of_a_missing_file_is_unproven_and_not_damaged() {
    let sample = Sample::tree();
    let disk = complete(&sample);
    swarmcopy_piece_store::Disk::remove(&disk, &sample.files()[0].0).unwrap();
    let report = check_on(Arc::new(disk), &sample.target, 1, &|_, _| ()).unwrap();
    assert_eq!(report.missing, [path("a/small one")]);
    assert_eq!(report.unproven, [path("a/b/large #1")]);
    assert!(report.damaged.is_empty() && !report.is_whole());
}

#[test]
fn a_bad_piece_of_several_files_says_that_one_of_these_is_damaged() {
    let sample = Sample::tree();
    let disk = complete(&sample);
    let (small, mut bytes) = sample.files()[0].clone();
    bytes[0] ^= 1;
    disk.put(&small, &bytes);
    let report = check_on(Arc::new(disk), &sample.target, 1, &|_, _| ()).unwrap();
    assert!(report.damaged.is_empty() && !report.is_whole());
    let group = vec![path("a/small one"), path("a/b/large #1")];
    assert_eq!(report.suspects, [group]);
}

#[test]
fn a_piece_of_one_file_convicts_it_and_spares_its_neighbours() {
    let sample = Sample::tree();
    let disk = complete(&sample);
    let (large, mut bytes) = sample.files()[1].clone();
    // its first piece is that of the file before it, too
    bytes[0] ^= 1;
    bytes[60_000] ^= 1;
    disk.put(&large, &bytes);
    let report = check_on(Arc::new(disk), &sample.target, 1, &|_, _| ()).unwrap();
    assert_eq!(report.damaged, [path("a/b/large #1")]);
    assert_eq!(report.unproven, [path("a/small one")]);
    assert!(report.suspects.is_empty());
}

#[test]
fn a_check_goes_on_after_a_file_that_cannot_be_read() {
    let sample = Sample::tree();
    let disk = complete(&sample);
    let (last, mut bytes) = sample.files()[1].clone();
    bytes[60_000] ^= 1;
    disk.put(&last, &bytes);
    let unreadable = sample.files()[0].0.clone();
    let disk = FaultyDisk::new(disk, Fault::Unreadable);
    disk.fail_only(&unreadable);
    let report = check_on(Arc::new(disk), &sample.target, 2, &|_, _| ()).unwrap();
    let (named, why) = &report.unreadable[0];
    assert_eq!((report.unreadable.len(), named), (1, &path("a/small one")));
    assert!(why.starts_with("cannot read "), "{why}");
    assert_eq!(report.damaged, [path("a/b/large #1")]);
    assert!(!report.is_whole());
}
