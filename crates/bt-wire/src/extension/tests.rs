//! Rules of the extension messages.

use std::net::SocketAddr;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::bencode::Item;

fn own() -> OwnHandshake {
    OwnHandshake {
        version: 1,
        node: *b"\0\x01\xff456,8",
        origin_tags: vec![[1; 8], [2; 8]],
        readers_max: 3,
        group: Some("lab".to_owned()),
        class: "wired".to_owned(),
        starving: true,
        block_len_max: 1 << 20,
        lane: Some(*b"-SCLANE-\0\x01\xff456,8:e!!"),
        full: true,
    }
}

#[test]
fn a_handshake_is_read_as_it_was_written() {
    let handshake = ExtensionHandshake {
        extensions: [(UT_PEX.to_owned(), 1), (SC_SLOTS.to_owned(), 3)].into(),
        port: Some(6881),
        client: Some("swarmcopy 0.1.0".to_owned()),
        requests_max: Some(500),
        metadata_len: Some(1 << 20),
        your_ip: Some("2001:db8::1".parse().unwrap()),
        own: Some(own()),
    };
    assert_eq!(
        ExtensionHandshake::parse(&handshake.encode()),
        Ok(handshake)
    );
}

#[test]
fn an_extension_with_number_0_is_off() {
    let handshake = ExtensionHandshake::parse(b"d1:md6:ut_pexi0e1:xi300e8:sc_slotsi7eee").unwrap();
    assert_eq!(handshake.id_of(UT_PEX), None);
    assert_eq!(handshake.id_of(SC_SLOTS), Some(7));
    assert_eq!(handshake.id_of("x"), None, "a number is one byte");
}

#[test]
fn malformed_entries_of_a_handshake_are_left_out() {
    let wire = b"d1:mi1e1:pi70000e4:reqqi-1e2:scd1:vi1e4:node3:abce1:v5:a\nb\xffce";
    let handshake = ExtensionHandshake::parse(wire).unwrap();
    let client = Some("a b\u{fffd}c".to_owned());
    assert_eq!(
        handshake,
        ExtensionHandshake {
            client,
            ..ExtensionHandshake::default()
        }
    );
    assert!(ExtensionHandshake::parse(b"le").is_err());
}

#[test]
fn lists_of_a_handshake_are_cut() {
    let tags = Item::list((0..200_u8).map(|tag| [tag; 8]));
    let own = Item::dict()
        .with("v", 1_i64)
        .with("node", [0; 8])
        .with("tags", tags);
    let m = (0..200).fold(Item::dict(), |m, name| m.with(format!("x{name}"), 1_i64));
    let wire = Item::dict().with("m", m).with("sc", own).encode();
    let handshake = ExtensionHandshake::parse(&wire).unwrap();
    assert_eq!(handshake.own.unwrap().origin_tags.len(), TAGS_MAX);
    assert_eq!(handshake.extensions.len(), 64);
    let long = Item::dict().with("x", vec![0; HANDSHAKE_LEN_MAX]).encode();
    assert!(ExtensionHandshake::parse(&long).is_err());
}

#[test]
fn metadata_messages_are_read_as_they_were_written() {
    let data = Bytes::from_static(b"d4:name");
    for message in [
        MetadataMessage::Request { block: 3 },
        MetadataMessage::Data {
            block: 2047,
            total_len: 32 << 20,
            data,
        },
        MetadataMessage::Reject { block: 0 },
    ] {
        assert_eq!(
            MetadataMessage::parse(&message.encode().into()),
            Ok(Some(message))
        );
    }
}

#[test]
fn metadata_beyond_its_limit_is_refused() {
    let far = MetadataMessage::Request { block: 2048 }.encode();
    assert_eq!(
        MetadataMessage::parse(&far.into()),
        Err(ExtensionError::Field("piece"))
    );
    let unknown = Bytes::from_static(b"d8:msg_typei9e5:piecei0ee");
    assert_eq!(MetadataMessage::parse(&unknown), Ok(None));
    let empty = Bytes::from_static(b"d8:msg_typei1e5:piecei0e10:total_sizei1ee");
    assert_eq!(
        MetadataMessage::parse(&empty),
        Err(ExtensionError::Field("data"))
    );
}

#[test]
fn flags_stay_with_their_peer_when_another_is_left_out() {
    let wire = Item::dict().with("added", [10, 0, 0, 1, 0, 0, 10, 0, 0, 2, 0, 9]);
    let pex = Pex::parse(&wire.with("added.f", [1, 2]).encode()).unwrap();
    let addr = SocketAddr::from(([10, 0, 0, 2], 9));
    assert_eq!(
        pex.added,
        [PexPeer {
            addr,
            flags: PexFlags(PexFlags::SEED)
        }]
    );
}

#[test]
fn at_most_50_peers_are_exchanged_at_once() {
    let addr = |port| SocketAddr::from(([10, 0, 0, 1], port));
    let pex = Pex {
        dropped: (1..=200).map(addr).collect(),
        ..Pex::default()
    };
    assert_eq!(
        Pex::parse(&pex.encode()).unwrap().dropped.len(),
        PEX_PEERS_MAX
    );
    let wire = Item::dict().with("added", vec![1; 6 * 200]).encode();
    assert_eq!(Pex::parse(&wire).unwrap().added.len(), PEX_PEERS_MAX);
    assert!(Pex::parse(b"d5:added5:aaaaae").is_err());
}

fn record(slot: u32) -> SlotRecord {
    SlotRecord {
        slot,
        term: 2,
        holder: [0xaa; 8],
        heartbeat: 100,
        flags: 1,
        goodput_bytes: 100_000_000,
        extent: 9,
        extents: 3,
        origin_bytes: 1 << 40,
    }
}

#[test]
fn a_message_of_slots_never_exceeds_1_kib_and_loses_nothing() {
    let mut message = SlotsMessage {
        group: "lab".to_owned(),
        ..SlotsMessage::default()
    };
    message.records = (0..64).map(record).collect();
    message.readers_max = 64;
    message.starving = true;
    message.link_goodput_bytes = 1 << 40;
    message.claims = (0..10)
        .map(|slot| Claim {
            slot,
            first: 1,
            count: 3,
        })
        .collect();
    message.bytes = vec![
        NodeBytes {
            node: [3; 8],
            bytes: 1 << 40
        };
        9
    ];
    message.bad = (0..70)
        .map(|piece| BadMark {
            origin_tag: [1; 8],
            piece,
        })
        .collect();
    let whole = message.clone();
    assert_eq!(message.encode(), None);
    let mut read = SlotsMessage {
        group: "lab".to_owned(),
        ..SlotsMessage::default()
    };
    read.readers_max = 64;
    read.starving = true;
    read.link_goodput_bytes = 1 << 40;
    let parts = message.into_parts(MARKS_MAX);
    for wire in &parts {
        assert!(wire.len() <= SLOTS_LEN_MAX);
        let part = SlotsMessage::parse(wire).unwrap();
        assert_eq!(
            (part.group.as_str(), part.readers_max, part.starving),
            ("lab", 64, true)
        );
        assert_eq!(part.link_goodput_bytes, 1 << 40);
        read.records.extend(part.records);
        read.claims.extend(part.claims);
        read.bad.extend(part.bad);
        read.bytes.extend(part.bytes);
    }
    assert_eq!(read, whole);
    assert!(parts.len() < 12, "{} parts", parts.len());
}

#[test]
fn a_message_without_entries_is_still_one() {
    let message = SlotsMessage {
        starving: true,
        node: [4; 8],
        ..SlotsMessage::default()
    };
    let parts = message.clone().into_parts(MARKS_MAX);
    assert_eq!(parts.len(), 1);
    assert_eq!(SlotsMessage::parse(&parts[0]), Ok(message));
}

#[test]
fn a_malformed_record_spoils_the_message() {
    assert_eq!(
        SlotsMessage::parse(b"d1:sli1eee"),
        Err(ExtensionError::Field("slot record"))
    );
    assert_eq!(
        SlotsMessage::parse(b"d1:sll1:aeee"),
        Err(ExtensionError::Field("slot record"))
    );
    assert_eq!(
        SlotsMessage::parse(b"d1:cllleeee"),
        Err(ExtensionError::Field("claim"))
    );
    assert_eq!(
        SlotsMessage::parse(b"d1:bl0:ee"),
        Err(ExtensionError::Field("bad mark"))
    );
    let long = Item::dict().with("g", "x".repeat(65)).encode();
    assert_eq!(
        SlotsMessage::parse(&long),
        Err(ExtensionError::Field("group"))
    );
    let many = Item::dict()
        .with("c", Item::list((0..65).map(|_| Item::list([1_i64, 2, 3]))))
        .encode();
    assert_eq!(
        SlotsMessage::parse(&many),
        Err(ExtensionError::Field("claim"))
    );
}

fn slot_records() -> impl Strategy<Value = SlotRecord> {
    let long = || (0..=i64::MAX).prop_map(|long| u64::try_from(long).unwrap());
    let longs = (long(), long(), long());
    (any::<[u32; 3]>(), any::<[u8; 8]>(), longs).prop_map(|(words, holder, longs)| {
        let [slot, flags, extent] = words;
        let (term, heartbeat, goodput_bytes) = longs;
        SlotRecord {
            slot,
            term,
            holder,
            heartbeat,
            flags,
            goodput_bytes,
            extent,
            extents: flags,
            origin_bytes: goodput_bytes / 3,
        }
    })
}

proptest! {
    #[test]
    fn slots_round_trip(records in prop::collection::vec(slot_records(), 0..5), bad: [u8; 8]) {
        let mut message = SlotsMessage { group: "büro".to_owned(), ..SlotsMessage::default() };
        message.records = records;
        message.claims = vec![Claim { slot: 1, first: 7, count: u32::MAX }];
        message.node = bad;
        message.bad = vec![BadMark { origin_tag: bad, piece: 3 }];
        let wire = message.encode().unwrap();
        prop_assert_eq!(SlotsMessage::parse(&wire), Ok(message));
    }

    #[test]
    fn damaged_messages_are_judged(kind: u8, at: prop::sample::Index, byte: u8) {
        let own = Some(own());
        let mut wire = ExtensionHandshake { own, ..ExtensionHandshake::default() }.encode();
        let at = at.index(wire.len());
        wire[at] = byte;
        crate::check::extension_messages(&[&[kind], wire.as_slice()].concat());
    }
}
