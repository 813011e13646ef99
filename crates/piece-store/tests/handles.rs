//! Alone in its program, because it counts the open files of the process, as Linux lists them.
#![cfg(target_os = "linux")]

mod common;

use common::{Sample, path};
use swarmcopy_layout::Layout;
use swarmcopy_piece_store::Shape;

#[test]
fn fifty_thousand_files_need_few_handles() {
    let mut builder = Layout::builder(1 << 20);
    for at in 0..50_000 {
        builder = builder.file(path(&format!("{}/{at}", at / 500)), 50);
    }
    let sample = Sample::new(Shape::Tree, builder.build().unwrap());
    let folder = if std::path::Path::new("/dev/shm").is_dir() {
        tempfile::tempdir_in("/dev/shm")
    } else {
        tempfile::tempdir()
    };
    let folder = folder.unwrap();
    let opened = sample.open(folder.path()).unwrap();
    opened.feed(&sample, sample.whole(), 1);
    opened.wait_ok(3);
    let handles = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(handles < 300, "{handles} handles");
    opened.store.finish().unwrap();
    let (last, bytes) = sample.files().pop().unwrap();
    assert!(std::fs::read(folder.path().join(last)).unwrap() == bytes);
}
