//! An FTP server that replies in any words, and bytes that it sends.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arbitrary::Arbitrary;
use swarmcopy_layout::{Layout, RelPath, Span};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::FtpSource;
use super::passive::{extended_port, passive_port};
use crate::contract::permit;
use crate::fuzzing::made_of;
use crate::{MemorySink, MirrorOptions, OriginSource, Shape, SpanSink};

/// Replies that a server gives before it hangs up.
const REPLIES_MAX: usize = 40;
/// Time for a fetch to end: the server says all at once, and hangs up.
const DEADLINE: Duration = Duration::from_secs(20);
const FILE_LEN: u64 = 5000;

#[derive(Debug, Arbitrary)]
enum Reply {
    /// What an honest server says to this.
    Right,
    Code {
        code: u16,
        words: String,
    },
    Long {
        code: u16,
        lines: Vec<String>,
    },
    /// A port that is no port of this server, or none.
    Passive(u8),
    Raw(Vec<u8>),
    HangUp,
}

#[derive(Debug, Arbitrary)]
struct Script {
    replies: Vec<Reply>,
    data: u16,
}

/// A server that follows a script on its control connection; its data connections bring bytes of the file.
struct Server {
    control: TcpListener,
    data: TcpListener,
}

impl Server {
    /// At an address of its own: what closed connections keep of ports, it keeps from no other server.
    async fn new() -> std::io::Result<Self> {
        static SERVERS: AtomicU32 = AtomicU32::new(0);
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let [_, high, middle, low] = (std::process::id() << 10)
            .wrapping_add(number)
            .to_be_bytes();
        let at = Ipv4Addr::new(127, high % 254 + 1, middle, low);
        Ok(Self {
            control: TcpListener::bind((at, 0)).await?,
            data: TcpListener::bind((at, 0)).await?,
        })
    }

    fn right(&self, command: &str) -> String {
        let port = self.data.local_addr().map_or(1, |addr| addr.port());
        let word = command.split(' ').next().unwrap_or_default();
        match word {
            "" => "220 ready".to_owned(),
            "USER" => "331 password".to_owned(),
            "PASS" => "230 in".to_owned(),
            "SIZE" => format!("213 {FILE_LEN}"),
            "PASV" => format!("227 (127,0,0,1,{},{})", port / 256, port % 256),
            "EPSV" => format!("229 (|||{port}|)"),
            "REST" => "350 there".to_owned(),
            "RETR" => "150 comes".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            _ => "200 fine".to_owned(),
        }
    }

    /// Serves, and waits until the client has left. A client that left first keeps no port: thousands of scripts would use them up.
    async fn host(&self, mut stream: TcpStream, replies: &[Reply]) {
        stream.set_zero_linger().unwrap();
        self.serve(&mut stream, replies).await;
        let _ = stream.shutdown().await;
        while stream.read(&mut [0; 1024]).await.is_ok_and(|len| len > 0) {}
    }

    async fn serve(&self, stream: &mut TcpStream, replies: &[Reply]) {
        let (mut read, mut write) = stream.split();
        let mut heard = Vec::new();
        let mut command = String::new();
        for reply in replies.iter().take(REPLIES_MAX) {
            let text = match reply {
                Reply::Right => self.right(&command),
                Reply::Code { code, words } => format!("{} {words}", code % 1000),
                Reply::Long { code, lines } => {
                    let code = code % 1000;
                    let lines: Vec<_> = lines.iter().take(20).map(String::as_str).collect();
                    format!("{code}-{}\r\n{code} end", lines.join("\r\n"))
                }
                Reply::Passive(low) => format!("227 (127,0,0,1,0,{low})"),
                Reply::Raw(bytes) => {
                    if write.write_all(bytes).await.is_err() {
                        return;
                    }
                    String::new()
                }
                Reply::HangUp => return,
            };
            if write
                .write_all(format!("{text}\r\n").as_bytes())
                .await
                .is_err()
            {
                return;
            }
            // what follows the bytes of a file is not asked for
            if command.starts_with("RETR") {
                command.clear();
                continue;
            }
            command.clear();
            while !heard.contains(&b'\n') {
                match read.read_buf(&mut heard).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
            let end = heard.iter().position(|byte| *byte == b'\n').unwrap_or(0);
            let line: Vec<u8> = heard.drain(..=end).collect();
            command = String::from_utf8_lossy(&line).trim().to_owned();
        }
    }

    async fn feed(&self, len: u16) {
        while let Ok((mut stream, _)) = self.data.accept().await {
            let _ = stream.write_all(&vec![7; len.into()]).await;
        }
    }
}

/// Whatever a server replies, a fetch ends in time and fills no byte twice.
pub fn ftp_replies(bytes: &[u8]) {
    let Some(script) = made_of::<Script>(bytes) else {
        return;
    };
    for reply in &script.replies {
        if let Reply::Code { words, .. } = reply {
            assert_ne!(passive_port(words), Some(0));
            assert_ne!(extended_port(words), Some(0));
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::new().await.unwrap();
        let layout = Layout::builder(1000).file(RelPath::parse("f").unwrap(), FILE_LEN);
        let layout = Arc::new(layout.build().unwrap());
        let url = format!("ftp://{}/f", server.control.local_addr().unwrap());
        let mut options = MirrorOptions::default();
        options.idle_timeout = Duration::from_millis(20);
        options.connect_timeout = Duration::from_millis(500);
        let name = RelPath::parse("f").unwrap();
        let source =
            FtpSource::new(&url, &name, Shape::File, Arc::clone(&layout), options).unwrap();
        let sink = Arc::new(MemorySink::new(usize::try_from(FILE_LEN).unwrap(), 1000));
        let (permit, _keeper) = permit(&layout).unwrap();
        let fetching = async {
            let opened = source.open(permit).await.unwrap();
            let to = SpanSink::new(Arc::<MemorySink>::clone(&sink));
            let _ = opened.fetch(Span::new(1000, 3000), &to).await;
        };
        let serving = async {
            // a server that was left is connected to again: it says nothing more
            if let Ok((stream, _)) = server.control.accept().await {
                server.host(stream, &script.replies).await;
            }
            while let Ok((stream, _)) = server.control.accept().await {
                drop(stream);
            }
        };
        tokio::select! {
            ended = tokio::time::timeout(DEADLINE, fetching) => ended.expect("it ends in time"),
            () = serving => {}
            () = server.feed(script.data) => {}
        }
        assert_eq!(sink.wrong(), 0);
        assert!(sink.reserved().is_empty());
    });
}
