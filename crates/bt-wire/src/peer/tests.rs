//! Rules of the peer protocol.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

const PIECES: u32 = 100;

fn limits() -> Limits {
    Limits::for_pieces(PIECES)
}

fn frame(len: u32, id: u8) -> Vec<u8> {
    [&len.to_be_bytes()[..], &[id]].concat()
}

fn decode(bytes: &[u8], limits: &Limits) -> Result<Option<Message>, WireError> {
    let (head, used) = FrameHead::parse(bytes, limits)?.unwrap();
    Message::decode(&head, Bytes::copy_from_slice(&bytes[used..]), limits)
}

fn encode(message: &Message) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    out
}

#[test]
fn a_length_that_the_type_forbids_is_refused_before_its_payload() {
    let allowed = [
        (0, 1),
        (3, 1),
        (4, 5),
        (5, 14),
        (6, 13),
        (8, 13),
        (9, 3),
        (13, 5),
        (14, 1),
    ];
    for (id, len) in allowed.into_iter().chain([(15, 1), (16, 13), (17, 5)]) {
        assert!(
            FrameHead::parse(&frame(len, id), &limits()).is_ok(),
            "{id} {len}"
        );
        for wrong in [len - 1, len + 1, u32::MAX]
            .into_iter()
            .filter(|len| *len > 0)
        {
            let error = FrameHead::parse(&frame(wrong, id), &limits());
            assert_eq!(error, Err(WireError::Length { id, len: wrong }));
        }
    }
}

#[test]
fn a_type_has_one_byte() {
    let known: Vec<u8> = (0..=u8::MAX)
        .filter(|byte| MessageId::from_byte(*byte).is_some())
        .collect();
    assert_eq!(
        known,
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 20]
    );
    assert!(
        known
            .iter()
            .all(|byte| MessageId::from_byte(*byte).unwrap().byte() == *byte)
    );
}

#[test]
fn blocks_are_as_long_as_agreed() {
    let longest = BLOCK_LEN + 9;
    assert_eq!(FrameHead::parse(&frame(longest, 7), &limits()), Ok(None));
    assert!(FrameHead::parse(&frame(longest + 1, 7), &limits()).is_err());
    let more = limits().with_block_len_max(1 << 20);
    assert_eq!(FrameHead::parse(&frame(longest + 1, 7), &more), Ok(None));

    let request = encode(&Message::Request {
        index: 0,
        begin: 0,
        len: BLOCK_LEN + 1,
    });
    assert_eq!(
        decode(&request, &limits()),
        Err(WireError::Block {
            id: 6,
            len: BLOCK_LEN + 1
        })
    );
    assert!(decode(&request, &more).is_ok());
    let empty = encode(&Message::Request {
        index: 0,
        begin: 0,
        len: 0,
    });
    assert_eq!(
        decode(&empty, &more),
        Err(WireError::Block { id: 6, len: 0 })
    );
}

#[test]
fn pieces_that_do_not_exist_are_refused() {
    for message in [
        Message::Have(100),
        Message::Suggest(100),
        Message::AllowedFast(100),
    ] {
        let error = decode(&encode(&message), &limits()).unwrap_err();
        assert!(
            matches!(error, WireError::Piece { index: PIECES, .. }),
            "{error}"
        );
        assert!(decode(&encode(&message), &Limits::without_metadata()).is_ok());
    }
    let head = encode_piece_header(PIECES, 0, 1);
    let error = FrameHead::parse(&head, &limits());
    assert_eq!(
        error,
        Err(WireError::Piece {
            id: 7,
            index: PIECES
        })
    );
}

#[test]
fn a_bitfield_fits_the_content_exactly() {
    let bits = |bytes: Vec<u8>| encode(&Message::Bitfield(bytes.into()));
    assert!(decode(&bits([vec![255; 12], vec![0xf0]].concat()), &limits()).is_ok());
    let spare = decode(&bits(vec![255; 13]), &limits());
    assert_eq!(spare, Err(WireError::SpareBits));
    assert!(decode(&bits(vec![0; 12]), &limits()).is_err());
    assert!(decode(&bits(vec![255; 13]), &Limits::for_pieces(104)).is_ok());
    assert!(check_bitfield(&[], 0).is_ok());
}

#[test]
fn a_head_asks_for_no_byte_too_many() {
    let head = encode_piece_header(7, 16_384, 16_384);
    for have in 0..head.len() {
        assert_eq!(
            FrameHead::parse(&head[..have], &limits()),
            Ok(None),
            "{have} bytes"
        );
    }
    let block = FrameHead::Block {
        index: 7,
        begin: 16_384,
        len: 16_384,
    };
    assert_eq!(FrameHead::parse(&head, &limits()), Ok(Some((block, 13))));
    assert_eq!(block.payload_len(), 16_384);
}

#[test]
fn unknown_messages_are_skipped_up_to_a_limit() {
    let head = FrameHead::Skip {
        id: 21,
        len: 65_536,
    };
    assert_eq!(
        FrameHead::parse(&frame(65_537, 21), &limits()),
        Ok(Some((head, 5)))
    );
    assert_eq!(Message::decode(&head, Bytes::new(), &limits()), Ok(None));
    let error = FrameHead::parse(&frame(65_538, 21), &limits());
    assert_eq!(
        error,
        Err(WireError::Length {
            id: 21,
            len: 65_538
        })
    );
}

#[test]
fn a_payload_that_its_head_did_not_announce_is_refused() {
    let (head, used) = FrameHead::parse(&encode(&Message::Have(3)), &limits())
        .unwrap()
        .unwrap();
    assert_eq!(used, 5);
    let error = Message::decode(&head, Bytes::from_static(&[0; 3]), &limits());
    assert_eq!(error, Err(WireError::Payload { id: 4, len: 3 }));
}

#[test]
fn other_protocols_are_refused_and_unknown_bits_kept() {
    let mut reserved = Reserved::ours();
    reserved.0[0] = 0x80;
    let ours = Handshake {
        reserved,
        info_hash: [1; 20],
        peer_id: peer_id([2; 12]),
    };
    let mut wire = ours.encode();
    assert_eq!(Handshake::decode(&wire), Ok(ours));
    assert!(ours.peer_id.starts_with(b"-SC0200-\x02"));
    wire[1] = b'b';
    assert_eq!(Handshake::decode(&wire), Err(WireError::Protocol));
}

#[test]
fn the_fast_set_ends_when_the_content_does() {
    let ip = std::net::Ipv4Addr::LOCALHOST;
    assert_eq!(allowed_fast_set(ip, &[0; 20], 0, 10), [0; 0]);
    let mut all = allowed_fast_set(ip, &[0; 20], 5, 10);
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4]);
    assert!(allowed_fast_set(ip, &[0; 20], u32::MAX, usize::MAX).len() <= 5 * 1024);
}

fn message() -> impl Strategy<Value = Message> {
    let block = (0..PIECES, any::<u32>(), 1..=BLOCK_LEN);
    let data = prop::collection::vec(any::<u8>(), 1..100).prop_map(Bytes::from);
    prop_oneof![
        Just(Message::KeepAlive),
        Just(Message::Choke),
        Just(Message::Unchoke),
        Just(Message::Interested),
        Just(Message::NotInterested),
        Just(Message::HaveAll),
        Just(Message::HaveNone),
        (0..PIECES).prop_map(Message::Have),
        (0..PIECES).prop_map(Message::Suggest),
        (0..PIECES).prop_map(Message::AllowedFast),
        any::<u16>().prop_map(Message::Port),
        any::<[u8; 12]>()
            .prop_map(|bits| { Message::Bitfield(Bytes::from([&bits[..], &[0x50]].concat())) }),
        block
            .clone()
            .prop_map(|(index, begin, len)| Message::Request { index, begin, len }),
        block
            .clone()
            .prop_map(|(index, begin, len)| Message::Cancel { index, begin, len }),
        block.prop_map(|(index, begin, len)| Message::Reject { index, begin, len }),
        (0..PIECES, any::<u32>(), data.clone()).prop_map(|(index, begin, data)| Message::Piece {
            index,
            begin,
            data
        }),
        (any::<u8>(), data).prop_map(|(id, payload)| Message::Extended { id, payload }),
    ]
}

proptest! {
    #[test]
    fn messages_round_trip(message in message()) {
        let wire = encode(&message);
        prop_assert_eq!(decode(&wire, &limits()), Ok(Some(message.clone())));
        if let Message::Piece { index, begin, data } = message {
            let head = encode_piece_header(index, begin, u32::try_from(data.len()).unwrap());
            prop_assert_eq!(&wire[..13], head.as_slice());
        }
    }

    #[test]
    fn handshakes_round_trip(reserved: [u8; 8], info_hash: [u8; 20], peer_id: [u8; 20]) {
        let handshake = Handshake { reserved: Reserved(reserved), info_hash, peer_id };
        prop_assert_eq!(Handshake::decode(&handshake.encode()), Ok(handshake));
    }
}
