//! Compares info-hashes with those of mktorrent for the same tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha1::{Digest, Sha1};
use swarmcopy_bt_wire::metainfo::{Builder, File, Form, Torrent};

const PIECE: usize = 32 * 1024;

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn mktorrent(source: &Path, flags: &[&str]) -> Option<Torrent> {
    let file = source.with_extension("torrent");
    let _ = std::fs::remove_file(&file);
    let mut command = Command::new("mktorrent");
    command
        .args(["-l", "15", "-o"])
        .arg(&file)
        .args(flags)
        .arg(source);
    let Ok(output) = command.output() else {
        eprintln!("skipped: mktorrent is not installed");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(Torrent::parse(&std::fs::read(file).unwrap()).unwrap())
}

fn rebuild(theirs: &Torrent, bytes: &[u8]) -> Torrent {
    let info = &theirs.info;
    let mut builder = Builder::new(&info.name, u32::try_from(PIECE).unwrap(), info.form);
    let file = |file: &File| File::new(file.path.clone(), file.len);
    builder.files = info.files.iter().map(file).collect();
    builder.pieces = bytes
        .chunks(PIECE)
        .map(|piece| Sha1::digest(piece).into())
        .collect();
    builder.private = info.private;
    builder.trackers.clone_from(&theirs.trackers);
    builder.url_list.clone_from(&theirs.url_list);
    builder.build().unwrap().torrent
}

#[test]
fn a_tree_has_the_info_hash_that_mktorrent_gives() {
    let tree = scratch("mktorrent-tree").join("tree of files");
    let deep = vec!["d"; 40].join("/");
    let names = [
        "a",
        "ä ö",
        "x #%&+[]",
        "s/1",
        "s/empty",
        &format!("{deep}/f"),
    ];
    for (index, name) in names.into_iter().enumerate() {
        let path = tree.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let len = if name == "s/empty" {
            0
        } else {
            20_000 * (index + 1)
        };
        std::fs::write(path, vec![u8::try_from(index).unwrap(); len]).unwrap();
    }
    for flags in [
        &[][..],
        &[
            "-p",
            "-a",
            "http://t.example/a,udp://t.example:1",
            "-c",
            "x",
        ],
    ] {
        let Some(theirs) = mktorrent(&tree, flags) else {
            return;
        };
        let read = |file: &File| std::fs::read(tree.join(file.path.join("/"))).unwrap();
        let bytes: Vec<u8> = theirs.info.files.iter().flat_map(read).collect();
        assert_eq!(theirs.info.files.len(), names.len());
        assert_eq!(rebuild(&theirs, &bytes).info, theirs.info);
    }
}

#[test]
fn a_single_file_has_the_info_hash_that_mktorrent_gives() {
    let source = scratch("mktorrent-file").join("disk.iso");
    let bytes = vec![7; 100_000];
    std::fs::write(&source, &bytes).unwrap();
    let Some(theirs) = mktorrent(&source, &["-w", "http://m.example/disk.iso"]) else {
        return;
    };
    assert_eq!(theirs.info.form, Form::SingleFile);
    let ours = rebuild(&theirs, &bytes);
    assert_eq!((ours.info, ours.url_list), (theirs.info, theirs.url_list));
}
