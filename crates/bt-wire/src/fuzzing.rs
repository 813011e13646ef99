//! What fuzz targets call beside [`check`](crate::check): magnet links made up parameter by parameter.

use arbitrary::{Arbitrary, Unstructured};

use crate::magnet::Magnet;

#[derive(Debug, Arbitrary)]
enum Topic {
    Hex([u8; 20]),
    Base32(String),
    Multihash([u8; 32]),
    Text(String),
}

#[derive(Debug, Arbitrary)]
enum Parameter {
    Topic(Topic),
    Name(String),
    Tracker(String),
    Mirror(String),
    Source(String),
    Peer4([u8; 4], u16),
    Peer6([u8; 16], u16),
    Peer(String),
    Other(String, String),
    Numbered(u8, String),
    Raw(String),
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn written(parameter: &Parameter) -> String {
    let encoded = |text: &str| {
        let mut to = String::new();
        crate::percent::encode_into(text.as_bytes(), &mut to);
        to
    };
    match parameter {
        Parameter::Topic(Topic::Hex(hash)) => format!("xt=urn:btih:{}", hex(hash)),
        Parameter::Topic(Topic::Base32(text)) => format!("xt=urn:btih:{text}"),
        Parameter::Topic(Topic::Multihash(hash)) => format!("xt=urn:btmh:1220{}", hex(hash)),
        Parameter::Topic(Topic::Text(text)) => format!("xt={}", encoded(text)),
        Parameter::Name(name) => format!("dn={}", encoded(name)),
        Parameter::Tracker(rest) => format!("tr={}", encoded(&format!("http://{rest}"))),
        Parameter::Mirror(rest) => format!("ws={}", encoded(&format!("https://{rest}"))),
        Parameter::Source(rest) => format!("xs={}", encoded(&format!("http://{rest}"))),
        Parameter::Peer4(ip, port) => format!("x.pe={}:{port}", std::net::Ipv4Addr::from(*ip)),
        Parameter::Peer6(ip, port) => format!("x.pe=[{}]:{port}", std::net::Ipv6Addr::from(*ip)),
        Parameter::Peer(text) => format!("x.pe={}", encoded(text)),
        Parameter::Other(name, value) => format!("{name}={value}"),
        Parameter::Numbered(number, rest) => format!("tr.{number}=udp://{}", encoded(rest)),
        Parameter::Raw(text) => text.clone(),
    }
}

/// Any link: what is understood of it is written and read back as the same, within limits; and a right parameter is
/// understood whatever stands around it.
///
/// # Panics
///
/// If that is not so.
pub fn magnet(bytes: &[u8]) {
    const ENTRIES_MAX: usize = 100;
    let Ok(parameters) = Vec::<Parameter>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    let parts: Vec<_> = parameters.iter().take(300).map(written).collect();
    let link = format!("magnet:?xt=urn:btih:{}&{}", hex(&[7; 20]), parts.join("&"));
    let Ok(magnet) = Magnet::parse(&link) else {
        assert!(link.len() > 1 << 16, "a right link is refused: {link}");
        return;
    };
    assert_eq!(magnet.info_hash_v1, Some([7; 20]));
    for list in [
        &magnet.trackers,
        &magnet.mirrors,
        &magnet.sources,
        &magnet.peers,
    ] {
        assert!(list.len() <= ENTRIES_MAX);
    }
    let again = magnet.to_string();
    if again.len() <= 1 << 16 {
        assert_eq!(again.parse(), Ok(magnet));
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use crate::check;

    #[test]
    fn what_the_corpus_of_each_parser_holds_is_read_and_written_again() {
        replay("bencode", check::bencode);
        replay("metainfo", check::metainfo);
        replay("metainfo_tree", check::metainfo_tree);
        replay("peer_messages", check::peer_messages);
        replay("extension_messages", check::extension_messages);
        replay("tracker_reply", check::tracker_reply);
    }

    #[test]
    fn any_magnet_link_is_read_within_limits_and_written_again() {
        replay("magnet", super::magnet);
    }
}
