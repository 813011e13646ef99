//! What shares, locks, clocks, trackers and rooms come to.

use std::io::{BufRead as _, BufReader, Write as _};

use super::*;

#[test]
fn a_room_that_is_known_and_not_reached_is_ill() {
    assert_eq!(machines_finding(0, 3).verdict, Verdict::Ill);
    assert_eq!(machines_finding(0, 0).verdict, Verdict::Unclear);
    assert_eq!(machines_finding(2, 3).verdict, Verdict::Well);
}

#[tokio::test]
async fn a_share_that_is_not_there_is_ill_and_one_that_is_is_well() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("CS5");
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(tree.join("f"), [7; 100_000]).unwrap();
    let made = swarmcopy::make(&swarmcopy::MakeOptions::new(&tree), &|_| {}).unwrap();
    let torrent = std::fs::read(made.torrent).unwrap();
    let content = Content::torrent(torrent).unwrap();
    let options = CopyOptions::new(dir.path().join("to"));
    let verdicts = |findings: Vec<Finding>| {
        let all = findings
            .into_iter()
            .map(|finding| (finding.check, finding.verdict));
        all.collect::<Vec<_>>()
    };
    let there = shares(&content.clone().share(dir.path()), &options).await;
    assert_eq!(verdicts(there)[0], ("share", Verdict::Well));
    let gone = shares(&content.clone().share(dir.path().join("none")), &options).await;
    assert_eq!(verdicts(gone), [("share", Verdict::Ill)]);
    assert_eq!(
        verdicts(shares(&content, &options).await),
        [("share", Verdict::Unclear)]
    );
}

#[test]
fn locks_are_worth_what_the_server_makes_of_them() {
    for (guard, remote, verdict) in [
        (GuardState::Server, true, Verdict::Well),
        (GuardState::Local, false, Verdict::Well),
        (GuardState::Local, true, Verdict::Unclear),
        (GuardState::Unavailable, true, Verdict::Ill),
        (GuardState::None, true, Verdict::Unclear),
    ] {
        let found = locks(guard, remote);
        assert_eq!(found.verdict, verdict, "{guard:?}: {found:?}");
        assert_eq!(found.todo.is_some(), verdict != Verdict::Well);
    }
}

#[tokio::test]
async fn a_share_with_files_from_the_future_has_another_clock() {
    let dir = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(dir.path().join("f")).unwrap();
    let verdict = async || share_clock(dir.path().to_owned()).await.unwrap().verdict;
    assert_eq!(verdict().await, Verdict::Well);
    let ahead = SystemTime::now() + Duration::from_hours(1);
    file.set_modified(ahead).unwrap();
    assert_eq!(verdict().await, Verdict::Ill);
}

#[test]
fn what_a_tracker_says_is_told() {
    let url = "http://tracker/announce";
    for (note, verdict) in [
        (TrackerNote::Answered { peers: 3 }, Verdict::Well),
        (TrackerNote::Warning("full".to_owned()), Verdict::Unclear),
        (TrackerNote::Failed("refused".to_owned()), Verdict::Ill),
    ] {
        let found = tracker_finding(url, &note);
        assert_eq!(found.verdict, verdict, "{found:?}");
        assert!(found.told.contains(url), "{found:?}");
    }
}

/// A tracker that says once what time it is.
fn tracker_at(date: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // what is left unread when it closes would take the answer with it
        let mut lines = BufReader::new(&stream).lines();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close";
        write!(&stream, "{head}\r\nDate: {date}\r\n\r\n").unwrap();
    });
    format!("http://{addr}/announce")
}

#[tokio::test]
async fn a_tracker_with_another_clock_is_ill() {
    let tracker = tracker_at("Thu, 01 Jan 1970 00:00:00 GMT");
    let found = tracker_clock(&tracker).await.unwrap();
    assert_eq!(
        (found.check, found.verdict),
        ("tracker-clock", Verdict::Ill)
    );
    assert!(tracker_clock("udp://tracker:1/").await.is_none());
}
