//! A scripted HTTP/1.1 server: each request is answered just as the test says.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a client asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The connection, counted from 0.
    pub(crate) connection: usize,
    /// How many requests came before it, on all connections.
    pub(crate) number: usize,
    /// The request target as sent.
    pub(crate) target: String,
    /// The other lines, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

/// What happens after the bytes of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Keep,
    Close,
    Reset,
    Stall,
}

/// The bytes that go out.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) then: Then,
}

/// The server; ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    log: Arc<Log>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Log {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    open_peak: AtomicUsize,
}

impl Request {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }

    /// First byte and end of the range that was asked for.
    pub(crate) fn range(&self) -> Option<(usize, usize)> {
        let (first, last) = self
            .header("range")?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        Some((first.parse().unwrap(), last.parse::<usize>().unwrap() + 1))
    }
}

impl Reply {
    /// An answer with these headers; its length is told.
    pub(crate) fn new(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let bytes = [head.as_bytes(), b"\r\n", body].concat();
        Self {
            bytes,
            then: Then::Keep,
        }
    }

    /// An answer without a length, ended by closing.
    pub(crate) fn unsized_ok(headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        Self {
            bytes: [head.as_bytes(), b"\r\n", body].concat(),
            then: Then::Close,
        }
    }

    /// Bytes `from..to` of a file that the server takes for `total` bytes long.
    pub(crate) fn partial(bytes: &[u8], from: usize, to: usize, total: usize) -> Self {
        let range = format!("bytes {from}-{}/{total}", to - 1);
        Self::new(
            "206 Partial Content",
            &[("Content-Range", &range), ("ETag", "\"v1\"")],
            bytes,
        )
    }

    /// What a right server says to this request for `file`.
    pub(crate) fn file(request: &Request, file: &[u8]) -> Self {
        match request.range() {
            Some((from, to)) => Self::partial(&file[from..to], from, to, file.len()),
            None => Self::new("200 OK", &[("ETag", "\"v1\"")], file),
        }
    }

    /// The same with only the first `len` bytes of what would go out after the head, and then `then`.
    pub(crate) fn cut(mut self, len: usize, then: Then) -> Self {
        let head = self
            .bytes
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .unwrap()
            + 4;
        self.bytes.truncate(head + len);
        self.then = then;
        self
    }
}

impl Server {
    /// Answers every request by `script`.
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Log::default());
        let script = Arc::new(script);
        let accepting = tokio::spawn({
            let log = Arc::clone(&log);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                    tokio::spawn(async move {
                        let connection = log.connections.fetch_add(1, Ordering::SeqCst);
                        let open = log.open.fetch_add(1, Ordering::SeqCst) + 1;
                        log.open_peak.fetch_max(open, Ordering::SeqCst);
                        serve(stream, connection, &log, &*script).await;
                        log.open.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            }
        });
        Self {
            port,
            log,
            accepting,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap().clone()
    }

    /// Connections that sent a request.
    pub(crate) fn connections_used(&self) -> usize {
        let used = self
            .requests()
            .iter()
            .map(|request| request.connection)
            .collect::<Vec<_>>();
        used.into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    }

    /// Connections that were made at all.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// Most connections at a time.
    pub(crate) fn open_peak(&self) -> usize {
        self.log.open_peak.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: &Log,
    script: &(dyn Fn(&Request) -> Reply + Send + Sync),
) {
    let mut pending = Vec::new();
    while let Some(head) = head(&mut stream, &mut pending).await {
        let request = {
            let mut requests = log.requests.lock().unwrap();
            let request = parse(&head, connection, requests.len());
            requests.push(request.clone());
            request
        };
        let reply = script(&request);
        if stream.write_all(&reply.bytes).await.is_err() {
            return;
        }
        match reply.then {
            Then::Keep => {}
            Then::Close => return,
            Then::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
            Then::Stall => {
                // until the client gives up
                let _ = stream.read(&mut [0; 16]).await;
                return;
            }
        }
    }
}

/// Reads up to the empty line.
async fn head(stream: &mut TcpStream, pending: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = pending.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = pending.drain(..end + 4).collect();
            return String::from_utf8(head).ok();
        }
        let mut buffer = [0; 4096];
        let len = stream.read(&mut buffer).await.ok().filter(|len| *len > 0)?;
        pending.extend_from_slice(&buffer[..len]);
    }
}

fn parse(head: &str, connection: usize, number: usize) -> Request {
    let mut lines = head.lines();
    let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let header = |line: &str| {
        line.split_once(": ")
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
    };
    Request {
        connection,
        number,
        target,
        headers: lines.filter_map(header).collect(),
    }
}

/// A right server for the files of a tree below `/NAME/`.
pub(crate) fn tree(
    name: &'static str,
    content: &super::content::Content,
) -> impl Fn(&Request) -> Reply + Send + Sync + use<> {
    let files: Vec<(String, Bytes)> = content
        .layout
        .files()
        .map(|(_, file)| (file.path().to_string(), content.file(file.path().as_str())))
        .collect();
    move |request| {
        let path = decoded(&request.target);
        let path = path.strip_prefix(&format!("/{name}/")).map(str::to_owned);
        match files.iter().find(|file| Some(&file.0) == path.as_ref()) {
            Some((_, bytes)) => Reply::file(request, bytes),
            None => Reply::new("404 Not Found", &[], b"no"),
        }
    }
}

/// The same for a server that ignores ranges.
pub(crate) fn without_ranges(
    right: impl Fn(&Request) -> Reply + Send + Sync,
) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| {
        let mut plain = request.clone();
        plain.headers.retain(|header| header.0 != "range");
        right(&plain)
    }
}

fn decoded(target: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = target.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let hex = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}
