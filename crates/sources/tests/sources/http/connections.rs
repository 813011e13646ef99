//! Connections and files: breaks, silence, reuse, names.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::Span;
use swarmcopy_sources::{
    Blame, Limiter, MemorySink, MirrorSource, OriginSource, Ownership, Shape, SpanSink,
};
use tokio::net::TcpSocket;

use super::rig::{DEADLINE, FILE_LEN, PART, Rig, one_file, opened, options};
use crate::support::content::{Content, awkward, content, name};
use crate::support::permit::permit;
use crate::support::server::{Reply, Request, Server, Then, tree};

#[tokio::test]
async fn a_refused_connection_is_broken() {
    let content = one_file();
    // a port that is held, but not listened to
    let held = TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/f.bin", held.local_addr().unwrap());
    let (source, _scheduler) = opened(&content, Shape::File, &url, options()).await;
    let sink = Arc::new(MemorySink::new(FILE_LEN, 65_536));
    let error = source.fetch(PART, &SpanSink::new(sink)).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Broken);
}

#[tokio::test]
async fn a_connection_reset_in_mid_body_is_continued() {
    let rig = Rig::file(|request, file| match request.number {
        0 => Reply::file(request, file).cut(40_000, Then::Close),
        _ => Reply::file(request, file),
    })
    .await;
    rig.good(PART).await;
    let second = &rig.server.requests()[1];
    assert_eq!(second.range(), Some((110_000, 170_000)));
    assert_eq!(second.header("if-range"), Some("\"v1\""));
}

#[tokio::test]
async fn connections_that_reset_without_a_byte_are_broken() {
    let rig = Rig::file(|request, file| Reply::file(request, file).cut(0, Then::Reset)).await;
    assert_eq!(rig.fetch(PART).await.unwrap_err().blame(), Blame::Broken);
    assert_eq!(rig.server.requests().len(), 3);
}

#[tokio::test]
async fn a_file_that_changed_is_asked_for_without_its_old_tag() {
    let rig = Rig::file(|request, file| match request.header("if-range") {
        Some(_) => Reply::new("200 OK", &[("ETag", "\"v2\"")], file),
        None => Reply::file(request, file),
    })
    .await;
    rig.fetch(Span::new(0, 1000)).await.unwrap();
    rig.fetch(PART).await.unwrap();
    let tags: Vec<_> = rig
        .server
        .requests()
        .iter()
        .map(|request| request.header("if-range").is_some())
        .collect();
    assert_eq!(tags, [false, true, false]);
    rig.same();
}

#[tokio::test]
async fn a_weak_tag_is_never_sent_back() {
    let rig = Rig::file(|request, file| {
        let (from, to) = request.range().unwrap();
        let range = format!("bytes {from}-{}/{}", to - 1, file.len());
        let headers = [("Content-Range", range.as_str()), ("ETag", "W/\"v1\"")];
        Reply::new("206 Partial Content", &headers, &file[from..to])
    })
    .await;
    rig.fetch(Span::new(0, 1000)).await.unwrap();
    rig.fetch(PART).await.unwrap();
    rig.same();
    let requests = rig.server.requests();
    let tagged = requests.iter().any(|it| it.header("if-range").is_some());
    assert!(requests.len() == 2 && !tagged, "{requests:?}");
}

#[tokio::test]
async fn a_stalled_body_is_busy_after_the_idle_time_and_what_came_stays() {
    let rig = Rig::file(|request, file| Reply::file(request, file).cut(40_000, Then::Stall)).await;
    let error = rig.fetch(PART).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Busy { retry_after: None });
    assert!(rig.sink.filled().covers(Span::new(70_000, 40_000)));
    rig.same();
}

#[tokio::test]
async fn a_silent_server_is_busy() {
    let mut options = options();
    options.connect_timeout = Duration::from_millis(100);
    let stall = |_: &Request, _: &[u8]| Reply {
        bytes: Vec::new(),
        then: Then::Stall,
    };
    let rig = Rig::file_with(options, stall).await;
    assert_eq!(
        rig.fetch(PART).await.unwrap_err().blame(),
        Blame::Busy { retry_after: None }
    );
}

#[tokio::test]
async fn awkward_names_are_percent_encoded() {
    let content = awkward();
    let server = Server::start(tree("tree", &content)).await;
    let url = server.url("/");
    let rig = Rig::new(content, server, Shape::Tree, &url, options()).await;
    rig.good(rig.whole()).await;
    let targets: Vec<_> = rig
        .server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    let name = "/tree/a/b%20c/%23%25%3F%26%2B%20%5Bx%5D%C3%BC.bin".to_owned();
    assert!(targets.contains(&name), "{targets:?}");
    assert!(
        targets
            .iter()
            .all(|target| !target.contains("pad") && !target.contains("empty"))
    );
}

#[tokio::test]
async fn a_missing_file_does_not_keep_the_others_from_coming() {
    let content = awkward();
    let right = tree("tree", &content);
    let server = Server::start(move |request| match request.target.as_str() {
        "/tree/small%201" | "/tree/small%202" => Reply::new("404 Not Found", &[], b""),
        _ => right(request),
    })
    .await;
    let url = server.url("");
    let rig = Rig::new(content, server, Shape::Tree, &url, options()).await;
    let lacked = rig.lacked(rig.whole(), "404").await;
    assert_eq!(lacked.len(), 30);
    assert_eq!(rig.sink.filled().len(), rig.content.layout.len() - 30);
    rig.same();
}

/// Names of many small files.
fn small_files(count: usize) -> Content {
    let names: Vec<String> = (0..count).map(|at| format!("f{at:04}")).collect();
    let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 300)).collect();
    content(64 * 1024, &files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_files_come_over_few_kept_connections() {
    let content = small_files(500);
    let server = Server::start(tree("tree", &content)).await;
    let url = server.url("/");
    let rig = Rig::new(content, server, Shape::Tree, &url, options()).await;
    rig.good(rig.whole()).await;
    assert_eq!(rig.server.requests().len(), 500);
    let ranged = |request: &Request| request.header("range").is_some();
    assert!(!rig.server.requests().iter().any(ranged));
    let connections = rig.server.connections();
    assert!((2..=16).contains(&connections), "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_file_that_hangs_does_not_hold_up_the_others() {
    let content = small_files(500);
    let right = tree("tree", &content);
    let server = Server::start(move |request| match request.target.as_str() {
        "/tree/f0003" => right(request).cut(0, Then::Stall),
        _ => right(request),
    })
    .await;
    let url = server.url("/");
    // so long that nothing else lasts, however busy this machine is
    let mut options = options();
    options.idle_timeout = Duration::from_secs(4);
    let rig = Rig::new(content, server, Shape::Tree, &url, options).await;
    rig.fetch(rig.whole()).await.unwrap_err();
    assert_eq!(rig.sink.filled().len(), 499 * 300);
    rig.same();
}

#[tokio::test]
async fn fetches_of_small_files_have_sixteen_requests_in_flight_each_and_thirty_two_together() {
    let halves = [Span::new(0, 75_000), Span::new(75_000, 75_000)];
    for (fetches, in_flight) in [(1, 16), (2, 32)] {
        let server = Server::start(|_| Reply {
            bytes: Vec::new(),
            then: Then::Stall,
        })
        .await;
        let url = server.url("/");
        let rig = Rig::new(small_files(500), server, Shape::Tree, &url, options()).await;
        let fetches = halves.iter().take(fetches).map(|half| rig.fetch(*half));
        for end in futures_util::future::join_all(fetches).await {
            end.unwrap_err();
        }
        let requests = rig.server.requests();
        assert_eq!(requests.len(), in_flight);
        assert!(requests.iter().all(|it| it.header("range").is_none()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_of_a_mirror_with_one_stream_come_over_one_connection() {
    let content = small_files(100);
    let server = Server::start(tree("tree", &content)).await;
    let url = server.url("/");
    let mut options = options();
    options.streams_max = 1;
    let rig = Rig::new(content, server, Shape::Tree, &url, options).await;
    rig.good(rig.whole()).await;
    assert_eq!(rig.server.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirected_files_come_over_few_kept_connections_to_each_server() {
    let content = small_files(100);
    let files = Server::start(tree("tree", &content)).await;
    let to = files.url("");
    let server = Server::start(move |request| {
        let location = format!("{to}{}", request.target);
        Reply::new("302 Found", &[("Location", &location)], b"there")
    })
    .await;
    let url = server.url("/");
    let rig = Rig::new(content, server, Shape::Tree, &url, options()).await;
    rig.good(rig.whole()).await;
    for server in [&rig.server, &files] {
        assert_eq!(server.requests().len(), 100);
        assert!(server.connections() <= 16, "{}", server.connections());
    }
}

#[tokio::test]
async fn a_limited_mirror_keeps_to_its_rate() {
    let mut options = options();
    options.limits = vec![Arc::new(Limiter::new(Some(400_000)))];
    let rig = Rig::file_with(options, Reply::file).await;
    let start = std::time::Instant::now();
    rig.good(Span::new(0, 100_000)).await;
    rig.fetch(rig.whole()).await.unwrap();
    // the first 100 kB are paid before more is read
    assert!(
        start.elapsed() >= Duration::from_millis(150),
        "{:?}",
        start.elapsed()
    );
    rig.same();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_connections_are_open_than_streams_are_allowed() {
    let content = small_files(500);
    let server = Server::start(tree("tree", &content)).await;
    let mut options = options();
    options.streams_max = 3;
    let url = server.url("/");
    let rig = Rig::new(content, server, Shape::Tree, &url, options).await;
    let sink = SpanSink::new(rig.sink.clone());
    let spans = (0..50).map(|at| Span::new(at * 3000, 3000));
    let fetches = spans.map(|span| rig.source.fetch(span, &sink));
    let all = futures_util::future::join_all(fetches);
    for end in tokio::time::timeout(DEADLINE, all).await.unwrap() {
        end.unwrap();
    }
    assert!(rig.sink.filled().covers(rig.whole()));
    assert!(
        rig.server.open_peak() <= 3,
        "{} connections",
        rig.server.open_peak()
    );
    rig.same();
}

/// Most fetches of a mirror at `url` that somebody else named.
async fn streams_of_others(url: &str, proxy: Option<&str>) -> u32 {
    let content = one_file();
    let mut options = options();
    options.ownership = Ownership::Others;
    options.proxy = proxy.map(str::to_owned);
    let layout = Arc::clone(&content.layout);
    let mirror = MirrorSource::new(url, &name("f.bin"), Shape::File, layout, options).unwrap();
    mirror.find_home().await;
    mirror.streams_max()
}

#[tokio::test]
async fn other_peoples_servers_get_one_connection() {
    assert_eq!(streams_of_others("http://192.0.2.1/f.bin", None).await, 1);
    let proxied = streams_of_others("http://mirror.example/", Some("http://127.0.0.1:1")).await;
    assert_eq!(proxied, 1);
}

#[tokio::test]
async fn servers_at_private_addresses_get_as_many_connections_as_pay() {
    for url in [
        "http://10.1.2.3/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[fd00::1]/",
    ] {
        assert_eq!(streams_of_others(url, None).await, 32, "{url}");
    }
}

#[tokio::test]
async fn a_mirror_of_single_files_asks_where_they_lie_and_tells_what_it_lacks() {
    let content = awkward();
    let bytes = content.file("big");
    let server = Server::start(move |request| Reply::file(request, &bytes)).await;
    let (index, _) = content
        .layout
        .files()
        .find(|(_, file)| file.path().as_str() == "big")
        .unwrap();
    let (layout, files) = (
        Arc::clone(&content.layout),
        [(index, server.url("/d/x?y=1"))],
    );
    let mirror = MirrorSource::of_files(&files, layout, options()).unwrap();
    let lacks = mirror.lacks();
    assert_eq!(lacks[0], content.span("a/one"));
    assert_eq!(lacks.len(), 7); // all but empty files, pads and the one it has
    let (permit, _scheduler) = permit(&content.layout);
    let source = mirror.open(permit).await.unwrap();
    let sink = Arc::new(MemorySink::new(content.bytes.len(), 65_536));
    let whole = Span::new(0, content.layout.len());
    let error = source
        .fetch(whole, &SpanSink::new(sink.clone()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no address of it"), "{error}");
    assert!(sink.filled().covers(content.span("big")));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].target, "/d/x?y=1");
}
