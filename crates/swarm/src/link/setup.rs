//! What is known of a peer when its link begins.

use std::net::SocketAddr;
use std::time::Duration;

use swarmcopy_bt_wire::peer::Handshake;

/// Who dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// They.
    Incoming,
    /// We.
    Outgoing,
}

/// What is known of a peer when its link begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) addr: SocketAddr,
    pub(crate) peer_id: [u8; 20],
    pub(crate) direction: Direction,
    pub(crate) fast: bool,
    pub(crate) extended: bool,
    /// How long its first answer took, if that is known.
    pub(crate) round_trip: Option<Duration>,
}

impl Setup {
    /// What a handshake says.
    pub(crate) fn new(addr: SocketAddr, theirs: &Handshake, direction: Direction) -> Self {
        Self {
            addr,
            peer_id: theirs.peer_id,
            direction,
            fast: theirs.reserved.fast(),
            extended: theirs.reserved.extended(),
            round_trip: None,
        }
    }

    /// The same with the time that the handshake took.
    pub(crate) fn with_round_trip(self, round_trip: Duration) -> Self {
        Self {
            round_trip: Some(round_trip),
            ..self
        }
    }
}
