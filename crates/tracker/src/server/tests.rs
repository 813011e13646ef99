//! What a tracker answers to raw requests.

use std::net::IpAddr;

use swarmcopy_bt_wire::tracker::{
    AnnounceReply, AnnounceRequest, PeerForm, ScrapeReply, TrackerError, UdpReply, UdpRequest,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::*;
use crate::torrent::Families;

/// Waits for what must come soon.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    let patience = std::time::Duration::from_secs(10);
    tokio::time::timeout(patience, what)
        .await
        .expect("it did not come in time")
}

fn start() -> (Arc<TrackerServer>, tokio_util::sync::DropGuard) {
    serve(TrackerServer::bind("127.0.0.1:0".parse().unwrap(), TrackerOptions::default()).unwrap())
}

fn serve(server: TrackerServer) -> (Arc<TrackerServer>, tokio_util::sync::DropGuard) {
    let server = Arc::new(server);
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
        .announce(&request, "192.0.2.1".parse().unwrap(), Families::Both)
        .unwrap();
    assert_eq!(reply.external_ip, Some("192.0.2.1".parse().unwrap()));
}

#[tokio::test]
async fn a_malformed_announce_is_told_what_is_wrong() {
    let (server, _serving) = start();
    let good = target(1001, "");
    let malformed = [
        ("/announce".to_owned(), "info_hash"),
        ("/announce?info_hash=short".to_owned(), "info_hash"),
        (good.replace("peer_id", "peer"), "peer_id"),
        (good.replace("port=1001", "port=0"), "port"),
        (good.replace("port=1001", "port=70000"), "port"),
        (good.replace("uploaded=0", "uploaded=x"), "uploaded"),
        ("/scrape?info_hash=short".to_owned(), "info_hash"),
    ];
    for (target, what) in &malformed {
        let reply = AnnounceReply::parse(&get(&server, target).await);
        let Err(TrackerError::Refused(reason)) = reply else {
            panic!("{target}: {reply:?}");
        };
        assert!(reason.contains(what), "{target}: {reason}");
    }
    assert_eq!(server.stats().refused, 7);
    assert_eq!(server.stats().torrents, 0);
}

#[tokio::test]
async fn who_does_not_say_what_is_left_lacks_something() {
    let (server, _serving) = start();
    get(&server, &target(1001, "").replace("&left=5", "")).await;
    let reply = AnnounceReply::parse(&get(&server, &target(1002, "")).await).unwrap();
    assert_eq!((reply.complete, reply.incomplete), (Some(0), Some(2)));
}

#[tokio::test]
async fn what_is_no_announce_gets_a_status() {
    let (server, _serving) = start();
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

#[tokio::test(start_paused = true)]
async fn a_request_line_has_two_seconds() {
    let (server, _serving) = start();
    for begun in [&b""[..], b"GET /announce?info_hash="] {
        let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let start = Instant::now();
        let mut reply = Vec::new();
        soon(stream.read_to_end(&mut reply)).await.unwrap();
        let took = start.elapsed().as_millis();
        assert!(reply.is_empty() && (1900..2500).contains(&took), "{took}");
    }
}

/// A connection to a tracker from this address.
async fn connect(server: &TrackerServer, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from(from), 0).into()).unwrap();
    soon(socket.connect(server.local_addr())).await.unwrap()
}

#[tokio::test]
async fn idle_connections_of_one_address_keep_nobody_else_out() {
    let mut options = TrackerOptions::default();
    options.connections_per_address_max = 48;
    let addr = "127.0.0.1:0".parse().unwrap();
    let (server, _serving) = serve(TrackerServer::bind(addr, options).unwrap());
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(connect(&server, [127, 0, 0, 7]).await);
    }
    let mut other = connect(&server, [127, 0, 0, 8]).await;
    let request = format!("GET {} HTTP/1.1\r\n\r\n", target(1001, ""));
    let (start, mut reply) = (Instant::now(), Vec::new());
    other.write_all(request.as_bytes()).await.unwrap();
    soon(other.read_to_end(&mut reply)).await.unwrap();
    assert!(reply.starts_with(b"HTTP/1.1 200 OK"));
    assert!(start.elapsed() < Duration::from_millis(1500));
    // those beyond the bound were closed at once, not after their time
    let mut closed = 0;
    for stream in &mut idle[48..] {
        closed += usize::from(matches!(soon(stream.read(&mut [0])).await, Ok(0) | Err(_)));
    }
    assert!(closed == 16 && start.elapsed() < Duration::from_millis(1900));
}

#[tokio::test]
async fn one_process_serves_both_families() {
    let addrs = ["127.0.0.1:0", "[::1]:0"].map(|addr| addr.parse().unwrap());
    // a machine without IPv6 has nothing to serve
    let Ok(server) = TrackerServer::bind_all(&addrs, TrackerOptions::default()) else {
        return;
    };
    let (server, _serving) = serve(server);
    get(&server, &target(1001, "&compact=1")).await;
    let v6 = server.local_addrs().nth(1).unwrap();
    let mut stream = TcpStream::connect(v6).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\n\r\n", target(1002, "&compact=1"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    soon(stream.read_to_end(&mut reply)).await.unwrap();
    let end = reply.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let reply = AnnounceReply::parse(&reply[end + 4..]).unwrap();
    assert_eq!(reply.peers[0].addr, "127.0.0.1:1001".parse().unwrap());
    let reply = AnnounceReply::parse(&get(&server, &target(1003, "&compact=1")).await).unwrap();
    let v6 = "[::1]:1002".parse().unwrap();
    assert!(reply.peers.iter().any(|peer| peer.addr == v6));
}

#[tokio::test]
async fn a_restart_forgets_nobody_where_there_is_a_state() {
    let dir = tempfile::tempdir().unwrap();
    let options = TrackerOptions {
        state: Some(dir.path().join("tracker.state")),
        ..TrackerOptions::default()
    };
    let bind = || TrackerServer::bind("127.0.0.1:0".parse().unwrap(), options.clone());
    let (server, serving) = serve(bind().unwrap());
    get(&server, &target(1001, "")).await;
    drop(serving);
    // the state is written at the end of `serve`
    soon(async {
        while Arc::strong_count(&server) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (server, _serving) = serve(bind().unwrap());
    assert_eq!(server.stats().peers, 1);
    let reply = AnnounceReply::parse(&get(&server, &target(1002, "")).await).unwrap();
    assert_eq!(reply.peers[0].addr, "127.0.0.1:1001".parse().unwrap());
    std::fs::write(options.state.as_ref().unwrap(), b"something else").unwrap();
    let error = bind().unwrap_err().to_string();
    assert!(error.starts_with("cannot use the state "), "{error}");
}

/// What a UDP client hears.
fn ask(tracker: &Tracker, datagram: &[u8], from: SocketAddr) -> Option<UdpReply> {
    let answer = tracker.answer_udp(datagram, from)?;
    Some(UdpReply::decode(&answer, swarmcopy_bt_wire::tracker::Family::V4).unwrap())
}

/// A tracker and an announce to it with a right connection number.
fn udp_announce() -> (Tracker, Vec<u8>, SocketAddr) {
    let tracker = Tracker::new(TrackerOptions::default());
    let from = "10.0.0.1:4000".parse().unwrap();
    let connect = UdpRequest::Connect { transaction: 7 }.encode();
    let Some(UdpReply::Connect { connection, .. }) = ask(&tracker, &connect, from) else {
        panic!("no connection number");
    };
    let announce = UdpRequest::Announce {
        connection,
        transaction: 8,
        announce: AnnounceRequest::new([1; 20], [2; 20], 6881),
    };
    (tracker, announce.encode(), from)
}

#[tokio::test]
async fn path_and_query_after_an_announce_by_udp_are_read_over() {
    let (tracker, announce, from) = udp_announce();
    for options in [
        &b"\x02\x09/announce"[..],
        b"\x01\x02\x04/key\x02\x04?a=b\x00 and whatever",
        b"\x09\x02xx",
        b"\x00",
    ] {
        let reply = ask(&tracker, &[&announce, options].concat(), from);
        assert!(
            matches!(reply, Some(UdpReply::Announce { .. })),
            "{options:?}"
        );
    }
    for options in [&b"\x02"[..], b"\x02\x09/ann"] {
        let reply = ask(&tracker, &[&announce, options].concat(), from);
        let Some(UdpReply::Error { message, .. }) = reply else {
            panic!("{options:?}: {reply:?}");
        };
        assert_eq!(message, "bad options");
    }
}

#[tokio::test]
async fn a_malformed_announce_by_udp_is_told_what_is_wrong_to_who_has_a_connection_number() {
    let (tracker, announce, from) = udp_announce();
    let mut no_port = announce.clone();
    no_port[96..98].fill(0);
    let mut no_action = announce.clone();
    no_action[11] = 9;
    let no_hash = [&announce[..8], b"\0\0\0\x02\0\0\0\x08"].concat();
    for malformed in [&no_port, &announce[..97].to_vec(), &no_action, &no_hash] {
        let reply = ask(&tracker, malformed, from);
        assert!(
            matches!(reply, Some(UdpReply::Error { transaction: 8, .. })),
            "{reply:?}"
        );
        let elsewhere = "10.0.0.2:4000".parse().unwrap();
        assert_eq!(ask(&tracker, malformed, elsewhere), None);
    }
    assert_eq!(tracker.stats().refused, 4);
    assert_eq!(ask(&tracker, b"\xff\xff", from), None);
}

#[tokio::test]
async fn a_flood_of_announces_from_one_address_is_refused() {
    let (tracker, announce, from) = udp_announce();
    let answered = (0..11_000).filter(|_| {
        matches!(
            ask(&tracker, &announce, from),
            Some(UdpReply::Announce { .. })
        )
    });
    assert!((10_000..11_000).contains(&answered.count()));
}
