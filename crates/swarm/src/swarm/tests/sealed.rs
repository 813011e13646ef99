//! Links in a cipher, with clients that want it.

use bytes::BytesMut;

use super::*;
use crate::{Encryption, mse};

#[tokio::test]
async fn who_hangs_up_on_plain_words_is_asked_in_a_cipher() {
    let scripted = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut machine = Machine::start([5; 20], |config| {
        config.peers = vec![scripted.local_addr().unwrap().into()];
    });
    // the plain words are not even read
    drop(soon(scripted.accept()).await.unwrap());
    let (stream, _) = soon(scripted.accept()).await.unwrap();
    let answering = mse::answer(stream, &[], &[INFO_HASH], Encryption::Prefer);
    let mut wire = soon(answering).await.unwrap();
    let theirs = soon(handshake::read_wire(&mut wire)).await.unwrap();
    assert_eq!(theirs.peer_id, [5; 20]);
    let mut words = BytesMut::from(&handshake::ours(INFO_HASH, [6; 20]).encode()[..]);
    let payload = ExtensionHandshake::default().encode().into();
    Message::Extended { id: 0, payload }.encode(&mut words);
    wire.write_all(&words).await.unwrap();
    assert_eq!(machine.link_up().await.peer_id(), [6; 20]);
    assert!(wire.into_plain().is_none(), "it is in a cipher");
}

#[tokio::test]
async fn with_encryption_off_nothing_but_plain_words_is_spoken() {
    let scripted = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _machine = Machine::start([5; 20], |config| {
        config.peers = vec![scripted.local_addr().unwrap().into()];
        config.encryption = Encryption::Off;
    });
    drop(soon(scripted.accept()).await.unwrap());
    let again = tokio::time::timeout(Duration::from_secs(1), scripted.accept());
    assert!(
        again.await.is_err(),
        "the next call comes after the pause of one that failed"
    );

    let cancel = CancellationToken::new();
    let addr = Some("127.0.0.1:0".parse().unwrap());
    let listener = Listener::bind_with(addr, Encryption::Off, &cancel).unwrap();
    let machine = Machine::start([5; 20], |config| config.listener = Some(listener));
    let port = machine.swarm.listener.as_ref().unwrap().local_addr();
    let stream = TcpStream::connect(port).await.unwrap();
    let ours = handshake::ours(INFO_HASH, [6; 20]);
    assert!(soon(mse::ask(stream, &ours)).await.is_err());
}

#[tokio::test]
async fn a_content_goes_through_a_cipher_unchanged() {
    let cancel = CancellationToken::new();
    let addr = Some("127.0.0.1:0".parse().unwrap());
    let listener = Listener::bind_with(addr, Encryption::Prefer, &cancel).unwrap();
    let mut seed = Machine::start([1; 20], |config| {
        config.have = PieceSet::full(layout(LEN).pieces());
        config.listener = Some(Arc::clone(&listener));
    });
    let mut leech = Machine::start([2; 20], |config| {
        config.peers = vec![listener.local_addr().into()];
        config.encryption = Encryption::Prefer;
    });
    tokio::spawn(async move {
        let mut links = Vec::new();
        while let Some(event) = seed.events.recv().await {
            match event {
                SwarmEvent::LinkUp { link, .. } => links.push(link),
                SwarmEvent::Interested { .. } => links.iter().for_each(|link| link.unchoke()),
                _ => {}
            }
        }
    });
    let link = leech.link_up().await;
    link.interested();
    while !matches!(leech.event().await, SwarmEvent::Unchoked { .. }) {}
    let len = usize::try_from(LEN).unwrap();
    let sink = Arc::new(MemorySink::new(len, PIECE_LEN));
    let span_sink = SpanSink::new(sink.clone());
    soon(link.fetch(Span::new(0, LEN), &span_sink))
        .await
        .unwrap();
    assert_eq!(sink.to_vec(), content(len));
}
