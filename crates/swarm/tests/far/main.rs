//! Peers that are far away: what one connection can't carry, several do.

mod proxy;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use proxy::{Door, Proxy};
use swarmcopy_layout::{Layout, PieceSet, RelPath, Span};
use swarmcopy_scheduler::Hello;
use swarmcopy_sources::{MemorySink, PieceSource, SpanSink};
use swarmcopy_swarm::{BlockReader, Listener, PeerLink, Swarm, SwarmConfig, SwarmEvent};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

const PIECE_LEN: u64 = 1024 * 1024;
/// As many as are asked for at a time: a peer may take a second request for a block as the first.
const PIECES: u64 = 32;
const INFO_HASH: [u8; 20] = [7; 20];
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct Zeros;

#[async_trait::async_trait]
impl BlockReader for Zeros {
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>> {
        static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
        let len = usize::try_from(span.len()).unwrap();
        Ok(vec![Bytes::from_static(&ZEROS[..len])])
    }
}

fn layout() -> Arc<Layout> {
    let file = RelPath::parse("zeros").unwrap();
    let layout = Layout::builder(PIECE_LEN).file(file, PIECE_LEN * PIECES);
    Arc::new(layout.build().unwrap())
}

fn hello() -> Option<Hello> {
    Some(Hello::default())
}

/// A machine that serves everything to whoever asks.
struct Seed {
    listener: Arc<Listener>,
    links: Arc<AtomicU64>,
    _swarm: Swarm,
    _cancel: DropGuard,
}

impl Seed {
    fn start() -> Self {
        let cancel = CancellationToken::new();
        let listener = Listener::bind(Some("127.0.0.1:0".parse().unwrap()), &cancel).unwrap();
        let layout = layout();
        let mut config = SwarmConfig::new(INFO_HASH, *b"-SC0100-seed-seed-se", layout.clone());
        config.have = PieceSet::full(layout.pieces());
        config.listener = Some(Arc::clone(&listener));
        config.hello = hello();
        let (send, mut events) = mpsc::channel(64);
        let swarm = Swarm::start(config, Arc::new(Zeros), send, &cancel);
        let links = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&links);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let SwarmEvent::LinkUp { link, .. } = event {
                    seen.fetch_add(1, Ordering::Relaxed);
                    link.unchoke();
                }
            }
        });
        Self {
            listener,
            links,
            _swarm: swarm,
            _cancel: cancel.drop_guard(),
        }
    }
}

/// A machine that asks one peer for all that it can bring.
struct Taker {
    link: Arc<PeerLink>,
    _swarm: Swarm,
    _cancel: DropGuard,
}

impl Taker {
    async fn start(proxy: &Proxy, connections: usize) -> Self {
        let cancel = CancellationToken::new();
        let mut config = SwarmConfig::new(INFO_HASH, *b"-SC0100-take-take-ta", layout());
        config.peers = vec![proxy.addr().into()];
        config.hello = hello();
        config.connections = connections;
        let (send, mut events) = mpsc::channel(64);
        let swarm = Swarm::start(config, Arc::new(Zeros), send, &cancel);
        let mut found = None;
        let link = loop {
            match timeout(PATIENCE, events.recv()).await.unwrap().unwrap() {
                SwarmEvent::LinkUp { link, .. } => found = Some(link),
                SwarmEvent::Unchoked { .. } => break found.unwrap(),
                _ => {}
            }
        };
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        for piece in 0..PIECES {
            tokio::spawn(take(Arc::clone(&link), piece));
        }
        Self {
            link,
            _swarm: swarm,
            _cancel: cancel.drop_guard(),
        }
    }

    /// Bytes a second over some time.
    async fn rate(&self, time: Duration) -> f64 {
        let (start, before) = (Instant::now(), self.link.stats().bytes_down);
        sleep(time).await;
        let came = self.link.stats().bytes_down - before;
        f64::from(u32::try_from(came).unwrap()) / start.elapsed().as_secs_f64()
    }
}

/// Asks for a piece, again and again.
async fn take(link: Arc<PeerLink>, piece: u64) {
    loop {
        let span = Span::new(piece * PIECE_LEN, PIECE_LEN);
        let len = usize::try_from(PIECE_LEN * PIECES).unwrap();
        let sink = SpanSink::new(Arc::new(MemorySink::new(len, PIECE_LEN)));
        match link.fetch(span, &sink).await {
            Ok(()) => assert!(sink.missing(span).is_none(), "done, and bytes are missing"),
            Err(error) if error.to_string().contains("refused") => {}
            Err(_) => return,
        }
    }
}

/// 256 KiB in 40 ms are 6.5 MB/s for one connection.
async fn far_proxy(seed: &Seed) -> Proxy {
    Proxy::start(
        seed.listener.local_addr(),
        Duration::from_millis(20),
        256 * 1024,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_connections_bring_three_times_what_one_brings() {
    let seed = Seed::start();
    let proxy = far_proxy(&seed).await;
    let one = Taker::start(&proxy, 1).await;
    one.rate(Duration::from_millis(1500)).await;
    let rate_one = one.rate(Duration::from_secs(2)).await;
    assert_eq!(proxy.connections(), 1);
    drop(one);

    let many = Taker::start(&proxy, 8).await;
    let deadline = Instant::now() + PATIENCE;
    let mut rate = 0.0;
    while rate < 3.0 * rate_one && Instant::now() < deadline {
        rate = many.rate(Duration::from_secs(1)).await;
    }
    let connections = many.link.stats().connections;
    eprintln!("one connection {rate_one:.0} B/s, {connections} connections {rate:.0} B/s");
    assert!(rate >= 3.0 * rate_one, "{rate} B/s against {rate_one} B/s");
    assert!((4..=8).contains(&connections), "{connections}");
    assert_eq!(seed.links.load(Ordering::Relaxed), 2, "a lane is no link");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_near_peer_has_one_connection() {
    let seed = Seed::start();
    // a busy machine may look far away for a moment
    let mut seen = Vec::new();
    for _ in 0..3 {
        let proxy = Proxy::start(seed.listener.local_addr(), Duration::ZERO, 1 << 20).await;
        let taker = Taker::start(&proxy, 8).await;
        taker.rate(Duration::from_secs(3)).await;
        seen.push(proxy.connections());
        if seen.ends_with(&[1]) {
            return;
        }
    }
    panic!("connections to a near peer, three times: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_lets_nobody_in_twice_is_used_by_one_connection() {
    let seed = Seed::start();
    let proxy = far_proxy(&seed).await;
    proxy.set_door(Door::First);
    let taker = Taker::start(&proxy, 8).await;
    taker.rate(Duration::from_secs(3)).await;
    assert!(proxy.connections() > 1, "no lane was tried");
    assert!(taker.rate(Duration::from_secs(1)).await > 4e6);
    assert_eq!(taker.link.stats().connections, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_that_break_lose_no_block_and_not_the_link() {
    let seed = Seed::start();
    let proxy = far_proxy(&seed).await;
    let taker = Taker::start(&proxy, 8).await;
    let deadline = Instant::now() + PATIENCE;
    while taker.link.stats().connections < 4 {
        assert!(Instant::now() < deadline, "no lanes");
        sleep(Duration::from_millis(50)).await;
    }
    proxy.break_all_but_first();
    while taker.link.stats().connections > 1 {
        assert!(Instant::now() < deadline, "lanes stay");
        sleep(Duration::from_millis(50)).await;
    }
    taker.rate(Duration::from_secs(1)).await;
    assert!(taker.rate(Duration::from_secs(1)).await > 4e6);
    assert_eq!(seed.links.load(Ordering::Relaxed), 1);
}
