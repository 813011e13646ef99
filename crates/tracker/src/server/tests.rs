//! What a tracker answers to raw requests.

use swarmcopy_bt_wire::tracker::{AnnounceReply, PeerForm, ScrapeReply, TrackerError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use swarmcopy_bt_wire::tracker::AnnounceRequest;

use super::*;

/// Waits for what must come soon.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    let patience = std::time::Duration::from_secs(10);
    tokio::time::timeout(patience, what)
        .await
        .expect("it did not come in time")
}

fn start() -> (Arc<TrackerServer>, tokio_util::sync::DropGuard) {
    let server = TrackerServer::bind("127.0.0.1:0".parse().unwrap(), TrackerOptions::default());
    let server = Arc::new(server.unwrap());
    let cancel = CancellationToken::new();
    let (serving, until) = (Arc::clone(&server), cancel.clone());
    tokio::spawn(async move { serving.serve(until).await });
    (server, cancel.drop_guard())
}

/// The status line and the body.
async fn send(server: &TrackerServer, request: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    soon(stream.write_all(request)).await.unwrap();
    let mut reply = Vec::new();
    soon(stream.read_to_end(&mut reply)).await.unwrap();
    let end = reply.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(reply[..end].to_vec()).unwrap();
    (
        head.lines().next().unwrap().to_owned(),
        reply[end + 4..].to_vec(),
    )
}

async fn get(server: &TrackerServer, target: &str) -> Vec<u8> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n");
    let (status, body) = send(server, request.as_bytes()).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    body
}

fn target(port: u16, more: &str) -> String {
    let hash = "%ab".repeat(20);
    let id = "-TR4000-abcdefghijkl";
    format!(
        "/announce?info_hash={hash}&peer_id={id}&port={port}&uploaded=0&downloaded=0&left=5{more}"
    )
}

#[tokio::test]
async fn both_forms_are_spoken_and_scraped() {
    let (server, _serving) = start();
    get(&server, &target(1001, "&compact=1&event=started")).await;
    let compact = get(
        &server,
        &target(1002, "&compact=1&supportcrypto=1&key=12ab"),
    )
    .await;
    let text = String::from_utf8_lossy(&compact).into_owned();
    assert!(text.contains("5:peers6:"), "{text}");
    let listed = get(&server, &target(1003, "")).await;
    assert!(
        String::from_utf8_lossy(&listed).contains("5:peersld"),
        "{listed:?}"
    );
    assert_eq!(AnnounceReply::parse(&listed).unwrap().peers.len(), 2);
    get(&server, &target(1003, "&event=completed")).await;
    let scraped = get(&server, &format!("/scrape?info_hash={}", "%AB".repeat(20))).await;
    let entry = ScrapeReply::parse(&scraped).unwrap().files[&[0xab; 20]];
    assert_eq!((entry.incomplete, entry.downloaded), (3, 1));
    let stats = server.stats();
    assert_eq!((stats.torrents, stats.peers, stats.announces), (1, 3, 4));
}

#[tokio::test]
async fn only_loopback_speaks_for_another_address() {
    let (server, _serving) = start();
    get(&server, &target(1001, "&ip=10.0.0.7")).await;
    let reply = AnnounceReply::parse(&get(&server, &target(1002, "")).await).unwrap();
    assert_eq!(reply.peers[0].addr, "10.0.0.7:1001".parse().unwrap());
    let mut request = AnnounceRequest::new([1; 20], [2; 20], 1);
    request.form = PeerForm::Compact;
    request.ip = Some("10.0.0.8".parse().unwrap());
    let reply = server
        .tracker
        .announce(&request, "192.0.2.1".parse().unwrap())
        .unwrap();
    assert_eq!(reply.external_ip, Some("192.0.2.1".parse().unwrap()));
}

#[tokio::test]
async fn nonsense_is_refused_politely() {
    let (server, _serving) = start();
    let body = get(&server, "/announce?info_hash=short").await;
    assert!(matches!(
        AnnounceReply::parse(&body),
        Err(TrackerError::Refused(_))
    ));
    assert_eq!(server.stats().refused, 1);
    for (request, status) in [
        (
            &b"POST /announce HTTP/1.1\r\n\r\n"[..],
            "HTTP/1.1 405 Method Not Allowed",
        ),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"),
        (b"\xff\xfe\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (
            &[b'x'; 9000],
            "HTTP/1.1 431 Request Header Fields Too Large",
        ),
    ] {
        assert_eq!(send(&server, request).await.0, status);
    }
}
