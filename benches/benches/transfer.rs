//! How fast one machine gets a file of 256 MiB from another: two sessions on loopback, one process.
//!
//! Both ends share the processor, so a machine with a network of its own has about twice the room.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use swarmcopy::{Config, Content, Copy, CopyOptions, MakeOptions, Session, Stay};
use tokio::runtime::Runtime;

const LEN: usize = 256 << 20;
const SEED_ADDR: &str = "127.0.0.2:0";
const COPY_ADDR: &str = "127.0.0.3:0";
/// Longest time that one copy may take.
const DEADLINE: Duration = Duration::from_mins(2);

/// Whether the seed has served, and so verified, the file before.
#[derive(Clone, Copy)]
enum Seed {
    /// It verifies each piece on the way.
    Fresh,
    /// It has verified all of them.
    Warm,
}

/// Starts a session that listens at `addr` and looks for nobody.
async fn session(addr: &str) -> Session {
    let mut config = Config::default();
    config.listen = Some(addr.parse().unwrap());
    config.lsd = false;
    Session::builder().config(config).build().await.unwrap()
}

/// A machine that serves the file.
struct Server {
    session: Session,
    copy: Copy,
}

impl Server {
    async fn start(folder: &Path, torrent: &[u8]) -> Self {
        let session = session(SEED_ADDR).await;
        let options = CopyOptions::new(folder).stay(Stay::Always);
        let content = Content::torrent(torrent).unwrap().seed_from(folder);
        let copy = session.add(content, options).await.unwrap();
        copy.complete().await.unwrap();
        Self { session, copy }
    }

    fn addr(&self) -> SocketAddr {
        self.copy.started().listen
    }

    async fn stop(self) {
        self.copy.stop().await;
        self.session.shutdown(DEADLINE).await;
    }
}

/// Gets the file from the peer at `addr`; returns how long it took from the call to the last
/// verified piece.
async fn get(addr: SocketAddr, torrent: &[u8]) -> Duration {
    let folder = swarmcopy_benches::scratch_folder().unwrap();
    let session = session(COPY_ADDR).await;
    let mut options = CopyOptions::new(folder.path());
    options.peers = vec![addr.to_string()];
    options.stay = Stay::For(Duration::ZERO);
    options.deadline = Some(DEADLINE);
    let content = Content::torrent(torrent).unwrap();
    let start = Instant::now();
    let copy = session.add(content, options).await.unwrap();
    copy.complete().await.unwrap();
    let took = start.elapsed();
    let report = copy.finished().await.into_result().unwrap();
    session.shutdown(DEADLINE).await;
    assert_eq!(report.bytes, u64::try_from(LEN).unwrap());
    took
}

/// One measured copy.
async fn round(seed: Seed, server: &Server, folder: &Path, torrent: &[u8]) -> Duration {
    match seed {
        Seed::Warm => get(server.addr(), torrent).await,
        Seed::Fresh => {
            let server = Server::start(folder, torrent).await;
            let took = get(server.addr(), torrent).await;
            server.stop().await;
            took
        }
    }
}

fn transfer(criterion: &mut Criterion) {
    let folder = swarmcopy_benches::scratch_folder().unwrap();
    let file = folder.path().join("content.bin");
    fs::write(&file, swarmcopy_benches::noise(LEN)).unwrap();
    let made = swarmcopy::make(&MakeOptions::new(&file), &|_| ()).unwrap();
    let torrent = fs::read(made.torrent).unwrap();
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(folder.path(), &torrent));

    let mut group = swarmcopy_benches::group(criterion, "transfer/256_mib_from_a_peer");
    group.sampling_mode(SamplingMode::Flat);
    group.measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Bytes(u64::try_from(LEN).unwrap()));
    for (name, seed) in [("fresh_seed", Seed::Fresh), ("warm_seed", Seed::Warm)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| {
                let rounds = (0..rounds)
                    .map(|_| runtime.block_on(round(seed, &server, folder.path(), &torrent)));
                rounds.sum()
            });
        });
    }
    group.finish();
    runtime.block_on(server.stop());
}

criterion_group!(benches, transfer);
criterion_main!(benches);
