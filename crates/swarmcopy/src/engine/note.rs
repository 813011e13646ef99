//! What the engine's helpers tell the loop: fetches, the store, origins being opened.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{PieceIndex, Spans};
use swarmcopy_piece_store::{CheckReport, StoreError};
use swarmcopy_scheduler::{JobId, Outcome, SourceId};
use swarmcopy_sources::{OriginSource, SourceError};

use crate::Error;
use crate::copy::Way;
use crate::guard::GuardNews;
use crate::shares::Looked;
use crate::tree::Applied;

/// Something that happened outside the loop.
#[derive(Debug)]
pub(crate) enum Note {
    /// A fetch brought bytes.
    Progress {
        job: JobId,
        source: SourceId,
        bytes: u64,
    },
    /// A fetch ended.
    JobEnd {
        job: JobId,
        source: SourceId,
        outcome: Outcome,
        bytes: u64,
        missing: Spans,
        why: Option<SourceError>,
    },
    /// A piece is verified and written.
    PieceOk { piece: PieceIndex },
    /// A piece was wrong.
    PieceBad {
        piece: PieceIndex,
        senders: Vec<SourceId>,
    },
    /// A source is proven to have sent wrong bytes.
    Liar { source: SourceId, piece: PieceIndex },
    /// The disk failed; nothing more can be written.
    DiskFailed { error: Arc<StoreError> },
    /// The complete copy is closed and named, and what was done to its tree; or it could not be.
    Finished { result: Result<Applied, Error> },
    /// The copy that is served was checked.
    Checked {
        checked: Box<Result<CheckReport, StoreError>>,
    },
    /// The keeper of the share's locks has news.
    Guard(GuardNews),
    /// Somebody to copy from was named while the copy runs.
    Way(Way),
    /// A mirror that was named while the copy runs is ready to be read, or can't be used: its name, and why.
    Mirror {
        id: SourceId,
        made: Result<Arc<dyn OriginSource>, (String, String)>,
    },
    /// A share was looked at again; when that is done the next time, unless it was found.
    Share {
        id: SourceId,
        looked: Looked,
        again: Duration,
    },
}

impl Note {
    /// The bytes that it says a source brought.
    pub(crate) fn brought(&self) -> Option<(SourceId, u64)> {
        match self {
            Self::Progress { source, bytes, .. } | Self::JobEnd { source, bytes, .. } => {
                Some((*source, *bytes))
            }
            _ => None,
        }
    }
}
