//! What one machine does with the origins: its connections, permits and limit, and who brought it what.

use std::collections::{BTreeMap, BTreeSet};

use swarmcopy_layout::PieceIndex;
use swarmcopy_scheduler::{Instant, OriginPermit, SourceId};

use crate::link::Way;

/// What a machine does with the origins.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Its connections, each to one of the origins.
    pub(crate) streams: Vec<(usize, Way)>,
    pub(crate) permits: BTreeMap<SourceId, OriginPermit>,
    /// Most bytes a second that it takes from all of them.
    pub(crate) limit: Option<u64>,
    /// When the limit lets it take more.
    pub(crate) next_at: Instant,
    /// Who brought bytes of a piece that is not whole; known only where an origin has wrong bytes.
    pub(crate) senders: BTreeMap<PieceIndex, BTreeSet<SourceId>>,
    /// Pieces that an origin brought with wrong bytes.
    pub(crate) wrong: BTreeSet<(SourceId, PieceIndex)>,
}
