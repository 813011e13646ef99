//! Copies that are only served: what is right of them, and no more.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use swarmcopy::{
    Config, Content, Copy, CopyOptions, Error, ErrorKind, MakeOptions, Phase, PieceLen, Report,
    Session, Stay, make,
};

const NAMES: [&str; 3] = ["a", "b", "sub/c"];

/// A tree of three files, 16 pieces of 16 KiB each, and its torrent.
struct Room {
    dir: tempfile::TempDir,
    torrent: Vec<u8>,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("CS5");
        std::fs::create_dir_all(tree.join("sub")).unwrap();
        for (seed, name) in (1..).zip(NAMES) {
            let bytes: Vec<u8> = (0..256 * 1024_u32)
                .map(|at| (at.wrapping_mul(2_654_435_761 + seed) >> 13).to_le_bytes()[0])
                .collect();
            std::fs::write(tree.join(name), bytes).unwrap();
        }
        let mut options = MakeOptions::new(&tree);
        options.piece_len = PieceLen::Bytes(16 << 10);
        let made = make(&options, &|_| {}).unwrap();
        let torrent = std::fs::read(made.torrent).unwrap();
        Self { dir, torrent }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("CS5").join(name)
    }

    async fn seed(&self, session: &Session) -> Result<Copy, Error> {
        let mut options = CopyOptions::new(self.dir.path().join("to"));
        options.stay = Stay::Always;
        let content = Content::torrent(&self.torrent).unwrap();
        let content = content.seed_from(self.dir.path());
        Ok(session.add(content, options).await?)
    }
}

fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

async fn session(last: u8) -> Session {
    let mut config = Config::default();
    config.listen = Some(SocketAddr::from(([127, 0, 3, last], 0)));
    config.lsd = false;
    Session::builder().config(config).build().await.unwrap()
}

/// Waits until all of the copy was hashed; what is wrong of it.
async fn damaged(copy: &Copy) -> Vec<String> {
    let mut looks = copy.looks();
    while let Some(look) = looks.next().await {
        if look.phase == Phase::Serving {
            return look.damaged;
        }
    }
    panic!("it ended");
}

const GRACE: Duration = Duration::from_secs(10);

async fn ended(copy: &Copy) -> Result<Report, Error> {
    let ended = tokio::time::timeout(Duration::from_mins(1), copy.finished());
    let outcome = ended.await.expect("ends in a minute");
    outcome.into_result().map_err(|failure| failure.cause)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_copy_is_complete_once_it_is_proven() {
    let room = Room::new();
    let session = session(1).await;
    let copy = room.seed(&session).await.unwrap();
    copy.complete().await.unwrap();
    assert!(damaged(&copy).await.is_empty());
    let report = copy.stop().await.report;
    assert!(report.complete && report.damaged.is_empty());
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_never_called_complete_and_serves_what_is_right() {
    let room = Room::new();
    let (seeder, copier) = (session(2).await, session(3).await);
    damage(&room.file("b"));
    let copy = room.seed(&seeder).await.unwrap();
    assert_eq!(damaged(&copy).await, ["damaged: b"]);
    let mut options = CopyOptions::new(room.dir.path().join("to"));
    options.timeout = Some(Duration::from_secs(2));
    let content = Content::torrent(&room.torrent).unwrap();
    let options = options.peer(copy.started().listen.to_string()).unwrap();
    let took = copier.add(content, options).await.unwrap();
    let error = ended(&took).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    assert_eq!(error.incomplete(), ["b"], "all else came");
    let copied = std::fs::read(room.dir.path().join("to/CS5/a")).unwrap();
    assert_eq!(copied, std::fs::read(room.file("a")).unwrap());
    let report = copy.stop().await.report;
    assert!(!report.complete);
    assert_eq!(report.damaged, ["damaged: b"]);
    // all but the wrong piece
    assert_eq!(report.uploaded, 47 * (16 << 10));
    copier.shutdown(GRACE).await;
    seeder.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_copy_names_what_is_missing() {
    let room = Room::new();
    let session = session(4).await;
    std::fs::remove_file(room.file("a")).unwrap();
    let copy = room.seed(&session).await.unwrap();
    assert_eq!(damaged(&copy).await, ["missing: a"]);
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_which_nothing_is_right_fails() {
    let room = Room::new();
    let session = session(5).await;
    for name in NAMES {
        std::fs::write(room.file(name), vec![0; 256 << 10]).unwrap();
    }
    let copy = room.seed(&session).await.unwrap();
    let error = ended(&copy).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
    assert_eq!(error.incomplete().len(), 3);
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_served() {
    let room = Room::new();
    let session = session(6).await;
    std::fs::remove_dir_all(room.dir.path().join("CS5")).unwrap();
    let error = room.seed(&session).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(error.to_string().contains("CS5"), "{error}");
    session.shutdown(GRACE).await;
}
