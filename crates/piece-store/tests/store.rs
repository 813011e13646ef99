//! The way of bytes through a store: in, verified, onto the disk, back out.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{Sample, range};
use swarmcopy_layout::{RelPath, Span};
use swarmcopy_piece_store::{
    Fault, FaultyDisk, MemoryDisk, Options, Placement, Store, StoreError, StoreErrorKind,
    StoreEvent,
};

fn memory(sample: &Sample) -> (MemoryDisk, common::Opened) {
    let disk = MemoryDisk::new();
    let opened = sample
        .open_on(Arc::new(disk.clone()), &Options::default())
        .unwrap();
    (disk, opened)
}

#[test]
fn a_tree_is_written_as_it_was_and_the_journal_is_gone() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    let opened = sample.open(dir.path()).unwrap();
    opened.feed(&sample, Span::new(0, 60_000), 1);
    opened.feed(&sample, sample.whole(), 2);
    opened.wait_ok(11);
    assert!(dir.path().join("NAME.swarmcopy").exists());
    opened.store.finish().unwrap();
    for (path, bytes) in sample.files() {
        assert!(
            std::fs::read(dir.path().join(&path)).unwrap() == bytes,
            "{path:?}"
        );
    }
    assert!(!dir.path().join("NAME.swarmcopy").exists());
    assert!(!dir.path().join("NAME/.pad").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path| {
            std::fs::metadata(dir.path().join(path))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("NAME/bin/tool") & 0o100, 0o100);
        assert_eq!(mode("NAME/z/ü") & 0o111, 0);
    }
    // a finished copy is still read, from the files
    let read = opened
        .store
        .read(Span::new(20_000, 40_000))
        .unwrap()
        .concat();
    assert!(read == sample.bytes[20_000..60_000]);
    opened.store.finish().unwrap();
}

#[test]
fn a_single_file_lies_under_the_name() {
    let sample = Sample::file(3_000_000, 1 << 20);
    let (disk, opened) = memory(&sample);
    opened.feed(&sample, sample.whole(), 1);
    opened.wait_ok(3);
    opened.store.finish().unwrap();
    assert!(disk.bytes(Path::new("NAME")).unwrap() == sample.bytes);
}

#[test]
fn wrong_bytes_never_land_on_the_disk() {
    let sample = Sample::tree();
    let (disk, opened) = memory(&sample);
    opened.feed_with(sample.whole(), 3, |_, buffer| buffer.fill(0x55));
    for _ in 0..11 {
        let event = opened.next();
        let StoreEvent::PieceBad { senders, .. } = event else {
            panic!("{event:?}")
        };
        assert_eq!(senders, [3]);
    }
    for (path, _) in sample.files() {
        assert_eq!(disk.bytes(&path), None, "{path:?}");
    }
    assert!(opened.store.have().is_empty());
    // a pad of a piece that is begun again may be there already
    let mut missing = opened.store.missing(sample.whole());
    missing.insert(Span::new(113_345, 1343));
    assert_eq!(missing.len(), sample.whole().len());
}

#[test]
fn the_liar_is_named_once_the_piece_verifies_and_the_innocent_is_not() {
    let sample = Sample::file(64 << 10, 64 << 10);
    let (_, opened) = memory(&sample);
    opened.feed(&sample, Span::new(0, 32 << 10), 1);
    opened.feed_with(Span::new(32 << 10, 16 << 10), 2, |_, buffer| buffer.fill(0));
    opened.feed(&sample, sample.whole(), 1);
    let event = opened.next();
    assert!(matches!(&event, StoreEvent::PieceBad { senders, .. } if *senders == [1, 2]));
    opened.feed(&sample, sample.whole(), 3);
    opened.wait_ok(1);
    assert!(matches!(opened.next(), StoreEvent::Liar { sender: 2, .. }));
    opened.store.finish().unwrap();
    assert!(opened.events.try_recv().is_err());
}

#[test]
fn a_full_disk_is_reported_and_its_pieces_are_missing_again() {
    let sample = Sample::tree();
    let memory = MemoryDisk::new();
    let disk = Arc::new(FaultyDisk::new(memory, Fault::None));
    let opened = sample.open_on(disk.clone(), &Options::default()).unwrap();
    disk.set_fault(Fault::FullAfter(5000));
    opened.feed(&sample, sample.span(0), 1);
    let event = opened.next();
    let StoreEvent::Failed(error) = event else {
        panic!("{event:?}")
    };
    assert_eq!(error.kind(), StoreErrorKind::Full);
    assert!(error.to_string().contains("large #1"), "{error}");
    assert!(opened.store.have().is_empty());
    disk.set_fault(Fault::None);
    opened.feed(&sample, sample.whole(), 1);
    opened.wait_ok(11);
    opened.store.finish().unwrap();
}

#[test]
fn a_read_only_disk_is_told_from_a_full_one() {
    let sample = Sample::tree();
    let disk = Arc::new(FaultyDisk::new(MemoryDisk::new(), Fault::ReadOnly));
    let error = sample.open_on(disk, &Options::default()).err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
}

#[test]
fn only_verified_bytes_are_read_and_the_newest_without_the_disk() {
    let sample = Sample::file(100_000, 16 << 10);
    let (disk, opened) = memory(&sample);
    opened.store.keep_newest(true);
    let refused = opened.store.read(Span::new(0, 10)).unwrap_err();
    assert!(matches!(refused, StoreError::NotVerified { piece: 0 }));
    opened.feed(&sample, Span::new(0, 32 << 10), 1);
    opened.wait_ok(2);
    assert!(opened.store.read(Span::new(30_000, 10_000)).is_err());
    assert!(opened.store.read(Span::new(99_999, 10)).is_err());
    let across = opened.store.read(Span::new(16_000, 1000)).unwrap().concat();
    assert!(across == sample.bytes[16_000..17_000]);
    disk.put(Path::new("NAME"), b"overwritten by somebody");
    let hot = opened
        .store
        .read_cached(Span::new(5000, 10_000))
        .unwrap()
        .concat();
    assert!(hot == sample.bytes[5000..15_000]);
    let mut short = [0; 5];
    assert!(
        opened
            .store
            .read_into(Span::new(0, 10), &mut short)
            .is_err()
    );
}

#[test]
fn a_read_only_store_sends_nothing_that_it_has_not_hashed() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in sample.files() {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let large = dir.path().join("NAME/a/b/large #1");
    let mut damaged = std::fs::read(&large).unwrap();
    damaged[50_000] ^= 1;
    std::fs::write(&large, damaged).unwrap();
    let options = Options::default();
    let store = Store::open_read_only(dir.path(), sample.target.clone(), &options).unwrap();
    assert!(store.read(sample.span(0)).is_err());
    assert!(store.reserve(sample.whole(), 1).is_none());
    let report = store.check(&|_, _| Ok(())).unwrap();
    let bad = u32::try_from(51_000 / (16 << 10)).unwrap();
    assert_eq!(report.damaged, [RelPath::parse("a/b/large #1").unwrap()]);
    let right = (0..11).map(|i| store.has(sample.piece(i)));
    let right: Vec<bool> = right.collect();
    let expected: Vec<bool> = (0..11).map(|at| at != bad).collect();
    assert_eq!(right, expected);
    assert!(store.read(sample.span(0)).unwrap().concat() == sample.bytes[range(sample.span(0))]);
    assert!(store.read(sample.span(3)).is_err());
    assert!(store.finish().is_err());
    assert!(!dir.path().join("NAME.swarmcopy").exists());
}

#[test]
fn a_read_only_store_of_nothing_says_what_is_missing() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    let opened = Store::open_read_only(dir.path(), sample.target.clone(), &Options::default());
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Missing);
    assert!(error.to_string().contains("NAME"), "{error}");
}

#[test]
fn a_staged_copy_appears_only_when_it_is_complete() {
    for sample in [Sample::tree(), Sample::file(100_000, 16 << 10)] {
        let disk = MemoryDisk::new();
        let options = {
            let mut options = Options::default();
            options.placement = Placement::Staged;
            options
        };
        let opened = sample.open_on(Arc::new(disk.clone()), &options).unwrap();
        opened.feed(&sample, sample.whole(), 1);
        opened.wait_ok(sample.target.layout().pieces());
        assert!(
            sample
                .files()
                .iter()
                .all(|(path, _)| disk.bytes(path).is_none())
        );
        opened.store.finish().unwrap();
        for (path, bytes) in sample.files() {
            assert!(disk.bytes(&path).unwrap() == bytes, "{path:?}");
        }
        assert!(opened.store.read(sample.whole()).unwrap().concat() == sample.bytes);
        let refused = sample.open_on(Arc::new(disk), &options).err().unwrap();
        assert!(matches!(refused, StoreError::Occupied { .. }), "{refused}");
    }
}

#[test]
fn two_processes_never_write_one_copy() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    let first = sample.open(dir.path()).unwrap();
    let error = sample.open(dir.path()).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    drop(first);
    sample.open(dir.path()).unwrap();
}

#[cfg(windows)]
#[test]
fn a_file_that_another_program_holds_is_named_and_the_copy_goes_on_when_it_is_let_go() {
    use std::os::windows::fs::OpenOptionsExt;

    let sample = Sample::file(40_000, 16 << 10);
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("NAME");
    let mut options = std::fs::File::options();
    let holder = options.write(true).create(true).share_mode(0).open(&place);
    let holder = holder.unwrap();
    let opened = sample.open(dir.path()).unwrap();
    opened.feed(&sample, sample.whole(), 1);
    let event = opened.next();
    let StoreEvent::Failed(error) = event else {
        panic!("{event:?}")
    };
    assert_eq!(error.kind(), StoreErrorKind::Held, "{error}");
    assert_eq!(error.path(), Some(place.as_path()));
    drop((holder, opened));
    let opened = sample.open(dir.path()).unwrap();
    opened.feed(&sample, sample.whole(), 1);
    opened.wait_ok(3);
    opened.store.finish().unwrap();
    assert!(std::fs::read(&place).unwrap() == sample.bytes);
}

#[test]
fn what_lies_there_is_cut_to_length_only_when_the_copy_is_complete() {
    let sample = Sample::file(40_000, 16 << 10);
    let (disk, opened) = {
        let disk = MemoryDisk::new();
        disk.put(Path::new("NAME"), &[9; 90_000]);
        (
            disk.clone(),
            sample.open_on(Arc::new(disk), &Options::default()).unwrap(),
        )
    };
    opened.feed(&sample, sample.span(0), 1);
    opened.wait_ok(1);
    opened.store.close().unwrap();
    assert_eq!(disk.bytes(Path::new("NAME")).unwrap().len(), 90_000);
    assert!(matches!(
        opened.store.finish(),
        Err(StoreError::Incomplete { missing: 2 })
    ));
    opened.feed(&sample, sample.whole(), 1);
    opened.wait_ok(2);
    opened.store.finish().unwrap();
    assert!(disk.bytes(Path::new("NAME")).unwrap() == sample.bytes);
}

#[test]
fn a_file_that_was_cut_meanwhile_is_not_passed_off_as_complete() {
    let sample = Sample::tree();
    let (disk, opened) = memory(&sample);
    opened.feed(&sample, sample.whole(), 1);
    opened.wait_ok(11);
    opened.store.close().unwrap();
    disk.put(&sample.files()[1].0, b"short");
    let error = opened.store.finish().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Missing);
    assert!(disk.bytes(Path::new("NAME.swarmcopy")).is_some());
}

#[cfg(unix)]
#[test]
fn a_complete_copy_of_read_only_files_is_finished() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in sample.files() {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let mut permissions = std::fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&path, permissions).unwrap();
    }
    let opened = sample.open(dir.path()).unwrap();
    assert!(
        opened
            .store
            .recheck(&opened.resume.recheck, &|_, _| ())
            .unwrap()
            .is_full()
    );
    opened.store.finish().unwrap();
}

#[test]
fn a_file_where_the_tree_needs_a_folder_is_named_at_once() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("NAME"), b"a file").unwrap();
    let error = sample.open(dir.path()).err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Obstructed);
    assert!(
        error.to_string().contains("NAME is not a folder"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_in_the_tree_is_refused_and_named() {
    let sample = Sample::tree();
    let dir = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let opened = sample.open(dir.path()).unwrap();
    std::fs::create_dir(dir.path().join("NAME")).unwrap();
    std::os::unix::fs::symlink(out.path(), dir.path().join("NAME/a")).unwrap();
    opened.feed(&sample, sample.span(0), 1);
    let event = opened.next();
    let StoreEvent::Failed(error) = event else {
        panic!("{event:?}")
    };
    assert!(error.to_string().contains("NAME/a is a link"), "{error}");
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn a_hung_holder_does_not_stop_the_piece() {
    let sample = Sample::file(100_000, 64 << 10);
    let (_, opened) = memory(&sample);
    let (span, hung) = opened.store.reserve(Span::new(0, 20_000), 1).unwrap();
    opened.store.abandon(Span::new(0, 100_000), 1);
    opened.feed(&sample, sample.whole(), 2);
    opened.wait_ok(2);
    opened.store.commit(span, 1, hung);
    opened.store.finish().unwrap();
}
