//! Whole copies through the facade: real files, real sockets on the loopback, few machines.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use swarmcopy::{
    Config, Content, Copy, CopyOptions, Error, ErrorKind, Format, MakeOptions, OriginMode,
    PieceLen, Report, Session, Stay, make, verify,
};

/// A share with a small tree in it and the torrent of that tree.
struct Room {
    dir: tempfile::TempDir,
    torrent: Vec<u8>,
}

impl Room {
    fn new() -> Self {
        Self::of(Format::V1)
    }

    fn of(format: Format) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("share/CS5");
        std::fs::create_dir_all(tree.join("deep/er")).unwrap();
        for (at, name) in ["a.bin", "deep/b #1.bin", "deep/er/c%.bin"]
            .iter()
            .enumerate()
        {
            let bytes: Vec<u8> = (0..400_000u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ at as u8)
                .collect();
            std::fs::write(tree.join(name), bytes).unwrap();
        }
        std::fs::write(tree.join("empty"), []).unwrap();
        let mut options = MakeOptions::new(&tree);
        options.format = format;
        if format == Format::V2 {
            options.piece_len = PieceLen::Bytes(64 << 10);
        }
        let made = make(&options, &|_| {}).unwrap();
        let torrent = std::fs::read(made.torrent).unwrap();
        Self { dir, torrent }
    }

    fn share(&self) -> PathBuf {
        self.dir.path().join("share")
    }

    fn target(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn content(&self) -> Content {
        Content::torrent(&self.torrent).unwrap()
    }

    fn options(&self, name: &str) -> CopyOptions {
        let mut options = CopyOptions::new(self.target(name));
        options.stay = Stay::For(Duration::ZERO);
        options.timeout = Some(Duration::from_secs(30));
        options
    }

    /// Those of a copy from the share.
    fn shared(&self, name: &str) -> CopyOptions {
        self.options(name).share(self.share())
    }

    fn same(&self, name: &str) -> bool {
        same(&self.share().join("CS5"), &self.target(name).join("CS5"))
    }
}

fn same(a: &Path, b: &Path) -> bool {
    let names = ["a.bin", "deep/b #1.bin", "deep/er/c%.bin", "empty"];
    names
        .iter()
        .all(|name| std::fs::read(a.join(name)).unwrap() == std::fs::read(b.join(name)).unwrap())
}

async fn session(last: u8) -> Session {
    let mut config = Config::default();
    config.listen = Some(SocketAddr::from(([127, 0, 0, last], 0)));
    config.lsd = false;
    Session::builder().config(config).build().await.unwrap()
}

async fn run(session: &Session, content: Content, options: CopyOptions) -> Result<Report, Error> {
    let copy = session.add(content, options).await?;
    ended(&copy).await
}

async fn ended(copy: &Copy) -> Result<Report, Error> {
    let outcome = tokio::time::timeout(Duration::from_secs(60), copy.finished())
        .await
        .expect("ends in a minute");
    Ok(outcome.into_result()?)
}

const GRACE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn the_seed_of_random_choices_can_be_chosen() {
    let room = Room::new();
    let mut config = Config::default();
    config.listen = Some(SocketAddr::from(([127, 0, 0, 12], 0)));
    config.lsd = false;
    config.seed = Some(77);
    let session = Session::builder().config(config).build().await.unwrap();
    let options = room.shared("one");
    let copy = session.add(room.content(), options).await.unwrap();
    assert_eq!(copy.started().seed, 77);
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_alone_copies_from_the_share() {
    let room = Room::new();
    let session = session(2).await;
    let report = run(&session, room.content(), room.shared("one"))
        .await
        .unwrap();
    assert!(report.complete && room.same("one"));
    assert_eq!((report.from_share, report.from_peers), (1_200_000, 0));
    assert!(!room.target("one").join("CS5.swarmcopy").exists());
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_copy_is_recognised_and_read_from_nowhere() {
    let room = Room::new();
    let session = session(3).await;
    run(&session, room.content(), room.shared("one"))
        .await
        .unwrap();
    let again = run(&session, room.content(), room.shared("one"))
        .await
        .unwrap();
    assert_eq!((again.reused, again.from_share), (1_200_000, 0));
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_send_no_pads_of_a_hybrid_torrent() {
    let room = Room::of(Format::Hybrid);
    let (seeds, gets) = (session(14).await, session(15).await);
    let seed = room.content().seed_from(room.share());
    let stays = CopyOptions::new(".").stay(Stay::Always);
    let seed = seeds.add(seed, stays).await.unwrap();
    let peer = seed.started().listen.to_string();
    let options = room.options("two").peer(peer).unwrap();
    let report = run(&gets, room.content(), options).await.unwrap();
    assert!(report.complete && room.same("two"));
    assert_eq!((report.bytes, report.from_peers), (1_200_000, 1_200_000));
    gets.shutdown(GRACE).await;
    seeds.shutdown(GRACE).await;
    assert_eq!(seed.finished().await.report.uploaded, 1_200_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_copies_from_a_seed_alone() {
    let room = Room::new();
    let (seeder, copier) = (session(4).await, session(5).await);
    let seed = room.content().seed_from(room.share());
    let stays = CopyOptions::new(".").stay(Stay::Always);
    let seed = seeder.add(seed, stays).await.unwrap();
    let peer = seed.started().listen.to_string();
    let options = room.options("one").peer(peer).unwrap();
    let report = run(&copier, room.content(), options).await.unwrap();
    assert!(room.same("one"));
    assert_eq!((report.from_peers, report.origin_bytes), (1_200_000, 0));
    copier.shutdown(GRACE).await;
    seeder.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_of_version_2_alone_goes_from_share_to_peer() {
    let room = Room::of(Format::V2);
    let (first, second) = (session(10).await, session(11).await);
    let stays = room.shared("one").stay(Stay::Always);
    let copy = first.add(room.content(), stays).await.unwrap();
    copy.complete().await.unwrap();
    assert!(room.same("one"));
    let peer = copy.started().listen.to_string();
    let options = room.options("two").peer(peer).unwrap();
    let report = run(&second, room.content(), options).await.unwrap();
    assert!(room.same("two"));
    assert_eq!((report.from_peers, report.bad_pieces), (1_200_000, 0));
    let content = room.content();
    assert!(
        verify(&content, &room.target("two"), &|_| {})
            .unwrap()
            .whole
    );
    std::fs::write(room.target("two").join("CS5/a.bin"), vec![9; 400_000]).unwrap();
    let found = verify(&content, &room.target("two"), &|_| {}).unwrap();
    assert_eq!(found.damaged, ["a.bin"]);
    second.shutdown(GRACE).await;
    first.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_reads_no_origin_even_when_nothing_else_is_there() {
    let room = Room::new();
    let session = session(6).await;
    let mut options = room.shared("one");
    options.origin = OriginMode::Never;
    options.timeout = Some(Duration::from_secs(1));
    let error = run(&session, room.content(), options.clone()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "nobody is left: {error}");
    let options = options.peer("127.0.0.1:1").unwrap();
    let error = run(&session, room.content(), options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    assert!(error.to_string().contains("a.bin"), "{error}");
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_differs_is_told_and_its_bytes_are_not_kept() {
    let room = Room::new();
    let session = session(7).await;
    let wrong = room.share().join("CS5/a.bin");
    std::fs::write(&wrong, vec![9; 400_000]).unwrap();
    let error = run(&session, room.content(), room.shared("one"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
    let written = std::fs::read(room.target("one").join("CS5/a.bin")).unwrap_or_default();
    let wrong_run = written
        .windows(16_384)
        .any(|run| run.iter().all(|byte| *byte == 9));
    assert!(!wrong_run, "wrong bytes were written");
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_a_file_is_a_disk_error() {
    let room = Room::new();
    let session = session(8).await;
    std::fs::write(room.target("one"), b"in the way").unwrap();
    let error = run(&session, room.content(), room.shared("one"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disk, "{error}");
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_copy_goes_on_from_what_was_verified() {
    let room = Room::new();
    let mut config = Config::default();
    config.listen = Some(SocketAddr::from(([127, 0, 0, 9], 0)));
    config.lsd = false;
    config.limit_down = Some(400_000);
    let slow = Session::builder().config(config).build().await.unwrap();
    let copy = slow.add(room.content(), room.shared("one")).await.unwrap();
    let mut looks = copy.looks();
    while let Some(look) = looks.next().await {
        if look.verified > 200_000 {
            break;
        }
    }
    let outcome = copy.stop().await;
    assert_eq!(outcome.failure.unwrap().kind, ErrorKind::Interrupted);
    assert!(outcome.report.from_share > 200_000);
    slow.shutdown(GRACE).await;
    let session = session(9).await;
    let report = run(&session, room.content(), room.shared("one"))
        .await
        .unwrap();
    assert!(room.same("one"));
    assert!(
        report.reused > 100_000,
        "{} bytes were reused",
        report.reused
    );
    assert!(report.from_share < 1_200_000);
    session.shutdown(GRACE).await;
}
