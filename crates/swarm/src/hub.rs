//! The task that owns a swarm's links and addresses.
//!
//! What must stay true: a peer is linked once, both sides keep the same of two connections, and the
//! hub never waits for the owner of the swarm: links tell it themselves.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use swarmcopy_bt_wire::extension::{Pex, PexFlags, PexPeer};
use swarmcopy_bt_wire::peer::Handshake;
use swarmcopy_scheduler::{Discovery, Down, SourceId};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::address_book::AddressBook;
pub(crate) use crate::address_book::Via;
use crate::call_back::CallBacks;
use crate::common::Common;
use crate::config::{dials_max, pex_addresses_max};
use crate::discovery::{Way, Ways};
use crate::handshake::{self, Dialled};
use crate::link::{self, Direction, Setup, Shared, lanes};
use crate::{LinkEnd, SwarmEvent};

/// How often the hub looks at what time has brought.
const TICK: Duration = Duration::from_millis(250);
/// Pause between peer exchanges while the swarm is young.
const PEX_EVERY_YOUNG: Duration = Duration::from_secs(10);
/// Pause between peer exchanges (BEP 11: not more than once a minute).
const PEX_EVERY: Duration = Duration::from_mins(1);
/// How long a swarm counts as young.
const YOUNG: Duration = Duration::from_mins(2);
/// Addresses of one peer that are remembered beside the one it is linked by.
const ALIASES_MAX: usize = 8;
/// Neighbours that a machine seeks even where fewer links would leave room for latecomers.
const NEIGHBOURS_MIN: usize = 20;

/// What the hub is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// A peer has connected and sent its handshake.
    Incoming {
        stream: TcpStream,
        addr: SocketAddr,
        theirs: Handshake,
    },
    /// Addresses are known.
    Found { addrs: Vec<SocketAddr>, via: Via },
    /// A linked peer says where it listens.
    Listens { id: SourceId, addr: SocketAddr },
    /// All trackers have been asked once: whether one has answered.
    TrackersAsked { answered: bool },
    /// The first local announcement went out, or could not.
    LsdAnnounced { sent: bool },
    /// The peer is to be left alone.
    Ban { id: SourceId },
}

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
    told: HashSet<SocketAddr>,
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
    said: Option<Discovery>,
    /// Whether there ever was a link.
    met: bool,
    started: Instant,
    pex_due: Instant,
}

impl Hub {
    pub(crate) fn new(common: Arc<Common>, setup: HubSetup) -> Self {
        let now = Instant::now();
        Self {
            common,
            setup,
            book: AddressBook::default(),
            links: HashMap::new(),
            running: JoinSet::new(),
            dials: JoinSet::new(),
            farewells: JoinSet::new(),
            calls: CallBacks::default(),
            said: None,
            met: false,
            started: now,
            pex_due: now + PEX_EVERY_YOUNG,
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
                _ = ticks.tick() => self.exchange_peers(),
            }
            self.dial();
            self.say();
            self.calls.tell(&self.common.events);
        }
        // the links hear the same token and say their last words
        while self.running.join_next().await.is_some() {}
    }

    fn handle_command(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Incoming { stream, theirs, .. } if lanes::is_name(&theirs.peer_id) => {
                self.handle_lane(stream, &theirs.peer_id);
            }
            Command::Incoming {
                stream,
                addr,
                theirs,
            } => {
                self.handle_stream(stream, Setup::new(addr, &theirs, Direction::Incoming));
            }
            Command::Found { addrs, via } => {
                for addr in addrs {
                    let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                    self.book.learn(addr, via, now);
                }
                self.count();
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
            Command::Ban { id } => {
                if let Some(linked) = self.links.get(&id) {
                    let addr = linked.listens.unwrap_or(linked.shared.addr);
                    self.book.ban(addr, linked.shared.peer_id, now);
                    linked.shared.close(LinkEnd::Closed);
                }
            }
        }
    }

    fn handle_listens(&mut self, id: SourceId, addr: SocketAddr) {
        let Some(linked) = self.links.get_mut(&id) else {
            return;
        };
        if linked.shared.direction == Direction::Incoming {
            linked.listens = Some(addr);
            self.book.learn(addr, Via::Incoming, Instant::now());
            self.book.linked(addr);
            self.count();
        }
    }

    fn handle_answer(&mut self, (addr, result): Answer) {
        let now = Instant::now();
        match result {
            Ok(dialled) => {
                let setup = Setup::new(addr, &dialled.theirs, Direction::Outgoing);
                let setup = setup.with_round_trip(dialled.round_trip);
                self.handle_stream(dialled.stream, setup);
            }
            Err(LinkEnd::Ourselves) => self.book.is_ourselves(addr),
            Err(end) => {
                tracing::debug!(%addr, %end, "cannot link");
                self.book.failed(addr, now);
            }
        }
        self.count();
    }

    /// A connection whose handshake has been read: makes it a link, or refuses it.
    fn handle_stream(&mut self, stream: TcpStream, setup: Setup) {
        let (addr, direction) = (setup.addr, setup.direction);
        if let Some(end) = self.refusal(&setup) {
            tracing::debug!(%addr, %end, "link refused");
            if direction == Direction::Incoming {
                self.decline(stream);
            } else if end == LinkEnd::Duplicate {
                self.note_alias(addr, &setup.peer_id);
            } else {
                self.book.failed(addr, Instant::now());
            }
            return;
        }
        let (shared, running) = link::start(&self.common, stream, setup);
        let listens = (direction == Direction::Outgoing).then_some(addr);
        if let Some(addr) = listens {
            self.book.linked(addr);
        }
        let id = shared.id;
        self.links.insert(
            id,
            Linked {
                shared,
                listens,
                aliases: Vec::new(),
                told: HashSet::new(),
            },
        );
        self.running.spawn(async move { (id, running.await) });
        self.count();
    }

    /// One more connection of a link that stands; any other that calls itself so is let go.
    fn handle_lane(&self, stream: TcpStream, name: &[u8; 20]) {
        let mut links = self.links.values();
        if let Some(linked) = links.find(|linked| linked.shared.lane_name == *name) {
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
            }
            None => self.book.failed(addr, Instant::now()),
        }
    }

    /// Why a connection is not to become a link. Closes an older link that it replaces.
    fn refusal(&self, theirs: &Setup) -> Option<LinkEnd> {
        if theirs.peer_id == self.common.peer_id {
            return Some(LinkEnd::Ourselves);
        }
        if self
            .book
            .is_banned(theirs.addr, &theirs.peer_id, Instant::now())
        {
            return Some(LinkEnd::Closed);
        }
        let live = || {
            self.links
                .values()
                .filter(|linked| !linked.shared.close.is_cancelled())
        };
        if let Some(old) = live().find(|linked| linked.shared.peer_id == theirs.peer_id) {
            if !self.replaces(&old.shared, theirs.addr, theirs.direction) {
                return Some(LinkEnd::Duplicate);
            }
            old.shared.close(LinkEnd::Duplicate);
        } else if live().count() >= self.setup.links_max {
            // two machines that have everything are of no use to each other
            let complete = |linked: &&Linked| linked.shared.peer_complete.load(Ordering::Relaxed);
            let spare = live().find(complete).filter(|_| self.common.have.is_full());
            match spare {
                Some(spare) => spare.shared.close(LinkEnd::Closed),
                None => return Some(LinkEnd::Closed),
            }
        }
        None
    }

    /// Of two connections to a peer both sides keep the one that the smaller peer id dialled. Of
    /// two in the same direction the old one is dead for the peer, if it is the same machine.
    fn replaces(&self, old: &Shared, addr: SocketAddr, direction: Direction) -> bool {
        let ours_is_kept = self.common.peer_id < old.peer_id;
        let kept = if ours_is_kept {
            Direction::Outgoing
        } else {
            Direction::Incoming
        };
        if old.direction == direction {
            direction == Direction::Incoming && old.addr.ip() == addr.ip()
        } else {
            direction == kept
        }
    }

    /// Tells a refused peer who we are, so that it can see why, and closes.
    fn decline(&mut self, mut stream: TcpStream) {
        if self.farewells.len() >= dials_max {
            return;
        }
        let ours = handshake::ours(self.common.info_hash, self.common.peer_id);
        self.farewells.spawn(async move {
            // whether it hears us or not, the connection ends here
            let writing = handshake::write(&mut stream, &ours);
            let _ = tokio::time::timeout(TICK, writing).await;
        });
    }

    fn handle_end(&mut self, id: SourceId, end: &LinkEnd) {
        let now = Instant::now();
        let Some(linked) = self.links.remove(&id) else {
            return;
        };
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
            self.book
                .ban(linked.listens.unwrap_or(shared.addr), shared.peer_id, now);
        }
        self.count();
    }

    /// Begins connections while there is need and room. Some room is left for those who come later.
    fn dial(&mut self) {
        let links_max = self.setup.links_max;
        let wanted = (links_max / 3 * 2).max(NEIGHBOURS_MIN.min(links_max));
        while self.dials.len() < dials_max
            && self.dials.len().saturating_add(self.links.len()) < wanted
            && let Some(addr) = self.book.next_dial(Instant::now())
        {
            let ours = handshake::ours(self.common.info_hash, self.common.peer_id);
            let from = self.common.bind_ip;
            self.dials
                .spawn(async move { (addr, handshake::dial(addr, from, &ours).await) });
        }
    }

    fn count(&mut self) {
        let known = self.book.others();
        self.common.totals.known.store(known, Ordering::Relaxed);
        self.common
            .totals
            .links
            .store(self.links.len(), Ordering::Relaxed);
        self.met |= !self.links.is_empty();
        self.setup.ways.known = self.met || known > 0;
        self.setup.ways.tried = known > 0 && self.book.all_tried();
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

    /// Tells peers of each other (BEP 11).
    fn exchange_peers(&mut self) {
        let now = Instant::now();
        if !self.common.pex || now < self.pex_due {
            return;
        }
        let young = now.saturating_duration_since(self.started) < YOUNG;
        self.pex_due = now + if young { PEX_EVERY_YOUNG } else { PEX_EVERY };
        let all: HashMap<SocketAddr, PexFlags> = self
            .links
            .values()
            .filter_map(|linked| Some((linked.listens?, flags(linked))))
            .collect();
        for linked in self.links.values_mut() {
            let id = linked.shared.state().spoken.pex;
            if let Some(id) = id
                && let Some(pex) = news(linked, &all)
            {
                // a peer that reads nothing hears of it the next time
                let _ = linked.shared.reply_extended(id, pex.encode());
            }
        }
    }
}

fn flags(linked: &Linked) -> PexFlags {
    let seed = linked.shared.peer_complete.load(Ordering::Relaxed);
    PexFlags(PexFlags::REACHABLE | if seed { PexFlags::SEED } else { 0 })
}

/// What has changed among `all` since the peer was told last; `None` if nothing has.
fn news(linked: &mut Linked, all: &HashMap<SocketAddr, PexFlags>) -> Option<Pex> {
    let told = &mut linked.told;
    let others = all
        .iter()
        .filter(|(addr, _)| Some(**addr) != linked.listens);
    let new = others
        .filter(|(addr, _)| !told.contains(*addr))
        .take(pex_addresses_max);
    let mut pex = Pex::default();
    pex.added = new
        .map(|(addr, flags)| PexPeer {
            addr: *addr,
            flags: *flags,
        })
        .collect();
    let gone = told
        .iter()
        .filter(|addr| !all.contains_key(*addr))
        .take(pex_addresses_max);
    pex.dropped = gone.copied().collect();
    told.extend(pex.added.iter().map(|peer| peer.addr));
    for addr in &pex.dropped {
        told.remove(addr);
    }
    (!pex.added.is_empty() || !pex.dropped.is_empty()).then_some(pex)
}
