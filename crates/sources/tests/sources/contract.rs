//! Every source of this crate keeps the contract.

use std::sync::Arc;

use swarmcopy_layout::Span;
use swarmcopy_sources::contract::{Opened, Subject, check, check_lacks};
use swarmcopy_sources::{
    Blame, Fault, FtpSource, MemorySink, MemorySource, MirrorOptions, MirrorSource, OriginSource,
    PieceSource, Shape, ShareSource, SourceError, SpanSink,
};

use crate::support::content::{Content, awkward, content, name};
use crate::support::ftp::{Act, FtpServer};
use crate::support::permit::permit;
use crate::support::server::{Server, tree, without_ranges};

/// A subject whose sources need no permit.
fn free<'a>(
    content: &Content,
    open: impl Fn() -> Arc<dyn PieceSource> + Send + Sync + 'a,
) -> Subject<'a> {
    Subject {
        layout: Arc::clone(&content.layout),
        bytes: content.bytes.clone(),
        open: Box::new(move || {
            let source = open();
            Box::pin(async move {
                Opened {
                    source,
                    revoke: None,
                }
            })
        }),
    }
}

/// A subject of one origin, opened with a fresh permit each time.
fn permitted<'a>(content: &Content, origin: &'a dyn OriginSource) -> Subject<'a> {
    let layout = Arc::clone(&content.layout);
    Subject {
        layout: Arc::clone(&layout),
        bytes: content.bytes.clone(),
        open: Box::new(move || {
            let (permit, scheduler) = permit(&layout);
            Box::pin(async move {
                let source = origin.open(permit).await.unwrap();
                Opened {
                    source,
                    revoke: Some(Box::new(move || drop(scheduler))),
                }
            })
        }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_the_contract() {
    let content = awkward();
    let bytes = content.bytes.clone();
    let subject = free(&content, || Arc::new(MemorySource::new(bytes.clone())));
    check(&subject).await.unwrap();
    let gone = Span::new(100_000, 10);
    let lacking = MemorySource::new(bytes.clone()).without(gone);
    check_lacks(&subject, &lacking, gone).await.unwrap();
    let short = MemorySource::new(bytes.slice(..100_000));
    check_lacks(&subject, &short, Span::new(100_000, u64::MAX))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_keeps_the_contract() {
    let content = awkward();
    let folder = tempfile::tempdir().unwrap();
    content.write(&folder.path().join("tree"));
    let layout = Arc::clone(&content.layout);
    let share = ShareSource::find(folder.path(), &name("tree"), Shape::Tree, layout).unwrap();
    let subject = permitted(&content, &share);
    check(&subject).await.unwrap();
    std::fs::remove_file(folder.path().join("tree/small 2")).unwrap();
    let opened = (subject.open)().await;
    let gone = content.span("small 2");
    check_lacks(&subject, &*opened.source, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_keeps_the_contract() {
    let content = awkward();
    let server = Server::start(tree("tree", &content)).await;
    let layout = Arc::clone(&content.layout);
    let options = MirrorOptions::default();
    let url = server.url("/");
    let mirror = MirrorSource::new(&url, &name("tree"), Shape::Tree, layout, options).unwrap();
    check(&permitted(&content, &mirror)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_ignores_ranges_keeps_the_contract() {
    let content = content(
        64 * 1024,
        &[("a", 10), ("long", 3 << 20), ("longer", 4 << 20)],
    );
    let server = Server::start(without_ranges(tree("tree", &content))).await;
    let layout = Arc::clone(&content.layout);
    let options = MirrorOptions::default();
    let url = server.url("/");
    let mirror = MirrorSource::new(&url, &name("tree"), Shape::Tree, layout, options).unwrap();
    check(&permitted(&content, &mirror)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ftp_mirror_keeps_the_contract() {
    let content = awkward();
    let server = FtpServer::start(&content, |_| Act::Right).await;
    let layout = Arc::clone(&content.layout);
    let options = MirrorOptions::default();
    let mirror =
        FtpSource::new(&server.url(), &name("tree"), Shape::Tree, layout, options).unwrap();
    check(&permitted(&content, &mirror)).await.unwrap();
}

/// A source that ends well without having brought everything.
#[derive(Debug)]
struct Lazy(MemorySource);

#[async_trait::async_trait]
impl PieceSource for Lazy {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        self.0.fetch(span.head(span.len() / 2), sink).await
    }
}

#[tokio::test]
async fn the_contract_finds_a_source_that_brings_too_little() {
    let content = awkward();
    let bytes = content.bytes.clone();
    let subject = free(&content, || {
        Arc::new(Lazy(MemorySource::new(bytes.clone())))
    });
    assert_eq!(
        check(&subject).await.unwrap_err().rule,
        "fills every byte once"
    );
}

#[tokio::test]
async fn the_contract_finds_wrong_bytes() {
    let content = awkward();
    let mut bytes = content.bytes.to_vec();
    bytes[70_000] ^= 1;
    let subject = free(&content, || Arc::new(MemorySource::new(bytes.clone())));
    assert!(
        check(&subject)
            .await
            .unwrap_err()
            .what
            .contains("wrong bytes")
    );
}

#[tokio::test]
async fn memory_fails_as_its_script_says() {
    let content = awkward();
    let busy = SourceError::Busy {
        name: "m".to_owned(),
        what: "later".to_owned(),
        retry_after: None,
    };
    let source = MemorySource::new(content.bytes.clone())
        .with_fault(Fault::Fail {
            after: 1000,
            error: busy,
        })
        .with_fault(Fault::Hang { after: 50_000 });
    let sink = Arc::new(MemorySink::new(
        content.bytes.len(),
        content.layout.piece_len(),
    ));
    let (whole, target) = (
        Span::new(0, content.layout.len()),
        SpanSink::new(sink.clone()),
    );
    let blame = source.fetch(whole, &target).await.unwrap_err().blame();
    assert_eq!(blame, Blame::Busy { retry_after: None });
    assert_eq!(sink.filled().len(), 1000);
    let patience = std::time::Duration::from_millis(50);
    assert!(
        tokio::time::timeout(patience, source.fetch(whole, &target))
            .await
            .is_err()
    );
    assert_eq!(sink.filled().len(), 50_000);
    source.fetch(whole, &target).await.unwrap();
    assert_eq!(sink.to_vec(), content.bytes);
}
