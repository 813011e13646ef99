//! How many UDP announces a tracker answers in a second of processor time.
//!
//!     cargo run --release -p swarmcopy-tracker --example udp_speed [seconds [peers of a content]]
//!
//! The tracker is a process of its own with one thread; this one asks it over loopback, for 200 contents. Each
//! answer holds up to 50 peers. Needs Linux: the processor's time is read from `/proc`.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use swarmcopy_bt_wire::tracker::{AnnounceRequest, Family, UdpReply, UdpRequest};
use swarmcopy_tracker::{TrackerOptions, TrackerServer};
use tokio_util::sync::CancellationToken;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CONTENTS: u32 = 200;
const THREADS: u8 = 2;
/// Announces of a thread on their way at a time.
const WINDOW: u32 = 64;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "serve") {
        return serve();
    }
    let number = |at: usize, default| args.get(at).map_or(Ok(default), |arg| arg.parse::<u32>());
    let (seconds, peers) = (number(0, 5)?, number(1, 500)?);
    let mut tracker = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(tracker.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let addr: SocketAddr = line.trim().parse()?;
    Client::new(addr, 1)?.fill(peers)?;
    let (cpu, start) = (cpu_time(tracker.id())?, Instant::now());
    let end = start + Duration::from_secs(seconds.into());
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| thread::spawn(move || Client::new(addr, thread + 2)?.flood(end)))
        .collect();
    let mut answers = 0;
    for thread in threads {
        answers += thread.join().map_err(|_| "a client broke")??;
    }
    let (cpu, took) = (cpu_time(tracker.id())? - cpu, start.elapsed());
    drop(tracker.stdin.take());
    tracker.wait()?;
    println!(
        "{answers} answers in {:.1} s and {cpu:.2} s of processor time: {:.0} in a second of it",
        took.as_secs_f64(),
        f64::from(answers) / cpu
    );
    Ok(())
}

/// Serves until stdin ends.
fn serve() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut options = TrackerOptions::default();
        // all peers of the test stand behind few addresses
        options.peers_per_address_max = usize::MAX;
        let server = TrackerServer::bind((Ipv4Addr::LOCALHOST, 0).into(), options)?;
        println!("{}", server.local_addr());
        let cancel = CancellationToken::new();
        let ended = cancel.clone();
        thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            ended.cancel();
        });
        server.serve(cancel).await;
        Ok(())
    })
}

/// Seconds of processor time of a process.
fn cpu_time(process: u32) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after = stat.rsplit_once(')').ok_or("no name")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .ok_or("too short")?
            .parse::<f64>()
            .map_err(|_| "no number")
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

struct Client {
    socket: UdpSocket,
    connection: u64,
}

impl Client {
    fn new(tracker: SocketAddr, host: u8) -> Outcome<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0))?;
        socket.connect(tracker)?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        let mut client = Self {
            socket,
            connection: 0,
        };
        client
            .socket
            .send(&UdpRequest::Connect { transaction: 0 }.encode())?;
        match client.hear()? {
            Some(UdpReply::Connect { connection, .. }) => client.connection = connection,
            other => return Err(format!("no connection number but {other:?}").into()),
        }
        Ok(client)
    }

    /// Announces all peers of all contents.
    fn fill(&self, peers: u32) -> Outcome<()> {
        for at in 0..CONTENTS * peers {
            let port = u16::try_from(1000 + at / CONTENTS)?;
            self.socket.send(&self.announce(at, port))?;
            self.hear()?;
        }
        Ok(())
    }

    /// Announces as fast as there are answers; how many there were.
    fn flood(&self, end: Instant) -> Outcome<u32> {
        let (mut answers, mut at) = (0, 0);
        let mut ask = || {
            at += 1;
            self.socket.send(&self.announce(at, 900))
        };
        for _ in 0..WINDOW {
            ask()?;
        }
        while Instant::now() < end {
            // a lost datagram is made up for
            match self.hear()? {
                Some(UdpReply::Announce { peers, .. }) if !peers.is_empty() => answers += 1,
                Some(other) => return Err(format!("no peers but {other:?}").into()),
                None => {}
            }
            ask()?;
        }
        Ok(answers)
    }

    fn announce(&self, at: u32, port: u16) -> Vec<u8> {
        let mut info_hash = [0; 20];
        info_hash[..4].copy_from_slice(&(at % CONTENTS).to_be_bytes());
        let mut announce = AnnounceRequest::new(info_hash, [1; 20], port);
        announce.left = u64::from(at % 7);
        UdpRequest::Announce {
            connection: self.connection,
            transaction: at,
            announce,
        }
        .encode()
    }

    fn hear(&self) -> Outcome<Option<UdpReply>> {
        let mut buffer = [0; 2048];
        match self.socket.recv(&mut buffer) {
            Ok(len) => Ok(Some(UdpReply::decode(&buffer[..len], Family::V4)?)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
