//! The copy is the tree: times, modes, empty folders, symbolic and hard links, by each way that bytes come.
#![cfg(unix)]

mod exact;
mod look;
mod old_copies;
mod versions;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use look::look;
use swarmcopy::{
    Config, Content, Copy, CopyOptions, Error, Format, MakeOptions, Report, Session, Stay, make,
};
use swarmcopy_sys::attributes::{set_mode, set_modified};

/// A tree with everything that a robocopy or rsync would look at.
pub(crate) fn plant(root: &Path) {
    for folder in [
        "bin",
        "docs/ümläut #1%",
        "empty",
        "a/b/c/empty",
        "locked",
        "-odd",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (at, (name, mode)) in (1_u32..).zip([
        ("bin/tool", 0o755),
        ("bin/tool.cfg", 0o444),
        ("docs/ümläut #1%/[a]{b} ?*.txt", 0o640),
        ("locked/inside", 0o600),
        ("-odd/--help", 0o664),
        ("zero", 0o644),
        ("old", 0o555),
    ]) {
        let len = if name == "zero" { 0 } else { 40_000 * at };
        let bytes: Vec<u8> = (0..len)
            .map(|i| (i.wrapping_mul(at * 77) >> 3).to_le_bytes()[0])
            .collect();
        fs::write(root.join(name), bytes).unwrap();
        set_mode(&root.join(name), mode).unwrap();
    }
    fs::hard_link(root.join("bin/tool"), root.join("a/same tool")).unwrap();
    fs::hard_link(root.join("bin/tool"), root.join("zz same tool")).unwrap();
    for (name, target) in [
        ("bin/link", "tool"),
        ("a/up", "../bin/./tool"),
        ("folder", "docs/ümläut #1%"),
        ("a/b/dangling", "../nothing/here"),
        ("chain", "folder"),
        ("a/top", ".."),
    ] {
        symlink(target, root.join(name)).unwrap();
        set_modified(&root.join(name), 10_000_000_000_000_000 + 123_000).unwrap();
    }
    set_modified(&root.join("old"), -5_000_000_012_345).unwrap();
    set_modified(&root.join("bin/tool"), 15_555_555_551_234_567).unwrap();
    set_mode(&root.join("locked"), 0o555).unwrap();
    set_mode(&root.join("empty"), 0o1777).unwrap();
    for (folder, time) in [
        ("locked", 3),
        ("a/b/c/empty", 70_000_000),
        ("a/b", 1),
        ("", 9),
    ] {
        set_modified(&root.join(folder), time).unwrap();
    }
}

/// A folder with a tree to copy.
pub(crate) struct Room {
    dir: tempfile::TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("share")).unwrap();
        let room = Self { dir };
        fs::create_dir(room.source()).unwrap();
        plant(&room.source());
        room
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.dir.path().join("share/CS5")
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn torrent(&self, format: Format) -> Vec<u8> {
        let mut options = MakeOptions::new(self.source());
        options.format = format;
        options.overwrite = swarmcopy::Overwrite::Replace;
        let made = make(&options, &|_| {}).unwrap();
        assert!(
            made.warnings.iter().all(|told| told.contains("Windows")),
            "{:?}",
            made.warnings
        );
        fs::read(made.torrent).unwrap()
    }

    pub(crate) fn content(&self, torrent: &[u8], to: &str) -> Job {
        Job::new(torrent, self.options(to))
    }

    pub(crate) fn options(&self, to: &str) -> CopyOptions {
        let mut options = CopyOptions::new(self.at(to));
        options.stay = Stay::For(Duration::ZERO);
        options.timeout = Some(Duration::from_secs(30));
        options
    }

    /// Copies from the share.
    pub(crate) async fn copy(&self, job: Job) -> Result<Report, Error> {
        run(job.share(self.at("share"))).await
    }
}

/// A content and what is to be done with it.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) content: Content,
    pub(crate) options: CopyOptions,
}

impl Job {
    pub(crate) fn new(torrent: &[u8], options: CopyOptions) -> Self {
        let content = Content::torrent(torrent).unwrap();
        Self { content, options }
    }

    pub(crate) fn share(mut self, share: PathBuf) -> Self {
        self.options = self.options.share(share);
        self
    }

    pub(crate) fn peer(mut self, addr: String) -> Self {
        self.options = self.options.peer(addr).unwrap();
        self
    }

    pub(crate) fn seed_from(mut self, folder: PathBuf) -> Self {
        self.content = self.content.seed_from(folder);
        self
    }

    pub(crate) async fn start(self, session: &Session) -> Result<Copy, Error> {
        Ok(session.add(self.content, self.options).await?)
    }
}

/// Runs a job in a session of its own.
pub(crate) async fn run(job: Job) -> Result<Report, Error> {
    let session = session().await;
    let ended = match job.start(&session).await {
        Ok(copy) => copy.finished().await.into_result().map_err(Error::from),
        Err(error) => Err(error),
    };
    session.shutdown(GRACE).await;
    ended
}

pub(crate) const GRACE: Duration = Duration::from_secs(10);

impl Drop for Room {
    fn drop(&mut self) {
        // read-only folders keep their files from an account that is not root
        let _ = std::process::Command::new("chmod")
            .arg("-R")
            .arg("u+rwx")
            .arg(self.dir.path())
            .status();
    }
}

pub(crate) async fn session() -> Session {
    let mut config = Config::default();
    config.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.lsd = false;
    Session::builder().config(config).build().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_a_share_is_the_tree() {
    for format in [Format::V1, Format::V2, Format::Hybrid] {
        let room = Room::new();
        let torrent = room.torrent(format);
        let report = room.copy(room.content(&torrent, "to")).await.unwrap();
        assert_eq!(report.undone, [""; 0]);
        assert_eq!(look(&room.at("to/CS5")), look(&room.source()), "{format:?}");
        let one = |name: &str| fs::metadata(room.at("to/CS5").join(name)).unwrap().ino();
        assert_eq!(one("bin/tool"), one("a/same tool"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_a_peer_is_the_tree() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    let (seed, machine) = (session().await, session().await);
    let mut stays = room.options("none");
    stays.stay = Stay::Always;
    let served = Job::new(&torrent, stays).seed_from(room.at("share"));
    let served = served.start(&seed).await.unwrap();
    let addr = served.started().listen.to_string();
    let job = room.content(&torrent, "to").peer(addr);
    let copy = job.start(&machine).await.unwrap();
    let report = copy.finished().await.into_result().unwrap();
    assert!(report.from_peers > 0 && report.from_share == 0);
    assert_eq!(look(&room.at("to/CS5")), look(&room.source()));
    machine.shutdown(GRACE).await;
    seed.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_copies_bytes_alone() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    let mut options = room.options("to");
    options.plain = true;
    room.copy(Job::new(&torrent, options)).await.unwrap();
    let to = room.at("to/CS5");
    assert!(to.join("a/same tool").exists() && !to.join("empty").exists());
    assert!(fs::symlink_metadata(to.join("chain")).is_err());
    let time = |at: &Path| fs::metadata(at.join("bin/tool")).unwrap().mtime();
    assert_ne!(time(&to), time(&room.source()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_alone_gets_its_time_and_mode() {
    let room = Room::new();
    let file = room.at("share/setup.bin");
    fs::write(&file, vec![7; 50_000]).unwrap();
    set_mode(&file, 0o750).unwrap();
    set_modified(&file, 12_345_678_901_234_567).unwrap();
    let made = make(&MakeOptions::new(&file), &|_| {}).unwrap();
    let torrent = fs::read(made.torrent).unwrap();
    room.copy(room.content(&torrent, "to")).await.unwrap();
    assert_eq!(look(&room.at("to/setup.bin")), look(&file));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_missed_is_repaired_by_the_next() {
    let room = Room::new();
    let torrent = room.torrent(Format::V1);
    room.copy(room.content(&torrent, "to")).await.unwrap();
    let to = room.at("to/CS5");
    set_mode(&to.join("bin/tool.cfg"), 0o666).unwrap();
    set_modified(&to.join("old"), 77).unwrap();
    set_mode(&to.join("empty"), 0o700).unwrap();
    fs::remove_dir(to.join("a/b/c/empty")).unwrap();
    fs::remove_file(to.join("chain")).unwrap();
    fs::remove_file(to.join("bin/link")).unwrap();
    symlink("elsewhere", to.join("bin/link")).unwrap();
    fs::remove_file(to.join("zz same tool")).unwrap();
    fs::copy(to.join("bin/tool"), to.join("zz same tool")).unwrap();
    let report = room.copy(room.content(&torrent, "to")).await.unwrap();
    assert_eq!(report.from_share, 0);
    assert_eq!(look(&to), look(&room.source()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_to_run_as_its_owner_does_not_and_that_is_told() {
    let room = Room::new();
    set_mode(&room.source().join("old"), 0o4755).unwrap();
    let torrent = room.torrent(Format::V1);
    let report = room.copy(room.content(&torrent, "to")).await.unwrap();
    let mode = fs::metadata(room.at("to/CS5/old")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o755);
    assert!(
        report.undone[0].contains("owner's rights"),
        "{:?}",
        report.undone
    );
}
