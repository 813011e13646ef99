//! A scripted FTP server: it serves files of a content, and misbehaves where the test says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::content::Content;

/// What a test may say about the command that comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// What a right server does.
    Right,
    /// This reply instead.
    Say(&'static str),
    /// The same, and the connection is closed.
    SayAndClose(&'static str),
    /// A reply to `PASV` that begins so, with the port behind it.
    SayPort(&'static str),
    /// A reply to `EPSV` with this mark around the port.
    SayExtended(char),
    /// The transfer ends after so many bytes with this reply.
    Cut(usize, &'static str),
    /// The transfer stops after so many bytes, and nothing more comes.
    Stall(usize),
}

/// A command and how many of its kind came before, on all connections.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) verb: String,
    pub(crate) rest: String,
    pub(crate) number: usize,
}

type Script = dyn Fn(&Command) -> Act + Send + Sync;

/// The server; ends when dropped.
pub(crate) struct FtpServer {
    port: u16,
    log: Arc<Log>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    commands: Mutex<Vec<Command>>,
    connections: AtomicUsize,
}

impl FtpServer {
    /// Serves the tree below `tree/`, with `script` before each command.
    pub(crate) async fn start(
        content: &Content,
        script: impl Fn(&Command) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Log::default());
        let files: BTreeMap<String, Bytes> = content
            .layout
            .files()
            .map(|(_, file)| file.path().as_str().to_owned())
            .map(|path| (format!("tree/{path}"), content.file(&path)))
            .collect();
        let (files, script) = (Arc::new(files), Arc::new(script));
        let accepting = tokio::spawn({
            let log = Arc::clone(&log);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    log.connections.fetch_add(1, Ordering::SeqCst);
                    let (log, files, script) =
                        (Arc::clone(&log), Arc::clone(&files), Arc::clone(&script));
                    tokio::spawn(async move {
                        // the client may go away at any time
                        let _ = serve(stream, &log, &files, &*script).await;
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

    pub(crate) fn url(&self) -> String {
        format!("ftp://127.0.0.1:{}/", self.port)
    }

    /// The commands of one kind, with what followed them.
    pub(crate) fn commands(&self, verb: &str) -> Vec<String> {
        let commands = self.log.commands.lock().unwrap();
        let of_kind = commands.iter().filter(|command| command.verb == verb);
        of_kind.map(|command| command.rest.clone()).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FtpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    log: &Log,
    files: &BTreeMap<String, Bytes>,
    script: &Script,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 ready\r\n").await?;
    let (mut restart, mut passive) = (0, None);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let (verb, rest) = line
            .trim_end()
            .split_once(' ')
            .unwrap_or((line.trim_end(), ""));
        let command = {
            let mut commands = log.commands.lock().unwrap();
            let number = commands.iter().filter(|one| one.verb == verb).count();
            let (verb, rest) = (verb.to_owned(), rest.to_owned());
            let command = Command { verb, rest, number };
            commands.push(command.clone());
            command
        };
        let act = script(&command);
        let reply = match &act {
            Act::Say(reply) => (*reply).to_owned(),
            Act::SayAndClose(reply) => {
                stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
                return Ok(());
            }
            _ => match command.verb.as_str() {
                "USER" => "331 password".to_owned(),
                "PASS" => "230 in".to_owned(),
                "TYPE" | "OPTS" => "200 ok".to_owned(),
                "SIZE" => match files.get(&command.rest) {
                    Some(file) => format!("213 {}", file.len()),
                    None => "550 no such file".to_owned(),
                },
                "REST" => {
                    restart = command.rest.parse().unwrap();
                    "350 go on".to_owned()
                }
                "PASV" | "EPSV" => {
                    let listener = TcpListener::bind("127.0.0.1:0").await?;
                    let port = listener.local_addr()?.port();
                    passive = Some(listener);
                    if let Act::SayPort(form) = act {
                        let blank = if form.contains(", ") { " " } else { "" };
                        let end = if form.contains('(') { " )" } else { "" };
                        stream
                            .write_all(
                                format!("{form}{},{blank}{}{end}\r\n", port / 256, port % 256)
                                    .as_bytes(),
                            )
                            .await?;
                        continue;
                    }
                    if let Act::SayExtended(mark) = act {
                        format!("229 extended ({mark}{mark}{mark}{port}{mark})")
                    } else {
                        // an address that nobody may connect to
                        format!("227 passive (192,0,2,1,{},{})", port / 256, port % 256)
                    }
                }
                "RETR" => match files.get(&command.rest) {
                    Some(file) => {
                        let (listener, from) =
                            (passive.take().unwrap(), std::mem::take(&mut restart));
                        send(&mut stream, &listener, &file[from..], &act).await?
                    }
                    None => "550 no such file".to_owned(),
                },
                _ => "502 unknown".to_owned(),
            },
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// Sends a file over the data connection; the reply to follow.
async fn send(
    control: &mut BufReader<TcpStream>,
    listener: &TcpListener,
    bytes: &[u8],
    act: &Act,
) -> std::io::Result<String> {
    let (mut data, _) = listener.accept().await?;
    control.write_all(b"150 here it comes\r\n").await?;
    let (len, reply) = match act {
        Act::Cut(len, reply) => ((*len).min(bytes.len()), *reply),
        Act::Stall(len) => {
            data.write_all(&bytes[..*len]).await?;
            std::future::pending::<()>().await;
            (0, "")
        }
        _ => (bytes.len(), "226 done"),
    };
    match data.write_all(&bytes[..len]).await {
        Ok(()) => Ok(reply.to_owned()),
        Err(_) => Ok("426 the data connection was closed".to_owned()),
    }
}
