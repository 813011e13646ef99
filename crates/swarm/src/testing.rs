//! A peer that follows a script, and a link to it: the wire of tests, message by message.

use std::fmt::Debug;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use swarmcopy_bt_wire::extension::{ExtensionHandshake, OwnHandshake};
use swarmcopy_bt_wire::peer::{FrameHead, Limits, Message};
use swarmcopy_layout::{Layout, PieceSet, RelPath, Span};
use swarmcopy_sources::{Limiter, MemorySink, Network, Networks, SpanSink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::command::Command;
use crate::common::{Common, Totals};
use crate::limits::{CONNECTIONS_MAX, LANES_MAX};
use crate::link::{self, Direction, Setup, Shared};
use crate::witnesses::Witnesses;
use crate::{BlockReader, HaveLog, LinkEnd, PeerLink, SourceIds, SwarmEvent};

pub(crate) const PIECE_LEN: u64 = 64 * 1024;
pub(crate) const BLOCK: u32 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for what must come soon.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what)
        .await
        .expect("it did not come in time")
}

/// The bytes of every test's content: each tells its place.
pub(crate) fn content(len: usize) -> Bytes {
    (0..len)
        .map(|at| u8::try_from((at * 7 + at / 251) % 256).unwrap())
        .collect::<Vec<_>>()
        .into()
}

pub(crate) fn layout(len: u64) -> Arc<Layout> {
    Arc::new(
        Layout::builder(PIECE_LEN)
            .file(RelPath::parse("f").unwrap(), len)
            .build()
            .unwrap(),
    )
}

/// A store in memory.
#[derive(Debug)]
pub(crate) struct Memory(pub(crate) Bytes);

/// The same with a piece that is wrong.
#[derive(Debug)]
struct Damaged(Memory, Option<u32>);

#[async_trait]
impl BlockReader for Damaged {
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>> {
        let wrong = self
            .1
            .map(|piece| Span::new(u64::from(piece) * PIECE_LEN, PIECE_LEN));
        if wrong.is_some_and(|wrong| !wrong.intersection(span).is_empty()) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.0.read(span).await
    }
}

#[async_trait]
impl BlockReader for Memory {
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>> {
        let [start, end] = [span.start(), span.end()].map(|at| usize::try_from(at).unwrap());
        // cut where no block ends
        let middle = start + (end - start) / 3;
        Ok(vec![self.0.slice(start..middle), self.0.slice(middle..end)])
    }
}

/// What a test's link is like.
pub(crate) struct Options {
    pub(crate) len: u64,
    pub(crate) have: bool,
    /// A piece of ours that is wrong.
    pub(crate) wrong: Option<u32>,
    pub(crate) fast: bool,
    pub(crate) extended: bool,
    pub(crate) hello: Option<swarmcopy_scheduler::Hello>,
    pub(crate) info: Option<Bytes>,
    pub(crate) block_len: u32,
    pub(crate) events_max: usize,
    pub(crate) limit_down: Option<Arc<Limiter>>,
    pub(crate) limit_up: Option<Arc<Limiter>>,
    pub(crate) no_limit: Vec<Network>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            len: PIECE_LEN * 4 + 100,
            have: false,
            wrong: None,
            fast: true,
            extended: false,
            hello: None,
            info: None,
            block_len: BLOCK,
            events_max: 64,
            limit_down: None,
            limit_up: None,
            no_limit: Vec::new(),
        }
    }
}

/// A link under test, its owner's end of the events, and the scripted peer.
pub(crate) struct Rig {
    pub(crate) common: Arc<Common>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) events: mpsc::Receiver<SwarmEvent>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) peer: Peer,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) running: JoinHandle<LinkEnd>,
}

impl Rig {
    pub(crate) async fn new(options: Options) -> Self {
        let (send, events) = mpsc::channel(options.events_max);
        let (hub, commands) = mpsc::channel(64);
        let common = Arc::new(common(&options, send, hub));
        let pieces = common.layout.pieces();
        let len = usize::try_from(options.len).unwrap();
        let (ours, theirs) = pair().await;
        let setup = Setup {
            addr: ours.peer_addr().unwrap(),
            peer_id: [3; 20],
            direction: Direction::Outgoing,
            fast: options.fast,
            extended: options.extended,
            round_trip: None,
        };
        let (shared, running) = link::start(&common, ours.into(), setup);
        Self {
            shared,
            running: tokio::spawn(running),
            events,
            commands,
            peer: Peer::new(theirs, pieces),
            sink: Arc::new(MemorySink::new(len, PIECE_LEN)),
            common,
        }
    }

    /// A link that is up, unchoked by its peer, with the first words of both sides said.
    pub(crate) async fn unchoked(options: Options) -> Self {
        assert!(
            !options.extended && !options.have,
            "the script below is for the simplest case"
        );
        let mut rig = Self::new(options).await;
        if rig.shared.fast {
            assert_eq!(rig.peer.hear().await, Message::HaveNone);
            rig.peer.say(Message::HaveAll).await;
        } else {
            let bits = PieceSet::full(rig.common.layout.pieces()).to_bitfield();
            rig.peer.say(Message::Bitfield(bits.into())).await;
        }
        rig.peer.say(Message::Unchoke).await;
        assert!(matches!(rig.event().await, SwarmEvent::LinkUp { .. }));
        assert!(matches!(rig.event().await, SwarmEvent::Has { .. }));
        assert!(matches!(rig.event().await, SwarmEvent::Unchoked { .. }));
        rig
    }

    pub(crate) async fn event(&mut self) -> SwarmEvent {
        soon(self.events.recv())
            .await
            .expect("the link has dropped its events")
    }

    pub(crate) fn link(&self) -> PeerLink {
        PeerLink::new(Arc::clone(&self.shared.core))
    }

    pub(crate) fn span_sink(&self) -> SpanSink {
        SpanSink::new(self.sink.clone())
    }

    /// How the link ends.
    pub(crate) async fn end(&mut self) -> LinkEnd {
        soon(&mut self.running).await.unwrap()
    }
}

/// What a swarm's parts share.
pub(crate) fn common(
    options: &Options,
    events: mpsc::Sender<SwarmEvent>,
    hub: mpsc::Sender<Command>,
) -> Common {
    let layout = layout(options.len);
    let pieces = layout.pieces();
    let have = if options.have {
        PieceSet::full(pieces)
    } else {
        PieceSet::empty(pieces)
    };
    Common {
        info_hash: [1; 20],
        peer_id: [2; 20],
        layout,
        have: HaveLog::new(have),
        blocks: Arc::new(Damaged(
            Memory(content(usize::try_from(options.len).unwrap())),
            options.wrong,
        )),
        events,
        hub,
        ids: Arc::new(SourceIds::new()),
        hello: options.hello.clone(),
        info_bytes: options.info.clone(),
        limit_down: options.limit_down.clone(),
        limit_up: options.limit_up.clone(),
        no_limit: Networks::new(vec![options.no_limit.clone()]),
        uplink: crate::uplink::SharedUplink::new(crate::clock::Clock::start(), pieces),
        pex: true,
        witnesses: Witnesses::default(),
        client: "swarmcopy test".to_owned(),
        encryption: crate::Encryption::Accept,
        block_len: options.block_len,
        status: None,
        bind_ip: None,
        connections: CONNECTIONS_MAX,
        lanes: Arc::new(Semaphore::new(LANES_MAX)),
        listen_port: 6881,
        totals: Totals::default(),
        cancel: CancellationToken::new(),
    }
}

/// An address that refuses connections as long as its socket lives.
pub(crate) fn closed() -> (SocketAddr, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (socket.local_addr().unwrap(), socket)
}

/// An address of this machine that each pair has for itself. A closed connection keeps its port for a minute: thousands of pairs
/// at one address would leave no port to anybody.
fn own_address() -> Ipv4Addr {
    static PAIRS: AtomicU32 = AtomicU32::new(0);
    if cfg!(target_os = "macos") {
        return Ipv4Addr::LOCALHOST; // the only one there
    }
    let pair = PAIRS.fetch_add(1, Ordering::Relaxed);
    let [_, high, middle, low] = (std::process::id() << 10).wrapping_add(pair).to_be_bytes();
    Ipv4Addr::new(127, high % 254 + 1, middle, low)
}

/// Two ends of a connection.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let at = SocketAddr::from((own_address(), 0));
    let listener = TcpListener::bind(at).await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(at).unwrap();
    let dialling = socket.connect(listener.local_addr().unwrap());
    let (dialled, accepted) = tokio::join!(dialling, listener.accept());
    (dialled.unwrap(), accepted.unwrap().0)
}

/// The scripted peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) limits: Limits,
    buffer: BytesMut,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream, pieces: u32) -> Self {
        let limits = Limits::for_pieces(pieces);
        Self {
            stream,
            limits,
            buffer: BytesMut::new(),
        }
    }

    pub(crate) async fn say(&mut self, message: Message) {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        soon(self.stream.write_all(&out)).await.unwrap();
    }

    pub(crate) async fn say_raw(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// The next message; keep-alives are left out.
    pub(crate) async fn hear(&mut self) -> Message {
        soon(self.next()).await.expect("the link has closed")
    }

    /// Whether the link closes; messages before that are passed over.
    pub(crate) async fn closes(&mut self) {
        while soon(self.next()).await.is_some() {}
    }

    /// Nothing but these blocks is asked for; returns them.
    pub(crate) async fn hear_requests(&mut self, count: usize) -> Vec<(u32, u32, u32)> {
        let mut requests = Vec::new();
        for _ in 0..count {
            match self.hear().await {
                Message::Request { index, begin, len } => requests.push((index, begin, len)),
                other => panic!("expected a request, heard {other:?}"),
            }
        }
        requests
    }

    /// Answers a request with the content's bytes.
    pub(crate) async fn serve(&mut self, (index, begin, len): (u32, u32, u32), content: &Bytes) {
        let piece = usize::try_from(PIECE_LEN).unwrap() * usize::try_from(index).unwrap();
        let start = piece + usize::try_from(begin).unwrap();
        let data = content.slice(start..start + usize::try_from(len).unwrap());
        self.say(Message::Piece { index, begin, data }).await;
    }

    /// Says the words of a machine of ours.
    pub(crate) async fn greet(&mut self, block_len: u32, reqq: u32) {
        self.greet_from(7000, block_len, reqq).await;
    }

    /// The same of a machine that listens at this port.
    pub(crate) async fn greet_from(&mut self, port: u16, block_len: u32, reqq: u32) {
        let mut words = ExtensionHandshake::default();
        for (name, id) in [("ut_pex", 11), ("ut_metadata", 12), ("sc_slots", 13)] {
            words.extensions.insert(name.to_owned(), id);
        }
        words.port = Some(port);
        words.client = Some("scripted".to_owned());
        words.requests_max = Some(reqq);
        let mut own = OwnHandshake::default();
        own.version = 1;
        own.node = [9; 8];
        own.block_len_max = block_len;
        words.own = Some(own);
        self.say(Message::Extended {
            id: 0,
            payload: words.encode().into(),
        })
        .await;
    }

    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((head, used)) = FrameHead::parse(&self.buffer, &self.limits).unwrap() {
                let len = usize::try_from(head.payload_len()).unwrap();
                if self.buffer.len() >= used + len {
                    let mut frame = self.buffer.split_to(used + len);
                    let payload = frame.split_off(used).freeze();
                    let message = Message::decode(&head, payload, &self.limits).unwrap();
                    match message {
                        None | Some(Message::KeepAlive) => continue,
                        message => return message,
                    }
                }
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

/// The variant of an event, for lists of what came.
pub(crate) fn variant(event: &impl Debug) -> String {
    format!("{event:?}")
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}
