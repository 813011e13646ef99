//! The tables of wire, magnet and allowed-fast vectors, every row of them.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use swarmcopy_bt_wire::compact;
use swarmcopy_bt_wire::extension::{ExtensionHandshake, MetadataMessage, Pex, PexFlags};
use swarmcopy_bt_wire::lsd::{Announce, GROUP_V4, LsdError};
use swarmcopy_bt_wire::magnet::{Magnet, MagnetError};
use swarmcopy_bt_wire::peer::{
    FrameHead, Handshake, Limits, Message, Reserved, WireError, allowed_fast_set, check_bitfield,
    encode_piece_header,
};
use swarmcopy_bt_wire::tracker::UdpRequest;

use super::support::{hex, rows, unhex};

#[test]
fn every_wire_vector_is_read_as_stated() {
    for row in rows("wire_vectors.tsv") {
        let bytes = unhex(&row[1]);
        match row[0].as_str() {
            "handshake" => handshake(&bytes),
            "piece" => piece(&bytes),
            "piece-empty" => {
                let parsed = FrameHead::parse(&bytes, &Limits::for_pieces(20_000));
                assert_eq!(parsed, Err(WireError::Length { id: 7, len: 9 }));
            }
            "ext-handshake-payload" => extension_handshake(&bytes),
            "ut_metadata-request" => {
                let message = MetadataMessage::Request { block: 99 };
                assert_eq!(message.encode(), bytes);
                assert_eq!(MetadataMessage::parse(&bytes.into()), Ok(Some(message)));
            }
            "ut_metadata-data-header" => metadata_data(&bytes),
            "ut_pex" => pex(&bytes),
            "compact-v4" => {
                let expected = addrs(&["192.168.0.1:6881", "192.168.0.2:6882"]);
                assert_eq!(compact::parse_v4(&bytes, 10), Some(expected.clone()));
                assert_eq!(compact::encode(expected), (bytes, vec![]));
            }
            "compact-v6" => {
                let expected = addrs(&[
                    "[1002:1035:4527:3546:7854:1237:3247:3217]:6881",
                    "[2001:db8:bd05:1d2:288a:1fc0:1:10ee]:6882",
                ]);
                assert_eq!(compact::parse_v6(&bytes, 10), Some(expected.clone()));
                assert_eq!(compact::encode(expected), (vec![], bytes));
            }
            "lsd-announce" => lsd(&bytes),
            "lsd-announce-short-infohash" => {
                assert_eq!(Announce::parse(&bytes), Err(LsdError::InfoHash));
            }
            "lsd-announce-port-0" => assert_eq!(Announce::parse(&bytes), Err(LsdError::Port)),
            "bitfield-11-pieces" => {
                assert_eq!(check_bitfield(&bytes, 11), Ok(()));
                assert!(check_bitfield(&bytes, 17).is_err());
            }
            "bitfield-11-pieces-spare-bit" => {
                assert_eq!(check_bitfield(&bytes, 11), Err(WireError::SpareBits));
            }
            "udp-tracker-connect" => {
                let request = UdpRequest::Connect {
                    transaction: 1_000_000_009,
                };
                assert_eq!(request.encode(), bytes);
                assert_eq!(UdpRequest::decode(&bytes), Ok(request));
            }
            other => panic!("no test for the vector {other}"),
        }
    }
}

fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn handshake(bytes: &[u8]) {
    let handshake = Handshake {
        reserved: Reserved::ours(),
        info_hash: [0xff; 20],
        peer_id: [0xf0; 20],
    };
    assert_eq!(handshake.encode().as_slice(), bytes);
    assert_eq!(Handshake::decode(bytes.try_into().unwrap()), Ok(handshake));
    assert!(handshake.reserved.extended() && handshake.reserved.fast());
    assert!(!handshake.reserved.dht() && handshake.reserved.with_dht().dht());
}

fn piece(bytes: &[u8]) {
    let limits = Limits::for_pieces(20_000);
    let (head, used) = FrameHead::parse(bytes, &limits).unwrap().unwrap();
    assert_eq!(
        head,
        FrameHead::Block {
            index: 12_345,
            begin: 256,
            len: 2
        }
    );
    assert_eq!(encode_piece_header(12_345, 256, 2), bytes[..used]);
    let message = Message::Piece {
        index: 12_345,
        begin: 256,
        data: Bytes::from_static(&[255; 2]),
    };
    let payload = Bytes::copy_from_slice(&bytes[used..]);
    assert_eq!(
        Message::decode(&head, payload, &limits),
        Ok(Some(message.clone()))
    );
    let mut encoded = BytesMut::new();
    message.encode(&mut encoded);
    assert_eq!(encoded, bytes);
}

fn extension_handshake(bytes: &[u8]) {
    let handshake = ExtensionHandshake::parse(bytes).unwrap();
    assert_eq!(handshake.client.as_deref(), Some("aria2"));
    assert_eq!(handshake.port, Some(6889));
    assert_eq!(handshake.id_of("ut_metadata"), Some(2));
    assert_eq!(handshake.id_of("ut_pex"), Some(1));
    assert_eq!(handshake.metadata_len, Some(1024));
    assert_eq!(handshake.encode(), bytes);
}

fn metadata_data(head: &[u8]) {
    let data = vec![7; 16_384];
    let message = MetadataMessage::Data {
        block: 1,
        total_len: 16_384,
        data: Bytes::from(data.clone()),
    };
    let bytes = Bytes::from([head, &data].concat());
    assert!(message.encode() == bytes, "16 KiB follow the head");
    assert!(
        MetadataMessage::parse(&bytes) == Ok(Some(message)),
        "16 KiB are read"
    );
    let long = Bytes::from([bytes.as_ref(), &[7]].concat());
    assert!(
        MetadataMessage::parse(&long).is_err(),
        "one byte more is refused"
    );
}

fn pex(bytes: &[u8]) {
    let pex = Pex::parse(bytes).unwrap();
    let added: Vec<SocketAddr> = pex.added.iter().map(|peer| peer.addr).collect();
    let v6 = "[1002:1035:4527:3546:7854:1237:3247:3217]:6881";
    assert_eq!(added, addrs(&["192.168.0.1:6881", "10.1.1.2:9999", v6]));
    let seeds: Vec<bool> = pex
        .added
        .iter()
        .map(|peer| peer.flags.has(PexFlags::SEED))
        .collect();
    assert_eq!(seeds, [true, false, false]);
    let v6 = "[2001:db8:bd05:1d2:288a:1fc0:1:10ee]:6882";
    assert_eq!(
        pex.dropped,
        addrs(&["192.168.0.2:6882", "10.1.1.3:10000", v6])
    );
    assert_eq!(pex.encode(), bytes);
}

fn lsd(bytes: &[u8]) {
    let announce = Announce::parse(bytes).unwrap();
    assert_eq!(announce.port, 6000);
    assert_eq!(
        hex(&announce.info_hashes[0]),
        "cd41c7fdddfd034a15a04d7ff881216e01c4ceaf"
    );
    assert_eq!(announce.encode(GROUP_V4.into()), bytes);
}

#[test]
fn every_allowed_fast_vector_is_computed() {
    for row in rows("allowed_fast_vectors.tsv") {
        let info_hash = unhex(&row[1]).try_into().unwrap();
        let (pieces, k) = (row[2].parse().unwrap(), row[3].parse().unwrap());
        let set = allowed_fast_set(row[0].parse().unwrap(), &info_hash, pieces, k);
        let text: Vec<String> = set.iter().map(u32::to_string).collect();
        assert_eq!(text.join(","), row[4], "{} {pieces} {k}", row[0]);
    }
}

#[test]
fn every_magnet_vector_is_read_as_stated() {
    let info_hash = unhex("248d0a1cd08284299de78d5c1ed359bb46717d8c")
        .try_into()
        .unwrap();
    for row in rows("magnet_vectors.tsv") {
        if row[1] == "reject" {
            assert_eq!(Magnet::parse(&row[0]), Err(MagnetError::NotMagnet));
            continue;
        }
        let magnet = Magnet::parse(&row[0]).unwrap();
        assert_eq!(magnet.info_hash_v1, Some(info_hash), "{}", row[0]);
        let named = row[0].contains("dn=aria2");
        assert_eq!(magnet.name.as_deref(), named.then_some("aria2"));
        let trackers: &[&str] = if row[0].contains("&tr=") {
            &["http://tracker1", "http://tracker2"]
        } else {
            &[]
        };
        assert_eq!(magnet.trackers, trackers);
        assert_eq!(Magnet::parse(&magnet.to_string()), Ok(magnet));
    }
}
