//! The task that owns a swarm's links and addresses.
//!
//! What must stay true: a peer is linked once, both sides keep the same of two connections, and the
//! hub never waits for the owner of the swarm: links tell it themselves.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use swarmcopy_scheduler::{Discovery, Down, SourceId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use tracing::Instrument;

use crate::address_book::{AddressBook, BAN_TIME, Offence, Via};
use crate::call_back::CallBacks;
use crate::command::Command;
use crate::common::Common;
use crate::discovery::{Way, Ways};
use crate::handshake::{self, Dialled};
use crate::limits::DIALS_MAX;
use crate::link::{self, Direction, Setup, Shared, lane_name};
use crate::onlooker;
use crate::wire::Wire;
use crate::{LinkEnd, NamedAnswer, SwarmEvent};

mod admission;
mod gone;
mod named;
mod onlookers;
mod pex;
mod told;

pub use gone::GONE_MAX;
use gone::Gone;
use named::{NamedPeers, Stage, words};
use onlookers::Onlookers;
use told::Told;

/// How often the hub looks at what time has brought.
const TICK: Duration = Duration::from_millis(250);
/// Addresses of one peer that are remembered beside the one it is linked by.
const ALIASES_MAX: usize = 8;
/// Neighbours that a machine seeks even where fewer links would leave room for latecomers.
const NEIGHBOURS_MIN: usize = 20;

/// What the hub needs beside the common things.
#[derive(Debug)]
pub(crate) struct HubSetup {
    pub(crate) links_max: usize,
    pub(crate) ways: Ways,
}

#[derive(Debug)]
struct Linked {
    shared: Arc<Shared>,
    /// Where the peer can be dialled, if known.
    listens: Option<SocketAddr>,
    /// Other addresses that turned out to be the same peer's.
    aliases: Vec<SocketAddr>,
    /// Whom the peer was told of.
    told: Told,
}

impl Linked {
    /// Where it can be met again, and its name.
    fn who(&self) -> (SocketAddr, [u8; 20]) {
        (
            self.listens.unwrap_or(self.shared.addr),
            self.shared.peer_id,
        )
    }
}

type Answer = (SocketAddr, Result<Dialled, LinkEnd>);

/// The hub itself.
#[derive(Debug)]
pub(crate) struct Hub {
    common: Arc<Common>,
    setup: HubSetup,
    book: AddressBook,
    links: HashMap<SourceId, Linked>,
    running: JoinSet<(SourceId, LinkEnd)>,
    dials: JoinSet<Answer>,
    farewells: JoinSet<()>,
    calls: CallBacks,
    named: NamedPeers,
    onlookers: Onlookers,
    gone: Gone,
    said: Option<Discovery>,
    started: Instant,
}

impl Hub {
    pub(crate) fn new(common: Arc<Common>, setup: HubSetup) -> Self {
        let now = Instant::now();
        Self {
            common,
            setup,
            book: AddressBook::new(now),
            links: HashMap::new(),
            running: JoinSet::new(),
            dials: JoinSet::new(),
            farewells: JoinSet::new(),
            calls: CallBacks::default(),
            named: NamedPeers::default(),
            onlookers: Onlookers::new(now),
            gone: Gone::default(),
            said: None,
            started: now,
        }
    }

    /// Runs until the swarm is stopped and its links have ended.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let cancel = self.common.cancel.clone();
        let mut ticks = interval(TICK);
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(command) = commands.recv() => self.handle_command(command),
                Some(Ok(answer)) = self.dials.join_next() => self.handle_answer(answer),
                Some(Ok((id, end))) = self.running.join_next() => self.handle_end(id, &end),
                Some(_) = self.farewells.join_next() => {}
                () = self.calls.ended() => {}
                gone = self.onlookers.gone() => self.forget_onlooker(gone),
                _ = ticks.tick() => {
                    self.count();
                    self.exchange_peers();
                    if self.onlookers.is_due(Instant::now()) {
                        self.onlookers.tell(self.some_others().as_ref());
                    }
                }
            }
            self.dial();
            self.say();
            self.calls.tell(&self.common.events);
            self.named.tell(&self.common.events);
        }
        // the links hear the same token and say their last words
        while self.running.join_next().await.is_some() {}
    }

    fn handle_command(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Incoming { wire, theirs, .. } if lane_name::is_one(&theirs.peer_id) => {
                self.handle_lane(wire, &theirs.peer_id);
            }
            Command::Incoming { wire, addr, theirs } if onlooker::is_name(&theirs.peer_id) => {
                self.handle_onlooker(wire, addr, Direction::Incoming);
            }
            Command::Incoming { wire, addr, theirs } => {
                self.handle_wire(wire, Setup::new(addr, &theirs, Direction::Incoming));
            }
            Command::Addresses { addrs, via } => {
                for addr in addrs {
                    let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                    self.book.learn(addr, via, now);
                }
                self.count();
            }
            Command::Told { addrs, by } => {
                for addr in addrs {
                    let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                    self.book.learn_from(addr, Via::Pex, Some(by), now);
                }
                self.count();
            }
            Command::NameResolved { peer, found } => self.handle_named(peer, found),
            Command::NamesTried => {
                self.setup.ways.looking_up = self.setup.ways.looking_up.saturating_sub(1);
            }
            Command::Listens { id, addr } => self.handle_listens(id, addr),
            Command::TrackersAsked { answered } => {
                self.setup.ways.trackers = if answered {
                    Way::Done(now)
                } else {
                    Way::Failed
                };
            }
            Command::LsdAnnounced { sent } => {
                self.setup.ways.lsd = if sent { Way::Done(now) } else { Way::Failed };
            }
            Command::Withdrawn { piece } => {
                for linked in self.links.values() {
                    link::extension::withdraw(&linked.shared, piece);
                }
            }
            Command::Ban { id, proof } => {
                let linked = self.links.get(&id);
                if let Some((addr, peer_id)) = linked.map(Linked::who).or_else(|| self.gone.who(id))
                {
                    tracing::warn!(%addr, %proof, "a liar is left alone for {BAN_TIME:?}");
                    self.book.ban(addr, peer_id, Offence::Lie, now);
                }
                if let Some(linked) = linked {
                    linked.shared.close(LinkEnd::Lied(proof));
                }
            }
        }
    }

    fn handle_listens(&mut self, id: SourceId, addr: SocketAddr) {
        let Some(linked) = self.links.get_mut(&id) else {
            return;
        };
        // a peer listens at one port: further words about that are not heard
        if linked.shared.direction == Direction::Incoming && linked.listens.is_none() {
            linked.listens = Some(addr);
            self.book.learn(addr, Via::Incoming, Instant::now());
            self.book.linked(addr);
            self.named.note_at(addr, NamedAnswer::Linked);
            self.count();
        }
    }

    fn handle_answer(&mut self, (addr, result): Answer) {
        let now = Instant::now();
        match result {
            Ok(dialled) if onlooker::is_name(&dialled.theirs.peer_id) => {
                self.handle_onlooker(dialled.wire, addr, Direction::Outgoing);
            }
            Ok(dialled) => {
                let setup = Setup::new(addr, &dialled.theirs, Direction::Outgoing);
                let setup = setup.with_round_trip(dialled.round_trip);
                self.handle_wire(dialled.wire, setup);
            }
            Err(LinkEnd::Ourselves) => self.book.is_ourselves(addr),
            Err(end) => {
                tracing::debug!(%addr, %end, "cannot link");
                self.book.failed(addr, now);
                self.note_failure(addr, &end, Stage::Dial);
            }
        }
        self.count();
    }

    /// A connection whose handshake has been read: makes it a link, or refuses it.
    fn handle_wire(&mut self, wire: Wire, setup: Setup) {
        let (addr, direction, now) = (setup.addr, setup.direction, Instant::now());
        if let Some(end) = self.refusal(&setup) {
            tracing::debug!(%addr, %end, "link refused");
            if direction == Direction::Incoming {
                self.decline(wire, &setup, &end);
            } else if end == LinkEnd::Duplicate {
                self.note_alias(addr, &setup.peer_id);
            } else {
                self.book.failed(addr, now);
                self.note_failure(addr, &end, Stage::Dial);
            }
            return;
        }
        let (shared, running) = link::start(&self.common, wire, setup);
        let listens = (direction == Direction::Outgoing).then_some(addr);
        if let Some(addr) = listens {
            self.book.linked(addr);
            self.named.note_at(addr, NamedAnswer::Linked);
        }
        let id = shared.id;
        self.links.insert(
            id,
            Linked {
                shared,
                listens,
                aliases: Vec::new(),
                told: Told::new(now),
            },
        );
        let span = tracing::debug_span!("source", name = %addr);
        self.running
            .spawn(async move { (id, running.await) }.instrument(span));
        self.count();
    }

    /// A name that a person gave was looked up.
    fn handle_named(&mut self, peer: String, found: Result<Vec<SocketAddr>, String>) {
        match found {
            Ok(addrs) => {
                let now = Instant::now();
                for addr in addrs {
                    let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                    self.named.name(addr, &peer);
                    self.book.learn(addr, Via::Named, now);
                }
                self.count();
            }
            Err(why) => self.named.note(peer, NamedAnswer::NotFound(why)),
        }
    }

    /// A dial, or the link that it led to, ended.
    fn note_failure(&mut self, addr: SocketAddr, end: &LinkEnd, stage: Stage) {
        let again = self.book.pause_of(addr, Instant::now());
        let why = words(end, stage);
        self.named.note_at(addr, NamedAnswer::Failed { why, again });
    }

    /// An onlooker is at the other end of this connection.
    fn handle_onlooker(&mut self, wire: Wire, addr: SocketAddr, direction: Direction) {
        let dialled = (direction == Direction::Outgoing).then_some(addr);
        let board = self.common.status.clone();
        let Some(board) = board.filter(|_| self.onlookers.has_room()) else {
            self.forget_onlooker(dialled);
            return;
        };
        if let Some(addr) = dialled {
            self.book.is_ourselves(addr);
        }
        if self.onlookers.is_empty() {
            self.onlookers.tell(self.some_others().as_ref());
        }
        self.onlookers
            .serve(&self.common, board, (wire, addr, direction));
    }

    fn forget_onlooker(&mut self, dialled: Option<SocketAddr>) {
        if let Some(addr) = dialled {
            self.book.forget(addr);
            self.count();
        }
    }

    /// One more connection of a link that stands; any other that calls itself so is let go.
    fn handle_lane(&self, wire: Wire, name: &[u8; 20]) {
        let mut links = self.links.values();
        if let Some(linked) = links.find(|linked| linked.shared.lane_name == *name)
            && let Some(stream) = wire.into_plain()
        {
            linked.shared.add_lane(stream);
        }
    }

    /// An address leads to a peer that is linked by another one.
    fn note_alias(&mut self, addr: SocketAddr, peer_id: &[u8; 20]) {
        let mut links = self.links.values_mut();
        let linked = links.find(|linked| linked.shared.peer_id == *peer_id);
        match linked.filter(|linked| linked.aliases.len() < ALIASES_MAX) {
            Some(linked) => {
                linked.aliases.push(addr);
                self.book.linked(addr);
                self.named.note_at(addr, NamedAnswer::Linked);
            }
            None => self.book.failed(addr, Instant::now()),
        }
    }

    fn handle_end(&mut self, id: SourceId, end: &LinkEnd) {
        let now = Instant::now();
        let Some(linked) = self.links.remove(&id) else {
            return;
        };
        self.gone.add(id, linked.who());
        let shared = &linked.shared;
        let again = self
            .links
            .values()
            .any(|other| other.shared.peer_id == shared.peer_id);
        for addr in linked
            .listens
            .into_iter()
            .chain(linked.aliases.iter().copied())
        {
            match (again, shared.is_up()) {
                (true, _) => {}
                (false, true) => self.book.unlinked(addr, now),
                (false, false) => self.book.failed(addr, now),
            }
            if !again {
                self.note_failure(addr, end, Stage::Link);
            }
        }
        if let Some(addr) = linked.listens
            && let Some(node) = shared.node()
            && !again
            && end.how() == Down::Reset
        {
            self.calls.call(node, addr, self.common.bind_ip);
        }
        if end.is_malicious() {
            tracing::info!(addr = %shared.addr, %end, "peer is left alone for a while");
            let (addr, peer_id) = linked.who();
            self.book.ban(addr, peer_id, Offence::Violation, now);
        }
        self.count();
    }

    /// Begins connections while there is need and room. Some room is left for those who come later. Whom a person
    /// named is dialled however many others are linked: nobody keeps them out by coming in crowds.
    fn dial(&mut self) {
        let links_max = self.setup.links_max;
        let wanted = (links_max / 3 * 2).max(NEIGHBOURS_MIN.min(links_max));
        let taken = self.taken();
        while self.dials.len() < DIALS_MAX {
            let now = Instant::now();
            let is_free = self.dials.len().saturating_add(taken) < wanted;
            let next = if is_free {
                self.book.next_dial(now)
            } else {
                self.book.next_named(now)
            };
            let Some(addr) = next else {
                return;
            };
            let ours = handshake::ours(self.common.info_hash, self.common.peer_id);
            let (from, wish) = (self.common.bind_ip, self.common.encryption);
            let dial = async move { (addr, handshake::dial(addr, from, &ours, wish).await) };
            let span = tracing::debug_span!("source", name = %addr);
            self.dials.spawn(dial.instrument(span));
        }
    }

    fn count(&mut self) {
        let now = Instant::now();
        let known = self.book.others();
        self.common.totals.known.store(known, Ordering::Relaxed);
        self.common
            .totals
            .links
            .store(self.links.len(), Ordering::Relaxed);
        self.setup.ways.known = self.book.any_named(now);
        self.setup.ways.tried = self.book.all_tried(now);
    }

    /// Tells the owner what discovery has brought, when that changes.
    fn say(&mut self) {
        let news = self.setup.ways.say(Instant::now());
        if self.said != Some(news)
            && self
                .common
                .events
                .try_send(SwarmEvent::Discovery(news))
                .is_ok()
        {
            // without room the same is said at the next tick
            self.said = Some(news);
        }
    }
}
