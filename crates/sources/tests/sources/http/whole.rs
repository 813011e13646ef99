//! Servers that ignore ranges: a long file comes as one answer, whatever is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use swarmcopy_layout::Span;
use swarmcopy_sources::{Blame, MemorySink, MirrorOptions, Shape, SinkTarget, SpanSink};
use tokio::sync::watch;

use super::rig::{DEADLINE, Rig, options};
use crate::support::content::content;
use crate::support::server::{Reply, Request, Server, Then, tree, without_ranges};

const LONG: usize = 5 << 20;
const MIB: u64 = 1 << 20;

/// What such a server says.
fn whole(request: &Request, file: &[u8]) -> Reply {
    let _ = request;
    Reply::new(
        "200 OK",
        &[("Last-Modified", "Mon, 06 Jul 2026 10:00:00 GMT")],
        file,
    )
}

/// A long file at a server that answers by `script`.
async fn long(
    options: MirrorOptions,
    script: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static,
) -> Rig {
    let content = content(256 * 1024, &[("f.bin", LONG)]);
    let bytes = content.bytes.clone();
    let server = Server::start(move |request| script(request, &bytes)).await;
    let url = server.url("/f.bin");
    Rig::new(content, server, Shape::File, &url, options).await
}

fn mib(first: u64, count: u64) -> Span {
    Span::new(first * MIB, count * MIB)
}

/// Fetches these spans at once, each of which must go well.
async fn all_good(rig: &Rig, spans: &[Span]) {
    let fetches = spans.iter().map(|span| rig.fetch(*span));
    for end in futures_util::future::join_all(fetches).await {
        end.unwrap();
    }
    rig.same();
}

#[tokio::test]
async fn a_long_file_whose_server_ignores_ranges_comes_by_one_request() {
    let rig = long(options(), whole).await;
    for first in 0..5 {
        rig.fetch(mib(first, 1)).await.unwrap();
    }
    rig.same();
    assert!(rig.sink.filled().covers(rig.whole()));
    assert_eq!(rig.server.requests().len(), 1);
}

#[tokio::test]
async fn what_came_before_the_wanted_part_is_there_for_later_fetches() {
    let rig = long(options(), whole).await;
    rig.good(mib(4, 1)).await;
    all_good(&rig, &[mib(2, 1), mib(3, 1), mib(0, 1), mib(1, 1)]).await;
    assert!(rig.sink.filled().covers(rig.whole()));
    assert_eq!(rig.server.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetches_side_by_side_share_one_answer() {
    let rig = long(options(), whole).await;
    rig.fetch(Span::new(0, 1000)).await.unwrap();
    let spans: Vec<Span> = (0..20)
        .rev()
        .map(|at| Span::new(at * MIB / 4, MIB / 4))
        .collect();
    all_good(&rig, &spans).await;
    assert!(rig.sink.filled().covers(rig.whole()));
    assert_eq!(rig.server.requests().len(), 1);
}

/// Where one connection is all there is, a small file waits a moment for the long one's next part.
#[tokio::test]
async fn an_answer_that_is_read_on_soon_is_not_closed_for_another_file() {
    let content = content(256 * 1024, &[("a.bin", LONG), ("b.bin", 300_000)]);
    let server = Server::start(without_ranges(tree("tree", &content))).await;
    let url = server.url("/");
    let mut options = options();
    options.streams_max = 1;
    let rig = Rig::new(content, server, Shape::Tree, &url, options).await;
    rig.fetch(mib(0, 1)).await.unwrap();
    let small = rig.fetch(Span::new(5 * MIB, 300_000));
    tokio::pin!(small);
    let soon = Duration::from_millis(50);
    let waits = tokio::time::timeout(soon, &mut small).await;
    assert!(waits.is_err(), "the long answer was closed at once");
    all_good(&rig, &[mib(1, 1)]).await;
    small.await.unwrap();
    let asked: Vec<String> = rig
        .server
        .requests()
        .iter()
        .map(|it| it.target.clone())
        .collect();
    assert_eq!(asked, ["/tree/a.bin", "/tree/b.bin"]);
}

#[tokio::test]
async fn an_answer_without_a_length_serves_as_well_and_is_checked_at_its_end() {
    let rig = long(options(), |_, file| Reply::unsized_ok(&[], file)).await;
    all_good(&rig, &[mib(3, 2), mib(0, 3)]).await;
    let rig = long(options(), |_, file| {
        Reply::unsized_ok(&[], &file[..4 << 20])
    })
    .await;
    let lacked = rig.lacked(mib(4, 1), "a file of 4194304 bytes").await;
    assert_eq!(lacked, rig.whole());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_begun_again_and_what_came_is_not_asked_of_it() {
    let rig = long(options(), |request, file| match request.number {
        0 => whole(request, file).cut(3 << 20, Then::Close),
        _ => whole(request, file),
    })
    .await;
    all_good(&rig, &[mib(1, 4)]).await;
    all_good(&rig, &[mib(0, 1)]).await;
    let requests = rig.server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].header("range"), None);
    assert!(rig.sink.filled().covers(rig.whole()));
}

#[tokio::test]
async fn a_file_that_changed_between_two_answers_is_dropped() {
    let rig = long(options(), |request, file| match request.number {
        0 => whole(request, file).cut(3 << 20, Then::Close),
        _ => Reply::new(
            "200 OK",
            &[("Last-Modified", "Tue, 07 Jul 2026 10:00:00 GMT")],
            file,
        ),
    })
    .await;
    let lacked = rig.lacked(mib(1, 4), "changed meanwhile").await;
    assert_eq!(lacked, rig.whole());
}

#[tokio::test]
async fn answers_that_always_break_off_at_the_same_place_drop_the_file_or_are_broken() {
    let rig = long(options(), |request, file| {
        whole(request, file).cut(3 << 20, Then::Close)
    })
    .await;
    for _ in 0..4 {
        match rig.fetch(mib(4, 1)).await.unwrap_err().blame() {
            Blame::Broken => {}
            Blame::Lacks(span) => {
                assert_eq!(span, rig.whole());
                assert!(rig.server.requests().len() < 12);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("asked for ever");
}

#[tokio::test]
async fn a_fetch_goes_on_as_long_as_each_answer_comes_further() {
    let rig = long(options(), |request, file| {
        whole(request, file).cut((request.number + 1) << 20, Then::Close)
    })
    .await;
    rig.good(mib(4, 1)).await;
    assert_eq!(rig.server.requests().len(), 5);
}

#[tokio::test]
async fn an_answer_that_stalls_is_busy() {
    let rig = long(options(), |request, file| {
        whole(request, file).cut(3 << 20, Then::Stall)
    })
    .await;
    let blame = rig.fetch(mib(4, 1)).await.unwrap_err().blame();
    assert_eq!(blame, Blame::Busy { retry_after: None });
    // what came before is not lost
    rig.good(mib(1, 1)).await;
    assert_eq!(rig.server.requests().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_kept_drops_the_file() {
    let mut options = options();
    options.spool_folder = Some("/nowhere/at/all".into());
    let rig = long(options, whole).await;
    rig.fetch(mib(0, 1)).await.unwrap();
    let lacked = rig.lacked(mib(4, 1), "cannot be kept").await;
    assert_eq!(lacked, rig.whole());
}

#[tokio::test]
async fn a_server_that_allows_one_connection_serves_several_long_files() {
    let content = content(256 * 1024, &[("a", LONG), ("b", LONG), ("c", 300)]);
    let server = Server::start(without_ranges(tree("tree", &content))).await;
    let url = server.url("/");
    let mut options = options();
    options.streams_max = 1;
    let rig = Rig::new(content, server, Shape::Tree, &url, options).await;
    // from one to the other before either is at its end
    for span in [mib(0, 1), mib(5, 2), mib(1, 1), Span::new(10 * MIB, 300)] {
        rig.fetch(span).await.unwrap();
    }
    all_good(&rig, &[mib(7, 3), mib(2, 3)]).await;
    assert!(rig.sink.filled().covers(rig.whole()));
    assert!(rig.server.open_peak() <= 2, "{}", rig.server.open_peak()); // one is being closed
    assert!(rig.server.requests().len() <= 6);
}

/// Counts what a sink is told of.
#[derive(Debug)]
struct Counted {
    sink: Arc<MemorySink>,
    came: watch::Sender<u64>,
}

impl SinkTarget for Counted {
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)> {
        self.sink.reserve(span)
    }

    fn commit(&self, span: Span, buffer: BytesMut) {
        self.came.send_modify(|came| *came += span.len());
        self.sink.commit(span, buffer);
    }

    fn commit_kept(&self, span: Span, buffer: BytesMut) {
        self.sink.commit(span, buffer);
    }

    fn passed(&self, len: u64) {
        self.came.send_modify(|came| *came += len);
    }

    fn release(&self, span: Span, buffer: BytesMut) {
        self.sink.release(span, buffer);
    }
}

/// The rig's sink, and how many bytes it was told of.
fn counted(rig: &Rig) -> (SpanSink, watch::Receiver<u64>) {
    let (came, heard) = watch::channel(0);
    let sink = Arc::clone(&rig.sink);
    (SpanSink::new(Arc::new(Counted { sink, came })), heard)
}

#[tokio::test]
async fn every_byte_of_an_answer_is_told_once_when_it_comes() {
    let rig = long(options(), whole).await;
    let (sink, came) = counted(&rig);
    rig.source.fetch(mib(3, 2), &sink).await.unwrap();
    assert_eq!(*came.borrow(), 5 * MIB);
    rig.source.fetch(mib(0, 3), &sink).await.unwrap();
    assert_eq!(*came.borrow(), 5 * MIB);
    assert!(rig.sink.filled().covers(rig.whole()));
}

#[tokio::test]
async fn a_fetch_that_is_dropped_leaves_the_answer_to_the_next() {
    let mut options = options();
    options.idle_timeout = DEADLINE;
    let rig = long(options, |request, file| {
        whole(request, file).cut(3 << 20, Then::Stall)
    })
    .await;
    let (sink, mut heard) = counted(&rig);
    tokio::select! {
        end = rig.source.fetch(mib(4, 1), &sink) => panic!("{end:?}"),
        _ = heard.wait_for(|came| *came == 3 * MIB) => {}
    }
    let next = tokio::time::timeout(DEADLINE, rig.source.fetch(mib(1, 1), &sink)).await;
    next.unwrap().unwrap();
    assert_eq!(rig.server.requests().len(), 1);
    rig.same();
}

#[tokio::test]
async fn a_fetch_that_waits_goes_on_when_the_leader_is_dropped() {
    let mut options = options();
    options.idle_timeout = Duration::from_millis(500);
    let rig = long(options, |request, file| match request.number {
        0 => whole(request, file).cut(2 << 20, Then::Stall),
        _ => whole(request, file),
    })
    .await;
    let (sink, mut heard) = counted(&rig);
    let second = async {
        heard.wait_for(|came| *came == 2 * MIB).await.unwrap();
        rig.fetch(mib(3, 1)).await
    };
    let first = rig.source.fetch(mib(4, 1), &sink);
    let (first, second) = tokio::join!(first, second);
    // the answer that stalls is the leader's misfortune; the next asks anew
    assert_eq!(
        first.unwrap_err().blame(),
        Blame::Busy { retry_after: None }
    );
    second.unwrap();
    rig.same();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetches_that_come_and_go_over_answers_that_break_off_get_right_bytes() {
    for seed in 1..=8_u64 {
        let storm = Arc::new(AtomicBool::new(true));
        let breaks_off = Arc::clone(&storm);
        let rig = long(options(), move |request, file| match request.number % 3 {
            // eight at most: one more in a row would drop the file
            number @ 0..2 if request.number < 12 && breaks_off.load(Ordering::Acquire) => {
                whole(request, file).cut((number + 1) * 1_300_000, Then::Close)
            }
            _ => whole(request, file),
        })
        .await;
        let mut state = seed;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(seed);
            (state >> 33) % below
        };
        for _ in 0..12 {
            let fetches = (0..4).map(|_| {
                let start = random(19) * MIB / 4;
                (Span::new(start, MIB / 4 * (1 + random(3))), random(200))
            });
            let fetches = fetches.map(|(span, patience)| {
                let rig = &rig;
                async move {
                    let gives_up = async {
                        for _ in 0..patience {
                            tokio::task::yield_now().await;
                        }
                    };
                    let end = tokio::select! {
                        end = rig.fetch(span.intersection(rig.whole())) => end,
                        () = gives_up => Ok(()),
                    };
                    // the good answers may go to fetches that give up
                    if let Err(error) = end {
                        assert_eq!(error.blame(), Blame::Broken, "{error}");
                    }
                }
            });
            futures_util::future::join_all(fetches).await;
            rig.same();
        }
        storm.store(false, Ordering::Release);
        rig.fetch(rig.whole()).await.unwrap();
        assert!(rig.sink.filled().covers(rig.whole()), "seed {seed}");
        assert!(rig.sink.reserved().is_empty(), "seed {seed}");
        rig.same();
    }
}
