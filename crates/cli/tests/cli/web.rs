//! A small web server of files in memory, with ranges; it ends with the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What lies at an address: status, further headers, body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    status: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Page {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: "200 OK",
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The same with another status.
    pub(crate) fn status(mut self, status: &'static str) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn moved(location: &str) -> Self {
        let mut page = Self::new("").with("Location", location);
        page.status = "302 Found";
        page
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A server on the loopback.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    addr: SocketAddr,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    /// What lies everywhere else, and knows no ranges.
    elsewhere: Arc<Mutex<Option<Page>>>,
    asked: Arc<Mutex<Vec<String>>>,
    logins: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Self {
            addr: listener.local_addr().unwrap(),
            pages: Arc::default(),
            elsewhere: Arc::default(),
            asked: Arc::default(),
            logins: Arc::default(),
        };
        let served = web.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let web = served.clone();
                std::thread::spawn(move || web.serve(&stream));
            }
        });
        web
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Puts a page at a path as it stands in requests.
    pub(crate) fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// Puts a page everywhere else; ranges are ignored there.
    pub(crate) fn put_elsewhere(&self, page: Page) {
        *self.elsewhere.lock().unwrap() = Some(page);
    }

    pub(crate) fn remove(&self, path: &str) {
        self.pages.lock().unwrap().remove(path);
    }

    pub(crate) fn clear(&self) {
        self.pages.lock().unwrap().clear();
    }

    /// Puts all files below `folder` at their paths below `/`.
    pub(crate) fn put_folder(&self, folder: &Path) {
        let mut open = vec![folder.to_path_buf()];
        while let Some(at) = open.pop() {
            for entry in std::fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let names = path.strip_prefix(folder).unwrap().iter();
                let names = names.map(|name| encoded(name.as_encoded_bytes()));
                let at = format!("/{}", names.collect::<Vec<_>>().join("/"));
                self.put(&at, Page::new(std::fs::read(&path).unwrap()));
            }
        }
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The logins that were sent.
    pub(crate) fn logins(&self) -> Vec<String> {
        self.logins.lock().unwrap().clone()
    }

    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        loop {
            let request = lines.next()?;
            let path = request.split(' ').nth(1)?.to_owned();
            let mut range = None;
            for line in lines.by_ref().take_while(|line| !line.is_empty()) {
                let lower = line.to_ascii_lowercase();
                if let Some(value) = lower.strip_prefix("range: bytes=") {
                    let (from, to) = value.split_once('-')?;
                    range = Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?));
                }
                if lower.starts_with("authorization: ") {
                    let login = line.split_once(": ")?.1.to_owned();
                    self.logins.lock().unwrap().push(login);
                }
            }
            self.asked.lock().unwrap().push(path.clone());
            let page = self.pages.lock().unwrap().get(&path).cloned();
            range = range.filter(|_| page.is_some());
            let page = page.or_else(|| self.elsewhere.lock().unwrap().clone());
            let page = page.unwrap_or_else(|| Page {
                status: "404 Not Found",
                ..Page::default()
            });
            answer(stream, &page, range)?;
        }
    }
}

fn answer(mut stream: &TcpStream, page: &Page, range: Option<(usize, usize)>) -> Option<()> {
    let len = page.body.len();
    let mut head = String::new();
    let body = match range.filter(|_| page.status == "200 OK") {
        Some((from, to)) => {
            let end = (to + 1).min(len);
            head += &format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{len}\r\n",
                end - 1
            );
            page.body.get(from..end)?
        }
        None => {
            head += &format!("HTTP/1.1 {}\r\n", page.status);
            &page.body
        }
    };
    head += &format!("Content-Length: {}\r\n", body.len());
    for (name, value) in &page.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

fn encoded(name: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.iter()
        .copied()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
