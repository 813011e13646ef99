//! Words of a peer that may mean harm and acts of our own, one after another, on a live link; and what is left for an
//! honest peer.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use swarmcopy_bt_wire::extension::{
    ExtensionHandshake, MetadataMessage, OwnHandshake, Pex, PexFlags, PexPeer,
};
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_layout::PieceIndex;
use swarmcopy_scheduler::Hello;
use swarmcopy_scheduler::origin::{SlotMessage, SlotRecord};
use swarmcopy_sources::{PieceSource, SpanSink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::WriteHalf;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::command::Command;
use crate::limits::REQUESTS_MAX;
use crate::link::{self, Direction, Setup};
use crate::testing::{BLOCK, Options, PIECE_LEN, Peer, Rig, pair, soon};

/// Steps of a script that are played.
const STEPS_MAX: usize = 200;
/// Addresses of which a peer may tell at once, in messages.
const TOLD_MAX: usize = 150;

/// A place in the content, or just outside.
#[derive(Debug, Arbitrary)]
struct Place {
    piece: u8,
    block: u8,
    /// What the length lacks of a block.
    short: Option<u16>,
}

impl Place {
    fn of(&self) -> (u32, u32, u32) {
        let len = BLOCK.saturating_sub(self.short.unwrap_or(0).into());
        (
            u32::from(self.piece % 6),
            u32::from(self.block % 6) * BLOCK,
            len,
        )
    }
}

#[derive(Debug, Arbitrary)]
enum Word {
    Choke,
    Unchoke,
    Interested,
    NotInterested,
    HaveAll,
    HaveNone,
    Have(u8),
    Suggest(u8),
    AllowedFast(u8),
    Bitfield(Vec<u8>),
    Request(Place),
    Cancel(Place),
    Reject(Place),
    Piece(Place, u16),
    Greeting {
        port: Option<u16>,
        requests: Option<u32>,
        own: Option<(u32, [u8; 8], bool)>,
        ids: [u8; 4],
    },
    Pex(Vec<([u8; 4], u16)>),
    Metadata(u32),
    DontHave(u32),
    Slots {
        slot: u8,
        term: u64,
        holder: [u8; 8],
        group: String,
    },
    Extended {
        id: u8,
        payload: Vec<u8>,
    },
    Raw(Vec<u8>),
}

/// What this machine does meanwhile.
#[derive(Debug, Arbitrary)]
enum Act {
    Serve,
    Choke,
    Want,
    WantNothing,
    Fetch(u8),
    Drop,
    Suggest(u8),
    Have(u8),
    Slots(u8),
}

#[derive(Debug, Arbitrary)]
enum Step {
    Say(Word),
    Do(Act),
}

fn words(word: &Word) -> Message {
    let extended = |id, payload: Vec<u8>| Message::Extended {
        id,
        payload: payload.into(),
    };
    match word {
        Word::Choke => Message::Choke,
        Word::Unchoke => Message::Unchoke,
        Word::Interested => Message::Interested,
        Word::NotInterested => Message::NotInterested,
        Word::HaveAll => Message::HaveAll,
        Word::HaveNone => Message::HaveNone,
        Word::Have(index) => Message::Have((index % 8).into()),
        Word::Suggest(index) => Message::Suggest((index % 8).into()),
        Word::AllowedFast(index) => Message::AllowedFast((index % 8).into()),
        Word::Bitfield(bits) => Message::Bitfield(bits.clone().into()),
        Word::Request(place) => {
            let (index, begin, len) = place.of();
            Message::Request { index, begin, len }
        }
        Word::Cancel(place) => {
            let (index, begin, len) = place.of();
            Message::Cancel { index, begin, len }
        }
        Word::Reject(place) => {
            let (index, begin, len) = place.of();
            Message::Reject { index, begin, len }
        }
        Word::Piece(place, len) => {
            let (index, begin, _) = place.of();
            let data = vec![7; usize::from(*len)].into();
            Message::Piece { index, begin, data }
        }
        Word::Greeting { .. } => extended(0, greeting(word)),
        Word::Pex(addrs) => {
            let mut pex = Pex::default();
            let peer = |(ip, port): &([u8; 4], u16)| PexPeer {
                addr: (*ip, *port).into(),
                flags: PexFlags(0),
            };
            pex.added = addrs.iter().take(60).map(peer).collect();
            extended(1, pex.encode())
        }
        Word::Metadata(block) => extended(2, MetadataMessage::Request { block: *block }.encode()),
        Word::DontHave(index) => extended(4, index.to_be_bytes().to_vec()),
        Word::Slots {
            slot,
            term,
            holder,
            group,
        } => {
            let message = slots(*slot, *term, *holder, group);
            extended(3, message.to_payloads().pop().unwrap_or_default())
        }
        Word::Extended { id, payload } => extended(*id, payload.clone()),
        Word::Raw(_) => Message::KeepAlive,
    }
}

fn greeting(word: &Word) -> Vec<u8> {
    let mut words = ExtensionHandshake::default();
    if let Word::Greeting {
        port,
        requests,
        own,
        ids,
    } = word
    {
        let names = ["ut_pex", "ut_metadata", "sc_slots", "lt_donthave"];
        for (name, id) in names.into_iter().zip(*ids) {
            words.extensions.insert(name.to_owned(), id);
        }
        (words.port, words.requests_max) = (port.filter(|port| *port != 0), *requests);
        words.own = own.map(|(block_len_max, node, full)| {
            let mut own = OwnHandshake::default();
            own.version = 1;
            (own.block_len_max, own.node, own.full) = (block_len_max, node, full);
            own
        });
    }
    words.encode()
}

fn slots(slot: u8, term: u64, holder: [u8; 8], group: &str) -> SlotMessage {
    let record = SlotRecord {
        slot: slot.into(),
        term,
        holder: swarmcopy_scheduler::NodeId(holder),
        ..SlotRecord::default()
    };
    SlotMessage {
        group: group.chars().take(40).collect(),
        readers_max: 3,
        records: vec![record],
        ..SlotMessage::default()
    }
}

/// One link, and what this machine asks of it.
struct Bench {
    rig: Rig,
    fetches: Vec<JoinHandle<()>>,
}

impl Bench {
    async fn new() -> Self {
        let rig = Rig::new(Options {
            have: true,
            extended: true,
            hello: Some(Hello::default()),
            info: Some(Bytes::from_static(&[1; 20_000])),
            events_max: 1024,
            ..Options::default()
        });
        Self {
            rig: rig.await,
            fetches: Vec::new(),
        }
    }

    fn piece(&self, index: u8) -> Option<PieceIndex> {
        let layout = &self.rig.common.layout;
        layout.piece(u32::from(index) % layout.pieces())
    }

    fn act(&mut self, act: &Act) {
        let link = self.rig.link();
        match act {
            Act::Serve => link.unchoke(),
            Act::Choke => link.choke(),
            Act::Want => link.interested(),
            Act::WantNothing => link.not_interested(),
            Act::Fetch(index) => {
                let Some(piece) = self.piece(*index) else {
                    return;
                };
                let span = self.rig.common.layout.piece_span(piece);
                let sink: SpanSink = self.rig.span_sink();
                self.fetches.push(tokio::spawn(async move {
                    let _ = link.fetch(span, &sink).await;
                }));
            }
            Act::Drop => {
                if let Some(fetch) = self.fetches.pop() {
                    fetch.abort();
                }
            }
            Act::Suggest(index) => self
                .piece(*index)
                .into_iter()
                .for_each(|it| link.suggest(it)),
            Act::Have(index) => self
                .piece(*index)
                .into_iter()
                .for_each(|it| self.rig.common.have.append(it)),
            Act::Slots(slot) => link.send_slots(slots(*slot, 1, [5; 8], "")),
        }
    }

    /// Plays a script, reads whatever comes back, and closes the connection.
    async fn play(&mut self, script: &[Step]) {
        let (_, nobody) = mpsc::channel(1);
        let mut events = std::mem::replace(&mut self.rig.events, nobody);
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        self.rig.link().unchoke();
        let (ours, nobodys) = pair().await;
        let stream = std::mem::replace(&mut self.rig.peer.stream, nobodys);
        drop(ours);
        let mut stream = stream;
        let (mut read, mut write) = stream.split();
        let writing = async {
            for step in script {
                match step {
                    Step::Do(act) => {
                        tokio::task::yield_now().await;
                        self.act(act);
                    }
                    Step::Say(word) => say(&mut write, word).await,
                }
            }
            let _ = write.shutdown().await;
        };
        let reading = async {
            let mut heard = vec![0; 64 * 1024];
            while read.read(&mut heard).await.is_ok_and(|len| len > 0) {}
        };
        soon(async { tokio::join!(writing, reading) }).await;
        soon(&mut self.rig.running).await.unwrap();
    }

    /// What must hold behind any script.
    async fn check(&mut self) {
        let mut told = 0;
        while let Ok(command) = self.rig.commands.try_recv() {
            told += usize::from(matches!(command, Command::Told { .. }));
        }
        assert!(told <= TOLD_MAX, "{told} messages with addresses");
        for fetch in self.fetches.drain(..) {
            // whatever a job waits for ends with its link
            let _ = soon(fetch).await;
        }
        let stats = self.rig.link().stats();
        assert!(stats.requests_waiting <= REQUESTS_MAX && stats.requests_open == 0);
        assert_eq!(self.rig.sink.wrong(), 0, "a byte came twice");
        assert!(self.rig.sink.reserved().is_empty(), "memory is with nobody");
        self.serve_honestly().await;
    }

    /// Another peer of the same content is served.
    async fn serve_honestly(&self) {
        let (ours, theirs) = pair().await;
        let setup = Setup {
            addr: ours.peer_addr().unwrap(),
            peer_id: [4; 20],
            direction: Direction::Outgoing,
            fast: true,
            extended: false,
            round_trip: None,
        };
        let (shared, running) = link::start(&self.rig.common, ours.into(), setup);
        let running = tokio::spawn(running);
        let mut peer = Peer::new(theirs, self.rig.common.layout.pieces());
        assert_eq!(peer.hear().await, Message::HaveAll);
        crate::PeerLink::new(Arc::clone(&shared.core)).unchoke();
        assert_eq!(peer.hear().await, Message::Unchoke);
        let (index, begin, len) = (0, 0, BLOCK);
        peer.say(Message::Request { index, begin, len }).await;
        let Message::Piece { data, .. } = peer.hear().await else {
            panic!("no block");
        };
        let right = crate::testing::content(usize::try_from(PIECE_LEN).unwrap());
        assert_eq!(data, right.slice(..data.len()));
        running.abort();
    }
}

async fn say(write: &mut WriteHalf<'_>, word: &Word) {
    let mut bytes = BytesMut::new();
    match word {
        Word::Raw(raw) => bytes.extend_from_slice(raw),
        word => words(word).encode(&mut bytes),
    }
    // the link may be closed before all is written
    let _ = write.write_all(&bytes).await;
}

/// Whatever a peer says, and whatever is done meanwhile: no panic, each job ends, each byte is taken once, what waits is
/// bounded, and an honest peer is served.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(mut script) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    script.truncate(STEPS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::new().await;
        bench.play(&script).await;
        bench.check().await;
    });
}
