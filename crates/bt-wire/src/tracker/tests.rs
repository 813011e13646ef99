//! Rules of the tracker codecs.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::bencode::Item;

fn request() -> AnnounceRequest {
    let hash = std::array::from_fn(|i| u8::try_from(i * 13).unwrap());
    AnnounceRequest::new(hash, *b"-SC0100-%&=+ #?/\xff\0AZ", 6881)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn a_query_in_the_announce_url_is_kept() {
    let with = |text| request().url(&url(text)).to_string();
    assert!(
        with("http://t.example/announce?pass=a%20b").contains("announce?pass=a%20b&info_hash=")
    );
    assert!(with("http://t.example/announce").contains("announce?info_hash=%00%0D%1A%27"));
    assert!(with("http://t.example/announce?#x").contains("announce?info_hash="));
}

#[test]
fn an_announce_is_read_as_it_was_written() {
    let mut announce = request();
    announce.uploaded = 1;
    announce.downloaded = u64::MAX;
    announce.left = 3;
    announce.event = Event::Started;
    announce.numwant = Some(50);
    announce.key = Some(0xdead_beef);
    announce.ip = Some("2001:db8::1".parse().unwrap());
    announce.tracker_id = Some(vec![0, 255, b'&']);
    let url = announce.url(&url("http://t.example/announce?pass=1"));
    assert_eq!(
        AnnounceRequest::parse_query(url.query().unwrap()),
        Ok(announce)
    );
}

#[test]
fn wishes_for_many_peers_are_cut() {
    let mut announce = request();
    announce.numwant = Some(1_000_000);
    let url = announce.url(&url("http://t.example/announce"));
    let read = AnnounceRequest::parse_query(url.query().unwrap()).unwrap();
    assert_eq!(read.numwant, Some(200));
    let negative = format!("{}&numwant=-1", url.query().unwrap());
    assert_eq!(
        AnnounceRequest::parse_query(&negative).unwrap().numwant,
        None
    );
}

#[test]
fn an_announce_names_content_peer_and_port() {
    let url = request().url(&url("http://t.example/announce"));
    let query = url.query().unwrap();
    for field in ["info_hash", "peer_id", "port"] {
        let without = query.replace(&format!("{field}="), "x=");
        let error = AnnounceRequest::parse_query(&without);
        assert_eq!(error, Err(TrackerError::Field(field)));
    }
    let short = query.replace("info_hash=%00", "info_hash=");
    assert_eq!(
        AnnounceRequest::parse_query(&short),
        Err(TrackerError::Field("info_hash"))
    );
    let zero = query.replace("port=6881", "port=0");
    assert_eq!(
        AnnounceRequest::parse_query(&zero),
        Err(TrackerError::Field("port"))
    );
    let long = format!("{query}&x={}", "x".repeat(5000));
    assert_eq!(
        AnnounceRequest::parse_query(&long),
        Err(TrackerError::Field("query length"))
    );
}

fn peers() -> Vec<TrackerPeer> {
    let addrs = ["10.0.0.1:1", "10.0.0.2:65535", "[2001:db8::1]:6881"];
    addrs
        .iter()
        .map(|addr| TrackerPeer::new(addr.parse().unwrap(), None))
        .collect()
}

#[test]
fn replies_are_read_as_they_were_written_in_both_forms() {
    let mut reply = AnnounceReply::new(1800, peers());
    reply.min_interval_s = Some(60);
    reply.complete = Some(1);
    reply.incomplete = Some(2);
    reply.external_ip = Some("192.0.2.1".parse().unwrap());
    reply.warning = Some("slow down".to_owned());
    reply.tracker_id = Some(vec![0, 1, 2]);
    for form in [PeerForm::Compact, PeerForm::Dictionary] {
        assert_eq!(AnnounceReply::parse(&reply.encode(form)), Ok(reply.clone()));
    }
    for peer in &mut reply.peers {
        peer.id = Some([b'x'; 20]);
    }
    let dictionary = AnnounceReply::parse(&reply.encode(PeerForm::Dictionary));
    assert_eq!(dictionary, Ok(reply));
}

#[test]
fn a_refusal_comes_in_the_trackers_words_on_one_line() {
    let wire = AnnounceReply::encode_failure("not\n\u{1b}[31mregistered");
    let error = AnnounceReply::parse(&wire).unwrap_err();
    assert_eq!(error.to_string(), "tracker refused: not  [31mregistered");
    for unclear in [
        "d14:failure reasoni5ee",
        "d14:failure reason0:e",
        "d14:failure reason1: e",
    ] {
        let untold = Err(TrackerError::Refused("it tells no reason".to_owned()));
        assert_eq!(AnnounceReply::parse(unclear.as_bytes()), untold);
        assert!(ScrapeReply::parse(unclear.as_bytes()).is_err_and(|error| Err(error) == untold));
    }
    let long = AnnounceReply::encode_failure(&"x".repeat(10_000));
    assert!(AnnounceReply::parse(&long).unwrap_err().to_string().len() < 600);
}

#[test]
fn peers_without_port_or_address_are_left_out() {
    let peer = |ip: &str, port: u32| Item::dict().with("ip", ip).with("port", port);
    let list = Item::list([
        peer("10.0.0.1", 0),
        peer("host.example", 1),
        peer("::1", 70_000),
    ]);
    let wire = Item::dict()
        .with("interval", 1_i64)
        .with("peers", list)
        .encode();
    assert_eq!(AnnounceReply::parse(&wire).unwrap().peers, []);
    let wire = Item::dict().with("peers", [10, 0, 0, 1, 0, 0]).encode();
    assert_eq!(AnnounceReply::parse(&wire).unwrap().peers, []);
}

#[test]
fn a_reply_yields_at_most_2000_peers_and_is_at_most_1_mib() {
    let wire = Item::dict()
        .with("peers", vec![1_u8; 6 * 5000])
        .with("peers6", vec![1_u8; 18 * 99]);
    let reply = AnnounceReply::parse(&wire.encode()).unwrap();
    assert_eq!(reply.peers.len(), PEERS_MAX);
    let wire = Item::dict().with("peers", vec![1_u8; 6 * 200_000]).encode();
    assert!(matches!(
        AnnounceReply::parse(&wire),
        Err(TrackerError::Bencode(_))
    ));
    let torn = Item::dict().with("peers", vec![1_u8; 7]).encode();
    assert_eq!(
        AnnounceReply::parse(&torn),
        Err(TrackerError::Field("peers"))
    );
}

#[test]
fn only_announce_urls_can_be_scraped() {
    let scrape = |text| scrape_url(&url(text), &[[0xff; 20]]).map(|url| url.to_string());
    let hash = "%FF".repeat(20);
    let expected = format!("http://t.example/x/scrape.php?info_hash={hash}");
    assert_eq!(scrape("http://t.example/x/announce.php"), Some(expected));
    let expected = format!("http://t.example/scrape?pass=1&info_hash={hash}");
    assert_eq!(scrape("http://t.example/announce?pass=1"), Some(expected));
    assert_eq!(scrape("http://t.example/x"), None);
    assert_eq!(scrape("http://t.example/announce/x"), None);
}

#[test]
fn scrapes_are_read_as_they_were_written() {
    let hashes = [[1; 20], [b'&'; 20]];
    let url = scrape_url(&url("http://t.example/announce"), &hashes).unwrap();
    assert_eq!(
        parse_scrape_query(url.query().unwrap()),
        Ok(hashes.to_vec())
    );
    assert_eq!(parse_scrape_query(""), Ok(vec![]));
    assert!(parse_scrape_query("info_hash=short").is_err());
    let mut reply = ScrapeReply::default();
    let entry = ScrapeEntry {
        complete: 1,
        downloaded: 2,
        incomplete: 3,
    };
    reply.files.insert([7; 20], entry);
    assert_eq!(ScrapeReply::parse(&reply.encode()), Ok(reply));
}

#[test]
fn udp_requests_without_the_magic_number_are_refused() {
    let mut wire = UdpRequest::Connect { transaction: 1 }.encode();
    wire[0] = 1;
    assert_eq!(
        UdpRequest::decode(&wire),
        Err(TrackerError::Field("protocol id"))
    );
    assert!(UdpRequest::decode(&wire[..15]).is_err());
}

fn udp_requests() -> impl Strategy<Value = UdpRequest> {
    let announce = (
        any::<[u8; 20]>(),
        any::<[u64; 3]>(),
        0..4,
        prop::option::of(0..1000_u32),
    );
    let announce = announce.prop_map(|(hash, counters, event, numwant)| {
        let mut announce = AnnounceRequest::new(hash, [7; 20], 6881);
        [announce.uploaded, announce.downloaded, announce.left] = counters;
        announce.event = [
            Event::Interval,
            Event::Started,
            Event::Completed,
            Event::Stopped,
        ][usize::try_from(event).unwrap()];
        announce.numwant = numwant;
        announce.key = Some(5);
        announce.ip = (event == 1).then(|| IpAddr::from([10, 0, 0, 1]));
        announce
    });
    let hashes = prop::collection::vec(any::<[u8; 20]>(), 0..SCRAPE_MAX);
    prop_oneof![
        any::<u32>().prop_map(|transaction| UdpRequest::Connect { transaction }),
        (any::<u64>(), any::<u32>(), announce).prop_map(|(connection, transaction, announce)| {
            UdpRequest::Announce {
                connection,
                transaction,
                announce,
            }
        }),
        (any::<u64>(), any::<u32>(), hashes).prop_map(|(connection, transaction, info_hashes)| {
            UdpRequest::Scrape {
                connection,
                transaction,
                info_hashes,
            }
        }),
    ]
}

proptest! {
    #[test]
    fn udp_requests_round_trip(request in udp_requests()) {
        prop_assert_eq!(UdpRequest::decode(&request.encode()), Ok(request));
    }

    #[test]
    fn udp_replies_round_trip(
        [transaction, interval_s, incomplete, complete]: [u32; 4],
        v6: bool,
        ips: Vec<(u128, u16)>,
    ) {
        let addr = |(ip, port): (u128, u16)| {
            let [high, .., low] = ip.to_be_bytes();
            let v4 = IpAddr::from([10, 0, high, low]);
            let ip = if v6 { IpAddr::from(ip.to_be_bytes()) } else { v4 };
            SocketAddr::new(ip, port.max(1))
        };
        let peers = ips.into_iter().map(addr).collect();
        let reply = UdpReply::Announce { transaction, interval_s, incomplete, complete, peers };
        let family = if v6 { Family::V6 } else { Family::V4 };
        prop_assert_eq!(UdpReply::decode(&reply.encode(), family), Ok(reply));
        let entry = ScrapeEntry { complete, downloaded: interval_s, incomplete };
        let reply = UdpReply::Scrape { transaction, entries: vec![entry; 3] };
        prop_assert_eq!(UdpReply::decode(&reply.encode(), family), Ok(reply.clone()));
        prop_assert_eq!(reply.transaction(), transaction);
    }

    #[test]
    fn announces_round_trip(info_hash: [u8; 20], peer_id: [u8; 20], port in 1..=u16::MAX) {
        let announce = AnnounceRequest::new(info_hash, peer_id, port);
        let url = announce.url(&url("http://t.example/announce"));
        prop_assert_eq!(AnnounceRequest::parse_query(url.query().unwrap()), Ok(announce));
    }
}

#[test]
fn who_does_not_know_what_is_left_lacks_all() {
    for left in ["", "&left=NaN", "&left=undefined", "&left=-1"] {
        let query =
            format!("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=1{left}");
        let request = AnnounceRequest::parse_query(&query).unwrap();
        assert_eq!(request.left, u64::MAX, "{left}");
    }
}

#[test]
fn what_stands_behind_a_reply_is_passed_over() {
    let mut bytes = AnnounceReply::new(60, Vec::new()).encode(PeerForm::Compact);
    bytes.extend_from_slice(b"\r\n<!-- served in 3 ms -->");
    assert_eq!(AnnounceReply::parse(&bytes).unwrap().interval_s, 60);
}

#[test]
fn an_id_that_would_not_fit_a_request_is_not_kept() {
    for (len, is_kept) in [(TEXT_LEN_MAX, true), (TEXT_LEN_MAX + 1, false)] {
        let text = [
            format!("d10:tracker id{len}:").as_bytes(),
            &vec![b'x'; len],
            b"e",
        ]
        .concat();
        let reply = AnnounceReply::parse(&text).unwrap();
        assert_eq!(reply.tracker_id.is_some(), is_kept, "{len}");
    }
}
