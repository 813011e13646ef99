//! The HTTP side of a tracker (BEP 3, 7, 23, 24, 48): one GET, one answer.
//!
//! What must stay true: nothing that a request says makes the tracker keep more than its table allows,
//! and a request that can't be read is told why.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest, parse_scrape_query};

use crate::torrent::Families;
use crate::tracker::Tracker;

/// A status line and a body.
struct Answer {
    status: &'static str,
    body: Vec<u8>,
}

impl Answer {
    fn bencoded(body: Vec<u8>) -> Self {
        Self {
            status: "200 OK",
            body,
        }
    }

    fn error(status: &'static str) -> Self {
        Self {
            status,
            body: status.as_bytes().to_vec(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {}\r\nDate: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.status,
            httpdate::fmt_http_date(SystemTime::now().max(SystemTime::UNIX_EPOCH)),
            self.body.len()
        );
        [head.as_bytes(), &self.body].concat()
    }
}

/// The answer to a head that is longer than a tracker reads.
pub(crate) fn too_long() -> Vec<u8> {
    Answer::error("431 Request Header Fields Too Large").encode()
}

impl Tracker {
    /// The whole answer to an HTTP request with this head, up to the empty line. The connection is to be
    /// closed after it.
    pub fn answer_http(&self, head: &[u8], from: SocketAddr) -> Vec<u8> {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        self.answer_line(line, from.ip().to_canonical()).encode()
    }

    fn answer_line(&self, line: &[u8], from: IpAddr) -> Answer {
        let mut words = std::str::from_utf8(line).unwrap_or_default().split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (method, target, version) = (word(), word(), word());
        if !version.starts_with("HTTP/1.") {
            return Answer::error("400 Bad Request");
        }
        if method != "GET" {
            return Answer::error("405 Method Not Allowed");
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // a path before it may be a key that people put into announce URLs
        let answered = match path.rsplit('/').next() {
            Some("announce") => self.answer_announce(query, from),
            Some("scrape") => parse_scrape_query(query)
                .map(|info_hashes| self.scrape(&info_hashes).encode())
                .map_err(|error| error.to_string()),
            _ => return Answer::error("404 Not Found"),
        };
        Answer::bencoded(answered.unwrap_or_else(|reason| {
            self.refused();
            AnnounceReply::encode_failure(&reason)
        }))
    }

    fn answer_announce(&self, query: &str, from: IpAddr) -> Result<Vec<u8>, String> {
        let request = AnnounceRequest::parse_query(query).map_err(|error| error.to_string())?;
        let reply = self.announce(&request, from, Families::Both)?;
        Ok(reply.encode(request.form))
    }
}
