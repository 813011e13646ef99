//! Copies over what an earlier version or somebody else left: read-only files, links, shared files.

use std::fs;
use std::os::unix::fs::symlink;

use swarmcopy::{ErrorKind, Format};
use swarmcopy_bt_wire::metainfo::{Builder, HardLink, Torrent};
use swarmcopy_sys::attributes::{set_mode, set_modified};

use crate::Room;
use crate::look::look;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_parts_files_that_were_one() {
    let room = Room::new();
    let old = room.torrent(Format::V1);
    room.copy(room.content(&old, "to")).await.unwrap();
    let tool = room.source().join("bin/tool");
    fs::remove_file(&tool).unwrap();
    fs::write(&tool, vec![3; 50_000]).unwrap();
    set_mode(&room.source().join("old"), 0o755).unwrap();
    fs::write(room.source().join("old"), vec![9; 200_000]).unwrap();
    set_mode(&room.source().join("old"), 0o444).unwrap();
    let new = room.torrent(Format::V1);
    room.copy(room.content(&new, "to")).await.unwrap();
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_place_of_a_folder_is_an_error_and_not_followed() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    for name in ["bin", "empty", "a"] {
        let (to, outside) = (
            room.at(&format!("to {name}")),
            room.at(&format!("outside {name}")),
        );
        fs::create_dir_all(to.join("CS5")).unwrap();
        fs::create_dir(&outside).unwrap();
        set_modified(&outside, 5).unwrap();
        symlink(&outside, to.join("CS5").join(name)).unwrap();
        let before = look(&outside);
        let content = room.content(&torrent, &format!("to {name}"));
        let error = room.copy(content).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disk, "{error}");
        assert!(
            error.to_string().contains(name) && error.to_string().contains("link"),
            "{error}"
        );
        assert_eq!(look(&outside), before);
    }
}

/// The same torrent with a table that says that files 0 and 1 are one.
fn lying(torrent: &[u8]) -> Vec<u8> {
    let torrent = Torrent::parse(torrent).unwrap();
    let info = &torrent.info;
    let mut builder = Builder::new(&info.name, info.piece_length, info.form);
    builder.files.clone_from(&info.files);
    builder.pieces = info.piece_hashes().to_vec();
    let mut tree = torrent.own.tree.unwrap();
    tree.hard_links = vec![HardLink { file: 1, first: 0 }];
    builder.own.tree = Some(tree);
    builder.build().unwrap().bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_said_to_be_one_but_differ_stay_two() {
    let room = Room::new();
    let source = room.source();
    fs::remove_dir_all(&source).unwrap();
    fs::create_dir(&source).unwrap();
    fs::write(source.join("one"), vec![1; 1000]).unwrap();
    fs::write(source.join("two"), vec![2; 1000]).unwrap();
    let torrent = lying(&room.torrent(Format::V1));
    let report = room.copy(room.content(&torrent, "to")).await.unwrap();
    assert_eq!(look(&room.at("to/CS5")), look(&source));
    assert!(
        report.undone[0].contains("the two files differ"),
        "{:?}",
        report.undone
    );
}
