//! What the policy says about origins; fixed for a content's whole life.
//!
//! Flags, policy file and torrent have been reconciled before (the stricter value won); only the
//! hours change later, by an event.

use crate::tuning::Tuning;
use crate::{MachineClass, NodeId};

/// Most slots of a table.
pub const READERS_MAX_MAX: u32 = 64;

/// How origins are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Mode {
    /// The swarm reads each byte once, a few machines at a time.
    #[default]
    Protect,
    /// Every machine reads; there are no slots.
    Fast,
    /// No origin is read, whatever happens.
    Never,
}

/// What a machine does that knows of others but reaches none of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Isolated {
    /// It waits.
    Wait,
    /// It reads slowly; at full speed if the server's lock is held.
    #[default]
    Trickle,
    /// It reads at full speed.
    Read,
}

/// Whether slots are backed by locks on the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum GuardUse {
    /// The table alone decides.
    #[default]
    None,
    /// A share is read only with the server's lock for the slot.
    Active,
}

/// Whether the policy allows to read origins at this hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hours {
    /// It does.
    #[default]
    Open,
    /// It does not.
    Closed,
}

/// The policy of one content on one machine.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct OriginConfig {
    /// How many machines may read at a time (K); taken as 1..=[`READERS_MAX_MAX`].
    pub readers_max: u32,
    /// How origins are used.
    pub mode: Mode,
    /// What to do when others are known but out of reach.
    pub isolated: Isolated,
    /// Machines of one group share a table.
    pub group: String,
    /// How this machine is connected.
    pub class: MachineClass,
    /// This process; must not be all zero.
    pub node: NodeId,
    /// Names the content in hashes: its infohash.
    pub content: [u8; 32],
    /// Whether the server counts readers by locks.
    pub guard: GuardUse,
    /// Whether the hours are open at the start.
    pub hours: Hours,
    /// Bytes a second for all readers together.
    pub rate_bytes: Option<u64>,
    /// Its numbers; what can't be is taken for the nearest that can ([`Tuning::bounded`]).
    pub tuning: Tuning,
}

impl Default for OriginConfig {
    fn default() -> Self {
        Self::new(NodeId([1; 8]), [0; 32])
    }
}

impl OriginConfig {
    /// The default policy for the process `node` and the content with this infohash (a SHA-1 hash
    /// is followed by zeros).
    pub fn new(node: NodeId, content: [u8; 32]) -> Self {
        Self {
            readers_max: 3,
            mode: Mode::default(),
            isolated: Isolated::default(),
            group: String::new(),
            class: MachineClass::default(),
            node,
            content,
            guard: GuardUse::default(),
            hours: Hours::default(),
            rate_bytes: None,
            tuning: Tuning::default(),
        }
    }

    /// The number of slots, within limits.
    pub(crate) fn slots(&self) -> u32 {
        self.readers_max.clamp(1, READERS_MAX_MAX)
    }
}
