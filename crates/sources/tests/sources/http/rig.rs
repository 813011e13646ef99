//! A mirror at a scripted server, with a sink beside it.
//!
//! What must stay true: every fetch has a deadline.

use std::sync::Arc;
use std::time::Duration;

use crate::support::content::{Content, content, name};
use crate::support::permit::permit;
use crate::support::server::{Reply, Request, Server};
use swarmcopy_layout::Span;
use swarmcopy_sources::contract::PermitKeeper;
use swarmcopy_sources::{
    Blame, MemorySink, MirrorOptions, MirrorSource, OriginSource, PieceSource, Shape, SourceError,
    SpanSink,
};

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const FILE_LEN: usize = 200_000;

/// A mirror of one file, or of a tree, at a scripted server.
pub(crate) struct Rig {
    pub(crate) content: Content,
    pub(crate) server: Server,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) source: Arc<dyn PieceSource>,
    _scheduler: PermitKeeper,
}

/// The file `f.bin` in pieces of 64 KiB.
pub(crate) fn one_file() -> Content {
    content(64 * 1024, &[("f.bin", FILE_LEN)])
}

pub(crate) fn options() -> MirrorOptions {
    let mut options = MirrorOptions::default();
    options.idle_timeout = Duration::from_millis(300);
    options
}

pub(crate) async fn opened(
    content: &Content,
    shape: Shape,
    url: &str,
    options: MirrorOptions,
) -> (Arc<dyn PieceSource>, PermitKeeper) {
    let called = if shape == Shape::File {
        "f.bin"
    } else {
        "tree"
    };
    let mirror = MirrorSource::new(
        url,
        &name(called),
        shape,
        Arc::clone(&content.layout),
        options,
    )
    .unwrap();
    let (permit, scheduler) = permit(&content.layout);
    (mirror.open(permit).await.unwrap(), scheduler)
}

impl Rig {
    pub(crate) async fn file(
        script: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::file_with(options(), script).await
    }

    pub(crate) async fn file_with(
        options: MirrorOptions,
        script: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let content = one_file();
        let bytes = content.bytes.clone();
        let server = Server::start(move |request| script(request, &bytes)).await;
        let url = server.url("/f.bin");
        Self::new(content, server, Shape::File, &url, options).await
    }

    pub(crate) async fn new(
        content: Content,
        server: Server,
        shape: Shape,
        url: &str,
        options: MirrorOptions,
    ) -> Self {
        let (source, scheduler) = opened(&content, shape, url, options).await;
        let sink = Arc::new(MemorySink::new(
            content.bytes.len(),
            content.layout.piece_len(),
        ));
        Self {
            content,
            server,
            sink,
            source,
            _scheduler: scheduler,
        }
    }

    pub(crate) async fn fetch(&self, span: Span) -> Result<(), SourceError> {
        let sink = SpanSink::new(self.sink.clone());
        tokio::time::timeout(DEADLINE, self.source.fetch(span, &sink))
            .await
            .unwrap()
    }

    pub(crate) fn whole(&self) -> Span {
        Span::new(0, self.content.layout.len())
    }

    /// Fetches `span`, which must go well, and nothing else may come.
    pub(crate) async fn good(&self, span: Span) {
        self.fetch(span).await.unwrap();
        assert_eq!(self.sink.filled().iter().collect::<Vec<_>>(), [span]);
        self.same();
    }

    pub(crate) fn same(&self) {
        let came = self.sink.to_vec();
        for run in self.sink.filled().iter() {
            let range = usize::try_from(run.start()).unwrap()..usize::try_from(run.end()).unwrap();
            assert!(
                came[range.clone()] == self.content.bytes[range],
                "wrong bytes in {run}"
            );
        }
        assert_eq!(self.sink.wrong(), 0);
    }

    /// Fetches `span`, which must be lacked with these words; a second fetch asks nothing.
    pub(crate) async fn lacked(&self, span: Span, words: &str) -> Span {
        let error = self.fetch(span).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let asked = self.server.requests().len();
        assert_eq!(self.fetch(span).await, Err(error.clone()));
        assert_eq!(
            self.server.requests().len(),
            asked,
            "asked again for what is lacked"
        );
        match error.blame() {
            Blame::Lacks(span) => span,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) const PART: Span = Span::new(70_000, 100_000);

pub(crate) fn whole_file() -> Span {
    Span::new(0, u64::try_from(FILE_LEN).unwrap())
}
