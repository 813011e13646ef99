//! What the owner of a swarm's links is told.

use std::net::{IpAddr, SocketAddr};

use swarmcopy_bt_wire::peer::Handshake;
use swarmcopy_layout::PieceIndex;
use swarmcopy_scheduler::{Proof, SourceId};

use crate::address_book::Via;
use crate::wire::Wire;

/// What the hub is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// A peer has connected and sent its handshake.
    Incoming {
        wire: Wire,
        addr: SocketAddr,
        theirs: Handshake,
    },
    /// Addresses are known.
    Addresses { addrs: Vec<SocketAddr>, via: Via },
    /// The peer at this address tells of others.
    Told { addrs: Vec<SocketAddr>, by: IpAddr },
    /// A name that a person gave was looked up.
    NameResolved {
        peer: String,
        found: Result<Vec<SocketAddr>, String>,
    },
    /// A name was looked up for the first time.
    NamesTried,
    /// A linked peer says where it listens.
    Listens { id: SourceId, addr: SocketAddr },
    /// All trackers have been asked once: whether one has answered.
    TrackersAsked { answered: bool },
    /// The first local announcement went out, or could not.
    LsdAnnounced { sent: bool },
    /// A piece that we said to have is wrong.
    Withdrawn { piece: PieceIndex },
    /// The peer is to be left alone.
    Ban { id: SourceId, proof: Proof },
}
