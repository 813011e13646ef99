//! The encrypted handshake between both of our sides, and with strangers.

use super::*;
use crate::handshake;
use crate::testing::{pair, soon};

const CONTENT: [u8; 20] = [7; 20];

async fn meet(wish: Encryption) -> (Wire, Wire) {
    let (dialling, mut answering) = pair().await;
    let ours = handshake::ours(CONTENT, [1; 20]);
    let asking = async move { ask(dialling, &ours).await };
    let answering = async move {
        let mut first = [0; 20];
        answering.read_exact(&mut first).await.unwrap();
        answer(answering, &first, &[[1; 20], CONTENT], wish).await
    };
    let (one, two) = tokio::join!(soon(asking), soon(answering));
    (one.unwrap(), two.unwrap())
}

#[tokio::test]
async fn both_sides_agree_and_go_on_in_the_clear_or_in_a_cipher() {
    for (wish, sealed) in [(Encryption::Accept, false), (Encryption::Prefer, true)] {
        let (mut one, mut two) = meet(wish).await;
        let theirs = soon(handshake::read_wire(&mut two)).await.unwrap();
        assert_eq!((theirs.info_hash, theirs.peer_id), (CONTENT, [1; 20]));
        two.write_all(b"an answer").await.unwrap();
        one.write_all(b"a word").await.unwrap();
        let mut heard = [0; 9];
        soon(one.read_exact(&mut heard)).await.unwrap();
        assert_eq!(&heard, b"an answer");
        let mut buffer = BytesMut::new();
        while buffer.len() < 6 {
            soon(two.read_buf(&mut buffer)).await.unwrap();
        }
        assert_eq!(&buffer[..], b"a word");
        assert_eq!(one.into_plain().is_none(), sealed);
    }
}

#[tokio::test]
async fn another_content_is_refused() {
    let (dialling, answering) = pair().await;
    let ours = handshake::ours(CONTENT, [1; 20]);
    let asking = tokio::spawn(async move { ask(dialling, &ours).await.map(|_| ()) });
    let end = soon(answer(answering, &[], &[[8; 20]], Encryption::Accept)).await;
    assert_eq!(end.map(|_| ()), Err(LinkEnd::OtherContent));
    assert!(soon(asking).await.unwrap().is_err());
}

#[tokio::test]
async fn a_stranger_that_sends_bytes_for_ever_is_hung_up_on() {
    let (mut stranger, answering) = pair().await;
    let answering = tokio::spawn(answer(answering, &[], &[CONTENT], Encryption::Accept));
    let mut noise = vec![0; 64 * 1024];
    crate::chance::rng().fill(&mut noise);
    // it may hang up before all is written
    let _ = soon(stranger.write_all(&noise)).await;
    assert!(soon(answering).await.unwrap().is_err());
}
