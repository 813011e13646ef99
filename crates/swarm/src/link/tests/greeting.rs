//! The first words of a link, the extensions, and what ends it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use swarmcopy_bt_wire::extension::{ExtensionHandshake, MetadataMessage, Pex, PexFlags, PexPeer};
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_scheduler::origin::{SlotMessage, SlotRecord};
use swarmcopy_scheduler::{Has, Hello, NodeId};
use swarmcopy_sources::{PieceSource, SourceError};

use crate::command::Command;
use crate::testing::{BLOCK, Options, PIECE_LEN, Rig, content, soon};
use crate::{LinkEnd, SwarmEvent};

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
            assert_eq!(ours.requests_max, Some(2000));
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
        Command::Told { addrs, by } => {
            assert_eq!((addrs, by), (vec![addr], rig.shared.addr.ip()));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_peer_tells_of_a_limited_number_of_addresses() {
    let mut rig = Rig::new(Options {
        extended: true,
        ..Options::default()
    })
    .await;
    for message in 0..60u8 {
        let mut pex = Pex::default();
        let peer = |number| PexPeer {
            addr: SocketAddr::from(([10, 1, message, number], 6881)),
            flags: PexFlags(0),
        };
        pex.added = (0..50).map(peer).collect();
        let payload = pex.encode().into();
        rig.peer.say(Message::Extended { id: 1, payload }).await;
    }
    rig.peer.say(Message::Have(0)).await;
    while !matches!(rig.event().await, SwarmEvent::LinkUp { .. }) {}
    let mut told = 0;
    while let Ok(command) = rig.commands.try_recv() {
        if let Command::Told { addrs, .. } = command {
            told += addrs.len();
        }
    }
    assert!((100..150).contains(&told), "{told}");
}

#[tokio::test]
async fn a_peer_that_greets_all_the_time_is_heard_now_and_then() {
    let mut rig = Rig::new(Options {
        extended: true,
        ..Options::default()
    })
    .await;
    for port in 1..=2001 {
        rig.peer.greet_from(port, BLOCK, 100).await;
    }
    rig.peer.say(Message::Have(0)).await;
    while !matches!(rig.event().await, SwarmEvent::Has { .. }) {}
    let heard = std::iter::from_fn(|| rig.commands.try_recv().ok()).count();
    assert!((1..20).contains(&heard), "{heard}");
}

#[tokio::test]
async fn a_full_peer_ends_the_link_and_is_no_offender() {
    let mut rig = Rig::new(Options {
        extended: true,
        hello: Some(swarmcopy_scheduler::Hello::default()),
        ..Options::default()
    })
    .await;
    let payload = crate::link::extension::refusal(&rig.common).into();
    rig.peer.say(Message::Extended { id: 0, payload }).await;
    let end = rig.end().await;
    assert_eq!(end, LinkEnd::Full);
    assert!(!end.is_malicious());
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

#[tokio::test]
async fn a_suggestion_is_told_and_one_beyond_the_content_is_ignored() {
    let mut rig = Rig::new(Options::default()).await;
    rig.peer.say(Message::Suggest(1)).await;
    assert!(matches!(rig.event().await, SwarmEvent::LinkUp { .. }));
    match rig.event().await {
        SwarmEvent::Suggested { piece, .. } => assert_eq!(piece.value(), 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_peer_has_no_more_is_asked_of_it_no_more() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (sink, link) = (rig.span_sink(), rig.link());
    let piece = |index: u64| swarmcopy_layout::Span::new(index * PIECE_LEN, PIECE_LEN);
    let lacks = |result: Result<(), SourceError>| {
        let error = result.unwrap_err();
        assert_eq!(error.blame(), swarmcopy_sources::Blame::Lacks(piece(1)));
    };
    let asking = link.fetch(piece(1), &sink);
    let refusing = async {
        rig.peer.hear_requests(4).await;
        rig.shared
            .state()
            .download
            .lacks(rig.common.layout.piece(1).unwrap());
    };
    let (asked, ()) = tokio::join!(soon(asking), refusing);
    lacks(asked);
    lacks(soon(link.fetch(piece(1), &sink)).await);
}

#[tokio::test]
async fn what_a_peer_refuses_again_and_again_it_lacks() {
    let mut rig = Rig::unchoked(Options::default()).await;
    let (sink, link) = (rig.span_sink(), rig.link());
    let span = swarmcopy_layout::Span::new(0, u64::from(BLOCK));
    for _ in 0..3 {
        let refusing = async {
            let (index, begin, len) = rig.peer.hear_requests(1).await[0];
            rig.peer.say(Message::Reject { index, begin, len }).await;
        };
        let (asked, ()) = tokio::join!(soon(link.fetch(span, &sink)), refusing);
        let blame = asked.unwrap_err().blame();
        assert!(
            matches!(blame, swarmcopy_sources::Blame::Busy { .. }),
            "{blame:?}"
        );
    }
    let blame = soon(link.fetch(span, &sink)).await.unwrap_err().blame();
    assert!(
        matches!(blame, swarmcopy_sources::Blame::Lacks(_)),
        "{blame:?}"
    );
}

#[tokio::test]
async fn a_link_tells_and_hears_what_is_there_no_more() {
    let mut rig = Rig::new(Options {
        extended: true,
        ..Options::default()
    })
    .await;
    let Message::Extended { id: 0, payload } = rig.peer.hear().await else {
        panic!("expected the greeting");
    };
    let id = ExtensionHandshake::parse(&payload)
        .unwrap()
        .id_of("lt_donthave")
        .unwrap();
    rig.peer.say(Message::HaveAll).await;
    let payload = Bytes::from_static(&[0, 0, 0, 1]);
    rig.peer.say(Message::Extended { id, payload }).await;
    rig.peer.say(Message::Unchoke).await;
    while !matches!(rig.event().await, SwarmEvent::Unchoked { .. }) {}
    assert!(
        !rig.shared
            .peer_complete
            .load(std::sync::atomic::Ordering::Relaxed)
    );
    let mut words = ExtensionHandshake::default();
    words.extensions.insert("lt_donthave".to_owned(), 7);
    let payload = words.encode().into();
    rig.peer.say(Message::Extended { id: 0, payload }).await;
    rig.peer.say(Message::Have(1)).await;
    while !matches!(rig.event().await, SwarmEvent::Has { .. }) {}
    let piece = rig.common.layout.piece(2).unwrap();
    crate::link::extension::withdraw(&rig.shared, piece);
    loop {
        if let Message::Extended { id: 7, payload } = rig.peer.hear().await {
            assert_eq!(payload, [0, 0, 0, 2].as_slice());
            break;
        }
    }
}
