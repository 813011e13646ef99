//! The onlooker itself: finds the peers of a content, keeps a connection to each, and asks them in turn.
//!
//! What must stay true: it takes no block and gives none, and it never looks at itself or at other onlookers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use swarmcopy_bt_wire::extension::StatusQuestion;
use swarmcopy_bt_wire::peer::Handshake;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::links::{LINKS_MAX, Links};
use super::name::{is_name, onlooker_name};
use super::see::{Seeing, see};
use super::sighting::Sighting;
use crate::address_book::{AddressBook, Via};
use crate::command::Command;
use crate::common::Common;
use crate::handshake::{self, Dialled};
use crate::limits::DIALS_MAX;
use crate::swarm::{Nothing, Reachable, bind_ip, common, name};
use crate::wire::Wire;
use crate::{LinkEnd, SwarmConfig, SwarmEvent, dht, trackers};

/// Commands that may wait.
const COMMANDS_MAX: usize = 1024;
/// Questions that may wait for one peer.
const QUESTIONS_MAX: usize = 4;
/// How often turns are looked at.
const TICK: Duration = Duration::from_millis(20);
/// How often it is told how many addresses are known.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Time for our part of a handshake.
const GREET_TIME: Duration = Duration::from_secs(5);
/// Time for the trackers to hear that we leave.
const SHUTDOWN_TIME: Duration = Duration::from_secs(3);

/// Looks on at a content's room. Dropping it stops it without a word to the trackers.
#[derive(Debug)]
pub struct Onlooker {
    commands: mpsc::Sender<Command>,
    questions: mpsc::Sender<(u64, StatusQuestion)>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    _reachable: Reachable,
}

impl Onlooker {
    /// Starts to look. What is seen is told by `events`, whose receiver must be read. Of the configuration only
    /// names, layout and ways of discovery count. Must be called in a tokio runtime; stops when `cancel` is
    /// cancelled.
    pub fn start(
        mut config: SwarmConfig,
        events: mpsc::Sender<Sighting>,
        cancel: &CancellationToken,
    ) -> Self {
        config.peer_id = onlooker_name(config.peer_id);
        (config.hello, config.status) = (None, None);
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let (ask, questions) = mpsc::channel(COMMANDS_MAX);
        let (told_in, told) = mpsc::channel(COMMANDS_MAX);
        let (lsd, dht) = (config.lsd.clone(), config.dht.clone());
        let (lsd, dht) = if config.private {
            (None, None)
        } else {
            (lsd, dht)
        };
        let (listener, peers) = (config.listener.clone(), config.peers.clone());
        let asked = trackers::Asked::of(&config, bind_ip(&config));
        let common = common(config, Arc::new(Nothing), told_in, commands.clone(), cancel);
        let common = Arc::new(common);
        let tasks = TaskTracker::new();
        let looker = Looker::new(Arc::clone(&common), events.clone());
        tasks.spawn(looker.run(received, questions));
        tasks.spawn(trackers::run(Arc::clone(&common), asked));
        tasks.spawn(pass_on(told, events, common.cancel.clone()));
        let wishes = commands.clone();
        for peer in peers {
            let naming = name(peer, commands.clone());
            let cancel = common.cancel.clone();
            tasks.spawn(async move {
                cancel.run_until_cancelled(naming).await;
            });
        }
        if let Some(dht) = dht {
            tasks.spawn(dht::run(Arc::clone(&common), dht, commands.clone()));
        }
        if let Some(listener) = &listener {
            listener.register(common.info_hash, commands);
        }
        if let Some(lsd) = &lsd {
            lsd.register(&common);
        }
        tasks.close();
        Self {
            commands: wishes,
            questions: ask,
            cancel: common.cancel.clone(),
            tasks,
            _reachable: Reachable {
                info_hash: common.info_hash,
                listener,
                lsd,
            },
        }
    }

    /// Asks a machine of ours for more than all are asked; the answer comes as a [`Sighting`], or not.
    pub fn ask(&self, id: u64, question: StatusQuestion) {
        // who asks so much asks again
        let _ = self.questions.try_send((id, question));
    }

    /// Looks at the machine that listens there, too.
    pub fn meet(&self, addr: SocketAddr) {
        // who knows so many finds this one by others
        let _ = self.commands.try_send(Command::Addresses {
            addrs: vec![addr],
            via: Via::Named,
        });
    }

    /// Closes all connections and tells the trackers that we leave; gives up after a few seconds.
    pub async fn shutdown(self) {
        self.cancel.cancel();
        // a tracker that does not answer forgets us by itself
        let _ = timeout(SHUTDOWN_TIME, self.tasks.wait()).await;
    }
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Tells what trackers say.
async fn pass_on(
    mut told: mpsc::Receiver<SwarmEvent>,
    events: mpsc::Sender<Sighting>,
    cancel: CancellationToken,
) {
    let passing = async {
        while let Some(event) = told.recv().await {
            if let SwarmEvent::TrackerNote {
                tracker,
                note,
                again,
            } = event
            {
                let sighting = Sighting::Tracker {
                    tracker,
                    note,
                    again,
                };
                if events.send(sighting).await.is_err() {
                    return;
                }
            }
        }
    };
    cancel.run_until_cancelled(passing).await;
}

type Answer = (SocketAddr, Result<Dialled, LinkEnd>);

/// The task that owns the links.
struct Looker {
    common: Arc<Common>,
    events: mpsc::Sender<Sighting>,
    book: AddressBook,
    links: Links,
    next_id: u64,
    dials: JoinSet<Answer>,
    running: JoinSet<(u64, LinkEnd)>,
    /// What was told last of known and linked addresses.
    told: (usize, usize),
    told_at: Instant,
}

impl Looker {
    fn new(common: Arc<Common>, events: mpsc::Sender<Sighting>) -> Self {
        let now = Instant::now();
        Self {
            common,
            events,
            book: AddressBook::of_onlooker(now),
            links: Links::new(now),
            next_id: 0,
            dials: JoinSet::new(),
            running: JoinSet::new(),
            told: (0, 0),
            told_at: now,
        }
    }

    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut questions: mpsc::Receiver<(u64, StatusQuestion)>,
    ) {
        let cancel = self.common.cancel.clone();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                Some(command) = commands.recv() => self.handle(command),
                Some((id, question)) = questions.recv() => self.links.ask(id, question),
                Some(Ok(answer)) = self.dials.join_next() => self.handle_answer(answer),
                Some(Ok((id, end))) = self.running.join_next() => self.handle_end(id, &end).await,
                _ = ticks.tick() => {
                    self.links.ask_due(Instant::now());
                    self.tell().await;
                }
            }
            self.dial();
        }
    }

    fn handle(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Addresses { addrs, via } => self.learn(addrs, via, None),
            Command::NameResolved { found, .. } => {
                self.learn(found.unwrap_or_default(), Via::Named, None);
            }
            Command::Told { addrs, by } => self.learn(addrs, Via::Pex, Some(by)),
            Command::Incoming { wire, addr, theirs }
                if !self.book.is_shut_out(addr, &theirs.peer_id, now) =>
            {
                self.begin(wire, (addr, None), theirs);
            }
            _ => {}
        }
    }

    fn learn(&mut self, addrs: Vec<SocketAddr>, via: Via, by: Option<IpAddr>) {
        for addr in addrs {
            let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
            self.book.learn_from(addr, via, by, Instant::now());
        }
        let known = self.book.others();
        self.common.totals.known.store(known, Ordering::Relaxed);
    }

    fn dial(&mut self) {
        while self.dials.len() < DIALS_MAX
            && self.links.len() < LINKS_MAX
            && let Some(addr) = self.book.next_dial(Instant::now())
        {
            let ours = handshake::ours(self.common.info_hash, self.common.peer_id);
            let (from, wish) = (self.common.bind_ip, self.common.encryption);
            self.dials
                .spawn(async move { (addr, handshake::dial(addr, from, &ours, wish).await) });
        }
    }

    fn handle_answer(&mut self, (addr, result): Answer) {
        match result {
            Ok(dialled) => self.begin(dialled.wire, (addr, Some(addr)), dialled.theirs),
            Err(LinkEnd::Ourselves) => self.book.is_ourselves(addr),
            Err(end) => {
                tracing::debug!(%addr, %end, "cannot look at this peer");
                self.book.failed(addr, Instant::now());
            }
        }
    }

    /// Looks at a peer from now on, unless it is looked at already or looks on itself.
    fn begin(
        &mut self,
        wire: Wire,
        (addr, by): (SocketAddr, Option<SocketAddr>),
        theirs: Handshake,
    ) {
        if is_name(&theirs.peer_id) {
            if let Some(addr) = by {
                self.book.is_ourselves(addr);
            }
            return;
        }
        if let Some(addr) = by {
            self.book.linked(addr);
        }
        if self.links.is_linked(&theirs.peer_id, by) || self.links.len() >= LINKS_MAX {
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        let (ask, questions) = mpsc::channel(QUESTIONS_MAX);
        self.links
            .add(id, (theirs.peer_id, by), ask, Instant::now());
        let seeing = Seeing {
            common: Arc::clone(&self.common),
            id,
            addr,
            peer_id: theirs.peer_id,
            events: self.events.clone(),
            questions,
        };
        let ours = by.is_none().then(|| {
            let ours = handshake::ours(self.common.info_hash, self.common.peer_id);
            ours.encode()
        });
        self.running.spawn(async move {
            let mut wire = wire;
            if let Some(ours) = ours {
                let writing = timeout(GREET_TIME, wire.write_all(&ours)).await;
                if !matches!(writing, Ok(Ok(()))) {
                    return (id, LinkEnd::Silent);
                }
            }
            (id, see(seeing, wire, theirs).await)
        });
    }

    async fn handle_end(&mut self, id: u64, end: &LinkEnd) {
        let now = Instant::now();
        for addr in self.links.remove(id) {
            if end.is_malicious() {
                self.book.failed(addr, now);
            } else {
                self.book.unlinked(addr, now);
            }
        }
        let why = end.to_string();
        // who looks on no more needs no answer
        let _ = self.events.send(Sighting::Gone { id, why }).await;
    }

    /// Tells how many addresses are known, when that has changed.
    async fn tell(&mut self) {
        let now = Instant::now();
        let (addresses, linked) = (self.book.others(), self.links.len());
        let due = now.saturating_duration_since(self.told_at) >= TELL_EVERY;
        if due && self.told != (addresses, linked) {
            self.told = (addresses, linked);
            self.told_at = now;
            let known = Sighting::Known { addresses, linked };
            let _ = self.events.send(known).await;
        }
    }
}
