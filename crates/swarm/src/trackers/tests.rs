//! The clients against our own tracker, on loopback.

use std::net::SocketAddr;

use swarmcopy_bt_wire::tracker::PeerForm;
use swarmcopy_tracker::{TrackerOptions, TrackerServer};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::testing::soon;

/// The way to a tracker that a person named.
const ANY: (Option<IpAddr>, Reach) = (None, Reach::Any);
/// The way to one that a document from the internet names.
const PUBLIC: (Option<IpAddr>, Reach) = (None, Reach::Public);

/// A tracker that serves until the token is dropped.
fn tracker() -> (SocketAddr, tokio_util::sync::DropGuard) {
    let cancel = CancellationToken::new();
    let server = TrackerServer::bind("127.0.0.1:0".parse().unwrap(), TrackerOptions::default());
    let server = server.unwrap();
    let addr = server.local_addr();
    let serving = cancel.clone();
    tokio::spawn(async move { server.serve(serving).await });
    (addr, cancel.drop_guard())
}

fn request(port: u16, left: u64) -> AnnounceRequest {
    let mut request =
        AnnounceRequest::new([0xab; 20], [u8::try_from(port % 256).unwrap(); 20], port);
    request.left = left;
    request.numwant = Some(50);
    request
}

#[tokio::test]
async fn peers_meet_by_http_and_by_udp() {
    let (addr, _serving) = tracker();
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME, false);
    let urls = ["http", "udp"].map(|scheme| Url::parse(&format!("{scheme}://{addr}/announce")));
    let [by_http, by_udp] = urls.map(Result::unwrap);
    let first = soon(ask(http.as_ref(), &by_http, &request(1001, 5), ANY))
        .await
        .unwrap();
    assert_eq!(first.peers, []);
    let second = soon(ask(http.as_ref(), &by_udp, &request(1002, 0), ANY))
        .await
        .unwrap();
    let addrs = |reply: &AnnounceReply| {
        let mut ports: Vec<_> = reply.peers.iter().map(|peer| peer.addr.port()).collect();
        ports.sort_unstable();
        ports
    };
    assert_eq!(addrs(&second), [1001]);
    let mut dictionaries = request(1003, 5);
    dictionaries.form = PeerForm::Dictionary;
    let third = soon(ask(http.as_ref(), &by_http, &dictionaries, ANY))
        .await
        .unwrap();
    assert_eq!(addrs(&third), [1001, 1002]);
    assert!(
        third.peers.iter().all(|peer| peer.id.is_some()),
        "dictionaries tell the peer id"
    );
    assert_eq!((third.complete, third.incomplete), (Some(1), Some(2)));
    let fourth = soon(ask(http.as_ref(), &by_udp, &request(1004, 0), ANY))
        .await
        .unwrap();
    assert_eq!(
        addrs(&fourth),
        [1001, 1002, 1003],
        "a magnet link knows no length and says that nothing is left"
    );
    let mut stopped = request(1001, 5);
    stopped.event = Event::Stopped;
    soon(ask(http.as_ref(), &by_http, &stopped, ANY))
        .await
        .unwrap();
    let fifth = soon(ask(http.as_ref(), &by_udp, &request(1005, 5), ANY))
        .await
        .unwrap();
    assert_eq!(addrs(&fifth), [1002, 1003, 1004]);
}

#[tokio::test]
async fn failures_are_told_in_words() {
    let (addr, _serving) = tracker();
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME, false);
    let ask = async |url: &str| {
        let url = Url::parse(url).unwrap();
        soon(ask(http.as_ref(), &url, &request(1, 1), ANY))
            .await
            .unwrap_err()
    };
    let error = ask(&format!("http://{addr}/elsewhere")).await;
    assert!(error.contains("404"), "{error}");
    let error = ask("wss://127.0.0.1:1/announce").await;
    assert!(error.contains("by wss"), "{error}");
    let error = ask("udp://127.0.0.1/announce").await;
    assert!(error.contains("port"), "{error}");
    assert!(!ask("http://127.0.0.1:1/announce").await.is_empty());
}

#[tokio::test]
async fn a_udp_tracker_is_told_path_and_query() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = format!("udp://{}/announce?key=1", socket.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let mut buffer = [0; 2048];
        let (_, from) = socket.recv_from(&mut buffer).await.unwrap();
        let mut reply = [&[0; 4], &buffer[12..16], &[7; 8]].concat();
        socket.send_to(&reply, from).await.unwrap();
        let (len, _) = socket.recv_from(&mut buffer).await.unwrap();
        reply = [&[0, 0, 0, 1], &buffer[12..16], &[0, 0, 0, 60], &[0; 8]].concat();
        socket.send_to(&reply, from).await.unwrap();
        buffer[98..len].to_vec()
    });
    let url = Url::parse(&url).unwrap();
    let reply = soon(ask(None, &url, &request(1, 1), ANY)).await.unwrap();
    assert_eq!(reply.interval_s, 60);
    assert_eq!(heard.await.unwrap(), b"\x02\x0f/announce?key=1");
}

#[tokio::test]
async fn a_packed_answer_with_more_behind_it_is_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    // gzip of `d8:intervali60ee` and a line feed, stored
    let text = b"d8:intervali60ee\n";
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 17, 0, 238, 255];
    body.extend_from_slice(text);
    body.extend_from_slice(&CRC_OF_TEXT.to_le_bytes());
    body.extend_from_slice(&17_u32.to_le_bytes());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _request = stream.read(&mut [0; 4096]).await.unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
    });
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME, false);
    let url = Url::parse(&url).unwrap();
    let reply = soon(ask(http.as_ref(), &url, &request(1, 1), ANY))
        .await
        .unwrap();
    assert_eq!(reply.interval_s, 60);
}

/// A server that sends everybody elsewhere.
async fn redirecting(to: String) -> (Url, tokio_util::task::AbortOnDropHandle<()>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _request = stream.read(&mut [0; 4096]).await;
            let head = format!(
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    let serving = tokio_util::task::AbortOnDropHandle::new(serving);
    (Url::parse(&url).unwrap(), serving)
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_private_network_and_not_for_ever() {
    let (addr, _serving) = tracker();
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME, false);
    // the query of the announce goes with it
    let query = "info_hash=%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab%ab\
                 &peer_id=aaaaaaaaaaaaaaaaaaaa&port=7&left=1";
    let (url, _redirecting) = redirecting(format!("http://{addr}/announce?{query}")).await;
    let reply = soon(ask(http.as_ref(), &url, &request(1, 1), ANY)).await;
    assert_eq!(reply.unwrap().peers, []);
    let (url, _redirecting) = redirecting("/announce".to_owned()).await;
    let error = soon(ask(http.as_ref(), &url, &request(1, 1), ANY)).await;
    assert!(error.unwrap_err().contains("too often"));
}

#[tokio::test]
async fn a_tracker_that_the_internet_names_is_asked_at_public_addresses_alone() {
    let (addr, _serving) = tracker();
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME, false);
    for scheme in ["http", "udp"] {
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
            let url = format!("{scheme}://{host}:{}/announce", addr.port());
            let url = Url::parse(&url).unwrap();
            let asked = soon(ask(http.as_ref(), &url, &request(1, 1), PUBLIC)).await;
            let error = asked.unwrap_err();
            assert!(error.contains("private address"), "{url}: {error}");
        }
    }
}

#[test]
fn no_tracker_is_shown_with_its_secrets() {
    let layout = swarmcopy_layout::Layout::builder(1).build().unwrap();
    let mut config = crate::SwarmConfig::new([0; 20], [0; 20], Arc::new(layout));
    let url = Url::parse("http://me:S3CR3T@t.example/S3CR3T0123456789abcdef?key=S3CR3T").unwrap();
    config.trackers = vec![vec![url]];
    let tiers = Tiers::new(config.trackers.clone());
    let peer = "me:S3CR3T@h.example"
        .parse::<crate::PeerName>()
        .unwrap_err();
    let told = format!("{config:?} {tiers:?} {peer} {peer:?}");
    assert!(
        told.contains("t.example") && !told.contains("S3CR3T"),
        "{told}"
    );
}

/// CRC-32 of `d8:intervali60ee` and a line feed.
const CRC_OF_TEXT: u32 = 0x56505c0d;
