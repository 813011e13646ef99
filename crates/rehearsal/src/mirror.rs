//! The mirror of a rehearsal: a small HTTP server with a limited rate that counts what it sends.
//!
//! It serves one folder over HTTP/1.1, whole files and single ranges (RFC 9110 section 14), to the
//! machines of this computer. Each machine has a path prefix of its own, so that it can be told apart.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use swarmcopy_sources::Limiter;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counted::{Meter, OpenRequest};

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Bytes that are read and sent at a time.
const CHUNK_LEN: u64 = 64 * 1024;

/// What the server needs to answer.
#[derive(Debug)]
pub(crate) struct Mirror {
    /// The folder that contains NAME.
    pub(crate) root: PathBuf,
    pub(crate) limit: Arc<Limiter>,
    /// One per machine, by its number.
    pub(crate) meters: Vec<Arc<Meter>>,
}

impl Mirror {
    /// Serves on a free port of the loopback address until cancelled; where it listens.
    pub(crate) async fn serve(self, stop: CancellationToken) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let mirror = Arc::new(self);
        let tasks = TaskTracker::new();
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mirror = Arc::clone(&mirror);
                let answer = service_fn(move |request| {
                    let mirror = Arc::clone(&mirror);
                    async move { Ok::<_, Infallible>(mirror.answer(&request)) }
                });
                let server = hyper::server::conn::http1::Builder::new();
                tasks.spawn(server.serve_connection(TokioIo::new(stream), answer));
            }
        };
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = accept => {}
            }
        });
        Ok(addr)
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        if request.method() != Method::GET {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Some((meter, path)) = self.place(request.uri().path()) else {
            return empty(StatusCode::NOT_FOUND);
        };
        let file = std::fs::File::open(path);
        let Ok((file, len)) = file
            .and_then(|file| Ok((swarmcopy_sys::fs::metadata_of(&file)?.len(), file)))
            .map(|(l, f)| (f, l))
        else {
            return empty(StatusCode::NOT_FOUND);
        };
        let range = request
            .headers()
            .get(RANGE)
            .and_then(|range| range.to_str().ok());
        let (status, start, end) = match range.map(|range| parse_range(range, len)) {
            None => (StatusCode::OK, 0, len),
            Some(Some((start, end))) => (StatusCode::PARTIAL_CONTENT, start, end),
            Some(None) => return empty(StatusCode::RANGE_NOT_SATISFIABLE),
        };
        let mut answer = Response::builder()
            .status(status)
            .header(ACCEPT_RANGES, "bytes")
            .header(CONTENT_LENGTH, end - start);
        if status == StatusCode::PARTIAL_CONTENT {
            let last = end.saturating_sub(1);
            answer = answer.header(CONTENT_RANGE, format!("bytes {start}-{last}/{len}"));
        }
        let sending = Sending {
            file: Arc::new(file),
            at: start,
            end,
            limit: Arc::clone(&self.limit),
            open: meter.open(),
            meter,
        };
        let body = futures_util::stream::unfold(sending, Sending::next);
        let body = StreamBody::new(body).boxed_unsync();
        answer
            .body(body)
            .unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
    }

    /// Which machine asks, and for which file: `/m3/NAME/path`.
    fn place(&self, path: &str) -> Option<(Arc<Meter>, PathBuf)> {
        let (machine, path) = path.strip_prefix("/m")?.split_once('/')?;
        let meter = self.meters.get(machine.parse::<usize>().ok()?)?;
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let path = Path::new(path.as_ref());
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        plain.then(|| (Arc::clone(meter), self.root.join(path)))
    }
}

struct Sending {
    file: Arc<std::fs::File>,
    at: u64,
    end: u64,
    limit: Arc<Limiter>,
    meter: Arc<Meter>,
    open: OpenRequest,
}

impl Sending {
    async fn next(mut self) -> Option<(io::Result<Frame<Bytes>>, Self)> {
        let len = CHUNK_LEN.min(self.end.checked_sub(self.at)?);
        if len == 0 {
            drop(self.open);
            return None;
        }
        self.limit.acquire(len).await;
        let (file, at) = (Arc::clone(&self.file), self.at);
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
            swarmcopy_sys::io::read_exact_at(&file, &mut chunk, at)?;
            Ok(Frame::data(Bytes::from(chunk)))
        });
        let frame = read
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        self.at += len;
        self.meter.sent(len);
        Some((frame, self))
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let body = Empty::new().map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = status;
    answer
}

/// The first and one past the last byte of `bytes=FIRST-[LAST]` in a file of `len` bytes.
fn parse_range(range: &str, len: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() {
        len
    } else {
        last.parse::<u64>().ok()?.checked_add(1)?.min(len)
    };
    (first < end).then_some((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_file() {
        assert_eq!(parse_range("bytes=0-9", 100), Some((0, 10)));
        assert_eq!(parse_range("bytes=90-", 100), Some((90, 100)));
        assert_eq!(parse_range("bytes=90-500", 100), Some((90, 100)));
        for bad in ["bytes=100-", "bytes=9-3", "bytes=-5", "0-9", "bytes=x-"] {
            assert_eq!(parse_range(bad, 100), None, "{bad}");
        }
    }
}
