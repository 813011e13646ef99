//! The contract that every disk keeps, and what only a folder can get wrong.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use super::*;
use std::io::ErrorKind;

fn write(disk: &dyn Disk, path: &str, bytes: &[u8], offset: u64) -> io::Result<()> {
    let (a, b) = bytes.split_at(bytes.len() / 2);
    disk.write_at(
        Path::new(path),
        &mut [IoSlice::new(a), IoSlice::new(b)],
        offset,
    )
}

fn read(disk: &dyn Disk, path: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; len];
    read_exact(disk, Path::new(path), &mut buffer, offset)?;
    Ok(buffer)
}

fn len(disk: &dyn Disk, path: &str) -> Option<u64> {
    disk.stat(Path::new(path)).unwrap().map(|stat| stat.len)
}

fn keeps_the_contract(disk: &dyn Disk) {
    let at = Path::new;
    // nothing is there
    assert_eq!(len(disk, "tree/a"), None);
    assert_eq!(disk.list(at("tree")).unwrap(), []);
    assert_eq!(
        read(disk, "tree/a", 0, 1).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        disk.remove(at("tree/a")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(disk.set_len(at("tree/a"), 5).is_err());
    // written bytes are read, gaps are zeros, the end is the end
    write(disk, "tree/sub/a", b"hello world", 5).unwrap();
    assert_eq!(
        read(disk, "tree/sub/a", 0, 16).unwrap(),
        b"\0\0\0\0\0hello world"
    );
    assert_eq!(
        read(disk, "tree/sub/a", 10, 9).unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    let before = disk.stat(at("tree/sub/a")).unwrap();
    assert_eq!(disk.stat(at("tree/sub/a")).unwrap(), before);
    // reserving never shrinks, setting a length does
    disk.reserve(at("tree/sub/a"), 4).unwrap();
    assert_eq!(len(disk, "tree/sub/a"), Some(16));
    disk.reserve(at("tree/b"), 100_000).unwrap();
    assert_eq!(read(disk, "tree/b", 99_990, 10).unwrap(), [0; 10]);
    disk.reserve(at("tree/empty"), 0).unwrap();
    assert_eq!(len(disk, "tree/empty"), Some(0));
    disk.set_len(at("tree/sub/a"), 8).unwrap();
    assert_eq!(read(disk, "tree/sub/a", 0, 8).unwrap(), b"\0\0\0\0\0hel");
    // what was written may hold data
    assert!(disk.holds_data(at("tree/sub/a"), 5, 3).unwrap());
    // a folder is no file and a file no folder
    assert!(disk.stat(at("tree")).is_err());
    assert!(write(disk, "tree", b"x", 0).is_err());
    assert!(write(disk, "tree/b/c", b"x", 0).is_err());
    // listing
    let mut listed = disk.list(at("tree")).unwrap();
    listed.sort();
    let names: Vec<_> = listed
        .iter()
        .map(|e| (e.path.to_str().unwrap(), e.is_dir))
        .collect();
    let sub = Path::new("tree").join("sub");
    assert_eq!(names.len(), 4);
    assert!(
        listed.contains(&Entry {
            path: sub.clone(),
            is_dir: true
        }),
        "{names:?}"
    );
    assert!(
        listed.contains(&Entry {
            path: sub.join("a"),
            is_dir: false
        }),
        "{names:?}"
    );
    // safety, marks
    disk.sync(&[PathBuf::from("tree/b"), PathBuf::from("tree/sub/a")])
        .unwrap();
    disk.set_executable(at("tree/b")).unwrap();
    keeps_locks_and_names(disk);
}

fn keeps_locks_and_names(disk: &dyn Disk) {
    let at = Path::new;
    let lock = disk.lock(at("journal")).unwrap();
    assert_eq!(
        disk.lock(at("journal")).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    write(disk, "journal", b"record", 0).unwrap();
    assert_eq!(read(disk, "journal", 0, 6).unwrap(), b"record");
    drop(lock);
    drop(disk.lock(at("journal")).unwrap());
    disk.remove(at("journal")).unwrap();
    assert_eq!(len(disk, "journal"), None);
    // renaming moves all below, never over something
    write(disk, "other", b"kept", 0).unwrap();
    assert!(disk.rename(at("tree"), at("other")).is_err());
    assert_eq!(read(disk, "other", 0, 4).unwrap(), b"kept");
    disk.rename(at("tree"), at("moved")).unwrap();
    assert_eq!(len(disk, "moved/sub/a"), Some(8));
    assert_eq!(len(disk, "tree/sub/a"), None);
    disk.rename(at("other"), at("moved/other")).unwrap();
    assert_eq!(read(disk, "moved/other", 0, 4).unwrap(), b"kept");
}

#[test]
fn a_folder_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    keeps_the_contract(&FolderDisk::new(&dir.path().join("not/yet"), Links::Refuse));
}

#[test]
fn memory_keeps_the_contract() {
    keeps_the_contract(&MemoryDisk::new());
}

#[test]
fn a_faulty_disk_without_a_fault_keeps_the_contract() {
    keeps_the_contract(&FaultyDisk::new(MemoryDisk::new(), Fault::None));
}

#[test]
fn a_full_disk_writes_what_fits_and_says_so() {
    let disk = FaultyDisk::new(MemoryDisk::new(), Fault::FullAfter(3));
    assert_eq!(
        write(&disk, "a", b"hello", 0).unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    assert_eq!(read(&disk, "a", 0, 3).unwrap(), b"hel");
    assert_eq!(
        write(&disk, "a", b"x", 0).unwrap_err().kind(),
        ErrorKind::StorageFull
    );
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FolderDisk::new(&dir.path().join("root"), Links::Refuse);
    for path in ["../out", "a/../../out", "/tmp/swarmcopy-out", "."] {
        assert!(write(&disk, path, b"x", 0).is_err(), "{path}");
    }
    assert!(!dir.path().join("out").exists());
}

#[test]
fn a_disk_that_follows_links_takes_no_writes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), b"hello").unwrap();
    let disk = FolderDisk::new(dir.path(), Links::Follow);
    assert_eq!(read(&disk, "a", 1, 4).unwrap(), b"ello");
    assert_eq!(
        write(&disk, "a", b"x", 0).unwrap_err().kind(),
        ErrorKind::ReadOnlyFilesystem
    );
}

#[cfg(unix)]
#[test]
fn a_link_inside_the_folder_is_never_followed() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let out = dir.path().join("out");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("secret"), b"secret").unwrap();
    symlink(&out, root.join("folder")).unwrap();
    symlink(out.join("secret"), root.join("file")).unwrap();
    symlink(out.join("new"), root.join("dangling")).unwrap();
    let disk = FolderDisk::new(&root, Links::Refuse);
    for path in [
        "folder/new",
        "folder/sub/new",
        "folder/secret",
        "file",
        "dangling",
    ] {
        assert!(write(&disk, path, b"x", 0).is_err(), "{path}");
        assert!(disk.reserve(Path::new(path), 10).is_err(), "{path}");
        assert!(read(&disk, path, 0, 1).is_err(), "{path}");
        assert!(disk.set_len(Path::new(path), 0).is_err(), "{path}");
    }
    let error = write(&disk, "folder/new", b"x", 0).unwrap_err();
    assert!(error.to_string().contains("folder is a link"), "{error}");
    assert!(
        disk.rename(Path::new("folder/secret"), Path::new("stolen"))
            .is_err()
    );
    assert!(disk.remove(Path::new("folder/secret")).is_err());
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    assert_eq!(std::fs::read(out.join("secret")).unwrap(), b"secret");
}

#[cfg(target_os = "linux")]
#[test]
fn reserved_space_that_nobody_wrote_holds_no_data() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FolderDisk::new(dir.path(), Links::Refuse);
    disk.reserve(Path::new("a"), 8 << 20).unwrap();
    write(&disk, "a", b"x", 4 << 20).unwrap();
    assert!(disk.holds_data(Path::new("a"), 4 << 20, 1 << 20).unwrap());
    // a file system that can't tell says yes everywhere
    if disk.holds_data(Path::new("a"), 0, 1 << 20).unwrap() {
        eprintln!("skipped: this file system does not tell holes");
    }
}
