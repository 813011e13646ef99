//! Rules that every parser keeps for any input, as functions that fuzzing and property tests call.
//!
//! What must stay true: each function accepts any bytes and panics only when a rule is broken.

use bytes::{Bytes, BytesMut};

use crate::bencode::{self, Form, Item};
use crate::extension::{
    ExtensionHandshake, MetadataMessage, Pex, STATUS_LEN_MAX, SlotsMessage, StatusMessage,
};
use crate::lsd::Announce;
use crate::magnet::Magnet;
use crate::metainfo::{self, Builder, Info, PIECE_LEN_MAX, Torrent};
use crate::peer::{FrameHead, Handshake, Limits, Message, PIECES_MAX};
use crate::tracker::{
    AnnounceReply, AnnounceRequest, Family, PEERS_MAX, PeerForm, ScrapeReply, UdpReply, UdpRequest,
    parse_scrape_query,
};

/// Whatever the reader accepts can be written in canonical form and read back as the same value;
/// what is canonical already is written byte for byte.
///
/// # Panics
///
/// If that rule is broken.
pub fn bencode(bytes: &[u8]) {
    let limits = bencode::Limits::message(1 << 20);
    let Ok(document) = bencode::parse(bytes, &limits) else {
        return;
    };
    let item = document.root().to_item();
    let encoded = item.encode();
    let canonical = limits.with_form(Form::Canonical);
    let again = bencode::parse(&encoded, &canonical).map(|document| document.root().to_item());
    assert_eq!(again.as_ref(), Ok(&item), "what was written is read back");
    if bencode::parse(bytes, &canonical).is_ok() {
        assert_eq!(encoded, bytes, "canonical input has one form only");
    }
}

/// An accepted torrent agrees with itself and has plain file names.
///
/// # Panics
///
/// If that rule is broken.
pub fn metainfo(bytes: &[u8]) {
    let Ok(torrent) = Torrent::parse(bytes) else {
        return;
    };
    let info = &torrent.info;
    assert_eq!(
        Info::parse(&info.raw).as_ref(),
        Ok(info),
        "metadata exchange gives the same"
    );
    assert!(info.num_pieces() <= PIECES_MAX, "pieces have a limit");
    assert!(
        (1..=PIECE_LEN_MAX).contains(&info.piece_length),
        "pieces have a length"
    );
    let sum: u64 = info.files.iter().map(|file| file.len).sum();
    assert_eq!(sum, info.total_len, "files make up the whole");
    let hashes = u32::try_from(info.piece_hashes().len());
    assert!(
        info.info_hash_v1.is_none() || hashes == Ok(info.num_pieces()),
        "a hash per piece"
    );
    let names = info
        .files
        .iter()
        .flat_map(|file| file.path.iter().chain(&file.renamed));
    for name in names.chain([&info.name]) {
        assert!(
            !name.is_empty() && name != "." && name != "..",
            "{name:?} is a name"
        );
        let bad = |c: char| c < ' ' || c == '/' || c == '\\';
        assert!(!name.contains(bad), "{name:?} stays in its folder");
    }
}

/// A table of times, flags, folders and links that is accepted keeps everything inside the tree, and is
/// written and read back as the same. Each column is a number of its name, a length and its bytes.
///
/// # Panics
///
/// If that rule is broken.
pub fn metainfo_tree(bytes: &[u8]) {
    let keys = [
        "times",
        "flags",
        "folders",
        "folder times",
        "folder flags",
        "links",
        "link times",
        "hard links",
        "access",
        "file access",
        "folder access",
        "extended",
        "file extended",
        "folder extended",
    ];
    let mut table = Item::dict()
        .with("origin", "unix")
        .with("times", vec![0; 3])
        .with("flags", vec![3, 0])
        .with("folder times", vec![0])
        .with("folder flags", vec![1, 0]);
    let mut rest = bytes;
    while let [key, len, after @ ..] = rest {
        let (column, behind) = after.split_at(usize::from(*len).min(after.len()));
        let key = keys.get(usize::from(*key) % keys.len());
        table = table.with(key.copied().unwrap_or_default(), column);
        rest = behind;
    }
    let mut builder = Builder::new("tree", 16 * 1024, metainfo::Form::Tree);
    for path in ["a", "b/c", "b/d"] {
        let names = path.split('/').map(str::to_owned).collect();
        builder.files.push(metainfo::File::new(names, 5));
    }
    builder.pieces = vec![[0; 20]];
    let plain = builder.build().map(|built| built.torrent.info.raw);
    let torrent = Item::dict()
        .with("info", Item::Encoded(plain.unwrap_or_default().to_vec()))
        .with("swarmcopy", Item::dict().with("tree", table));
    let read = Torrent::parse(&torrent.encode());
    let Some(tree) = read.ok().and_then(|torrent| torrent.own.tree) else {
        return;
    };
    assert_eq!(tree.files.len(), 3, "each file has its times");
    let links: Vec<&str> = tree.links.iter().map(|link| link.path.as_str()).collect();
    let is_link = |path: &str| links.contains(&path);
    for link in &tree.links {
        let end = metainfo::resolve(&link.path, &link.target, &is_link);
        assert!(
            end.is_ok_and(|end| !end.split('/').any(|name| name == "..")),
            "stays inside"
        );
        let below = format!("{}/", link.path);
        let folders = tree.folders.iter().map(|folder| &folder.path);
        assert!(
            !folders
                .chain(tree.links.iter().map(|l| &l.path))
                .any(|p| p.starts_with(&below))
        );
    }
    builder.own.tree = Some(tree.clone());
    let again = builder.build().map(|built| built.torrent.own.tree);
    assert_eq!(again, Ok(Some(tree)), "what was written is read back");
}

/// A stream of messages is cut into frames that, decoded and encoded, give the same stream.
///
/// # Panics
///
/// If that rule is broken.
pub fn peer_messages(bytes: &[u8]) {
    if let Some(head) = bytes.first_chunk() {
        let handshake = Handshake::decode(head);
        assert!(
            handshake.is_err() || handshake.map(|h| h.encode()) == Ok(*head),
            "same handshake"
        );
    }
    let limits = Limits::for_pieces(100);
    let mut rest = bytes;
    while let Ok(Some((head, used))) = FrameHead::parse(rest, &limits) {
        assert!(used <= FrameHead::LEN_MAX, "a head has a limit");
        let end = usize::try_from(head.payload_len())
            .ok()
            .and_then(|len| used.checked_add(len));
        let frame = end.and_then(|end| rest.split_at_checked(end));
        let Some((frame, after)) = frame else {
            return;
        };
        let payload = Bytes::copy_from_slice(frame.get(used..).unwrap_or_default());
        let Ok(message) = Message::decode(&head, payload, &limits) else {
            return;
        };
        if let Some(message) = message {
            let mut encoded = BytesMut::new();
            message.encode(&mut encoded);
            assert_eq!(encoded, frame, "decoding and encoding are inverse");
        }
        rest = after;
    }
}

/// Extended messages survive writing and reading; the first byte chooses which kind is tried.
///
/// # Panics
///
/// If that rule is broken.
pub fn extension_messages(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first() else {
        return;
    };
    match kind % 5 {
        0 => {
            if let Ok(handshake) = ExtensionHandshake::parse(payload) {
                assert_eq!(
                    ExtensionHandshake::parse(&handshake.encode()),
                    Ok(handshake)
                );
            }
        }
        1 => {
            if let Ok(Some(message)) = MetadataMessage::parse(&Bytes::copy_from_slice(payload)) {
                assert_eq!(
                    MetadataMessage::parse(&message.encode().into()),
                    Ok(Some(message))
                );
            }
        }
        2 => {
            if let Ok(pex) = Pex::parse(payload) {
                assert_eq!(Pex::parse(&pex.encode()), Ok(pex));
            }
        }
        3 => {
            if let Ok(slots) = SlotsMessage::parse(payload)
                && let Some(encoded) = slots.encode()
            {
                assert_eq!(SlotsMessage::parse(&encoded), Ok(slots));
            }
        }
        _ => {
            if let Ok(status) = StatusMessage::parse(payload) {
                let encoded = status.encode();
                assert!(
                    encoded.len() <= STATUS_LEN_MAX,
                    "a message that nobody reads"
                );
                let again = StatusMessage::parse(&encoded);
                assert!(again.is_ok(), "what was read can be read again: {again:?}");
            }
        }
    }
}

/// Replies of trackers, requests to them, announcements on the local network and magnet links.
///
/// # Panics
///
/// If that rule is broken.
pub fn tracker_reply(bytes: &[u8]) {
    if let Ok(reply) = AnnounceReply::parse(bytes) {
        assert!(reply.peers.len() <= PEERS_MAX, "peers have a limit");
        assert_eq!(
            AnnounceReply::parse(&reply.encode(PeerForm::Dictionary)),
            Ok(reply)
        );
    }
    if let Ok(scrape) = ScrapeReply::parse(bytes) {
        assert_eq!(ScrapeReply::parse(&scrape.encode()), Ok(scrape));
    }
    for family in [Family::V4, Family::V6] {
        if let Ok(reply) = UdpReply::decode(bytes, family) {
            assert_eq!(UdpReply::decode(&reply.encode(), family), Ok(reply));
        }
    }
    if let Ok(request) = UdpRequest::decode(bytes) {
        assert_eq!(UdpRequest::decode(&request.encode()), Ok(request));
    }
    if let Ok(announce) = Announce::parse(bytes) {
        assert!(
            announce.port != 0 && !announce.info_hashes.is_empty(),
            "an announcement is whole"
        );
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = AnnounceRequest::parse_query(text);
        let _ = parse_scrape_query(text);
        if let Ok(magnet) = Magnet::parse(text) {
            assert_eq!(Magnet::parse(&magnet.to_string()), Ok(magnet));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes that look like bencode often enough to get past the first character.
    fn bencode_like() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            Just(b"d".to_vec()),
            Just(b"l".to_vec()),
            Just(b"e".to_vec()),
            Just(b"4:info".to_vec()),
            Just(b"5:peers".to_vec()),
            Just(b"1:m".to_vec()),
            any::<i16>().prop_map(|int| format!("i{int}e").into_bytes()),
            prop::collection::vec(any::<u8>(), 0..20)
                .prop_map(|bytes| { [bytes.len().to_string().as_bytes(), b":", &bytes].concat() }),
            prop::collection::vec(any::<u8>(), 0..3),
        ];
        prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_keep_the_rules(bytes: Vec<u8>) {
            bencode(&bytes);
            metainfo(&bytes);
            peer_messages(&bytes);
            extension_messages(&bytes);
            tracker_reply(&bytes);
        }

        #[test]
        fn bencode_like_bytes_keep_the_rules(bytes in bencode_like(), kind: u8) {
            bencode(&bytes);
            metainfo(&bytes);
            tracker_reply(&bytes);
            extension_messages(&[&[kind], bytes.as_slice()].concat());
        }

        #[test]
        fn short_frames_keep_the_rules(
            frames in prop::collection::vec((0_u8..24, prop::collection::vec(any::<u8>(), 0..20)), 0..8)
        ) {
            let frame = |(id, payload): (u8, Vec<u8>)| {
                let len = u32::try_from(payload.len() + 1).unwrap();
                [&len.to_be_bytes()[..], &[id], &payload].concat()
            };
            peer_messages(&frames.into_iter().flat_map(frame).collect::<Vec<u8>>());
        }
    }
}
