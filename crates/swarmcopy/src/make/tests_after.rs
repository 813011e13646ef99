//! What `make` promises with the version before: what is unchanged is not read, and the result is the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use swarmcopy_bt_wire::metainfo::Torrent;
use swarmcopy_sys::attributes::set_modified;

use super::*;

const PIECE: u64 = 16 * 1024;

/// A hundred files of one to three pieces, with times of their own.
fn plant() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tree");
    fs::create_dir(&root).unwrap();
    for at in 0..100_u32 {
        write(&root, at, 5000 + (at as usize * 7919) % 40_000, 0);
    }
    (dir, root)
}

fn write(root: &Path, at: u32, len: usize, version: u8) {
    let path = root.join(format!("file {at:03}"));
    let bytes: Vec<u8> = (0..len)
        .map(|i| ((i as u32 * (at + 3)) >> 4) as u8 ^ version)
        .collect();
    fs::write(&path, bytes).unwrap();
    set_modified(&path, i64::from(at) * 10_000_000 + i64::from(version)).unwrap();
}

fn options(root: &Path, format: Format, name: &str) -> MakeOptions {
    let mut options = MakeOptions::new(root);
    options.format = format;
    options.piece_len = PieceLen::Bytes(PIECE);
    options.torrent = Some(root.with_file_name(name));
    options.overwrite = Overwrite::Replace;
    options
}

/// Makes it; gives what it says and how many bytes were read.
fn made(options: &MakeOptions) -> (Torrent, u64) {
    let read = AtomicU64::new(0);
    let made = make(options, &|progress| {
        read.fetch_max(progress.hashed, Ordering::Relaxed);
    });
    let bytes = fs::read(made.unwrap().torrent).unwrap();
    (Torrent::parse(&bytes).unwrap(), read.into_inner())
}

/// One file longer, one shorter, one of the same length, one gone and one new: the rest is not read.
#[test]
fn what_is_unchanged_is_not_read_again_and_the_digests_are_the_same() {
    for format in [Format::V1, Format::V2, Format::Hybrid] {
        let (_dir, root) = plant();
        let (old, all) = made(&options(&root, format, "old.torrent"));
        write(&root, 20, 60_000, 1);
        write(&root, 40, 77, 1);
        write(&root, 60, 5000 + (60 * 7919) % 40_000, 1);
        fs::remove_file(root.join("file 080")).unwrap();
        write(&root, 200, 30_000, 1);
        let mut after = options(&root, format, "new.torrent");
        after.after = Some(root.with_file_name("old.torrent"));
        let (new, read) = made(&after);
        let bound = 60_000 + 77 + 40_000 + 30_000 + 9 * PIECE + 4 * PIECE * 2;
        assert!(
            read <= bound && read < all / 3,
            "{format:?}: {read} of {all}"
        );
        after.check = true;
        let (checked, read) = made(&after);
        assert_eq!(
            (&checked.info.raw, &checked.piece_layers),
            (&new.info.raw, &new.piece_layers),
            "{format:?}"
        );
        assert!(read >= all - 100_000, "{format:?}: {read} of {all}");
        let kept = |torrent: &Torrent| torrent.info.piece_hashes().to_vec();
        let shared = kept(&new)
            .iter()
            .filter(|hash| kept(&old).contains(hash))
            .count();
        assert!(
            format == Format::V2 || shared * 10 >= kept(&old).len() * 8,
            "{format:?}: {shared}"
        );
        let (_, read) = made(&{
            let mut again = options(&root, format, "newer.torrent");
            again.after = Some(root.with_file_name("new.torrent"));
            again
        });
        assert_eq!(read, 0, "{format:?}");
    }
}

#[test]
fn a_file_of_the_same_size_and_another_time_is_read() {
    let (_dir, root) = plant();
    made(&options(&root, Format::V1, "old.torrent"));
    let path = root.join("file 050");
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(&path, bytes).unwrap();
    set_modified(&path, 5).unwrap();
    let mut after = options(&root, Format::V1, "new.torrent");
    after.after = Some(root.with_file_name("old.torrent"));
    let (with, _) = made(&after);
    let (without, _) = made(&options(&root, Format::V1, "plain.torrent"));
    assert_eq!(with.info.raw, without.info.raw);
}

#[test]
fn a_version_before_of_another_format_is_refused_with_a_hint() {
    let (_dir, root) = plant();
    made(&options(&root, Format::Hybrid, "old.torrent"));
    let mut after = options(&root, Format::V1, "new.torrent");
    after.after = Some(root.with_file_name("old.torrent"));
    let error = make(&after, &|_| ()).unwrap_err();
    assert_eq!(error.hint(), Some("set `format` to hybrid"));
}
