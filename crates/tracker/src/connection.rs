//! One HTTP connection of a client: a request, an answer, the end.
//!
//! What must stay true: the request's first line has two seconds, and all of it with its answer ten; a
//! head is at most 8 KiB; an address has only so many connections at a time.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::tracker::Tracker;
use crate::{address, http};

/// Longest head of a request.
const HEAD_LEN_MAX: usize = 8 * 1024;
/// Time for the first line of a request.
const LINE_TIME: Duration = Duration::from_secs(2);
/// Time for a request and its answer.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// How many connections each address has open.
#[derive(Debug, Default)]
pub(crate) struct Open(Mutex<HashMap<IpAddr, usize>>);

/// The place of a connection among those of its address; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    open: Arc<Open>,
    key: IpAddr,
}

impl Open {
    /// A place for a connection of `ip`, if it has fewer than `max`.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr, max: usize) -> Option<Place> {
        let key = address::key(ip);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&key).copied().unwrap_or_default();
        if count >= max {
            return None;
        }
        open.insert(key, count.saturating_add(1));
        Some(Place {
            open: Arc::clone(self),
            key,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

/// Answers one connection.
pub(crate) async fn serve(tracker: &Tracker, mut stream: TcpStream, from: SocketAddr) {
    let answering = async {
        let mut head = Vec::with_capacity(1024);
        let line = timeout(LINE_TIME, read_to(&mut stream, &mut head, b"\r\n")).await??;
        let answer = if line && read_to(&mut stream, &mut head, b"\r\n\r\n").await? {
            tracker.answer_http(&head, from)
        } else {
            http::too_long()
        };
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    // a client that goes away asks again when it wants
    let _ = timeout(REQUEST_TIME, answering).await;
}

/// Reads until `end` has come; false if it does not come soon enough.
async fn read_to(stream: &mut TcpStream, head: &mut Vec<u8>, end: &[u8]) -> std::io::Result<bool> {
    while !head.windows(end.len()).any(|there| there == end) {
        if head.len() >= HEAD_LEN_MAX {
            return Ok(false);
        }
        if stream.read_buf(head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(true)
}
