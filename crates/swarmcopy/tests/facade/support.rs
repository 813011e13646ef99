//! A content in memory, and a source of it that follows a script.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use swarmcopy::layout::{Attributes, FileEntry, Layout, PieceDigest, PieceDigests, RelPath, Span};
use swarmcopy::source::{RangeError, RangeSource, async_trait};
use swarmcopy::{Content, Copy, CopyOptions, Outcome, Progress, Session, Stay};
use tokio::sync::Semaphore;

pub(crate) const PIECE_LEN: u64 = 64 << 10;
pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Files of a tree, with pads after those that are marked.
pub(crate) struct Room {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) layout: Layout,
    bytes: Vec<u8>,
}

impl Room {
    /// Files of these lengths: `f0`, `f1` and so on.
    pub(crate) fn new(lens: &[u64]) -> Self {
        Self::of(lens, false)
    }

    /// The same with a pad behind each, as hybrid torrents have them.
    pub(crate) fn padded(lens: &[u64]) -> Self {
        Self::of(lens, true)
    }

    fn of(lens: &[u64], padded: bool) -> Self {
        let mut builder = Layout::builder(PIECE_LEN);
        let mut bytes = Vec::new();
        let mut noise = 1u64;
        for (at, len) in lens.iter().enumerate() {
            let path = RelPath::parse(&format!("f{at}")).unwrap();
            builder.push(path, *len, Attributes::default());
            bytes.extend((0..*len).map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (noise >> 56) as u8
            }));
            let pad = len.next_multiple_of(PIECE_LEN) - len;
            if padded && pad > 0 {
                let path = RelPath::parse(&format!(".pad/{at}")).unwrap();
                builder.push(path, pad, Attributes::pad());
                bytes.resize(bytes.len() + pad as usize, 0);
            }
        }
        Self {
            dir: tempfile::tempdir().unwrap(),
            layout: builder.build().unwrap(),
            bytes,
        }
    }

    pub(crate) fn content(&self) -> Content {
        let pieces = self.layout.piece_indexes();
        let digests = pieces.map(|piece| {
            let span = self.layout.piece_span(piece);
            PieceDigest::Sha1(swarmcopy_digest::sha1(self.part(span)))
        });
        let digests = PieceDigests::new(digests.collect());
        Content::of("tree", self.layout.clone(), digests).unwrap()
    }

    /// All bytes, with those of pads.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn part(&self, span: Span) -> &[u8] {
        &self.bytes[span.start() as usize..span.end() as usize]
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.dir.path().join("to")
    }

    /// Ends once it is complete.
    pub(crate) fn options(&self) -> CopyOptions {
        CopyOptions::new(self.target()).stay(Stay::For(Duration::ZERO))
    }

    /// A source of all bytes.
    pub(crate) fn source(&self) -> Source {
        Source {
            bytes: self.bytes.clone(),
            script: Mutex::default(),
            always: None,
            gate: None,
            streams: 16,
            asked: Mutex::default(),
        }
    }

    /// The folder of a share that holds all.
    pub(crate) fn share(&self) -> PathBuf {
        let share = self.dir.path().join("share");
        std::fs::create_dir_all(share.join("tree")).unwrap();
        for (_, file) in self
            .layout
            .files()
            .filter(|(_, file)| !file.attributes().pad)
        {
            let path = share.join("tree").join(file.path().as_str());
            std::fs::write(path, self.part(file.span())).unwrap();
        }
        share
    }

    pub(crate) fn is_copied(&self) -> bool {
        let mut files = self
            .layout
            .files()
            .filter(|(_, file)| !file.attributes().pad);
        files.all(|(_, file)| self.has(file))
    }

    pub(crate) fn has(&self, file: &FileEntry) -> bool {
        let path = self.target().join("tree").join(file.path().as_str());
        std::fs::read(path).is_ok_and(|bytes| bytes == self.part(file.span()))
    }
}

/// What a read does instead of reading.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    Fails(RangeError),
    Panics,
    Hangs,
    Lies,
}

/// A source of a room's bytes.
#[derive(Debug)]
pub(crate) struct Source {
    bytes: Vec<u8>,
    script: Mutex<VecDeque<Does>>,
    always: Option<Does>,
    /// Reads that may still be made.
    gate: Option<Arc<Semaphore>>,
    streams: u32,
    asked: Mutex<Vec<(Instant, u64)>>,
}

impl Source {
    /// The next reads do these things.
    pub(crate) fn does(self, script: &[Does]) -> Self {
        self.script.lock().unwrap().extend(script.iter().cloned());
        self
    }

    /// All reads do this.
    pub(crate) fn always(mut self, does: Does) -> Self {
        self.always = Some(does);
        self
    }

    /// Each read waits for a permit.
    pub(crate) fn gated(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }

    /// At most so many reads are made at once.
    pub(crate) fn streams(mut self, streams: u32) -> Self {
        self.streams = streams;
        self
    }

    /// The lengths of all reads.
    pub(crate) fn asked(&self) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(_, len)| *len).collect()
    }

    /// How many bytes a second it was asked for, but for the first half second: an idle limit gives some at once.
    pub(crate) fn pace(&self) -> f64 {
        let asked = self.asked.lock().unwrap();
        let begun = asked[0].0 + Duration::from_millis(500);
        let steady = &asked[asked.partition_point(|(at, _)| *at < begun)..];
        let [paid @ .., (end, _)] = steady else {
            panic!("{} reads in less than half a second", asked.len());
        };
        let bytes: u64 = paid.iter().map(|(_, len)| *len).sum();
        bytes as f64 / (*end - paid[0].0).as_secs_f64()
    }
}

#[async_trait]
impl RangeSource for Source {
    fn name(&self) -> String {
        "store".to_owned()
    }

    fn streams_max(&self) -> u32 {
        self.streams
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(300)
    }

    async fn read(&self, file: &FileEntry, at: u64, to: &mut [u8]) -> Result<(), RangeError> {
        let now = (Instant::now(), to.len() as u64);
        self.asked.lock().unwrap().push(now);
        let does = self.script.lock().unwrap().pop_front();
        let does = does.or_else(|| self.always.clone());
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        let start = (file.span().start() + at) as usize;
        to.copy_from_slice(&self.bytes[start..start + to.len()]);
        match does {
            Some(Does::Fails(error)) => return Err(error),
            Some(Does::Panics) => panic!("index out of range"),
            Some(Does::Hangs) => std::future::pending().await,
            Some(Does::Lies) => to[0] ^= 1,
            None => {}
        }
        Ok(())
    }
}

/// A session that talks to nobody by itself.
pub(crate) async fn session() -> Session {
    let listen = ([127, 0, 0, 1], 0).into();
    let builder = Session::builder().listen(listen).lsd(false);
    builder.build().await.unwrap()
}

/// Waits for the end, not for ever.
pub(crate) async fn ended(copy: &Copy) -> Outcome {
    within(copy.finished()).await
}

/// Waits for a look at the copy.
pub(crate) async fn until(copy: &Copy, wanted: impl Fn(&Progress) -> bool) {
    let mut looks = copy.looks();
    while !wanted(&copy.status()) {
        within(looks.next()).await.expect("it runs");
    }
}

/// Waits for what must come.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.expect("it comes within a minute")
}
