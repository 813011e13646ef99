//! Documents fetched whole: redirects, limits, and servers that answer something else.

use std::sync::Arc;

use swarmcopy_sources::http::{DocumentError, Fetched, fetch_document};
use swarmcopy_sources::{MirrorSource, Shape};

use super::rig::{one_file, options};
use crate::support::content::name;
use crate::support::server::{Reply, Request, Server, Then};

fn starts_with_d(bytes: &[u8]) -> bool {
    bytes.starts_with(b"d")
}

async fn fetch(
    path: &str,
    len_max: usize,
    script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Result<Fetched, DocumentError> {
    let server = Server::start(script).await;
    fetch_document(&server.url(path), &options(), len_max, starts_with_d).await
}

#[tokio::test]
async fn a_document_comes_whole_with_what_every_server_on_the_way_said() {
    let fetched = fetch("/a%20b.torrent?x=1", 100, |request| {
        match request.target.as_str() {
            "/a%20b.torrent?x=1" => Reply::new(
                "302 Found",
                &[("Location", "/d/t"), ("Digest", "SHA-256=x")],
                b"",
            ),
            _ => Reply::new("200 OK", &[], b"d1:ae"),
        }
    });
    let fetched = fetched.await.unwrap();
    assert_eq!(fetched.body.as_deref(), Some(&b"d1:ae"[..]));
    assert_eq!(fetched.url().unwrap().path(), "/d/t");
    assert_eq!(
        fetched.heads[0].values("digest").collect::<Vec<_>>(),
        ["SHA-256=x"]
    );
    assert_eq!((fetched.heads.len(), fetched.len), (2, Some(5)));
}

#[tokio::test]
async fn a_document_longer_than_asked_for_is_not_read() {
    let body = [b"d".as_slice(), &[b'x'; 5000]].concat();
    let long = body.clone();
    let fetched = fetch("/t", 100, move |_| Reply::new("200 OK", &[], &long)).await;
    let fetched = fetched.unwrap();
    assert_eq!((fetched.body, fetched.len), (None, Some(5001)));
    let unsized_one = fetch("/t", 100, move |_| Reply::unsized_ok(&[], &body)).await;
    assert_eq!(unsized_one.unwrap().body, None);
}

#[tokio::test]
async fn what_does_not_look_like_a_document_is_not_read_on() {
    let iso = vec![0; 100_000];
    let fetched = fetch("/x.iso", 1 << 20, move |_| Reply::new("200 OK", &[], &iso)).await;
    let fetched = fetched.unwrap();
    assert_eq!((fetched.body, fetched.len), (None, Some(100_000)));
}

#[tokio::test]
async fn a_refusal_is_told_with_its_status_and_without_password() {
    let server = Server::start(|_| Reply::new("404 Not Found", &[], b"no")).await;
    let url = server.url("/t").replace("http://", "http://me:secret@");
    let error = fetch_document(&url, &options(), 100, starts_with_d).await;
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("the server says 404 Not Found"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    assert!(server.requests()[0].header("authorization").is_some());
}

#[tokio::test]
async fn a_document_that_breaks_off_or_stops_is_refused() {
    for then in [Then::Close, Then::Stall] {
        let error = fetch("/t", 100, move |_| {
            Reply::new("200 OK", &[], b"d1:a1:be").cut(4, then)
        });
        error.await.unwrap_err();
    }
}

#[tokio::test]
async fn documents_in_a_circle_end() {
    let moved = |_: &Request| Reply::new("301 Moved", &[("Location", "/t")], b"");
    let error = fetch("/t", 100, moved).await.unwrap_err();
    assert!(error.to_string().contains("redirects too often"), "{error}");
    let nowhere = |_: &Request| Reply::new("301 Moved", &[("Location", "ftp://h/")], b"");
    fetch("/t", 100, nowhere).await.unwrap_err();
}

#[tokio::test]
async fn a_packed_document_is_unpacked_and_bounded() {
    use std::io::Write as _;
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    for coding in ["gzip", "x-gzip", "identity"] {
        let body = packed(b"d1:ae");
        let fetched = fetch("/t", 100, move |_| {
            Reply::new("200 OK", &[("Content-Encoding", coding)], &body)
        });
        assert_eq!(fetched.await.unwrap().body.as_deref(), Some(&b"d1:ae"[..]));
    }
    let bomb = packed(&[b'd'; 100_000]);
    let fetched = fetch("/t", 10_000, move |_| Reply::new("200 OK", &[], &bomb));
    assert!(fetched.await.unwrap_err().to_string().contains("unpacked"));
}

#[tokio::test]
async fn nothing_that_came_with_a_document_shows_a_secret() {
    let server = Server::start(|request: &Request| {
        if request.target.starts_with("/from") {
            let to = [
                ("Location", "/to/S3CR3T0123456789abcdef?k=S3CR3T"),
                ("Set-Cookie", "id=S3CR3T"),
            ];
            return Reply::new("302 Found", &to, b"");
        }
        Reply::new("404 S3CR3T://S3CR3T@h/", &[], b"")
    });
    let server = server.await;
    let url = server.url("/from?k=S3CR3T").replace("//", "//me:S3CR3T@");
    let mut options = options();
    let error = fetch_document(&url, &options, 100, starts_with_d)
        .await
        .unwrap_err();
    let name = name("f.bin");
    let layout = one_file().layout;
    let mirror = MirrorSource::new(
        &url,
        &name,
        Shape::File,
        Arc::clone(&layout),
        options.clone(),
    )
    .unwrap();
    options.proxy = Some("http://me:S3CR3T@proxy.example:1".to_owned());
    let files: Vec<_> = layout
        .files()
        .map(|(index, _)| (index, url.clone()))
        .collect();
    let each = MirrorSource::of_files(&files, layout, options.clone()).unwrap();
    options.proxy = Some("gopher://me:S3CR3T@proxy.example:1".to_owned());
    let refused = fetch_document(&url, &options, 100, starts_with_d)
        .await
        .unwrap_err();
    let told = format!("{error} {error:?} {refused} {refused:?} {mirror:?} {each:?} {options:?}");
    assert!(
        told.contains("proxy.example") && !told.contains("S3CR3T"),
        "{told}"
    );
    let found = fetch("/from?k=S3CR3T", 100, |request| {
        match request.target.as_str() {
            "/from?k=S3CR3T" => Reply::new("302 Found", &[("Location", "/to?k=S3CR3T")], b""),
            _ => Reply::new("200 OK", &[("Set-Cookie", "id=S3CR3T")], b"d1:ae"),
        }
    });
    let told = format!("{:?}", found.await.unwrap());
    assert!(
        told.contains("/to?k=..") && !told.contains("S3CR3T"),
        "{told}"
    );
}
