//! Fetching from a scripted peer.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt;
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_layout::Span;
use swarmcopy_scheduler::Hello;
use swarmcopy_sources::{Blame, Limiter, PieceSource};
use tokio::time::Instant;

use super::content_of;
use crate::SwarmEvent;
use crate::testing::{BLOCK, Options, PIECE_LEN, Rig, content, soon};

#[tokio::test]
async fn blocks_arrive_where_they_belong() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let whole = Span::new(0, rig.common.layout.len());
    let serve = async {
        // 4 pieces of 4 blocks and a short one; 16 are asked for at once
        let mut requests = rig.peer.hear_requests(16).await;
        assert_eq!(requests[5], (1, BLOCK, BLOCK));
        requests.reverse();
        for request in requests {
            rig.peer.serve(request, &bytes).await;
        }
        let last = rig.peer.hear_requests(1).await;
        assert_eq!(last, [(4, 0, 100)]);
        rig.peer.serve(last[0], &bytes).await;
    };
    let (result, ()) = tokio::join!(soon(link.fetch(whole, &sink)), serve);
    result.unwrap();
    assert_eq!(rig.sink.to_vec(), bytes);
    assert_eq!(rig.sink.wrong(), 0);
    let stats = link.stats();
    assert_eq!(
        (stats.bytes_down, stats.wasted, stats.requests_open),
        (whole.len(), 0, 0)
    );
}

#[tokio::test]
async fn a_fast_peer_that_stops_within_a_block_is_heard() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
    let serve = async {
        let requests = rig.peer.hear_requests(4).await;
        for request in &requests[..3] {
            rig.peer.serve(*request, &bytes).await;
        }
        let (mut last, at) = (BytesMut::new(), usize::try_from(requests[3].1).unwrap());
        let (index, begin, len) = requests[3];
        let data = bytes.slice(at..at + usize::try_from(len).unwrap());
        Message::Piece { index, begin, data }.encode(&mut last);
        // most of the block, then little: less than the link would like to be woken for
        for part in [&last[..8000], &last[8000..8100]] {
            let said = Instant::now();
            rig.peer.say_raw(part).await;
            while rig.shared.state().last_heard < said {
                assert!(said.elapsed() < Duration::from_secs(10), "never heard");
                tokio::task::yield_now().await;
            }
        }
        rig.peer.say_raw(&last[8100..]).await;
    };
    tokio::join!(soon(fetch), serve).0.unwrap();
    assert_eq!(rig.sink.to_vec()[..65_536], bytes[..65_536]);
}

#[tokio::test]
async fn what_the_sink_has_is_not_asked_for() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    sink.put(0, &bytes[..usize::try_from(BLOCK).unwrap()]);
    sink.put(20_000, &bytes[20_000..60_000]);
    let serve = async {
        let requests = rig.peer.hear_requests(2).await;
        assert_eq!(
            requests,
            [(0, BLOCK, 20_000 - BLOCK), (0, 60_000, 65_536 - 60_000)]
        );
        for request in requests {
            rig.peer.serve(request, &bytes).await;
        }
    };
    let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
    tokio::join!(soon(fetch), serve).0.unwrap();
    assert_eq!(rig.sink.to_vec()[..65_536], bytes[..65_536]);
    assert!(
        soon(link.fetch(Span::new(0, PIECE_LEN), &sink))
            .await
            .is_ok(),
        "nothing is missing"
    );
}

#[tokio::test]
async fn bytes_that_came_meanwhile_are_thrown_away_and_counted() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let serve = async {
        let requests = rig.peer.hear_requests(4).await;
        sink.put(100, &bytes[100..40_000]);
        for request in requests {
            rig.peer.serve(request, &bytes).await;
        }
        // nobody asked for this one
        rig.peer.serve((3, 0, BLOCK), &bytes).await;
        rig.peer.say(Message::Interested).await;
    };
    let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
    tokio::join!(soon(fetch), serve).0.unwrap();
    assert!(matches!(rig.event().await, SwarmEvent::Interested { .. }));
    assert_eq!(link.stats().wasted, 39_900 + u64::from(BLOCK));
    assert_eq!(rig.sink.to_vec()[..65_536], bytes[..65_536]);
    assert_eq!(rig.sink.filled().len(), PIECE_LEN);
}

#[tokio::test]
async fn a_dropped_fetch_takes_its_requests_back() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let requests = {
        let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
        tokio::pin!(fetch);
        assert!(fetch.as_mut().now_or_never().is_none());
        let requests = rig.peer.hear_requests(4).await;
        rig.peer.serve(requests[0], &bytes).await;
        // the link has taken the block once it tells of the next message
        rig.peer.say(Message::Interested).await;
        assert!(matches!(rig.event().await, SwarmEvent::Interested { .. }));
        requests
    };
    for (index, begin, len) in requests.iter().skip(1).copied() {
        assert_eq!(rig.peer.hear().await, Message::Cancel { index, begin, len });
    }
    assert_eq!(rig.sink.filled().len(), u64::from(BLOCK), "what came stays");
    // answers that cross the cancel do no harm: one late block, one reject for a new request's twin
    rig.peer.serve(requests[1], &bytes).await;
    let serve = async {
        let again = rig.peer.hear_requests(3).await;
        assert_eq!(again, requests[1..]);
        let (index, begin, len) = requests[2];
        rig.peer.say(Message::Reject { index, begin, len }).await;
        for request in again {
            rig.peer.serve(request, &bytes).await;
        }
    };
    let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
    tokio::join!(soon(fetch), serve).0.unwrap();
    assert_eq!(rig.sink.to_vec()[..65_536], bytes[..65_536]);
}

#[tokio::test]
async fn a_choke_ends_fetches_as_busy() {
    for fast in [true, false] {
        let mut rig = Rig::unchoked(Options {
            fast,
            ..Options::default()
        })
        .await;
        let (link, sink) = (rig.link(), rig.span_sink());
        let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
        let choke = async {
            rig.peer.hear_requests(4).await;
            rig.peer.say(Message::Choke).await;
        };
        let error = tokio::join!(soon(fetch), choke).0.unwrap_err();
        assert_eq!(error.blame(), Blame::Busy { retry_after: None });
        assert!(matches!(rig.event().await, SwarmEvent::Choked { .. }));
        let error = soon(link.fetch(Span::new(0, PIECE_LEN), &sink))
            .await
            .unwrap_err();
        assert_eq!(
            error.blame(),
            Blame::Busy { retry_after: None },
            "choked from the start"
        );
    }
}

#[tokio::test]
async fn a_reject_ends_its_fetch_and_spares_the_next() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let first = link.fetch(Span::new(0, PIECE_LEN), &sink);
    let second = link.fetch(Span::new(PIECE_LEN, PIECE_LEN), &sink);
    let script = async {
        let requests = rig.peer.hear_requests(8).await;
        let (index, begin, len) = requests[1];
        rig.peer.say(Message::Reject { index, begin, len }).await;
        for request in &requests[4..] {
            rig.peer.serve(*request, &bytes).await;
        }
    };
    let (first, second, ()) = tokio::join!(soon(first), soon(second), script);
    assert!(matches!(first.unwrap_err().blame(), Blame::Busy { .. }));
    second.unwrap();
}

#[tokio::test]
async fn a_link_that_breaks_breaks_its_fetches_before_it_is_told() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink) = (rig.link(), rig.span_sink());
    let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
    let gone = async {
        rig.peer.hear_requests(4).await;
        soon(tokio::io::AsyncWriteExt::shutdown(&mut rig.peer.stream))
            .await
            .unwrap();
        soon(rig.events.recv()).await
    };
    let (result, event) = tokio::join!(soon(fetch), gone);
    assert_eq!(result.unwrap_err().blame(), Blame::Broken);
    assert!(matches!(event, Some(SwarmEvent::LinkDown { .. })));
    assert_eq!(
        soon(link.fetch(Span::new(0, 1), &sink))
            .await
            .unwrap_err()
            .blame(),
        Blame::Broken
    );
}

#[tokio::test]
async fn machines_of_ours_agree_on_longer_blocks() {
    let options = Options {
        extended: true,
        hello: Some(Hello::default()),
        block_len: 4 * BLOCK,
        ..Options::default()
    };
    let mut rig = Rig::new(options).await;
    rig.peer.limits = rig.peer.limits.with_block_len_max(4 * BLOCK);
    rig.peer.greet(2 * BLOCK, 100).await;
    rig.peer.say(Message::HaveAll).await;
    rig.peer.say(Message::Unchoke).await;
    for _ in 0..3 {
        rig.event().await;
    }
    assert!(matches!(
        rig.peer.hear().await,
        Message::Extended { id: 0, .. }
    ));
    assert_eq!(rig.peer.hear().await, Message::HaveNone);
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let serve = async {
        for request in rig.peer.hear_requests(2).await {
            assert_eq!(request.2, 2 * BLOCK);
            rig.peer.serve(request, &bytes).await;
        }
    };
    tokio::join!(soon(link.fetch(Span::new(0, PIECE_LEN), &sink)), serve)
        .0
        .unwrap();
}

#[tokio::test]
async fn a_peers_own_limit_of_requests_is_kept() {
    let options = Options {
        extended: true,
        len: PIECE_LEN * 20,
        ..Options::default()
    };
    let mut rig = Rig::new(options).await;
    rig.peer.greet(BLOCK, 3).await;
    rig.peer.say(Message::HaveAll).await;
    rig.peer.say(Message::Unchoke).await;
    for _ in 0..3 {
        rig.event().await;
    }
    rig.peer.hear().await;
    rig.peer.hear().await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let fetch = link.fetch(Span::new(0, PIECE_LEN), &sink);
    let serve = async {
        let first = rig.peer.hear_requests(3).await;
        assert_eq!(link.stats().requests_open, 3);
        for request in first {
            rig.peer.serve(request, &bytes).await;
        }
        let last = rig.peer.hear_requests(1).await;
        rig.peer.serve(last[0], &bytes).await;
    };
    tokio::join!(soon(fetch), serve).0.unwrap();
}

#[tokio::test]
async fn a_limit_holds_for_what_is_asked_and_what_is_served() {
    let limit = Some(Arc::new(Limiter::new(Some(1_000_000))));
    let start = tokio::time::Instant::now();
    let mut rig = Rig::unchoked(Options {
        limit_down: limit.clone(),
        ..Options::default()
    })
    .await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), content_of(&rig));
    let serve = async {
        for _ in 0..16 {
            let request = rig.peer.hear_requests(1).await[0];
            rig.peer.serve(request, &bytes).await;
        }
    };
    let fetch = link.fetch(Span::new(0, PIECE_LEN * 4), &sink);
    tokio::join!(soon(fetch), serve).0.unwrap();
    // 262 kB, of which a tenth of a second's worth may come at once
    assert!(
        start.elapsed() >= Duration::from_millis(100),
        "{:?}",
        start.elapsed()
    );

    let start = tokio::time::Instant::now();
    let mut rig = Rig::new(Options {
        have: true,
        limit_up: limit,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    for index in 0..4 {
        for part in 0..4 {
            rig.peer
                .say(Message::Request {
                    index,
                    begin: part * BLOCK,
                    len: BLOCK,
                })
                .await;
        }
    }
    for _ in 0..16 {
        assert!(matches!(rig.peer.hear().await, Message::Piece { .. }));
    }
    assert!(
        start.elapsed() >= Duration::from_millis(100),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_limit_does_not_hold_where_it_is_lifted() {
    // at a byte a second nobody would live to see one block
    let options = Options {
        limit_down: Some(Arc::new(Limiter::new(Some(1)))),
        no_limit: vec!["127.0.0.0/8".parse().unwrap()],
        ..Options::default()
    };
    let mut rig = Rig::unchoked(options).await;
    let (link, sink, bytes) = (
        rig.link(),
        rig.span_sink(),
        content(usize::try_from(PIECE_LEN).unwrap()),
    );
    let fetch = tokio::spawn(async move { link.fetch(Span::new(0, PIECE_LEN), &sink).await });
    for request in rig.peer.hear_requests(4).await {
        rig.peer.serve(request, &bytes).await;
    }
    assert_eq!(soon(fetch).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_is_asked_for_does_not_wait_for_the_end_of_what_is_sent() {
    const BLOCKS: u32 = 1000;
    let mut rig = Rig::new(Options {
        len: u64::from(BLOCKS * BLOCK),
        have: true,
        limit_down: Some(Arc::new(Limiter::new(Some(1_000_000_000)))),
        events_max: 4096,
        ..Options::default()
    })
    .await;
    // so little at a time that blocks are always ready
    let socket = socket2::SockRef::from(&rig.peer.stream);
    socket.set_recv_buffer_size(32 << 10).unwrap();
    let (link, sink) = (rig.link(), rig.span_sink());
    link.unchoke();
    for message in [Message::HaveAll, Message::Unchoke] {
        rig.peer.say(message).await;
    }
    let per_piece = u32::try_from(PIECE_LEN).unwrap() / BLOCK;
    for block in 0..BLOCKS {
        let (index, begin) = (block / per_piece, block % per_piece * BLOCK);
        let len = BLOCK;
        rig.peer.say(Message::Request { index, begin, len }).await;
    }
    // the socket is full: the peer has read nothing of what it asked for
    while !matches!(rig.event().await, SwarmEvent::Uploaded { .. }) {}
    let fetch = tokio::spawn(async move { link.fetch(Span::new(0, PIECE_LEN), &sink).await });
    let mut blocks = 0;
    loop {
        match rig.peer.hear().await {
            Message::Piece { .. } => blocks += 1,
            Message::Request { .. } => break,
            _ => {}
        }
    }
    assert!(blocks < BLOCKS, "asked behind all that was sent");
    fetch.abort();
}
