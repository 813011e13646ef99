//! Redirects and credentials: where they lead and what they must not carry.

use std::sync::Arc;

use swarmcopy_layout::Span;
use swarmcopy_sources::http::Netrc;
use swarmcopy_sources::{Blame, MemorySink, MirrorSource, OriginSource, Shape, SpanSink};

use super::rig::{FILE_LEN, PART, Rig, one_file, options, whole_file};
use crate::support::content::{content, name};
use crate::support::permit::permit;
use crate::support::server::{Reply, Server};

#[tokio::test]
async fn a_redirect_is_followed_and_kept() {
    let rig = Rig::file(|request, file| match request.target.as_str() {
        "/f.bin" => Reply::new("302 Found", &[("Location", "/moved/f.bin")], b"there"),
        _ => Reply::file(request, file),
    })
    .await;
    rig.fetch(Span::new(0, 1000)).await.unwrap();
    rig.fetch(PART).await.unwrap();
    let targets: Vec<_> = rig
        .server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(targets, ["/f.bin", "/moved/f.bin", "/moved/f.bin"]);
    assert_eq!(rig.server.connections_used(), 1);
    rig.same();
}

#[tokio::test]
async fn redirects_are_kept_for_each_file_alone() {
    let content = content(64 * 1024, &[("a", 100_000), ("b", 100_000)]);
    let (a, b) = (content.file("a"), content.file("b"));
    let server = Server::start(move |request| match request.target.as_str() {
        "/tree/a" => Reply::new("302 Found", &[("Location", "/moved")], b""),
        "/moved" => Reply::file(request, &a),
        _ => Reply::file(request, &b),
    })
    .await;
    let url = server.url("/");
    let rig = Rig::new(content, server, Shape::Tree, &url, options()).await;
    for start in [0, 100_000, 1000, 101_000] {
        rig.fetch(Span::new(start, 1000)).await.unwrap();
    }
    rig.same();
    let requests = rig.server.requests();
    let targets: Vec<_> = requests.iter().map(|it| it.target.as_str()).collect();
    assert_eq!(
        targets,
        ["/tree/a", "/moved", "/tree/b", "/moved", "/tree/b"]
    );
}

#[tokio::test]
async fn a_kept_redirect_that_expired_is_asked_for_anew() {
    let rig = Rig::file(
        |request, file| match (request.target.as_str(), request.number) {
            ("/f.bin", 0) => Reply::new("302 Found", &[("Location", "/old")], b""),
            ("/f.bin", _) => Reply::new("302 Found", &[("Location", "/new")], b""),
            ("/old", 1) | ("/new", _) => Reply::file(request, file),
            _ => Reply::new("403 Forbidden", &[], b"expired"),
        },
    )
    .await;
    rig.fetch(Span::new(0, 1000)).await.unwrap();
    rig.fetch(PART).await.unwrap();
    rig.same();
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let rig = Rig::file(|_, _| Reply::new("301 Moved", &[("Location", "/f.bin")], b"")).await;
    assert_eq!(rig.lacked(PART, "too many redirects").await, whole_file());
    assert_eq!(rig.server.requests().len(), 11);
}

#[tokio::test]
async fn a_redirect_carries_no_credentials_to_another_origin() {
    let content = one_file();
    let bytes = content.bytes.clone();
    let other = Server::start(move |request| Reply::file(request, &bytes)).await;
    let location = other.url("/f.bin");
    let bytes = content.bytes.clone();
    let server = Server::start(move |request| match request.target.as_str() {
        "/f.bin" => Reply::new("307 Temporary", &[("Location", "/home.bin")], b""),
        _ if request.range().unwrap().0 == 0 => Reply::file(request, &bytes),
        _ => Reply::new("307 Temporary", &[("Location", &location)], b""),
    })
    .await;
    let url = server.url("/f.bin").replace("http://", "http://me:s3cret@");
    let rig = Rig::new(content, server, Shape::File, &url, options()).await;
    rig.fetch(Span::new(0, 1000)).await.unwrap();
    rig.fetch(PART).await.unwrap();
    let basic = Some("Basic bWU6czNjcmV0");
    assert!(
        rig.server
            .requests()
            .iter()
            .all(|request| request.header("authorization") == basic)
    );
    assert_eq!(other.requests().len(), 1);
    assert_eq!(other.requests()[0].header("authorization"), None);
    assert_eq!(other.requests()[0].header("referer"), None);
}

#[tokio::test]
async fn a_netrc_login_is_used_at_home() {
    let mut options = options();
    options.netrc = Some(Arc::new(Netrc::parse(
        "machine 127.0.0.1 login me password s3cret",
    )));
    let rig = Rig::file_with(options, Reply::file).await;
    rig.good(PART).await;
    assert_eq!(
        rig.server.requests()[0].header("authorization"),
        Some("Basic bWU6czNjcmV0")
    );
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let content = one_file();
    let server = Server::start(|_| Reply::new("401 Unauthorized", &[], b"")).await;
    let url = server.url("/f.bin").replace("http://", "http://me:s3cret@");
    let layout = Arc::clone(&content.layout);
    let mirror = MirrorSource::new(&url, &name("f.bin"), Shape::File, layout, options()).unwrap();
    let (permit, _scheduler) = permit(&content.layout);
    let source = mirror.open(permit).await.unwrap();
    let sink = Arc::new(MemorySink::new(FILE_LEN, 65_536));
    let error = source.fetch(PART, &SpanSink::new(sink)).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Broken);
    let shown = format!(
        "{mirror:?} {source:?} {error} {error:?} {} {}",
        mirror.name(),
        mirror.identity()
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_redirect_from_a_public_name_to_a_private_address_is_refused() {
    let content = one_file();
    let proxy = Server::start(|_| {
        Reply::new(
            "302 Found",
            &[("Location", "http://192.168.0.1/f.bin")],
            b"",
        )
    })
    .await;
    let mut options = options();
    options.proxy = Some(proxy.url("/"));
    let url = "http://mirror.example/f.bin";
    let rig = Rig::new(content, proxy, Shape::File, url, options).await;
    assert_eq!(rig.lacked(PART, "private address").await, whole_file());
    assert_eq!(rig.server.requests()[0].target, url); // as a proxy is asked
    assert_eq!(rig.server.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_followed_where_allowed() {
    let content = one_file();
    let bytes = content.bytes.clone();
    let proxy = Server::start(move |request| match request.target.as_str() {
        "http://mirror.example/f.bin" => Reply::new(
            "302 Found",
            &[("Location", "http://192.168.0.1/f.bin")],
            b"",
        ),
        _ => Reply::file(request, &bytes),
    })
    .await;
    let mut options = options();
    options.proxy = Some(proxy.url("/"));
    options.private_redirects = true;
    let rig = Rig::new(
        content,
        proxy,
        Shape::File,
        "http://mirror.example/f.bin",
        options,
    )
    .await;
    rig.good(PART).await;
}
