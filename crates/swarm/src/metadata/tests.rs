//! Metadata from a scripted peer.

use std::time::Duration;

use sha1::Digest;
use swarmcopy_bt_wire::extension::MetadataMessage;
use swarmcopy_bt_wire::peer::Handshake;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::address_book::Via;
use crate::testing::{Peer, content, soon};

/// A peer that gives `info` to whoever asks, however often.
async fn serve(listener: TcpListener, info: Bytes) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let theirs = handshake::read(&mut stream).await.unwrap();
        let ours = handshake::ours(theirs.info_hash, [5; 20]);
        handshake::write(&mut stream, &ours).await.unwrap();
        let mut peer = Peer::new(stream, 10);
        peer.say(Message::HaveAll).await;
        let mut words = ExtensionHandshake::default();
        words.extensions.insert(UT_METADATA.to_owned(), 9);
        words.metadata_len = u32::try_from(info.len()).ok();
        peer.say(Message::Extended {
            id: 0,
            payload: words.encode().into(),
        })
        .await;
        let blocks = info.len().div_ceil(METADATA_BLOCK_LEN);
        let mut served = 0;
        while served < blocks {
            let Message::Extended { id: 9, payload } = peer.hear().await else {
                continue;
            };
            let asked = MetadataMessage::parse(&payload).unwrap().unwrap();
            let MetadataMessage::Request { block } = asked else {
                panic!("{asked:?}")
            };
            let start = usize::try_from(block).unwrap() * METADATA_BLOCK_LEN;
            let data = info.slice(start..info.len().min(start + METADATA_BLOCK_LEN));
            let total_len = u32::try_from(info.len()).unwrap();
            let payload = MetadataMessage::Data {
                block,
                total_len,
                data,
            }
            .encode()
            .into();
            peer.say(Message::Extended {
                id: OUR_ID,
                payload,
            })
            .await;
            served += 1;
        }
    }
}

async fn start(info: Bytes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, info));
    addr
}

fn ours(info: &Bytes) -> Handshake {
    handshake::ours(sha1::Sha1::digest(info).into(), [4; 20])
}

#[tokio::test]
async fn metadata_is_fetched_in_blocks_and_a_liar_is_passed_over() {
    let info = content(700_000);
    let mut wrong = info.to_vec();
    wrong[300_000] ^= 1;
    let addrs = vec![start(wrong.into()).await, start(info.clone()).await];
    let (send, found) = mpsc::channel(4);
    send.send(Command::Found {
        addrs,
        via: Via::Named,
    })
    .await
    .unwrap();
    assert_eq!(soon(fetch(ours(&info), None, found)).await, info);
}

#[tokio::test]
async fn a_liar_alone_is_never_believed() {
    let info = content(1000);
    let addr = start(content(999)).await;
    let (send, found) = mpsc::channel(4);
    send.send(Command::Found {
        addrs: vec![addr],
        via: Via::Named,
    })
    .await
    .unwrap();
    let fetched = tokio::time::timeout(Duration::from_secs(1), fetch(ours(&info), None, found));
    assert!(fetched.await.is_err());
}
