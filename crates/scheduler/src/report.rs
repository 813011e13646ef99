//! What a scheduler tells of itself: to people, not to what it decides.

use std::collections::BTreeSet;

use swarmcopy_layout::PieceIndex;

use crate::book::Book;
use crate::source::Sources;
use crate::{Instant, Reason, SourceId};
use swarmcopy_slots::OriginGate;

/// What the protection of the origin is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OriginReport {
    /// The slots that this machine holds.
    pub slots: Vec<u32>,
    /// The slots that it held at some time.
    pub slots_ever: Vec<u32>,
    /// Bytes that this machine read from origins.
    pub origin_bytes: u64,
    /// Bytes that all machines of the swarm read from origins, as last heard.
    pub swarm_bytes: u64,
    /// Machines that may read, as known here.
    pub machines: u32,
    /// Machines that hold a slot, as known here.
    pub readers: u32,
    /// Whether this machine waits for bytes that nobody brings it.
    pub starving: bool,
}

/// How the rest of the copy looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Outlook {
    /// Wanted pieces that are not verified.
    pub missing: u32,
    /// Of these, pieces that no connected source has (an origin has all but those it lacks).
    pub nowhere: u32,
    /// Of these, pieces that some origin had with wrong bytes.
    pub differ: u32,
    /// Fetches under way.
    pub jobs: u32,
}

/// What the origin's protection is doing.
pub(crate) fn origin_report(gate: &OriginGate, now: Instant) -> OriginReport {
    let status = gate.status(now);
    let readers = gate.readers(now).collect::<BTreeSet<_>>().len();
    OriginReport {
        slots: slots_of(status.slots),
        slots_ever: slots_of(status.slots_ever),
        origin_bytes: status.origin_bytes,
        swarm_bytes: status.swarm_bytes,
        machines: status.machines,
        readers: u32::try_from(readers).unwrap_or(u32::MAX),
        starving: status.starving,
    }
}

/// The slots of a mask.
fn slots_of(mask: u64) -> Vec<u32> {
    (0..u64::BITS)
        .filter(|slot| mask >> slot & 1 == 1)
        .collect()
}

/// How the rest of the copy looks; costs O(pieces).
pub(crate) fn outlook(book: &Book, sources: &Sources) -> Outlook {
    let missing = book.missing();
    let mut nowhere = missing.clone();
    for (_, peer) in sources.peers() {
        nowhere.subtract(peer.has());
    }
    for (_, origin) in sources.origins() {
        nowhere.intersect_with(&origin.gaps().all());
    }
    let mut differ = missing.clone();
    differ.intersect_with(book.differ());
    Outlook {
        missing: missing.len(),
        nowhere: nowhere.len(),
        differ: differ.len(),
        jobs: u32::try_from(book.ledger().jobs().count()).unwrap_or(u32::MAX),
    }
}

/// For each origin that is not read, though pieces are missing that nobody brings: the first such piece, and why it is
/// not read.
pub(crate) fn denials(
    book: &Book,
    sources: &Sources,
    why: impl Fn(SourceId, PieceIndex) -> Reason,
) -> Vec<(SourceId, PieceIndex, Reason)> {
    let Some(piece) = book.ledger().missing().iter().next() else {
        return Vec::new();
    };
    let ids = sources.origin_ids().iter().copied();
    let unread = ids.filter(|id| sources.get(*id).is_some_and(|it| !it.flow().is_asked()));
    let denied = unread.map(|id| (id, piece, why(id, piece)));
    denied.filter(|(_, _, reason)| reason.is_denial()).collect()
}
