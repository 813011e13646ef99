//! A new version in the place of an old one: by one rename, and after whoever serves the old one has ended.

use std::fs;
use std::os::unix::fs::symlink;

use swarmcopy::{CopyOptions, ErrorKind, Format, Replace, Stay};

use crate::look::look;
use crate::{GRACE, Job, Room, run, session};

impl Room {
    fn with(&self, torrent: &[u8], set: impl FnOnce(&mut CopyOptions)) -> Job {
        let mut options = self.options("to");
        set(&mut options);
        Job::new(torrent, options).share(self.at("share"))
    }

    /// Changes the tree and makes a torrent of it again.
    fn next_version(&self) -> Vec<u8> {
        fs::write(self.source().join("bin/new"), vec![5; 70_000]).unwrap();
        fs::remove_file(self.source().join("zero")).unwrap();
        fs::remove_file(self.source().join("a/same tool")).unwrap();
        fs::write(self.source().join("a/same tool"), vec![6; 1000]).unwrap();
        self.torrent(Format::V1)
    }

    fn beside(&self) -> Vec<String> {
        let listing = fs::read_dir(self.at("to")).unwrap();
        let names = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staged_version_takes_the_place_of_the_old_one_and_keeps_what_is_not_its_own() {
    let room = Room::new();
    let old = room.torrent(Format::V1);
    run(room.with(&old, |_| ())).await.unwrap();
    let before = fs::File::open(room.at("to/CS5/zero")).unwrap();
    fs::write(room.at("to/CS5/mine"), "mine").unwrap();
    symlink("mine", room.at("to/CS5/my link")).unwrap();
    let new = room.next_version();
    let report = run(room.with(&new, |options| options.staged = true))
        .await
        .unwrap();
    assert!(
        report.from_share < 200_000,
        "{} of the old tree",
        report.from_share
    );
    assert_eq!(before.metadata().unwrap().len(), 0);
    assert_eq!(fs::read(room.at("to/CS5/mine")).unwrap(), b"mine");
    assert!(room.at("to/CS5/my link").is_symlink());
    assert_eq!(room.beside(), ["CS5"]);
    let exact = |options: &mut CopyOptions| (options.staged, options.delete_extra) = (true, true);
    run(room.with(&new, exact)).await.unwrap();
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
    assert_eq!(room.beside(), ["CS5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_with_a_name_of_its_own_is_found_by_look_in_a_share_and_to_seed() {
    let room = Room::new();
    let mut options = swarmcopy::MakeOptions::new(room.source());
    options.name = Some("june".to_owned());
    let made = swarmcopy::make(&options, &|_| ()).unwrap();
    let torrent = fs::read(made.torrent).unwrap();
    run(room.with(&torrent, |_| ())).await.unwrap();
    assert_eq!(look(&room.at("to/june")), look(&room.source()));
    let (seed, machine) = (session().await, session().await);
    let stays = room.options("none").stay(Stay::Always);
    let served = Job::new(&torrent, stays).seed_from(room.at("share"));
    let served = served.start(&seed).await.unwrap();
    let addr = served.started().listen.to_string();
    let job = room.content(&torrent, "other").peer(addr);
    let copy = job.start(&machine).await.unwrap();
    assert!(copy.finished().await.report.from_peers > 0);
    assert_eq!(look(&room.at("other/june")), look(&room.source()));
    machine.shutdown(GRACE).await;
    seed.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_zeros_become_holes_where_that_is_asked_for() {
    use std::os::unix::fs::MetadataExt;
    let room = Room::new();
    let mut bytes = vec![0; 8 << 20];
    bytes[5_000_000] = 1;
    fs::write(room.source().join("holes"), &bytes).unwrap();
    let torrent = room.torrent(Format::V1);
    run(room.with(&torrent, |options| options.sparse = true))
        .await
        .unwrap();
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
    let blocks = fs::metadata(room.at("to/CS5/holes")).unwrap().blocks();
    assert!(blocks * 512 < 1 << 20, "{blocks} blocks");
    // other bytes in the place of a hole are found and overwritten
    fs::write(room.at("to/CS5/holes"), vec![9; 8 << 20]).unwrap();
    run(room.with(&torrent, |options| options.sparse = true))
        .await
        .unwrap();
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_tree_that_a_killed_switch_left_aside_goes_back_or_is_removed() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    run(room.with(&torrent, |_| ())).await.unwrap();
    fs::rename(room.at("to/CS5"), room.at("to/CS5.swarmcopy-old")).unwrap();
    let report = run(room.with(&torrent, |_| ())).await.unwrap();
    assert_eq!(report.from_share, 0);
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
    fs::create_dir_all(room.at("to/CS5.swarmcopy-old/left")).unwrap();
    run(room.with(&torrent, |_| ())).await.unwrap();
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
    assert_eq!(room.beside(), ["CS5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_serves_the_old_version_ends_for_the_new_one_and_not_where_that_is_refused() {
    let room = Room::new();
    let old = room.torrent(Format::V1);
    let serving = session().await;
    let stays = room.with(&old, |options| options.stay = Stay::Always);
    let copy = stays.start(&serving).await.unwrap();
    copy.complete().await.unwrap();
    let new = room.next_version();
    let refuse = |options: &mut CopyOptions| options.replace = Replace::Refuse;
    let error = run(room.with(&new, refuse)).await.unwrap_err();
    let process = format!("process {}", std::process::id());
    assert!(error.to_string().contains(&process), "{error}");
    assert_eq!(error.kind(), ErrorKind::Failed);
    // the same version is no other
    run(room.with(&old, refuse)).await.unwrap();
    let exact = |options: &mut CopyOptions| options.delete_extra = true;
    run(room.with(&new, exact)).await.unwrap();
    assert!(copy.finished().await.report.complete);
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
    serving.shutdown(GRACE).await;
    assert_eq!(room.beside(), ["CS5"]);
}
