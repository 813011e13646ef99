//! What sources and the store say stands in the spans of their copy and their source.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use swarmcopy::layout::{FileEntry, Layout, PieceDigest, PieceDigests, RelPath};
use swarmcopy::source::{RangeError, RangeSource, async_trait};
use swarmcopy::{Content, CopyOptions, Session};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Keeps each event as `span>span: words`.
#[derive(Debug, Default, Clone)]
struct Kept(Arc<Mutex<Vec<String>>>);

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
        .build()
        .await
        .unwrap();
    let copy = session.add(
        content.source(Arc::new(Lies::default())),
        CopyOptions::new(dir.path()),
    );
    let copy = copy.await.unwrap();
    assert!(copy.finished().await.failure.is_some());
    session.shutdown(std::time::Duration::from_secs(5)).await;
    let kept = kept.0.lock().unwrap();
    for (spans, words) in [
        ("copy: ", "message=opened"),
        ("copy: ", "message=a piece is wrong"),
        ("copy>source: ", "message=not read"),
    ] {
        let is_it = |line: &&String| line.starts_with(spans) && line.contains(words);
        assert!(kept.iter().any(|line| is_it(&line)), "{words}: {kept:#?}");
    }
    assert!(
        kept.iter().all(|line| !line.contains("secret")),
        "{kept:#?}"
    );
}
