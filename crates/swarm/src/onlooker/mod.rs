//! Onlookers: who sees a whole room and takes no part in it.
//!
//! An onlooker finds the peers of a content as any machine does, and calls itself by a name of its own kind in the
//! handshake. So machines of ours know one before it is a link: it has none of their places, their scheduler never
//! hears of it, and all it gets is answers to `sc_status` and addresses of others. To other people's clients it
//! is a peer that has nothing and wants nothing.
//!
//! What must stay true: an onlooker costs a machine at most [`onlookers_max`] connections and a few answers a
//! second, and learns nothing that [`StatusBoard`] does not hold.

mod answer;
mod links;
mod look;
mod see;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use swarmcopy_bt_wire::extension::{
    DecisionStatus, MachineStatus, ONLOOKER_PREFIX, SourceStatus, StatusMessage, StatusQuestion,
};

pub(crate) use answer::serve;
pub use look::Onlooker;

use crate::TrackerNote;

/// The number by which both sides want to receive `sc_status`.
const STATUS_ID: u8 = 5;
/// Onlookers that a machine answers at a time.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub const onlookers_max: usize = 8;

/// Whether a name in a handshake is one of an onlooker.
pub(crate) fn is_name(name: &[u8; 20]) -> bool {
    name.starts_with(ONLOOKER_PREFIX)
}

/// The same name as an onlooker's: its random part is kept.
fn onlooker_name(mut peer_id: [u8; 20]) -> [u8; 20] {
    let prefix = peer_id.iter_mut().zip(ONLOOKER_PREFIX);
    prefix.for_each(|(to, from)| *to = *from);
    peer_id
}

/// What this machine tells onlookers: written by its owner, read by whoever answers them.
#[derive(Debug, Default)]
pub struct StatusBoard(Mutex<Board>);

#[derive(Debug, Default)]
struct Board {
    machine: MachineStatus,
    sources: Vec<SourceStatus>,
    decisions: Vec<DecisionStatus>,
}

impl StatusBoard {
    /// A board with nothing on it.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Replaces all of it.
    pub fn write(
        &self,
        machine: MachineStatus,
        sources: Vec<SourceStatus>,
        decisions: Vec<DecisionStatus>,
    ) {
        let board = Board {
            machine,
            sources,
            decisions,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = board;
    }

    fn answer(&self, question: StatusQuestion) -> Vec<u8> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match question {
            StatusQuestion::Machine => StatusMessage::Machine(Box::new(board.machine.clone())),
            StatusQuestion::Sources => StatusMessage::Sources(board.sources.clone()),
            StatusQuestion::Decisions => StatusMessage::Decisions(board.decisions.clone()),
        };
        answer.encode()
    }
}

/// What an onlooker sees.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Sighting {
    /// A peer was met.
    Met {
        /// Its number from now on.
        id: u64,
        /// Where it is.
        addr: SocketAddr,
        /// Its name in the swarm.
        peer_id: [u8; 20],
        /// The program that it says to be, or its peer id made readable.
        client: String,
        /// Whether it is a machine of ours, which tells how it does.
        ours: bool,
    },
    /// A machine of ours told how it does.
    Machine {
        /// Which.
        id: u64,
        /// What it said.
        status: Box<MachineStatus>,
    },
    /// A machine of ours told what its sources are.
    Sources {
        /// Which.
        id: u64,
        /// What it said.
        sources: Vec<SourceStatus>,
    },
    /// A machine of ours told what it decided.
    Decisions {
        /// Which.
        id: u64,
        /// What it said.
        decisions: Vec<DecisionStatus>,
    },
    /// Another client shows how many pieces it has.
    Shows {
        /// Which.
        id: u64,
        /// How many.
        pieces: u32,
    },
    /// A peer is gone.
    Gone {
        /// Which.
        id: u64,
        /// Why, for a person.
        why: String,
    },
    /// A tracker was asked.
    Tracker {
        /// The tracker's URL without its secrets.
        tracker: String,
        /// What it said.
        note: TrackerNote,
        /// When it is asked again.
        again: Duration,
    },
    /// How many addresses are known, and how many of them are linked.
    Known {
        /// All but our own.
        addresses: usize,
        /// Those of them that are linked.
        linked: usize,
    },
}
