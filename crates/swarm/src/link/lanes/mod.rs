//! Lanes: more connections of one link, where one TCP stream does not fill the line.
//!
//! A lane is dialled by who lacks blocks and brings it blocks and nothing else; requests and all
//! other words stay on the link's own connection. Each of the peer's connections takes the next
//! block that is ready when its socket has room, so the fastest carries most, and for everybody
//! else the peer stays one peer. Who dials calls itself by the name that the peer gave it in its
//! greeting (`sc`, BEP 10) in place of a peer id: so nobody else can open a lane, clients that give
//! no name get none, and the rules against second connections see none.
//!
//! What must stay true: lanes end before their link does; a lane that breaks loses no block for
//! good, because the jobs that wait for one end; there are never more than `CONNECTIONS_MAX` to one
//! peer and `LANES_MAX` in all.

mod serve;
mod take;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use swarmcopy_scheduler::Instant as Moment;
use swarmcopy_scheduler::spread::connections::{Connections, LOOK_EVERY, Look, OVERTAKEN_BY};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Direction, Shared};
use crate::LinkEnd;
use take::TakeEnd;

/// The lanes of one link.
#[derive(Debug)]
pub(crate) struct Lanes {
    shared: Arc<Shared>,
    /// Connections that the peer has dialled.
    streams: mpsc::Receiver<TcpStream>,
    /// Lanes that bring us blocks.
    taking: JoinSet<(u64, TakeEnd)>,
    /// The same, oldest first.
    stops: Vec<Taking>,
    next: u64,
    /// Lanes that bring the peer blocks.
    serving: JoinSet<()>,
    wanted: Connections,
}

/// A lane that brings us blocks.
#[derive(Debug)]
struct Taking {
    number: u64,
    /// Tells it to end.
    stop: CancellationToken,
    /// Milliseconds of the link's life at which bytes last came by it.
    pulse: Arc<AtomicU64>,
}

impl Lanes {
    pub(crate) fn new(shared: Arc<Shared>, streams: mpsc::Receiver<TcpStream>) -> Self {
        Self {
            wanted: Connections::new(Moment::ZERO, shared.common.connections),
            shared,
            streams,
            taking: JoinSet::new(),
            stops: Vec::new(),
            next: 0,
            serving: JoinSet::new(),
        }
    }

    /// Opens and closes lanes until the link ends. May be dropped at any await.
    pub(crate) async fn run(&mut self) -> LinkEnd {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(stream) = self.streams.recv() => self.serve(stream),
                Some(end) = self.taking.join_next() => {
                    let (number, end) = end.unwrap_or((0, TakeEnd::Lost));
                    self.handle_end(number, end);
                }
                Some(_) = self.serving.join_next() => {}
                _ = ticks.tick() => self.look(),
            }
        }
    }

    /// Ends all lanes; afterwards none tells anybody anything.
    pub(crate) async fn end(&mut self) {
        self.taking.shutdown().await;
        self.serving.shutdown().await;
    }

    fn serve(&mut self, stream: TcpStream) {
        let room = self.serving.len().saturating_add(1) < self.shared.common.connections;
        if room && let Some(permit) = self.permit() {
            let serving = serve::run(Arc::clone(&self.shared), stream);
            self.serving.spawn(async move {
                serving.await;
                drop(permit);
            });
        }
    }

    /// Looks at the link, and opens or closes lanes as is decided then.
    fn look(&mut self) {
        let Some((addr, name)) = self.door() else {
            return;
        };
        let silent = self.has_silent_lane();
        let (full, overtaken) = {
            let state = self.shared.state();
            let overtaken = silent && state.download.is_overtaken(OVERTAKEN_BY);
            (state.download.is_full(), overtaken)
        };
        if overtaken {
            tracing::debug!(addr = %self.shared.addr, "a lane has lost blocks");
            self.break_all();
        }
        let look = Look {
            full,
            link: self.shared.bytes_down.load(Ordering::Relaxed),
            all: self.shared.common.totals.bytes_down.load(Ordering::Relaxed),
        };
        let now = Moment::ZERO + self.shared.since.elapsed();
        let Some(wanted) = self.wanted.look(now, look) else {
            return;
        };
        while self.stops.len() > wanted {
            // its end is told when what is on its way has come
            self.stops.pop().iter().for_each(|lane| lane.stop.cancel());
        }
        while self.stops.len() < wanted && self.take(addr, name) {}
    }

    /// Whether a lane brought nothing for so long that what is overtaken may be lost on it. A peer sends blocks in
    /// the order that it likes: that one came before another proves nothing where all lanes move.
    fn has_silent_lane(&self) -> bool {
        let now = self.shared.age_ms(Instant::now());
        let time = u64::try_from(OVERTAKEN_BY.as_millis()).unwrap_or(u64::MAX);
        let mut lanes = self.stops.iter();
        lanes.any(|lane| now >= lane.pulse.load(Ordering::Relaxed).saturating_add(time))
    }

    /// Where lanes can be dialled and by which name, if the peer takes them and is far enough.
    fn door(&self) -> Option<(SocketAddr, [u8; 20])> {
        let state = self.shared.state();
        let name = state.spoken.lane?;
        let addr = match self.shared.direction {
            Direction::Outgoing => self.shared.addr,
            Direction::Incoming => state.spoken.listens?,
        };
        let may_pay = Connections::may_pay(state.download.round_trip());
        (may_pay || !self.stops.is_empty()).then_some((addr, name))
    }

    /// Dials a lane; false if there is no room for it.
    fn take(&mut self, addr: SocketAddr, name: [u8; 20]) -> bool {
        let Some(permit) = self.permit() else {
            return false;
        };
        let stop = CancellationToken::new();
        let number = self.next;
        self.next = number.wrapping_add(1);
        let pulse = Arc::new(AtomicU64::new(self.shared.age_ms(Instant::now())));
        self.stops.push(Taking {
            number,
            stop: stop.clone(),
            pulse: Arc::clone(&pulse),
        });
        let taking = take::run(Arc::clone(&self.shared), addr, name, (stop, pulse));
        self.taking.spawn(async move {
            let end = taking.await;
            drop(permit);
            (number, end)
        });
        true
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        let lanes = Arc::clone(&self.shared.common.lanes);
        lanes.try_acquire_owned().ok()
    }

    fn handle_end(&mut self, number: u64, end: TakeEnd) {
        match end {
            TakeEnd::Asked => {}
            TakeEnd::Refused => {
                self.stops.retain(|other| other.number != number);
                self.wanted.refused(self.stops.len());
            }
            TakeEnd::Lost => self.break_all(),
        }
    }

    /// Ends all lanes at once; the jobs that may have lost blocks on them end too.
    fn break_all(&mut self) {
        self.wanted.lost();
        self.stops.clear();
        self.taking = JoinSet::new();
        self.shared.state().download.lose();
        self.shared.writer.notify_one();
    }
}
