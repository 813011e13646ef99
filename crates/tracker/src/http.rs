//! The HTTP side of a tracker: one GET per connection, answered and closed.
//!
//! What must stay true: a request is at most 8 KiB and has ten seconds; nothing that it says makes
//! the tracker keep more than its table allows.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest, parse_scrape_query};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::Tracker;

/// Longest head of a request.
const HEAD_LEN_MAX: usize = 8 * 1024;
/// Time for a request and its answer.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// A status line and a body.
struct Answer {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

impl Answer {
    fn bencoded(body: Vec<u8>) -> Self {
        Self {
            status: "200 OK",
            kind: "text/plain",
            body,
        }
    }

    fn error(status: &'static str) -> Self {
        Self {
            status,
            kind: "text/plain",
            body: status.as_bytes().to_vec(),
        }
    }
}

/// Answers one connection.
pub(crate) async fn serve(tracker: &Tracker, mut stream: TcpStream, from: SocketAddr) {
    let answering = async {
        let head = read_head(&mut stream).await?;
        let answer = match &head {
            Some(head) => answer(tracker, head, from.ip().to_canonical()),
            None => Answer::error("431 Request Header Fields Too Large"),
        };
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.status,
            answer.kind,
            answer.body.len()
        );
        stream
            .write_all(&[head.as_bytes(), &answer.body].concat())
            .await?;
        stream.shutdown().await
    };
    // a client that goes away asks again when it wants
    let _ = timeout(REQUEST_TIME, answering).await;
}

/// Reads up to the empty line; `None` if it does not come soon enough.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(1024);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= HEAD_LEN_MAX {
            return Ok(None);
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some(head))
}

fn answer(tracker: &Tracker, head: &[u8], ip: IpAddr) -> Answer {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = std::str::from_utf8(line).unwrap_or_default().split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if !words
        .next()
        .is_some_and(|version| version.starts_with("HTTP/1."))
    {
        return Answer::error("400 Bad Request");
    }
    if method != "GET" {
        return Answer::error("405 Method Not Allowed");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // a path before it may be a key that people put into announce URLs
    match path.rsplit('/').next() {
        Some("announce") => Answer::bencoded(announce(tracker, query, ip)),
        Some("scrape") => Answer::bencoded(scrape(tracker, query)),
        _ => Answer::error("404 Not Found"),
    }
}

fn announce(tracker: &Tracker, query: &str, ip: IpAddr) -> Vec<u8> {
    let answered = AnnounceRequest::parse_query(query)
        .map_err(|error| error.to_string())
        .and_then(|request| Ok((tracker.announce(&request, ip)?, request.form)));
    match answered {
        Ok((reply, form)) => reply.encode(form),
        Err(reason) => {
            tracker.refused();
            AnnounceReply::encode_failure(&reason)
        }
    }
}

fn scrape(tracker: &Tracker, query: &str) -> Vec<u8> {
    match parse_scrape_query(query) {
        Ok(info_hashes) => tracker.scrape(&info_hashes).encode(),
        Err(error) => {
            tracker.refused();
            AnnounceReply::encode_failure(&error.to_string())
        }
    }
}
