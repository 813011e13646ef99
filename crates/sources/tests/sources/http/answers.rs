//! What a server may answer: one test for each, named after it.

use std::time::Duration;

use swarmcopy_layout::Span;
use swarmcopy_sources::Blame;

use super::rig::{PART, Rig, whole_file};
use crate::support::server::Reply;

#[tokio::test]
async fn a_range_is_asked_for_plainly_and_politely() {
    let rig = Rig::file(Reply::file).await;
    rig.good(PART).await;
    let request = &rig.server.requests()[0];
    assert_eq!(request.header("range"), Some("bytes=70000-169999"));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert!(
        request
            .header("user-agent")
            .unwrap()
            .starts_with("swarmcopy/")
    );
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn a_whole_file_is_asked_for_without_a_range() {
    let rig = Rig::file(Reply::file).await;
    rig.good(rig.whole()).await;
    assert_eq!(rig.server.requests()[0].header("range"), None);
}

#[tokio::test]
async fn missing_403_404_410_451_drop_the_file() {
    for status in [
        "403 Forbidden",
        "404 Not Found",
        "410 Gone",
        "451 Unavailable",
    ] {
        let rig = Rig::file(move |_, _| Reply::new(status, &[], b"no")).await;
        assert_eq!(rig.lacked(PART, &status[..3]).await, whole_file());
    }
}

#[tokio::test]
async fn range_not_satisfiable_416_drops_the_file() {
    let rig = Rig::file(|_, _| {
        Reply::new(
            "416 Range Not Satisfiable",
            &[("Content-Range", "bytes */5")],
            b"",
        )
    })
    .await;
    assert_eq!(rig.lacked(PART, "416").await, whole_file());
}

#[tokio::test]
async fn a_short_206_is_continued() {
    let rig = Rig::file(|request, file| {
        let (from, to) = request.range().unwrap();
        let to = to.min(from + 30_000);
        Reply::partial(&file[from..to], from, to, file.len())
    })
    .await;
    rig.good(PART).await;
    assert_eq!(rig.server.requests().len(), 4);
    assert_eq!(rig.server.connections_used(), 1);
}

#[tokio::test]
async fn a_long_206_is_cut() {
    let rig = Rig::file(|request, file| {
        let from = request.range().unwrap().0;
        Reply::partial(&file[from..], from, file.len(), file.len())
    })
    .await;
    rig.good(Span::new(70_000, 1_000)).await;
}

#[tokio::test]
async fn a_206_that_starts_elsewhere_drops_the_file() {
    let rig = Rig::file(|request, file| {
        let to = request.range().unwrap().1;
        Reply::partial(&file[..to], 0, to, file.len())
    })
    .await;
    assert_eq!(rig.lacked(PART, "other bytes").await, whole_file());
    assert!(rig.sink.filled().is_empty());
}

#[tokio::test]
async fn a_wrong_total_drops_the_file() {
    let rig = Rig::file(|request, file| {
        let (from, to) = request.range().unwrap();
        Reply::partial(&file[from..to], from, to, file.len() + 1)
    })
    .await;
    assert_eq!(rig.lacked(PART, "200001 bytes").await, whole_file());
    let rig = Rig::file(|_, file| Reply::new("200 OK", &[], &file[1..])).await;
    assert_eq!(rig.lacked(rig.whole(), "199999 bytes").await, whole_file());
}

#[tokio::test]
async fn a_200_to_a_range_at_0_is_used() {
    let rig = Rig::file(|_, file| Reply::new("200 OK", &[], file)).await;
    rig.good(Span::new(0, 100_000)).await;
}

#[tokio::test]
async fn a_200_to_a_range_near_the_beginning_is_read_from_there() {
    let rig = Rig::file(|_, file| Reply::new("200 OK", &[], file)).await;
    rig.good(PART).await;
}

#[tokio::test]
async fn an_html_login_page_drops_the_file() {
    let rig = Rig::file(|_, _| {
        Reply::new(
            "200 OK",
            &[("Content-Type", "text/html; charset=utf-8")],
            b"<h1>Log in</h1>",
        )
    })
    .await;
    assert_eq!(rig.lacked(PART, "web page").await, whole_file());
}

#[tokio::test]
async fn a_429_is_busy_for_as_many_seconds_as_it_says() {
    let rig =
        Rig::file(|_, _| Reply::new("429 Too Many Requests", &[("Retry-After", "17")], b"")).await;
    let blame = rig.fetch(PART).await.unwrap_err().blame();
    assert_eq!(
        blame,
        Blame::Busy {
            retry_after: Some(Duration::from_secs(17))
        }
    );
}

#[tokio::test]
async fn a_429_is_busy_until_the_date_it_says() {
    let date = "Fri, 31 Dec 9999 23:59:59 GMT";
    let rig =
        Rig::file(move |_, _| Reply::new("429 Too Many Requests", &[("Retry-After", date)], b""))
            .await;
    let blame = rig.fetch(PART).await.unwrap_err().blame();
    assert_eq!(
        blame,
        Blame::Busy {
            retry_after: Some(Duration::from_secs(30))
        }
    ); // no longer than is kept
}

#[tokio::test]
async fn a_503_is_busy_and_serves_later() {
    let rig = Rig::file(|request, file| match request.number {
        0 => Reply::new("503 Service Unavailable", &[], b"later"),
        _ => Reply::file(request, file),
    })
    .await;
    let blame = rig.fetch(PART).await.unwrap_err().blame();
    assert_eq!(blame, Blame::Busy { retry_after: None });
    rig.good(PART).await;
}

#[tokio::test]
async fn a_500_is_broken() {
    let rig = Rig::file(|_, _| Reply::new("500 Internal Server Error", &[], b"")).await;
    assert_eq!(rig.fetch(PART).await.unwrap_err().blame(), Blame::Broken);
}

#[tokio::test]
async fn gzip_despite_identity_drops_the_file() {
    let rig =
        Rig::file(|_, _| Reply::new("200 OK", &[("Content-Encoding", "gzip")], b"\x1f\x8b")).await;
    assert_eq!(rig.lacked(PART, "compressed").await, whole_file());
}

#[tokio::test]
async fn an_answer_without_a_length_is_used_and_checked_at_its_end() {
    let rig = Rig::file(|_, file| Reply::unsized_ok(&[], file)).await;
    rig.good(rig.whole()).await;
    let rig = Rig::file(|_, file| Reply::unsized_ok(&[], &file[..1000])).await;
    assert_eq!(rig.lacked(rig.whole(), "1000 bytes").await, whole_file());
}
