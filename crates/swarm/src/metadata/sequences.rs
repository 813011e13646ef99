//! Words of a peer that is asked for a description, one after another, and what must hold whatever they are.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use swarmcopy_bt_wire::peer::Reserved;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::testing::{pair, soon};

/// Words of a script that are played.
const WORDS_MAX: usize = 100;
/// The description that is asked for.
const INFO_LEN: usize = METADATA_BLOCK_LEN + 1000;

#[derive(Debug, Arbitrary)]
enum Word {
    Greeting {
        id: u8,
        len: Option<u32>,
        right: bool,
    },
    Data {
        block: u8,
        total: u32,
        len: u16,
        right: bool,
    },
    Reject(u32),
    Request(u32),
    Extended {
        id: u8,
        payload: Vec<u8>,
    },
    Choke,
    Have(u32),
    Raw(Vec<u8>),
}

fn info() -> Bytes {
    Bytes::from_static(&[3; INFO_LEN])
}

fn greeting(id: u8, len: Option<u32>) -> Message {
    let mut words = ExtensionHandshake::default();
    words.extensions.insert(UT_METADATA.to_owned(), id);
    words.metadata_len = len;
    extended(HANDSHAKE_ID, words.encode())
}

fn extended(id: u8, payload: Vec<u8>) -> Message {
    let payload = payload.into();
    Message::Extended { id, payload }
}

fn data(block: u32, total_len: u32, data: Bytes) -> Message {
    let data = MetadataMessage::Data {
        block,
        total_len,
        data,
    };
    extended(OUR_ID, data.encode())
}

/// A block of the description as it is.
fn right(block: u32) -> Message {
    let whole = info();
    let start = (usize::try_from(block).unwrap() * METADATA_BLOCK_LEN).min(whole.len());
    let end = (start + METADATA_BLOCK_LEN).min(whole.len());
    data(
        block,
        u32::try_from(INFO_LEN).unwrap(),
        whole.slice(start..end),
    )
}

fn encode(word: &Word, to: &mut BytesMut) {
    let total = u32::try_from(INFO_LEN).unwrap();
    let message = match word {
        Word::Greeting { id, len, right } => {
            greeting((*id).max(1), if *right { Some(total) } else { *len })
        }
        Word::Data {
            block, right: true, ..
        } => right(u32::from(*block) % 3),
        Word::Data {
            block, total, len, ..
        } => data((*block).into(), *total, vec![9; usize::from(*len)].into()),
        Word::Reject(block) => extended(OUR_ID, MetadataMessage::Reject { block: *block }.encode()),
        Word::Request(block) => {
            extended(OUR_ID, MetadataMessage::Request { block: *block }.encode())
        }
        Word::Extended { id, payload } => extended(*id, payload.clone()),
        Word::Choke => Message::Choke,
        Word::Have(index) => Message::Have(*index),
        Word::Raw(raw) => return to.extend_from_slice(raw),
    };
    message.encode(to);
}

/// What a peer that says this is found to have.
async fn asked(words: BytesMut) -> Result<Bytes, LinkEnd> {
    let named = Arc::new(info());
    let info_hash: [u8; 20] = sha1::Sha1::digest(named.as_ref()).into();
    let of = |peer_id| Handshake {
        reserved: Reserved::ours(),
        info_hash,
        peer_id,
    };
    let (ours, mut theirs) = pair().await;
    let talking = async move {
        let (mut read, mut write) = theirs.split();
        let writing = async {
            // it may be left before all is said
            let _ = write.write_all(&words).await;
            let _ = write.shutdown().await;
        };
        let reading = async {
            let mut heard = vec![0; 64 * 1024];
            while read.read(&mut heard).await.is_ok_and(|len| len > 0) {}
        };
        tokio::join!(writing, reading)
    };
    let talking = tokio::spawn(talking);
    let (theirs, own) = (of([1; 20]), of([2; 20]));
    let found = soon(converse(ours.into(), &theirs, &own)).await;
    soon(talking).await.unwrap();
    found
}

/// Whatever a peer says, nothing but the description that is asked for is taken, the conversation ends with the
/// connection, and an honest peer is understood behind it.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(mut script) = Vec::<Word>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    script.truncate(WORDS_MAX);
    let mut words = BytesMut::new();
    script.iter().for_each(|word| encode(word, &mut words));
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        if let Ok(found) = asked(words).await {
            assert_eq!(found, info());
        }
        let mut honest = BytesMut::new();
        greeting(7, u32::try_from(INFO_LEN).ok()).encode(&mut honest);
        right(0).encode(&mut honest);
        right(1).encode(&mut honest);
        assert_eq!(asked(honest).await, Ok(info()));
    });
}
