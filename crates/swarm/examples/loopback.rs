//! Moves a content between two swarms of this process over loopback, and prints the rate.
//!
//! `cargo run --release -p swarmcopy-swarm --example loopback -- [MiB] [block KiB]`

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use swarmcopy_layout::{Layout, PieceSet, RelPath, Span};
use swarmcopy_scheduler::Hello;
use swarmcopy_sources::{PieceSource, SinkTarget, SpanSink};
use swarmcopy_swarm::{BlockReader, Listener, PeerLink, Swarm, SwarmConfig, SwarmEvent};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PIECE_LEN: u64 = 1024 * 1024;

/// Serves the same megabyte for every piece.
#[derive(Debug)]
struct Memory(Bytes);

#[async_trait]
impl BlockReader for Memory {
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>> {
        let start = usize::try_from(span.start() % PIECE_LEN).unwrap_or(0);
        let len = usize::try_from(span.len()).unwrap_or(0);
        let whole = self.0.len();
        let head = len.min(whole - start);
        Ok(vec![
            self.0.slice(start..start + head),
            self.0.slice(0..len - head),
        ])
    }
}

/// Takes bytes into a few buffers that are used again and again.
#[derive(Debug, Default)]
struct Drain {
    pool: Mutex<Vec<BytesMut>>,
    bytes: AtomicU64,
    /// Bytes up to here were reserved; blocks come in order, so this tells what is missing.
    reserved: Mutex<u64>,
}

impl SinkTarget for Drain {
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)> {
        let done = *self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let open = Span::between(span.start().max(done), span.end());
        let len = usize::try_from(open.len()).ok().filter(|len| *len > 0)?;
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = pool.pop().unwrap_or_default();
        buffer.resize(len, 0);
        Some((open, buffer))
    }

    fn commit(&self, span: Span, buffer: BytesMut) {
        self.bytes.fetch_add(span.len(), Ordering::Relaxed);
        *self.reserved.lock().unwrap_or_else(PoisonError::into_inner) = span.end();
        self.release(span, buffer);
    }

    fn release(&self, _span: Span, buffer: BytesMut) {
        self.pool
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(buffer);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let mib = words.next().unwrap_or(Ok(4096))?;
    let block_kib = words.next().unwrap_or(Ok(16))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(copy(mib * 1024 * 1024, u32::try_from(block_kib * 1024)?))
}

async fn copy(len: u64, block_len: u32) -> Result<(), Box<dyn Error>> {
    let layout = Layout::builder(PIECE_LEN)
        .file(RelPath::parse("content")?, len)
        .build()?;
    let layout = Arc::new(layout);
    let cancel = CancellationToken::new();
    let listener = Listener::bind(Some("127.0.0.1:0".parse()?), &cancel)?;
    let config = |peer_id| {
        let mut config = SwarmConfig::new([7; 20], peer_id, Arc::clone(&layout));
        config.hello = Some(Hello::default());
        config.block_len = block_len;
        config
    };
    let bytes = Bytes::from((0..=255).cycle().take(1024 * 1024).collect::<Vec<u8>>());
    let store: Arc<dyn BlockReader> = Arc::new(Memory(bytes));

    let mut full = config([1; 20]);
    full.have = PieceSet::full(layout.pieces());
    full.listener = Some(Arc::clone(&listener));
    let (told, events) = mpsc::channel(64);
    let seed = Swarm::start(full, Arc::clone(&store), told, &cancel);
    tokio::spawn(serve(events));

    let mut leech = config([2; 20]);
    leech.peers = vec![listener.local_addr().into()];
    let (tell, mut events) = mpsc::channel(64);
    let leech = Swarm::start(leech, store, tell, &cancel);
    let link = unchoked(&mut events).await.ok_or("no link")?;
    tokio::spawn(async move { while events.recv().await.is_some() {} });

    let sink = Arc::new(Drain::default());
    let span_sink = SpanSink::new(sink.clone());
    let start = Instant::now();
    // a few jobs at a time, as a scheduler would give them
    let jobs = 4;
    let mut at = 0;
    let mut running = futures_util::stream::FuturesOrdered::new();
    while at < len || !running.is_empty() {
        while at < len && running.len() < jobs {
            let span = Span::new(at, 4 * PIECE_LEN).intersection(Span::new(0, len));
            at = span.end();
            running.push_back(link.fetch(span, &span_sink));
        }
        if let Some(result) = futures_util::StreamExt::next(&mut running).await {
            result?;
        }
    }
    report(&sink, start, &leech);
    leech.shutdown().await;
    seed.shutdown().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example's result")]
fn report(sink: &Drain, start: Instant, leech: &Swarm) {
    let micros = start.elapsed().as_micros().max(1);
    let bytes = sink.bytes.load(Ordering::Relaxed);
    println!(
        "{bytes} bytes, {} MB/s, {:?}",
        u128::from(bytes) / micros,
        leech.stats()
    );
}

/// Unchokes whoever is interested.
async fn serve(mut events: mpsc::Receiver<SwarmEvent>) {
    let mut links = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            SwarmEvent::LinkUp { link, .. } => links.push(link),
            SwarmEvent::Interested { id } => {
                links
                    .iter()
                    .filter(|link| link.id() == id)
                    .for_each(|link| link.unchoke());
            }
            _ => {}
        }
    }
}

/// Waits for a link that lets us ask.
async fn unchoked(events: &mut mpsc::Receiver<SwarmEvent>) -> Option<Arc<PeerLink>> {
    let mut found = None;
    while let Some(event) = events.recv().await {
        match event {
            SwarmEvent::LinkUp { link, .. } => {
                link.interested();
                found = Some(link);
            }
            SwarmEvent::Unchoked { .. } => return found,
            _ => {}
        }
    }
    None
}
