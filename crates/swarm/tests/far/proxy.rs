//! A way to a peer that is long: each byte takes its time, and each connection has a window.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Bytes moved at a time.
const PART_LEN: usize = 16 * 1024;

/// Whom the proxy lets through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Everybody.
    Open,
    /// The first that comes.
    First,
}

#[derive(Clone)]
struct Way {
    to: SocketAddr,
    delay: Duration,
    window: usize,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    pumps: Mutex<Vec<JoinHandle<()>>>,
}

/// The proxy; its connections end with it.
pub(crate) struct Proxy {
    addr: SocketAddr,
    seen: Arc<Seen>,
    door: Arc<Mutex<Door>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Leads to `to`; no more than `window` bytes of a connection are on their way each way.
    pub(crate) async fn start(to: SocketAddr, delay: Duration, window: usize) -> Self {
        let way = Way { to, delay, window };
        let socket = TcpSocket::new_v4().unwrap();
        // what lies in the kernel is no part of the window
        socket.set_recv_buffer_size(32 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let addr = listener.local_addr().unwrap();
        let (seen, door) = (Arc::new(Seen::default()), Arc::new(Mutex::new(Door::Open)));
        let (seen_too, door_too) = (Arc::clone(&seen), Arc::clone(&door));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let first = seen_too.connections.fetch_add(1, Ordering::Relaxed) == 0;
                if first || *door_too.lock().unwrap() == Door::Open {
                    let pump = tokio::spawn(carry(stream, way.clone()));
                    seen_too.pumps.lock().unwrap().push(pump);
                }
            }
        });
        Self {
            addr,
            seen,
            door,
            accepting,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections came in all.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn set_door(&self, door: Door) {
        *self.door.lock().unwrap() = door;
    }

    pub(crate) fn break_all_but_first(&self) {
        let pumps = self.seen.pumps.lock().unwrap();
        pumps.iter().skip(1).for_each(JoinHandle::abort);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        let pumps = self.seen.pumps.lock().unwrap();
        pumps.iter().for_each(JoinHandle::abort);
    }
}

async fn carry(from: TcpStream, way: Way) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    let Ok(to) = socket.connect(way.to).await else {
        return;
    };
    let (from_read, from_write) = from.into_split();
    let (to_read, to_write) = to.into_split();
    tokio::join!(
        pump(from_read, to_write, way.clone()),
        pump(to_read, from_write, way.clone()),
    );
}

/// Moves bytes one way: read while the window has room, written after the delay, and their room is
/// free again after the delay of the way back.
async fn pump(mut read: OwnedReadHalf, mut write: OwnedWriteHalf, way: Way) {
    let window = Arc::new(Semaphore::new(way.window));
    let (send, mut parts) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async {
        loop {
            let Ok(room) = window.acquire_many(u32::try_from(PART_LEN).unwrap()).await else {
                return;
            };
            room.forget();
            let mut part = vec![0; PART_LEN];
            let Ok(len @ 1..) = read.read(&mut part).await else {
                break;
            };
            window.add_permits(PART_LEN - len);
            part.truncate(len);
            if send.send((Instant::now() + way.delay, part)).is_err() {
                break;
            }
        }
        drop(send);
    };
    let writing = async {
        let mut acks = VecDeque::new();
        while let Some((at, part)) = next(&mut parts, &mut acks, &window).await {
            wait(at, &mut acks, &window).await;
            if write.write_all(&part).await.is_err() {
                return;
            }
            acks.push_back((Instant::now() + way.delay, part.len()));
        }
        let _ = write.shutdown().await;
    };
    tokio::join!(reading, writing);
}

type Acks = VecDeque<(Instant, usize)>;

/// The next part; meanwhile room becomes free.
async fn next<T>(
    parts: &mut mpsc::UnboundedReceiver<T>,
    acks: &mut Acks,
    window: &Semaphore,
) -> Option<T> {
    loop {
        match acks.front().copied() {
            None => return parts.recv().await,
            Some((at, len)) => tokio::select! {
                part = parts.recv() => return part,
                () = sleep_until(at) => {
                    acks.pop_front();
                    window.add_permits(len);
                }
            },
        }
    }
}

async fn wait(until: Instant, acks: &mut Acks, window: &Semaphore) {
    while let Some((at, len)) = acks.front().copied().filter(|(at, _)| *at <= until) {
        sleep_until(at).await;
        acks.pop_front();
        window.add_permits(len);
    }
    sleep_until(until).await;
}
