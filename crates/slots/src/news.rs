//! What a gate is told of others: their words about themselves, how they went, what discovery and locks brought.

use crate::names::{MachineClass, NodeId, OriginTag};

/// What a machine of ours says of itself in the BEP 10 handshake.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hello {
    /// Its process.
    pub node: NodeId,
    /// The origins it can reach.
    pub origins: Vec<OriginTag>,
    /// How many machines may read the origin, as it was told; 0 = it says nothing.
    pub readers_max: u32,
    /// Whose table of slots it shares, if it says so: the number of another group's says nothing of ours.
    pub group: Option<String>,
    /// How it is connected.
    pub class: MachineClass,
    /// Whether it waits for bytes that nobody brings it.
    pub starving: bool,
}

/// How a source went away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Down {
    /// In order, or by our own wish.
    Closed,
    /// The connection broke.
    Reset,
}

/// What discovery (trackers, local announcements, named peers) has brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Discovery {
    /// No discovery is configured: this machine is alone for sure.
    Off,
    /// A local announcement went out.
    Announced,
    /// Addresses of others are known, but no connection stands yet.
    Named,
    /// The same, and each of them was met or could not be reached.
    Met,
    /// Every configured way has answered or failed, and nobody was named.
    Nobody,
    /// A tracker is asked and has not answered yet.
    Waiting,
}

/// The server's word on a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LockWord {
    /// It is held here.
    Held,
    /// Others have it, and they live: it may have been another content's turn.
    InUse,
    /// It is refused or lost, and nobody is seen to live who has it.
    Refused,
}
