//! Links by script: what is sent, and what must follow.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use swarmcopy_bt_wire::extension::{ExtensionHandshake, MetadataMessage, Pex, PexFlags, PexPeer};
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_layout::Span;
use swarmcopy_scheduler::origin::{SlotMessage, SlotRecord};
use swarmcopy_scheduler::{Has, Hello, NodeId};
use swarmcopy_sources::{Blame, PieceSource};

use crate::hub::Command;
use crate::testing::{BLOCK, Options, PIECE_LEN, Rig, content, soon, variant};
use crate::{LinkEnd, SwarmEvent};

fn rest_of(rig: &Rig) -> Bytes {
    content(usize::try_from(rig.common.layout.len()).unwrap())
}

#[tokio::test]
async fn blocks_arrive_where_they_belong() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
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
async fn what_the_sink_has_is_not_asked_for() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
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
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
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
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
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
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
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
async fn a_bitfield_of_a_wrong_length_ends_the_link() {
    for bits in [vec![0xff], vec![0xff, 0], vec![0xff; 4096]] {
        let mut rig = Rig::new(Options {
            fast: false,
            ..Options::default()
        })
        .await;
        let fits = bits.len() == 1;
        rig.peer.say(Message::Bitfield(bits.into())).await;
        let end = rig.end().await;
        assert!(
            matches!(end, LinkEnd::Wire(_)) && end.is_malicious(),
            "{end} {fits}"
        );
        rig.peer.closes().await;
    }
}

#[tokio::test]
async fn requests_that_can_not_be_end_the_link() {
    let too_long = Message::Request {
        index: 0,
        begin: 0,
        len: BLOCK + 1,
    };
    let no_piece = Message::Request {
        index: 5,
        begin: 0,
        len: BLOCK,
    };
    let behind = Message::Request {
        index: 0,
        begin: 65_536 - 100,
        len: 101,
    };
    let wraps = Message::Request {
        index: 0,
        begin: u32::MAX,
        len: BLOCK,
    };
    for message in [too_long, no_piece, behind, wraps] {
        let mut rig = Rig::new(Options {
            have: true,
            ..Options::default()
        })
        .await;
        rig.peer.say(message.clone()).await;
        assert!(rig.end().await.is_malicious(), "{message:?}");
    }
}

#[tokio::test]
async fn fast_messages_need_the_fast_extension() {
    for message in [Message::HaveAll, Message::HaveNone] {
        let mut rig = Rig::new(Options {
            fast: false,
            ..Options::default()
        })
        .await;
        rig.peer.say(message).await;
        assert!(matches!(rig.end().await, LinkEnd::Violation(_)));
    }
}

#[tokio::test]
async fn an_unchoked_peer_is_served_in_order() {
    let mut rig = Rig::new(Options {
        have: true,
        ..Options::default()
    })
    .await;
    let bytes = rest_of(&rig);
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    let wanted = [
        (0, 0, BLOCK),
        (0, BLOCK, BLOCK),
        (2, 100, 7),
        (4, 0, 100),
        (1, 0, BLOCK),
    ];
    for (index, begin, len) in wanted {
        rig.peer.say(Message::Request { index, begin, len }).await;
    }
    for (index, begin, len) in wanted {
        let start = usize::try_from(u64::from(index) * PIECE_LEN + u64::from(begin)).unwrap();
        let data = bytes.slice(start..start + usize::try_from(len).unwrap());
        assert_eq!(rig.peer.hear().await, Message::Piece { index, begin, data });
    }
    assert!(matches!(rig.event().await, SwarmEvent::LinkUp { .. }));
    let mut told = 0;
    while told < 3 * u64::from(BLOCK) + 107 {
        match rig.event().await {
            SwarmEvent::Uploaded { bytes, .. } => told += bytes,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, rig.link().stats().bytes_up);
}

#[tokio::test]
async fn a_choked_peer_is_refused_and_so_is_what_we_lack() {
    let mut rig = Rig::new(Options {
        have: true,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.peer
        .say(Message::Request {
            index: 0,
            begin: 0,
            len: BLOCK,
        })
        .await;
    assert_eq!(
        rig.peer.hear().await,
        Message::Reject {
            index: 0,
            begin: 0,
            len: BLOCK
        }
    );

    let mut rig = Rig::new(Options::default()).await;
    assert_eq!(rig.peer.hear().await, Message::HaveNone);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    rig.peer
        .say(Message::Request {
            index: 1,
            begin: 0,
            len: BLOCK,
        })
        .await;
    assert_eq!(
        rig.peer.hear().await,
        Message::Reject {
            index: 1,
            begin: 0,
            len: BLOCK
        }
    );
}

#[tokio::test]
async fn each_request_is_answered_once_even_across_a_choke() {
    let mut rig = Rig::new(Options {
        have: true,
        len: PIECE_LEN * 64,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    for index in 0..64 {
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
    // the link has read them all once it tells of what follows
    rig.peer.say(Message::Interested).await;
    while variant(&rig.event().await) != "Interested" {}
    rig.link().choke();
    let mut open: Vec<_> = (0..64)
        .flat_map(|i| (0..4).map(move |part| (i, part * BLOCK)))
        .collect();
    let mut choked = false;
    while !open.is_empty() {
        let (index, begin) = match rig.peer.hear().await {
            Message::Piece { index, begin, .. } => (index, begin),
            Message::Reject { index, begin, .. } => {
                assert!(choked, "refused without a choke");
                (index, begin)
            }
            Message::Choke => {
                choked = true;
                continue;
            }
            other => panic!("{other:?}"),
        };
        let at = open
            .iter()
            .position(|block| *block == (index, begin))
            .expect("answered twice");
        open.swap_remove(at);
    }
}

#[tokio::test]
async fn haves_are_never_lost_under_load() {
    let pieces = 600u32;
    let len = PIECE_LEN * u64::from(pieces);
    let mut rig = Rig::new(Options {
        len,
        have: false,
        ..Options::default()
    })
    .await;
    let common = std::sync::Arc::clone(&rig.common);
    // half of them before and during the first words, the rest while blocks go out
    let all: Vec<_> = common.layout.piece_indexes().collect();
    let (early, late) = all.split_at(300);
    for piece in early {
        common.have.append(*piece);
    }
    rig.link().unchoke();
    let late = late.to_vec();
    let appending = tokio::spawn(async move {
        for piece in late {
            common.have.append(piece);
            tokio::task::yield_now().await;
        }
    });
    let mut heard = std::collections::BTreeMap::new();
    let mut blocks = 0;
    while heard.len() < all.len() || blocks < 400 {
        match rig.peer.hear().await {
            Message::Have(index) => *heard.entry(index).or_insert(0) += 1,
            Message::Bitfield(bits) => {
                for index in 0..pieces {
                    let byte = bits[usize::try_from(index / 8).unwrap()];
                    if byte & (0x80 >> (index % 8)) != 0 {
                        heard.insert(index, 1);
                    }
                }
            }
            Message::HaveNone => {}
            Message::Unchoke => {
                for index in 0..100 {
                    for part in 0..4 {
                        let begin = part * BLOCK;
                        rig.peer
                            .say(Message::Request {
                                index,
                                begin,
                                len: BLOCK,
                            })
                            .await;
                    }
                }
            }
            Message::Piece { .. } => blocks += 1,
            other => panic!("{other:?}"),
        }
        while rig.events.try_recv().is_ok() {}
    }
    soon(appending).await.unwrap();
    assert!(
        heard.values().all(|times| *times == 1),
        "a HAVE was said twice"
    );
}

#[tokio::test]
async fn the_owner_hears_of_the_link_first_and_knows_whose_it_is() {
    let hello = Some(Hello {
        readers_max: 3,
        ..Hello::default()
    });
    let options = || Options {
        extended: true,
        hello: hello.clone(),
        ..Options::default()
    };
    let mut rig = Rig::new(options()).await;
    rig.peer.say(Message::HaveAll).await;
    rig.peer.say(Message::Unchoke).await;
    rig.peer.greet(BLOCK, 100).await;
    match rig.event().await {
        SwarmEvent::LinkUp {
            hello: Some(hello),
            client,
            ..
        } => {
            assert_eq!((hello.node, client.as_str()), (NodeId([9; 8]), "scripted"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        rig.event().await,
        SwarmEvent::Has { has: Has::All, .. }
    ));
    assert!(matches!(rig.event().await, SwarmEvent::Unchoked { .. }));
    let listens = soon(rig.commands.recv()).await.unwrap();
    assert!(matches!(listens, Command::Listens { addr, .. } if addr.port() == 7000));
    match rig.peer.hear().await {
        Message::Extended { id: 0, payload } => {
            let ours = ExtensionHandshake::parse(&payload).unwrap();
            assert_eq!(ours.requests_max, Some(500));
            assert_eq!(ours.own.unwrap().readers_max, 3);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_greets_is_used_after_two_seconds() {
    let mut rig = Rig::new(Options {
        extended: true,
        ..Options::default()
    })
    .await;
    let start = tokio::time::Instant::now();
    rig.peer.say(Message::HaveAll).await;
    assert!(matches!(
        rig.event().await,
        SwarmEvent::LinkUp { hello: None, .. }
    ));
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert!(matches!(
        rig.event().await,
        SwarmEvent::Has { has: Has::All, .. }
    ));
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
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
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
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
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
async fn slot_messages_reach_our_own_kind() {
    let options = Options {
        extended: true,
        hello: Some(Hello::default()),
        ..Options::default()
    };
    let mut rig = Rig::new(options).await;
    let record = SlotRecord {
        slot: 1,
        term: 4,
        heartbeat: 9,
        ..SlotRecord::default()
    };
    let message = SlotMessage {
        records: vec![record],
        ..SlotMessage::default()
    };
    rig.link().send_slots(message.clone());
    rig.peer.greet(BLOCK, 100).await;
    assert!(matches!(rig.event().await, SwarmEvent::LinkUp { .. }));
    let payload = loop {
        if let Message::Extended { id: 13, payload } = rig.peer.hear().await {
            break payload;
        }
    };
    // the same bytes come back by our own number for them
    rig.peer.say(Message::Extended { id: 3, payload }).await;
    match rig.event().await {
        SwarmEvent::Slots { message: heard, .. } => assert_eq!(heard, message),
        other => panic!("{other:?}"),
    }
    // a flood is cut at twenty a second, garbage is ignored
    rig.peer
        .say(Message::Extended {
            id: 3,
            payload: Bytes::from_static(b"d"),
        })
        .await;
    rig.peer.say(Message::NotInterested).await;
    rig.peer.say(Message::Interested).await;
    assert!(matches!(rig.event().await, SwarmEvent::Interested { .. }));
}

#[tokio::test]
async fn the_info_dictionary_is_served_in_blocks() {
    let info: Bytes = content(20_000);
    let options = Options {
        extended: true,
        info: Some(info.clone()),
        ..Options::default()
    };
    let mut rig = Rig::new(options).await;
    rig.peer.greet(BLOCK, 100).await;
    for block in [1, 2] {
        let payload = MetadataMessage::Request { block }.encode().into();
        rig.peer.say(Message::Extended { id: 2, payload }).await;
    }
    let mut answers = Vec::new();
    while answers.len() < 2 {
        if let Message::Extended { id: 12, payload } = rig.peer.hear().await {
            answers.push(MetadataMessage::parse(&payload).unwrap().unwrap());
        }
    }
    let data = info.slice(16_384..);
    assert_eq!(
        answers[0],
        MetadataMessage::Data {
            block: 1,
            total_len: 20_000,
            data
        }
    );
    assert_eq!(answers[1], MetadataMessage::Reject { block: 2 });
}

#[tokio::test]
async fn addresses_from_a_peer_go_to_the_hub() {
    let mut rig = Rig::new(Options {
        extended: true,
        ..Options::default()
    })
    .await;
    let addr = "10.0.0.9:6881".parse().unwrap();
    let mut pex = Pex::default();
    pex.added = vec![PexPeer {
        addr,
        flags: PexFlags(0),
    }];
    let payload = pex.encode().into();
    rig.peer.say(Message::Extended { id: 1, payload }).await;
    match soon(rig.commands.recv()).await.unwrap() {
        Command::Found { addrs, .. } => assert_eq!(addrs, [addr]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_peer_that_owes_blocks_and_sends_nothing_is_told_as_snubbing_once() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (link, sink, bytes) = (rig.link(), rig.span_sink(), rest_of(&rig));
    let fetch = tokio::spawn(async move { link.fetch(Span::new(0, PIECE_LEN), &sink).await });
    let requests = rig.peer.hear_requests(4).await;
    let start = tokio::time::Instant::now();
    assert!(matches!(rig.event().await, SwarmEvent::Snubbed { .. }));
    assert!(start.elapsed() >= Duration::from_millis(1900));
    for request in requests {
        rig.peer.serve(request, &bytes).await;
    }
    soon(fetch).await.unwrap().unwrap();
    assert!(rig.events.try_recv().is_err(), "told twice");
}

#[tokio::test]
async fn a_full_event_queue_holds_the_link_back_and_loses_nothing() {
    let len = PIECE_LEN * 200;
    let mut rig = Rig::new(Options {
        events_max: 1,
        len,
        ..Options::default()
    })
    .await;
    for index in 0..200 {
        rig.peer.say(Message::Have(index)).await;
    }
    assert!(matches!(rig.event().await, SwarmEvent::LinkUp { .. }));
    for index in 0..200 {
        match rig.event().await {
            SwarmEvent::Has {
                has: Has::Piece(piece),
                ..
            } => assert_eq!(piece.value(), index),
            other => panic!("{other:?}"),
        }
    }
    assert!(
        rig.shared
            .peer_complete
            .load(std::sync::atomic::Ordering::Relaxed)
    );
}
