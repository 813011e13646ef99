//! Files that have a hash as a whole alone: published when they have it, else removed.

use std::path::Path;
use std::sync::Arc;

use swarmcopy_layout::{Attributes, FileDigest, Layout, PieceDigest, PieceDigests, RelPath, Span};
use swarmcopy_piece_store::{
    Options, Placement, Shape, Store, StoreError, StoreErrorKind, Target, check,
};

const LEN: u64 = 100_000;

/// A tree of `long`, in four pieces without digests, and `short`.
fn target() -> Target {
    target_with(FileDigest::Sha256(swarmcopy_digest::sha256(&bytes())))
}

fn target_with(whole: FileDigest) -> Target {
    let path = |path: &str| RelPath::parse(path).unwrap();
    let mut builder = Layout::builder_by_file(30_000);
    builder.push(path("long"), LEN, Attributes::default());
    builder.push(path("short"), 5, Attributes::default());
    let layout = Arc::new(builder.build().unwrap());
    let long = layout.files().next().unwrap().0;
    let mut digests = vec![PieceDigest::WithFile; 4];
    digests.push(PieceDigest::Sha1(swarmcopy_digest::sha1(b"short")));
    let digests = PieceDigests::new(digests).with_files([(long, whole)]);
    Target::new(path("n"), Shape::Tree, layout, Arc::new(digests), [7; 32]).unwrap()
}

fn bytes() -> Vec<u8> {
    (0..LEN).map(|at| (at % 251) as u8).collect()
}

/// Copies `content` and finishes, from what is there already.
fn copy(dir: &Path, content: &[u8]) -> (Result<(), StoreError>, u64) {
    let mut options = Options::default();
    options.placement = Placement::Staged;
    let (store, resume) = Store::open(dir, target(), &options, Box::new(|_| ())).unwrap();
    store.recheck(&resume.recheck, &|_, _| ()).unwrap();
    let whole = Span::new(0, LEN + 5);
    let mut filled = 0;
    while let Some((span, mut buffer)) = store.reserve(whole, 1) {
        let from = usize::try_from(span.start()).unwrap();
        let to = from + buffer.len();
        buffer.copy_from_slice(&content[from..to]);
        filled += span.len();
        store.commit(span, 1, buffer);
    }
    store.close().unwrap();
    (store.finish(), filled)
}

#[test]
fn a_file_with_its_hash_is_published_and_another_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let right = [bytes(), b"short".to_vec()].concat();
    let mut wrong = right.clone();
    wrong[50_000] ^= 1;
    let (finished, _) = copy(dir.path(), &wrong);
    let error = finished.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Wrong, "{error}");
    assert!(
        error.to_string().contains("long does not have its hash"),
        "{error}"
    );
    assert!(!dir.path().join("n").exists());
    // what was wrong is fetched again, the rest is kept
    let (finished, filled) = copy(dir.path(), &right);
    finished.unwrap();
    assert_eq!(filled, LEN);
    assert_eq!(std::fs::read(dir.path().join("n/long")).unwrap(), bytes());
}

#[test]
fn a_check_reads_such_files_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), &[bytes(), b"short".to_vec()].concat())
        .0
        .unwrap();
    let checked = || check(dir.path(), &target(), 1, &|_, _| ()).unwrap();
    assert!(checked().is_whole());
    let mut wrong = bytes();
    wrong[99_999] ^= 1;
    std::fs::write(dir.path().join("n/long"), wrong).unwrap();
    let report = checked();
    assert!(!report.is_whole());
    assert_eq!(report.damaged, [RelPath::parse("long").unwrap()]);
    assert_eq!(report.good.len(), 1);
}

#[test]
fn a_file_is_read_back_by_each_kind_of_hash() {
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), &[bytes(), b"short".to_vec()].concat())
        .0
        .unwrap();
    let (mut sha1, mut sha384) = (
        swarmcopy_digest::Sha1::new(),
        swarmcopy_digest::Sha384::new(),
    );
    let mut sha512 = swarmcopy_digest::Sha512::new();
    sha1.update(&bytes());
    sha384.update(&bytes());
    sha512.update(&bytes());
    let right = [
        FileDigest::Sha1(sha1.finish()),
        FileDigest::Sha384(sha384.finish()),
        FileDigest::Sha512(sha512.finish()),
    ];
    let wrong = [
        FileDigest::Sha1([1; 20]),
        FileDigest::Sha384([1; 48]),
        FileDigest::Sha512([1; 64]),
    ];
    let whole = |digest: &FileDigest| {
        let report = check(dir.path(), &target_with(*digest), 1, &|_, _| ());
        report.unwrap().is_whole()
    };
    assert!(right.iter().all(whole));
    assert!(!wrong.iter().any(whole));
}
