//! How long a tree of small files takes from a web server that answers late: swarmcopy, aria2 and a plain client
//! with 16 keep-alive connections, in turns, with the ratios of each round.
//!
//! `cargo run --release -p swarmcopy-benches --example small_files -- target/release/swarmcopy [ROUNDS]`
//!
//! What must stay true: all of them read the same server and write the same files to the same file system.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const FILES: usize = 3000;
const FILE_LEN: usize = 20_000;
const FOLDERS: usize = 30;
const DELAY: Duration = Duration::from_millis(5);
const CLIENT_THREADS: usize = 16;
const NAME: &str = "tree";

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let swarmcopy = fs::canonicalize(args.next().ok_or("give the path of swarmcopy")?)?;
    let rounds: usize = args.next().map_or(Ok(3), |text| text.parse())?;
    let dir = swarmcopy_benches::scratch_folder()?;
    let files = Arc::new(make_tree(&dir.path().join("from"))?);
    let address = serve(dir.path().join("from"))?;
    let url = format!("http://{address}/");
    let torrent = dir.path().join("it.torrent");
    let tree = dir.path().join("from").join(NAME);
    let make = [
        tree.as_os_str(),
        "-o".as_ref(),
        torrent.as_os_str(),
        "--mirror".as_ref(),
        url.as_ref(),
    ];
    run(Command::new(&swarmcopy).arg("make").args(make))?;
    println!("{FILES} files of {FILE_LEN} bytes, each answer after {DELAY:?}");
    println!("round  swarmcopy  aria2 -i  aria2 torrent  16 threads  aria2/ours  threads/ours");
    for round in 1..=rounds {
        let to = |who: &str| dir.path().join(format!("{who}-{round}"));
        let ours = timed(&files, &to("ours"), |to| {
            let mut command = Command::new(&swarmcopy);
            command.arg("get").arg(&torrent).arg("--to").arg(to);
            run(command.args([
                "--seed-for",
                "0s",
                "--no-lsd",
                "--listen",
                "127.0.0.1:0",
                "--json",
            ]))
        })?;
        let list = timed(&files, &to("aria2"), |to| aria2_list(&url, &files, to))?;
        let by_torrent = timed(&files, &to("aria2-torrent"), |to| {
            let mut command = aria2(to);
            command.args([
                "--seed-time=0",
                "--enable-dht=false",
                "--bt-enable-lpd=false",
            ]);
            run(command.arg("--listen-port=26881").arg(&torrent))
        });
        let threads = timed(&files, &to("threads"), |to| client(address, &files, to))?;
        let by_torrent = by_torrent.map_or("failed".to_owned(), |time| format!("{time:.2} s"));
        println!(
            "{round:5}  {ours:7.2} s  {list:6.2} s  {by_torrent:>13}  {threads:8.2} s  {:10.2}  {:12.2}",
            list / ours,
            threads / ours
        );
    }
    Ok(())
}

/// Writes the tree; the paths of its files below NAME.
fn make_tree(parent: &Path) -> io::Result<Vec<String>> {
    let noise = swarmcopy_benches::noise(FILE_LEN + FILES);
    let mut paths = Vec::with_capacity(FILES);
    for number in 0..FILES {
        let path = format!("folder {}/file {number}.bin", number % FOLDERS);
        let full = parent.join(NAME).join(&path);
        fs::create_dir_all(full.parent().unwrap_or(parent))?;
        // no two of them are the same
        fs::write(
            full,
            noise.get(number..number + FILE_LEN).unwrap_or_default(),
        )?;
        paths.push(path);
    }
    Ok(paths)
}

/// Seconds that `copy` takes; what it wrote must have the right length, and goes.
fn timed(
    files: &[String],
    to: &Path,
    copy: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<f64, Failure> {
    fs::create_dir_all(to)?;
    let start = Instant::now();
    copy(to)?;
    let seconds = start.elapsed().as_secs_f64();
    for path in files {
        let len = fs::metadata(to.join(NAME).join(path))?.len();
        if len != FILE_LEN as u64 {
            return Err(format!("{path} has {len} bytes").into());
        }
    }
    fs::remove_dir_all(to)?;
    Ok(seconds)
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr)).into())
}

fn aria2(to: &Path) -> Command {
    let mut command = Command::new("aria2c");
    command.args([
        "--no-conf",
        "-q",
        "-x16",
        "-s16",
        "-j16",
        "--file-allocation=none",
    ]);
    command.arg(format!("--dir={}", to.display()));
    command
}

/// aria2 with the URLs of all files: its fastest way.
fn aria2_list(url: &str, files: &[String], to: &Path) -> Result<(), Failure> {
    let list = to.with_extension("list");
    let line = |path: &String| {
        format!(
            "{url}{NAME}/{}\n  out={NAME}/{path}\n",
            path.replace(' ', "%20")
        )
    };
    fs::write(&list, files.iter().map(line).collect::<String>())?;
    run(aria2(to).arg(format!("--input-file={}", list.display())))
}

/// A client with 16 threads, each with a connection that it keeps.
fn client(address: SocketAddr, files: &Arc<Vec<String>>, to: &Path) -> Result<(), Failure> {
    for path in files.iter() {
        let full = to.join(NAME).join(path);
        fs::create_dir_all(full.parent().unwrap_or(to))?;
    }
    let next = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..CLIENT_THREADS)
        .map(|_| (Arc::clone(files), Arc::clone(&next), to.to_owned()))
        .map(|(files, next, to)| thread::spawn(move || take_files(address, &files, &next, &to)))
        .collect();
    for thread in threads {
        thread
            .join()
            .map_err(|_| "a thread of the client panicked")??;
    }
    Ok(())
}

/// One thread of the client: takes the next file until there is none.
fn take_files(
    address: SocketAddr,
    files: &[String],
    next: &AtomicUsize,
    to: &Path,
) -> Result<(), Failure> {
    let mut stream = BufReader::with_capacity(32 << 10, TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        let target = path.replace(' ', "%20");
        let ask = format!("GET /{NAME}/{target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.get_mut().write_all(ask.as_bytes())?;
        head(&mut stream)?;
        let mut body = vec![0; FILE_LEN];
        stream.read_exact(&mut body)?;
        fs::write(to.join(NAME).join(path), body)?;
    }
    Ok(())
}

/// Serves the folder `root`, each answer after the delay, a thread for each connection.
fn serve(root: PathBuf) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let root = Arc::new(root);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = Arc::clone(&root);
            // a client that goes away ends its thread
            thread::spawn(move || answer_all(stream, &root));
        }
    });
    Ok(address)
}

fn answer_all(stream: TcpStream, root: &Path) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let (target, range) = head(&mut stream)?;
        if target.is_empty() {
            return Ok(());
        }
        thread::sleep(DELAY);
        let path = root.join(target.trim_start_matches('/').replace("%20", " "));
        let mut reply = match (fs::read(path), range) {
            (Ok(bytes), Some((from, to))) => {
                let to = to.min(bytes.len());
                let part = bytes.get(from..to).unwrap_or_default();
                let range = format!("Content-Range: bytes {from}-{}/{}\r\n", to - 1, bytes.len());
                let head = "HTTP/1.1 206 Partial Content";
                let head = format!("{head}\r\n{range}Content-Length: {}\r\n\r\n", part.len());
                (head.into_bytes(), part.to_vec())
            }
            (Ok(bytes), None) => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
                (head.into_bytes(), bytes)
            }
            (Err(_), _) => {
                let head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
                (head.as_bytes().to_vec(), Vec::new())
            }
        };
        reply.0.append(&mut reply.1);
        stream.get_mut().write_all(&reply.0)?;
    }
}

/// Reads a head to its empty line; the second word of its first line, and the range that it asks for.
fn head(stream: &mut BufReader<TcpStream>) -> io::Result<(String, Option<(usize, usize)>)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = None;
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 || line == "\r\n" {
            return Ok((target, range));
        }
        let lower = line.trim_end().to_ascii_lowercase();
        if let Some((from, last)) = lower
            .strip_prefix("range: bytes=")
            .and_then(|it| it.split_once('-'))
        {
            let number = |text: &str| text.parse::<usize>().ok();
            range = number(from).zip(number(last).map(|last| last + 1));
        }
    }
}
