//! What a swarm tells its owner.
//!
//! What must stay true: `LinkUp` comes before anything else about a link, `LinkDown` after
//! everything else and after the link's fetches have ended; nothing is left out, because whoever
//! tells waits for room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_address::Shown;
use swarmcopy_layout::PieceIndex;
use swarmcopy_scheduler::origin::SlotMessage;
use swarmcopy_scheduler::{Discovery, Down, Has, Hello, NodeId, SourceId};
use url::Url;

use crate::PeerLink;

/// Something that happened in a swarm.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SwarmEvent {
    /// A peer can be used from now on.
    LinkUp {
        /// Its number.
        id: SourceId,
        /// The link.
        link: Arc<PeerLink>,
        /// Its words about itself if it is a machine of ours.
        hello: Option<Hello>,
        /// Where it is.
        addr: SocketAddr,
        /// The program that it says to be, or its peer id made readable.
        client: String,
    },
    /// A peer says what it has.
    Has {
        /// Who.
        id: SourceId,
        /// What.
        has: Has,
    },
    /// A peer lets us ask.
    Unchoked {
        /// Who.
        id: SourceId,
    },
    /// A peer lets us ask no more; the fetches from it end as busy.
    Choked {
        /// Who.
        id: SourceId,
    },
    /// A peer asks us to take a piece first and to pass it on (BEP 6).
    Suggested {
        /// Who.
        id: SourceId,
        /// Which.
        piece: PieceIndex,
    },
    /// A peer wants pieces of ours.
    Interested {
        /// Who.
        id: SourceId,
    },
    /// A peer wants nothing of ours.
    NotInterested {
        /// Who.
        id: SourceId,
    },
    /// A machine of ours sent its slot message.
    Slots {
        /// Who.
        id: SourceId,
        /// What it said.
        message: SlotMessage,
    },
    /// A peer took bytes of a piece: told per piece and at least every 1 MiB.
    Uploaded {
        /// Who.
        id: SourceId,
        /// Of which piece.
        piece: PieceIndex,
        /// How many.
        bytes: u64,
    },
    /// A link is gone.
    LinkDown {
        /// Whose.
        id: SourceId,
        /// How.
        how: Down,
        /// Why, for a person.
        why: String,
    },
    /// A process of ours whose link broke is dead: its machine refuses connections to where it listened.
    Dead {
        /// Which.
        node: NodeId,
    },
    /// Discovery has news.
    Discovery(Discovery),
    /// Something is known of a peer that a person named.
    Named {
        /// As the person wrote it.
        peer: String,
        /// What is known.
        answer: NamedAnswer,
    },
    /// The first local announcement went out, or could not.
    Announced {
        /// Whether it went out on some network.
        sent: bool,
    },
    /// A tracker was asked.
    TrackerNote {
        /// The tracker's URL without its query.
        tracker: String,
        /// What it said.
        note: TrackerNote,
        /// When it is asked again.
        again: Duration,
    },
}

/// What became of a peer that a person named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamedAnswer {
    /// Its name leads to no address.
    NotFound(String),
    /// It is linked, perhaps by another of its addresses.
    Linked,
    /// It can't be linked, or its link ended.
    Failed {
        /// Why.
        why: String,
        /// When it is dialled again; `None` where that is under way.
        again: Option<Duration>,
    },
}

/// What a tracker said or did not say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackerNote {
    /// It answered.
    Answered {
        /// How many peers it named.
        peers: usize,
    },
    /// It answered with a warning.
    Warning(String),
    /// It refused, can't be reached, or answered nonsense.
    Failed(String),
}

/// A tracker's URL as it may be shown: a private tracker's key stands in the query, and a login before the host.
pub fn tracker_name(url: &Url) -> String {
    Shown(url).to_string()
}
