//! A machine of the room, or the origin.

use std::collections::VecDeque;

use swarmcopy_layout::{PieceIndex, PieceSet};
use swarmcopy_scheduler::spread::uplink::Uplink as Order;
use swarmcopy_scheduler::{Instant, NodeId, Scheduler, SourceId};

use crate::agenda::Coming;
use crate::liar::Claimer;
use crate::link::Way;
use crate::outcome::{Arrival, Came, Read};
use crate::profile::{MachineSpec, Role};
use crate::reading::Reading;

/// What decides for a machine.
#[derive(Debug)]
pub(crate) enum Brain {
    /// Not there yet, or dead.
    Absent,
    /// A real scheduler.
    Scheduler(Box<Scheduler>),
    /// Promises everything, answers nothing.
    Mute,
    /// Promises everything, and serves wrong bytes.
    Liar,
    /// Claims every slot.
    Claimer(Claimer),
    /// Serves whoever asks.
    Origin,
    /// Reads the first origin all the time; when it asked last.
    User { asked_at: Instant },
}

/// How a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nothing is wrong.
    Well,
    /// It does nothing and takes nothing in.
    Frozen,
    /// Its process is about to end in order.
    Leaving,
    /// Its links stand, but nobody answers: it lost its power.
    Powerless,
}

/// What a machine's uplink does.
#[derive(Debug)]
pub(crate) struct Uplink {
    pub(crate) rate: u64,
    /// Ends with something to send, in turn.
    pub(crate) turns: VecDeque<Way>,
    /// Which of them may send, on a machine of ours.
    pub(crate) order: Order,
    /// When it is asked next whose turn has lasted too long.
    pub(crate) order_due: Option<Instant>,
    /// What is being sent: from which end, of which job, how many bytes.
    pub(crate) sending: Option<(Way, u32, u64)>,
    /// It sends nothing for now.
    pub(crate) stopped: bool,
}

/// The other end of a link, as far as HAVEs need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbour {
    pub(crate) link: usize,
    pub(crate) machine: usize,
    /// The number under which it knows this machine.
    pub(crate) source: SourceId,
}

/// A machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) spec: MachineSpec,
    pub(crate) brain: Brain,
    pub(crate) node: NodeId,
    pub(crate) up: Uplink,
    /// When the downlink has taken all that is before it.
    pub(crate) down_free: Instant,
    /// Bytes on their way to it.
    pub(crate) backlog: u64,
    /// Its end of each link to a peer, in the order of the sources' numbers.
    pub(crate) ways: Vec<Way>,
    pub(crate) reading: Reading,
    /// What a user has read.
    pub(crate) reads: Vec<Read>,
    /// The machines at the other ends of the links that are up.
    pub(crate) neighbours: Vec<Neighbour>,
    /// HAVEs of neighbours that were not taken in yet, and when each comes.
    pub(crate) heard: Vec<(SourceId, u32, Instant)>,
    /// When those of far neighbours are taken in next.
    pub(crate) haves_due: Option<Instant>,
    /// Bytes of each piece that are here and not known to be wrong.
    pub(crate) filled: Vec<u64>,
    /// Its processor is busy until then.
    pub(crate) busy_until: Instant,
    /// The earliest call for its time-out that is put down.
    pub(crate) timeout_at: Option<Instant>,
    pub(crate) done_at: Option<Instant>,
    pub(crate) origin_bytes: u64,
    pub(crate) late: bool,
    /// The origin that was the last to be asked for bytes of a piece; `None` where that was a peer.
    pub(crate) asked_origin: Vec<Option<usize>>,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) came: Vec<Came>,
    /// The tracker has answered it.
    pub(crate) answered: bool,
    pub(crate) condition: Condition,
    /// It lets nobody ask, whatever its scheduler says.
    pub(crate) chokes: bool,
    /// What comes while it is frozen.
    pub(crate) held: Vec<Coming>,
    /// Pieces that were verified when its process ended.
    pub(crate) kept: Option<PieceSet>,
}

impl Machine {
    pub(crate) fn new(spec: MachineSpec, node: NodeId, pieces: u32) -> Self {
        let places = usize::try_from(pieces).unwrap_or(0);
        Self {
            brain: Brain::Absent,
            node,
            up: Uplink {
                rate: spec.up_rate,
                turns: VecDeque::new(),
                order: order_of(&spec, pieces),
                order_due: None,
                sending: None,
                stopped: false,
            },
            spec,
            down_free: Instant::ZERO,
            backlog: 0,
            ways: Vec::new(),
            reading: Reading::default(),
            reads: Vec::new(),
            neighbours: Vec::new(),
            heard: Vec::new(),
            haves_due: None,
            filled: vec![0; places],
            busy_until: Instant::ZERO,
            timeout_at: None,
            done_at: None,
            origin_bytes: 0,
            late: false,
            asked_origin: vec![None; places],
            arrivals: Vec::new(),
            came: Vec::new(),
            answered: false,
            condition: Condition::Well,
            chokes: false,
            held: Vec::new(),
            kept: None,
        }
    }

    /// Forgets what the former process did: another one begins.
    pub(crate) fn start_again(&mut self, node: NodeId) {
        self.node = node;
        self.condition = Condition::Well;
        (self.answered, self.done_at, self.timeout_at) = (false, None, None);
        self.backlog = 0;
        self.reading = Reading::default();
        self.filled.fill(0);
        self.asked_origin.fill(None);
        self.heard.clear();
        self.haves_due = None;
        self.held.clear();
        self.up.turns.clear();
        let pieces = u32::try_from(self.filled.len()).unwrap_or(0);
        self.up.order = order_of(&self.spec, pieces);
        (self.up.sending, self.up.stopped) = (None, false);
    }

    /// Bytes of these pieces are asked for.
    pub(crate) fn asks(&mut self, pieces: impl Iterator<Item = PieceIndex>, origin: Option<usize>) {
        for piece in pieces {
            let place = usize::try_from(piece.value()).unwrap_or(usize::MAX);
            if let Some(asked) = self.asked_origin.get_mut(place) {
                *asked = origin;
            }
        }
    }

    /// A piece is verified.
    pub(crate) fn note_arrival(&mut self, now: Instant, piece: u32) {
        let place = usize::try_from(piece).unwrap_or(usize::MAX);
        self.arrivals.push(Arrival {
            piece,
            at: now.since(Instant::ZERO),
            origin: self.asked_origin.get(place).copied().flatten(),
        });
    }

    /// Its link brought bytes.
    pub(crate) fn note_bytes(&mut self, now: Instant, origin: Option<usize>, bytes: u64) {
        let tenth = now.micros() / 100_000;
        let last = self.came.iter_mut().rev();
        let mut same = last.take_while(|it| it.tenth == tenth);
        match same.find(|it| it.origin == origin) {
            Some(it) => it.bytes += bytes,
            None => self.came.push(Came {
                tenth,
                origin,
                bytes,
            }),
        }
    }

    /// Whether it does nothing and takes nothing in.
    pub(crate) fn is_frozen(&self) -> bool {
        self.condition == Condition::Frozen
    }

    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.brain, Brain::Absent)
    }

    pub(crate) fn scheduler(&self) -> Option<&Scheduler> {
        match &self.brain {
            Brain::Scheduler(scheduler) => Some(scheduler),
            _ => None,
        }
    }

    pub(crate) fn scheduler_mut(&mut self) -> Option<&mut Scheduler> {
        match &mut self.brain {
            Brain::Scheduler(scheduler) => Some(scheduler),
            _ => None,
        }
    }

    /// What it says to have.
    pub(crate) fn says(&self, pieces: u32) -> PieceSet {
        match &self.brain {
            Brain::Scheduler(scheduler) => scheduler.have().clone(),
            Brain::Mute | Brain::Liar | Brain::Origin => PieceSet::full(pieces),
            Brain::Absent | Brain::Claimer(_) | Brain::User { .. } => PieceSet::empty(pieces),
        }
    }
}

/// Others know no first copies: nothing is new to them.
fn order_of(spec: &MachineSpec, pieces: u32) -> Order {
    let ours = spec.role == Role::Own;
    Order::new(if ours { pieces } else { 0 })
}
