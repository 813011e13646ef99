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
        let mut peer = begin(&listener, &info).await;
        peer.say(Message::HaveAll).await;
        for _ in 0..info.len().div_ceil(METADATA_BLOCK_LEN) {
            let block = asked_block(&mut peer).await;
            give(&mut peer, &info, block).await;
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
    send.send(Command::Addresses {
        addrs,
        via: Via::Named,
    })
    .await
    .unwrap();
    assert_eq!(
        soon(fetch(
            ours(&info),
            (None, Encryption::Accept),
            found,
            &Inquiry::default()
        ))
        .await,
        info
    );
}

#[tokio::test]
async fn a_liar_alone_is_never_believed() {
    let info = content(1000);
    let addr = start(content(999)).await;
    let (send, found) = mpsc::channel(4);
    send.send(Command::Addresses {
        addrs: vec![addr],
        via: Via::Named,
    })
    .await
    .unwrap();
    let inquiry = Inquiry::default();
    let fetched = tokio::time::timeout(
        Duration::from_secs(1),
        fetch(ours(&info), (None, Encryption::Accept), found, &inquiry),
    );
    assert!(fetched.await.is_err());
    let told = inquiry.answers();
    assert_eq!(told[0].0, addr.to_string(), "{told:?}");
}

#[tokio::test]
async fn a_peer_that_answers_one_request_at_a_time_is_asked_again() {
    let info = content(30_000);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let served = info.clone();
    let serving = tokio::spawn(async move {
        let mut peer = begin(&listener, &served).await;
        let (mut at_most, mut open) = (0, Vec::new());
        for answered in 0..2u32 {
            // the first request of each round is lost
            loop {
                open.push(asked_block(&mut peer).await);
                at_most = at_most.max(open.iter().collect::<std::collections::HashSet<_>>().len());
                if open.iter().filter(|block| **block == answered).count() == 2 {
                    break;
                }
            }
            give(&mut peer, &served, answered).await;
            // an answer to the lost one comes late
            give(&mut peer, &served, answered).await;
            open.retain(|block| *block != answered);
        }
        at_most
    });
    let (send, found) = mpsc::channel(4);
    let via = Via::Named;
    send.send(Command::Addresses {
        addrs: vec![addr],
        via,
    })
    .await
    .unwrap();
    assert_eq!(
        soon(fetch(
            ours(&info),
            (None, Encryption::Accept),
            found,
            &Inquiry::default()
        ))
        .await,
        info
    );
    assert!(serving.await.unwrap() <= REQUESTS_MAX);
}

/// A peer that dials is asked as well.
#[tokio::test]
async fn metadata_comes_from_a_peer_that_dials() {
    let info = content(40_000);
    let (dialling, mut stream) = crate::testing::pair().await;
    let theirs = handshake::ours(ours(&info).info_hash, [5; 20]);
    let served = info.clone();
    tokio::spawn(async move {
        handshake::read(&mut stream).await.unwrap();
        let mut peer = Peer::new(stream, 10);
        greet(&mut peer, &served).await;
        loop {
            let block = asked_block(&mut peer).await;
            give(&mut peer, &served, block).await;
        }
    });
    let (send, found) = mpsc::channel(4);
    let addr = dialling.peer_addr().unwrap();
    let command = Command::Incoming {
        wire: dialling.into(),
        addr,
        theirs,
    };
    send.send(command).await.unwrap();
    assert_eq!(
        soon(fetch(
            ours(&info),
            (None, Encryption::Accept),
            found,
            &Inquiry::default()
        ))
        .await,
        info
    );
}

async fn begin(listener: &TcpListener, info: &Bytes) -> Peer {
    let (mut stream, _) = listener.accept().await.unwrap();
    let theirs = handshake::read(&mut stream).await.unwrap();
    let ours = handshake::ours(theirs.info_hash, [5; 20]);
    handshake::write(&mut stream, &ours).await.unwrap();
    let mut peer = Peer::new(stream, 10);
    greet(&mut peer, info).await;
    peer
}

async fn greet(peer: &mut Peer, info: &Bytes) {
    let mut words = ExtensionHandshake::default();
    words.extensions.insert(UT_METADATA.to_owned(), 9);
    words.metadata_len = u32::try_from(info.len()).ok();
    let payload = words.encode().into();
    peer.say(Message::Extended { id: 0, payload }).await;
}

async fn asked_block(peer: &mut Peer) -> u32 {
    loop {
        if let Message::Extended { id: 9, payload } = peer.hear().await {
            let asked = MetadataMessage::parse(&payload).unwrap().unwrap();
            let MetadataMessage::Request { block } = asked else {
                panic!("{asked:?}")
            };
            return block;
        }
    }
}

async fn give(peer: &mut Peer, info: &Bytes, block: u32) {
    let start = usize::try_from(block).unwrap() * METADATA_BLOCK_LEN;
    let data = info.slice(start..info.len().min(start + METADATA_BLOCK_LEN));
    let total_len = u32::try_from(info.len()).unwrap();
    let answer = MetadataMessage::Data {
        block,
        total_len,
        data,
    };
    let payload = answer.encode().into();
    peer.say(Message::Extended {
        id: OUR_ID,
        payload,
    })
    .await;
}
