//! Random messages, one after another, from a peer that may mean harm, and what is left for an honest one.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use swarmcopy_bt_wire::extension::{
    ExtensionHandshake, MetadataMessage, OwnHandshake, Pex, PexFlags, PexPeer,
};
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_scheduler::Hello;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::link::{self, Direction, Setup};
use crate::testing::{BLOCK, Options, Peer, Rig, pair, soon};

/// Extended messages: by a number that we know, or by any.
fn extended() -> impl Strategy<Value = Message> {
    let greeting = (any::<Option<u16>>(), any::<Option<u32>>(), any::<bool>()).prop_map(
        |(port, reqq, own)| {
            let mut words = ExtensionHandshake::default();
            for (name, id) in [
                ("ut_pex", 11),
                ("ut_metadata", 12),
                ("sc_slots", 13),
                ("lt_donthave", 14),
            ] {
                words.extensions.insert(name.to_owned(), id);
            }
            (words.port, words.requests_max) = (port.filter(|port| *port != 0), reqq);
            words.own = own.then(|| {
                let mut own = OwnHandshake::default();
                (own.version, own.block_len_max) = (1, reqq.unwrap_or(0));
                own
            });
            (0, words.encode())
        },
    );
    let pex = prop::collection::vec(any::<([u8; 4], u16)>(), 0..60).prop_map(|addrs| {
        let mut pex = Pex::default();
        let peer = |(ip, port): ([u8; 4], u16)| PexPeer {
            addr: (ip, port).into(),
            flags: PexFlags(0),
        };
        pex.added = addrs.into_iter().map(peer).collect();
        (1, pex.encode())
    });
    let metadata = (0u32..3).prop_map(|block| (2, MetadataMessage::Request { block }.encode()));
    let dont_have = any::<u32>().prop_map(|index| (4, (index % 6).to_be_bytes().to_vec()));
    let any_other = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..80));
    prop_oneof![greeting, pex, metadata, dont_have, any_other].prop_map(|(id, payload)| {
        Message::Extended {
            id,
            payload: payload.into(),
        }
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    let block = || {
        (
            0u32..6,
            (0u32..6).prop_map(|at| at * BLOCK),
            prop_oneof![Just(BLOCK), 0u32..=BLOCK],
        )
    };
    prop_oneof![
        Just(Message::Choke),
        Just(Message::Unchoke),
        Just(Message::Interested),
        Just(Message::NotInterested),
        Just(Message::HaveAll),
        Just(Message::HaveNone),
        (0u32..8).prop_map(Message::Have),
        (0u32..8).prop_map(Message::Suggest),
        Just(Message::Bitfield(Bytes::from_static(&[0xf0]))),
        block().prop_map(|(index, begin, len)| Message::Request { index, begin, len }),
        block().prop_map(|(index, begin, len)| Message::Cancel { index, begin, len }),
        block().prop_map(|(index, begin, len)| Message::Reject { index, begin, len }),
        (0u32..6, 0u32..6, 0usize..40).prop_map(|(index, at, len)| Message::Piece {
            index,
            begin: at * BLOCK,
            data: vec![7; len].into(),
        }),
        extended(),
    ]
}

/// Plays a script on a link, reads whatever comes back, and drops the connection.
async fn play(rig: &mut Rig, script: &[Message]) {
    let (_, nobody) = mpsc::channel(1);
    let mut events = std::mem::replace(&mut rig.events, nobody);
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    rig.link().unchoke();
    let mut bytes = BytesMut::new();
    script.iter().for_each(|message| message.encode(&mut bytes));
    let (mut read, mut write) = rig.peer.stream.split();
    let writing = async {
        // the link may be closed before all is written
        let _ = write.write_all(&bytes).await;
        let _ = write.shutdown().await;
    };
    let reading = async {
        let mut heard = vec![0; 64 * 1024];
        while read.read(&mut heard).await.is_ok_and(|len| len > 0) {}
    };
    soon(async { tokio::join!(writing, reading) }).await;
    soon(&mut rig.running).await.unwrap();
    let mut told = 0;
    while let Ok(command) = rig.commands.try_recv() {
        told += usize::from(matches!(command, crate::hub::Command::Told { .. }));
    }
    assert!(told <= 150, "{told} messages with addresses");
}

/// Another peer of the same content is served.
async fn serve_honestly(rig: &Rig) {
    let (ours, theirs) = pair().await;
    let setup = Setup {
        addr: ours.peer_addr().unwrap(),
        peer_id: [4; 20],
        direction: Direction::Outgoing,
        fast: true,
        extended: false,
        round_trip: None,
    };
    let (shared, running) = link::start(&rig.common, ours.into(), setup);
    let running = tokio::spawn(running);
    let mut peer = Peer::new(theirs, rig.common.layout.pieces());
    assert_eq!(peer.hear().await, Message::HaveAll);
    crate::PeerLink::new(shared).unchoke();
    assert_eq!(peer.hear().await, Message::Unchoke);
    let (index, begin, len) = (0, 0, BLOCK);
    peer.say(Message::Request { index, begin, len }).await;
    assert!(matches!(
        peer.hear().await,
        Message::Piece {
            index: 0,
            begin: 0,
            ..
        }
    ));
    running.abort();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_a_peer_says_an_honest_one_is_served(
        script in prop::collection::vec(any_message(), 1..120)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = Options {
                have: true,
                extended: true,
                hello: Some(Hello::default()),
                info: Some(Bytes::from_static(&[1; 20_000])),
                events_max: 1024,
                ..Options::default()
            };
            let mut rig = Rig::new(options).await;
            play(&mut rig, &script).await;
            serve_honestly(&rig).await;
        });
    }
}
