//! How fast a `RangeSource` is beside the built-in mirror, both 50 ms away: `cargo run --release -p swarmcopy-benches
//! --example range_source`. Ends with 1 below 0.9 x, and prints how many requests each made.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use swarmcopy::layout::{FileEntry, Layout, PieceDigest, PieceDigests, RelPath};
use swarmcopy::source::{RangeError, RangeSource, async_trait};
use swarmcopy::{Content, CopyOptions, Session, Stay};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const LEN: usize = 64 << 20;
const PIECE_LEN: usize = 64 << 10;
const LATENCY: Duration = Duration::from_millis(50);
const ROUNDS: usize = 3;

/// A file that is served with a delay.
#[derive(Debug)]
struct Served {
    bytes: Vec<u8>,
    requests: AtomicU64,
}

async fn serve(served: Arc<Served>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(Arc::clone(&served), stream));
    }
}

/// Answers one connection's requests until it is closed.
async fn answer(served: Arc<Served>, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let mut range = 0..LEN;
    while let Some(line) = lines.next_line().await? {
        let line = line.to_ascii_lowercase();
        if let Some((from, to)) = line
            .strip_prefix("range: bytes=")
            .and_then(|it| it.split_once('-'))
        {
            let end = to.trim().parse().map_or(LEN, |last: usize| last + 1);
            range = from.parse().unwrap_or(0)..end.min(LEN);
        }
        if !line.is_empty() {
            continue;
        }
        served.requests.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(LATENCY).await;
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\ncontent-range: bytes {}-{}/{LEN}\r\n\r\n",
            range.len(),
            range.start,
            range.end - 1
        );
        write.write_all(head.as_bytes()).await?;
        write.write_all(&served.bytes[range.clone()]).await?;
        range = 0..LEN;
    }
    Ok(())
}

/// The same file by ranges of our own.
#[derive(Debug)]
struct Ranges {
    addr: SocketAddr,
    idle: Mutex<Vec<BufReader<TcpStream>>>,
}

#[async_trait]
impl RangeSource for Ranges {
    fn name(&self) -> String {
        "ranges".to_owned()
    }

    async fn read(&self, _: &FileEntry, at: u64, to: &mut [u8]) -> Result<(), RangeError> {
        let idle = self.idle.lock().unwrap().pop();
        let mut stream = match idle {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(self.addr).await?),
        };
        let last = at + to.len() as u64 - 1;
        let ask = format!("GET /x HTTP/1.1\r\nhost: x\r\nrange: bytes={at}-{last}\r\n\r\n");
        stream.write_all(ask.as_bytes()).await?;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Err(RangeError::Broken("it hung up".to_owned()));
            }
        }
        stream.read_exact(to).await?;
        self.idle.lock().unwrap().push(stream);
        Ok(())
    }
}

/// Copies once; how long that took.
async fn copy(content: Content, options: CopyOptions) -> Result<Duration, Box<dyn Error>> {
    let listen = ([127, 0, 0, 1], 0).into();
    let session = Session::builder().listen(listen).lsd(false).build().await?;
    let start = Instant::now();
    let copy = session
        .add(content, options.stay(Stay::For(Duration::ZERO)))
        .await?;
    copy.complete().await?;
    let took = start.elapsed();
    copy.finished().await.into_result()?;
    session.shutdown(Duration::from_secs(5)).await;
    Ok(took)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let bytes = swarmcopy_benches::noise(LEN);
    let layout = Layout::builder(PIECE_LEN as u64).file(RelPath::parse("x")?, LEN as u64);
    let digests = bytes.chunks(PIECE_LEN);
    let digests = digests.map(|piece| PieceDigest::Sha1(swarmcopy_digest::sha1(piece)));
    let content = Content::of("x", layout.build()?, PieceDigests::new(digests.collect()))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let requests = AtomicU64::new(0);
    let served = Arc::new(Served { bytes, requests });
    tokio::spawn(serve(Arc::clone(&served), listener));
    let taken = || served.requests.swap(0, Ordering::Relaxed);
    let (mut by_mirror, mut by_ranges) = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        let folder = swarmcopy_benches::scratch_folder()?;
        let mirror =
            CopyOptions::new(folder.path().join("m")).mirror(format!("http://{addr}/x"))?;
        let took = copy(content.clone(), mirror).await?;
        println!("{round}: mirror {took:?}, {} requests", taken());
        by_mirror = by_mirror.min(took);
        let idle = Mutex::default();
        let ranges = content.clone().source(Arc::new(Ranges { addr, idle }));
        let took = copy(ranges, CopyOptions::new(folder.path().join("r"))).await?;
        println!("{round}: ranges {took:?}, {} requests", taken());
        by_ranges = by_ranges.min(took);
    }
    let ratio = by_mirror.as_secs_f64() / by_ranges.as_secs_f64();
    println!("{ratio:.2} x as fast as the built-in mirror");
    Ok(if ratio >= 0.9 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
