//! Why a link ended, and why a swarm could not start.

use std::io;
use std::net::SocketAddr;

use swarmcopy_bt_wire::peer::WireError;
use swarmcopy_scheduler::{Down, Proof};

use crate::address_book::BAN_TIME;

/// Why a service of a swarm could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwarmError {
    /// The address to listen on can't be had.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Local discovery can't be had.
    #[error("cannot use local discovery: {0}")]
    Lsd(io::Error),
    /// The distributed hash table can't be entered.
    #[error("cannot use the distributed hash table: {0}")]
    Dht(io::Error),
    /// A peer's name is not `HOST:PORT`.
    #[error("cannot read peer {0}: expected HOST:PORT")]
    PeerName(String),
}

/// Why a link ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkEnd {
    /// By our own wish.
    #[error("closed by us")]
    Closed,
    /// The same peer is linked already.
    #[error("linked twice")]
    Duplicate,
    /// The peer is ourselves.
    #[error("linked to ourselves")]
    Ourselves,
    /// The peer is about another content.
    #[error("the peer has another content")]
    OtherContent,
    /// One of both has as many links as it takes.
    #[error("no room for more links")]
    Full,
    /// The peer closed the connection.
    #[error("closed by the peer")]
    ByPeer,
    /// The connection broke.
    #[error("connection broke: {0}")]
    Io(io::ErrorKind),
    /// It lied, and is left alone for a while.
    #[error("it lied: {0}; it is left alone for {minutes} min", minutes = BAN_TIME.as_secs() / 60)]
    Lied(Proof),
    /// Nothing was heard for too long.
    #[error("nothing heard for too long")]
    Silent,
    /// The peer sent what can't be.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The peer did what it must not.
    #[error("against the protocol: {0}")]
    Violation(&'static str),
}

impl LinkEnd {
    /// What the scheduler is to know of it.
    pub fn how(&self) -> Down {
        match self {
            Self::Closed | Self::Duplicate | Self::Ourselves | Self::Full | Self::Lied(_) => {
                Down::Closed
            }
            _ => Down::Reset,
        }
    }

    /// Whether a peer that was just dialled may have hung up because it wants an encrypted handshake, or none.
    pub(crate) fn may_want_other_words(&self) -> bool {
        let hung_up = matches!(
            self,
            Self::Io(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
        );
        hung_up || matches!(self, Self::ByPeer | Self::Wire(_) | Self::Violation(_))
    }

    /// Whether the peer is to be left alone for a while.
    pub fn is_malicious(&self) -> bool {
        matches!(self, Self::Wire(_) | Self::Violation(_))
    }
}

impl From<io::Error> for LinkEnd {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::ByPeer,
            kind => Self::Io(kind),
        }
    }
}
