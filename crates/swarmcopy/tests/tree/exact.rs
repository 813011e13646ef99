//! `delete_extra` makes a copy exact and touches nothing else; a preview and a comparison change nothing.

use std::fs;
use std::os::unix::fs::symlink;

use swarmcopy::{Format, MakeOptions, differences, make, verify};
use swarmcopy_sys::attributes::{set_mode, set_modified};

use crate::look::look;
use crate::{Job, Room, run};

impl Room {
    fn exact(&self, torrent: &[u8], to: &str) -> Job {
        let mut options = self.options(to);
        options.delete_extra = true;
        Job::new(torrent, options)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_belong_is_removed_and_nothing_outside() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    room.copy(room.content(&torrent, "to")).await.unwrap();
    let (to, outside) = (room.at("to/CS5"), room.at("outside"));
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("precious"), "x").unwrap();
    let before = look(&outside);
    symlink(&outside, to.join("bin/way out")).unwrap();
    symlink(outside.join("precious"), to.join("to precious")).unwrap();
    fs::create_dir_all(to.join("extra/deep")).unwrap();
    fs::write(to.join("extra/deep/file"), "x").unwrap();
    set_mode(&to.join("extra/deep/file"), 0o444).unwrap();
    set_mode(&to.join("extra/deep"), 0o555).unwrap();
    // of another kind than what belongs there
    fs::remove_file(to.join("chain")).unwrap();
    fs::create_dir(to.join("chain")).unwrap();
    fs::write(to.join("chain/x"), "x").unwrap();
    fs::remove_dir(to.join("empty")).unwrap();
    symlink(&outside, to.join("empty")).unwrap();
    fs::remove_file(to.join("old")).unwrap();
    fs::create_dir(to.join("old")).unwrap();
    fs::write(to.join("old/y"), "y").unwrap();
    let job = room.exact(&torrent, "to");
    let preview = job.content.preview(&job.options).unwrap();
    assert_eq!(preview.replaced, ["old"]);
    assert_eq!(preview.fetched, [""; 0]);
    assert_eq!(preview.made, ["empty", "chain"]);
    let mut removed = preview.removed;
    removed.sort();
    let expected = [
        "bin/way out",
        "chain/",
        "chain/x",
        "empty",
        "extra/",
        "extra/deep/",
        "extra/deep/file",
        "old/",
        "old/y",
        "to precious",
    ];
    assert_eq!(removed, expected);
    assert_eq!(preview.removed_bytes, 3);
    let report = room.copy(job).await.unwrap();
    assert_eq!(look(&to), look(&room.source()));
    assert_eq!(look(&outside), before);
    assert_eq!(report.removed, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_what_does_not_belong_stays() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    room.copy(room.content(&torrent, "to")).await.unwrap();
    fs::write(room.at("to/CS5/mine"), "x").unwrap();
    let report = room.copy(room.content(&torrent, "to")).await.unwrap();
    assert!(room.at("to/CS5/mine").exists() && report.removed == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_from_a_copy_that_does_not_become_complete() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    fs::create_dir_all(room.at("to/CS5")).unwrap();
    fs::write(room.at("to/CS5/extra"), "x").unwrap();
    let mut options = room.options("to");
    options.delete_extra = true;
    options.timeout = Some(std::time::Duration::from_millis(300));
    run(Job::new(&torrent, options)).await.unwrap_err();
    assert!(room.at("to/CS5/extra").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_difference_is_listed_and_links_of_the_tree_are_no_extras() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    room.copy(room.content(&torrent, "to")).await.unwrap();
    let (to, content) = (room.at("to/CS5"), room.content(&torrent, "to").content);
    assert_eq!(differences(&content, &to).unwrap(), []);
    assert_eq!(verify(&content, &to, &|_| ()).unwrap().extra, [""; 0]);
    set_mode(&to.join("bin/tool"), 0o700).unwrap();
    set_modified(&to.join("old"), 5).unwrap();
    fs::remove_dir(to.join("a/b/c/empty")).unwrap();
    fs::remove_file(to.join("bin/link")).unwrap();
    symlink("nowhere", to.join("bin/link")).unwrap();
    fs::remove_file(to.join("zz same tool")).unwrap();
    fs::copy(to.join("bin/tool"), to.join("zz same tool")).unwrap();
    let found = differences(&content, &to).unwrap();
    let text: Vec<String> = found
        .iter()
        .map(|(path, what)| format!("{path}: {what}"))
        .collect();
    for wanted in [
        "bin/tool: mode 700, not 755",
        "old: time",
        "a/b/c/empty: the folder is missing",
        "bin/link: leads to nowhere",
        "zz same tool: is not one with a/same tool",
    ] {
        assert!(
            text.iter().any(|line| line.starts_with(wanted)),
            "{wanted}: {text:#?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn attributes_of_users_travel_with_access_lists_and_not_without() {
    use swarmcopy_sys::xattr;
    let room = Room::new();
    let read_only = room.source().join("bin/tool.cfg");
    set_mode(&read_only, 0o644).unwrap();
    for (path, text) in [("bin/tool.cfg", "origin=00ff"), ("docs", "kind=")] {
        xattr::set(&room.source().join(path), Some(text)).unwrap();
    }
    set_mode(&read_only, 0o444).unwrap();
    let mut options = MakeOptions::new(room.source());
    options.acl = true;
    let made = make(&options, &|_| {}).unwrap();
    let torrent = fs::read(made.torrent).unwrap();
    let of = |to: &str| {
        let read = |path: &str| xattr::read(&room.at(to).join("CS5").join(path)).unwrap();
        ["bin/tool.cfg", "docs", "zero"].map(read)
    };
    let wanted = [
        Some("origin=00ff".to_owned()),
        Some("kind=".to_owned()),
        None,
    ];
    let with = || {
        let mut job = room.content(&torrent, "to");
        job.options.acl = true;
        job
    };
    assert_eq!(room.copy(with()).await.unwrap().undone, [""; 0]);
    assert_eq!(of("to"), wanted);
    // what was changed is mended
    xattr::set(&room.at("to/CS5/docs"), None).unwrap();
    xattr::set(&room.at("to/CS5/zero"), Some("more=31")).unwrap();
    room.copy(with()).await.unwrap();
    assert_eq!(of("to"), wanted);
    room.copy(room.content(&torrent, "plain")).await.unwrap();
    assert_eq!(of("plain"), [None, None, None]);
}
