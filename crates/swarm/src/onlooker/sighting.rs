//! What an onlooker is told of a room.

use std::net::SocketAddr;
use std::time::Duration;

use swarmcopy_bt_wire::extension::{DecisionStatus, MachineStatus, SourceStatus};

use crate::TrackerNote;

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
