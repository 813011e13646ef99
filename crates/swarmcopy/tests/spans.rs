//! What sources and the store say stands in the spans of their copy and their source.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use swarmcopy::layout::{FileEntry, Layout, PieceDigest, PieceDigests, RelPath};
use swarmcopy::source::{RangeError, RangeSource, async_trait};
use swarmcopy::{Content, ContentId, CopyOptions, Discovery, Session};
use tracing::field::{Field, Visit};
use tracing::{Event, Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Keeps each event as `span>span: words`.
#[derive(Debug, Default, Clone)]
struct Kept(Arc<Mutex<Vec<String>>>);

/// What must be told, and in which spans.
const TOLD: [(&str, &str); 6] = [
    ("deploy>copy: ", "message=opened"),
    ("deploy>copy: ", "message=a piece is wrong"),
    ("deploy>copy: ", "message=decided"),
    ("deploy>copy: ", "message=cannot link"),
    ("deploy>copy: ", "message=a way to find peers panicked"),
    ("deploy>copy>source: ", "message=not read"),
];

impl Kept {
    /// What was not told yet.
    fn lacks(&self) -> Option<&'static str> {
        let kept = self.0.lock().unwrap();
        let is_told = |(spans, words): &&(&str, &str)| {
            kept.iter()
                .any(|line| line.starts_with(spans) && line.contains(words))
        };
        TOLD.iter()
            .find(|told| !is_told(told))
            .map(|(_, words)| *words)
    }
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let spans = context.event_scope(event).into_iter().flatten();
        let mut spans: Vec<_> = spans.map(|span| span.name()).collect();
        spans.reverse();
        let mut words = Words(format!("{}:", spans.join(">")));
        event.record(&mut words);
        self.0.lock().unwrap().push(words.0);
    }
}

/// Is away at first, and lies then.
#[derive(Debug, Default)]
struct Lies(AtomicBool);

#[async_trait]
impl RangeSource for Lies {
    fn name(&self) -> String {
        "http://me:secret@store/".to_owned()
    }

    async fn read(&self, _: &FileEntry, _: u64, to: &mut [u8]) -> Result<(), RangeError> {
        if !self.0.swap(true, Ordering::Relaxed) {
            let what = "http://me:secret@store/ is away";
            return Err(RangeError::Broken(what.to_owned()));
        }
        to.fill(7);
        Ok(())
    }
}

#[derive(Debug)]
struct Panics;

#[async_trait]
impl Discovery for Panics {
    async fn peers(&self, _: ContentId) -> Vec<std::net::SocketAddr> {
        panic!("no inventory")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_in_the_span_of_its_copy_and_without_secrets() {
    let kept = Kept::default();
    let all = tracing_subscriber::registry().with(kept.clone());
    tracing::subscriber::set_global_default(all).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::builder(16_384).file(RelPath::parse("x").unwrap(), 40_000);
    let digests = PieceDigests::new(vec![PieceDigest::Sha1([0; 20]); 3]);
    let content = Content::of("x", layout.build().unwrap(), digests).unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let session = Session::builder()
        .listen(listen)
        .lsd(false)
        .discovery(Arc::new(Panics))
        .build()
        .await
        .unwrap();
    let options = CopyOptions::new(dir.path()).peer("127.0.0.1:1").unwrap();
    let copy = session.add(content.source(Arc::new(Lies::default())), options);
    // who calls may have a span of its own
    let copy = copy.instrument(tracing::info_span!("deploy")).await;
    let copy = copy.unwrap();
    let told = async {
        let mut looks = copy.looks();
        while kept.lacks().is_some() && looks.next().await.is_some() {}
    };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(60), told).await;
    session.shutdown(std::time::Duration::from_secs(5)).await;
    let kept_lines = kept.0.lock().unwrap().clone();
    assert_eq!(kept.lacks(), None, "{kept_lines:#?}");
    let shown = |line: &String| line.contains("secret");
    assert!(!kept_lines.iter().any(shown), "{kept_lines:#?}");
}
