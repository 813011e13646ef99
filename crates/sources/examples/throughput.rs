//! Measures a share and a mirror on this machine: `throughput FOLDER [MiB]`, best with a folder in memory.
//!
//! What must stay true: the bytes go to recycled memory and nowhere else, so that the sources alone are timed.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use swarmcopy_layout::{Layout, PieceSet, RelPath, Span};
use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_scheduler::{
    Action, Config, Discovery, Event, NodeId, OriginPermit, Scheduler, SourceId, SourceInfo,
};
use swarmcopy_sources::{
    MirrorOptions, MirrorSource, OriginSource, Shape, ShareSource, SinkTarget, SpanSink,
};

const NAME: &str = "throughput.bin";
const PIECE_LEN: u64 = 4 << 20;
const SEGMENT_LEN: u64 = 1 << 20;
const RUN_LEN: u64 = 16 << 20;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Hands out segments in order and takes them back.
#[derive(Debug, Default)]
struct Recycler {
    next: AtomicU64,
    spare: Mutex<Vec<BytesMut>>,
}

impl Recycler {
    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<BytesMut>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SinkTarget for Recycler {
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)> {
        let start = self.next.load(Ordering::Relaxed).max(span.start());
        let segment_end = (start / SEGMENT_LEN + 1) * SEGMENT_LEN;
        let run = Span::between(start, segment_end.min(span.end()));
        let len = usize::try_from(run.len()).ok().filter(|len| *len > 0)?;
        self.next.store(run.end(), Ordering::Relaxed);
        let mut buffer = self.spare().pop().unwrap_or_default();
        buffer.resize(len, 0);
        Some((run, buffer))
    }

    fn commit(&self, _span: Span, buffer: BytesMut) {
        self.spare().push(buffer);
    }

    fn release(&self, span: Span, buffer: BytesMut) {
        self.next.store(span.start(), Ordering::Relaxed);
        self.spare().push(buffer);
    }
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: throughput FOLDER [MiB]")?;
    let len = args.next().map_or(Ok(512), |mib| mib.parse::<u64>())? << 20;
    let path = Path::new(&folder).join(NAME);
    std::fs::write(&path, vec![7; usize::try_from(len)?])?;
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(measure(&path, len));
    std::fs::remove_file(&path)?;
    result
}

async fn measure(path: &Path, len: u64) -> Outcome<()> {
    let layout = Layout::builder(PIECE_LEN)
        .file(RelPath::parse(NAME)?, len)
        .build()?;
    let layout = Arc::new(layout);
    let name = RelPath::parse(NAME)?;
    let share = ShareSource::find(path, &name, Shape::File, Arc::clone(&layout))?;
    let url = serve(path.to_owned())?;
    let mirror = mirror(&url, &layout)?;
    let origins: [(&str, &dyn OriginSource); 2] = [("share", &share), ("mirror", &mirror)];
    for streams in [1, 2, 4] {
        for (kind, origin) in origins {
            let mut best = Duration::MAX;
            for _ in 0..3 {
                best = best.min(time(origin, &layout, streams).await?);
            }
            let rate = Duration::from_nanos(len).div_duration_f64(best);
            writeln!(
                std::io::stdout(),
                "{kind:6} {streams} streams: {rate:.2} GB/s"
            )?;
        }
    }
    Ok(())
}

fn mirror(url: &str, layout: &Arc<Layout>) -> Outcome<MirrorSource> {
    let (layout, options) = (Arc::clone(layout), MirrorOptions::default());
    Ok(MirrorSource::new(
        url,
        &RelPath::parse(NAME)?,
        Shape::File,
        layout,
        options,
    )?)
}

/// How long it takes to fetch everything with so many fetches at a time.
async fn time(origin: &dyn OriginSource, layout: &Arc<Layout>, streams: u64) -> Outcome<Duration> {
    let (permit, _scheduler) = permit(layout).ok_or("no permit")?;
    let source = origin.open(permit).await?;
    let start = Instant::now();
    let fetches = (0..streams).map(|stream| {
        let (source, len) = (Arc::clone(&source), layout.len());
        tokio::spawn(async move {
            let mut span = Span::new(stream * RUN_LEN, RUN_LEN);
            while span.start() < len {
                let run = span.intersection(Span::new(0, len));
                source
                    .fetch(run, &SpanSink::new(Arc::new(Recycler::default())))
                    .await?;
                span = Span::new(span.start() + streams * RUN_LEN, RUN_LEN);
            }
            Ok::<(), swarmcopy_sources::SourceError>(())
        })
    });
    for fetch in fetches.collect::<Vec<_>>() {
        fetch.await??;
    }
    Ok(start.elapsed())
}

/// The permit of a machine that is alone, and the scheduler that keeps it live.
fn permit(layout: &Arc<Layout>) -> Option<(OriginPermit, Scheduler)> {
    let (wanted, have) = (
        PieceSet::full(layout.pieces()),
        PieceSet::empty(layout.pieces()),
    );
    let config = Config::new(OriginConfig::new(NodeId([1; 8]), [0; 32]));
    let mut now = swarmcopy_scheduler::Instant::ZERO;
    let mut scheduler = Scheduler::new(config, Arc::clone(layout), wanted, have, (now, 1));
    let (kind, tag) = (
        swarmcopy_scheduler::OriginKind::Share,
        swarmcopy_scheduler::OriginTag::default(),
    );
    let info = SourceInfo::Origin {
        kind,
        tag,
        streams_max: 4,
    };
    scheduler.handle(
        now,
        Event::SourceUp {
            source: SourceId(0),
            info,
        },
    );
    scheduler.handle(now, Event::Discovery(Discovery::Off));
    for _ in 0..100 {
        while let Some(action) = scheduler.poll_action() {
            if let Action::OpenOrigin { permit } = action {
                return Some((permit, scheduler));
            }
        }
        now = scheduler.poll_timeout()?;
        scheduler.handle_timeout(now);
    }
    None
}

/// A web server of one file that knows ranges and nothing else; its URL.
fn serve(path: std::path::PathBuf) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/{NAME}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let path = path.clone();
            std::thread::spawn(move || {
                // a client that goes away ends its connection
                let _ = answer(&stream, &path);
            });
        }
    });
    Ok(url)
}

fn answer(stream: &TcpStream, path: &Path) -> Outcome<()> {
    let file = std::fs::File::open(path)?;
    let total = file.metadata()?.len();
    let lines = BufReader::new(stream).lines();
    let mut buffer = vec![0; 1 << 20];
    let (mut from, mut to) = (0, total);
    for line in lines {
        let line = line?.to_lowercase();
        if let Some((first, last)) = line
            .strip_prefix("range: bytes=")
            .and_then(|range| range.split_once('-'))
        {
            (from, to) = (first.parse()?, last.parse::<u64>()? + 1);
        }
        if !line.is_empty() {
            continue;
        }
        let range = format!("Content-Range: bytes {from}-{}/{total}\r\n", to - 1);
        let head = format!(
            "HTTP/1.1 206 Partial\r\n{range}Content-Length: {}\r\n\r\n",
            to - from
        );
        let mut out = stream;
        out.write_all(head.as_bytes())?;
        while from < to {
            let len = usize::try_from((to - from).min(SEGMENT_LEN))?;
            let part = buffer
                .get_mut(..len)
                .ok_or("a part is longer than the buffer")?;
            swarmcopy_sys::io::read_exact_at(&file, part, from)?;
            out.write_all(part)?;
            from += u64::try_from(len)?;
        }
    }
    Ok(())
}
