//! The clients against our own tracker, on loopback.

use std::net::SocketAddr;

use swarmcopy_bt_wire::tracker::PeerForm;
use swarmcopy_tracker::{TrackerOptions, TrackerServer};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::testing::soon;

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
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME);
    let urls = ["http", "udp"].map(|scheme| Url::parse(&format!("{scheme}://{addr}/announce")));
    let [by_http, by_udp] = urls.map(Result::unwrap);
    let first = soon(ask(http.as_ref(), &by_http, &request(1001, 5), None))
        .await
        .unwrap();
    assert_eq!(first.peers, []);
    let second = soon(ask(http.as_ref(), &by_udp, &request(1002, 0), None))
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
    let third = soon(ask(http.as_ref(), &by_http, &dictionaries, None))
        .await
        .unwrap();
    assert_eq!(addrs(&third), [1001, 1002]);
    assert!(
        third.peers.iter().all(|peer| peer.id.is_some()),
        "dictionaries tell the peer id"
    );
    assert_eq!((third.complete, third.incomplete), (Some(1), Some(2)));
    let fourth = soon(ask(http.as_ref(), &by_udp, &request(1004, 0), None))
        .await
        .unwrap();
    assert_eq!(
        addrs(&fourth),
        [1001, 1002, 1003],
        "a magnet link knows no length and says that nothing is left"
    );
    let mut stopped = request(1001, 5);
    stopped.event = Event::Stopped;
    soon(ask(http.as_ref(), &by_http, &stopped, None))
        .await
        .unwrap();
    let fifth = soon(ask(http.as_ref(), &by_udp, &request(1005, 5), None))
        .await
        .unwrap();
    assert_eq!(addrs(&fifth), [1002, 1003, 1004]);
}

#[tokio::test]
async fn failures_are_told_in_words() {
    let (addr, _serving) = tracker();
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME);
    let ask = async |url: &str| {
        let url = Url::parse(url).unwrap();
        soon(ask(http.as_ref(), &url, &request(1, 1), None))
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
    let reply = soon(ask(None, &url, &request(1, 1), None)).await.unwrap();
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
    let http = Http::new("swarmcopy 0.1", None, ANSWER_TIME);
    let url = Url::parse(&url).unwrap();
    let reply = soon(ask(http.as_ref(), &url, &request(1, 1), None))
        .await
        .unwrap();
    assert_eq!(reply.interval_s, 60);
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
