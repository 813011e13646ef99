//! A mirror: an HTTP server that holds the content (BEP 19 web seed).
//!
//! One connection per slot, HTTP/1.1 alone, so that "N streams" are N connections. What must stay
//! true: nothing is asked without a permit, every answer is checked before its bytes are used, credentials
//! go to the mirror's own origin alone, and no address with a password is ever told.

mod answer;
mod ask;
mod body;
mod document;
mod lanes;
mod link;
mod netrc;
mod notes;
mod options;
mod percent;
mod reach;
mod reader;
mod retry_after;
mod slots;
mod target;
mod trust;

use std::sync::Arc;

use async_trait::async_trait;
use swarmcopy_layout::Layout;
use swarmcopy_scheduler::{OriginKind, OriginPermit};

pub use document::{DocumentError, Fetched, Head, document_time_max, fetch_document};
pub use netrc::{Login, Netrc};
pub use options::MirrorOptions;
pub use target::MirrorError;
pub use trust::Trust;

use crate::gate::Gate;
use crate::{OriginSource, PieceSource, Shape, SourceError};
use lanes::Lanes;
use notes::Notes;
use slots::Slots;
use target::Target;

/// Most connections to a mirror unless told otherwise.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub const mirror_streams_max: u32 = 32;

/// A mirror of a content.
#[derive(Debug)]
pub struct MirrorSource {
    mirror: Arc<Mirror>,
}

/// What the fetches of a mirror share; it outlives a permit, so that connections and what is known of
/// files do too.
#[derive(Debug)]
struct Mirror {
    target: Target,
    layout: Arc<Layout>,
    options: MirrorOptions,
    notes: Notes,
    slots: Slots,
    lanes: Lanes,
}

impl MirrorSource {
    /// Takes the mirror at `url`. A file lies at the URL itself, or below it if it ends in `/`; a tree's
    /// files lie below URL/NAME (BEP 19). A password in the URL is used and never shown.
    pub fn new(
        url: &str,
        name: &str,
        shape: Shape,
        layout: Arc<Layout>,
        options: MirrorOptions,
    ) -> Result<Self, MirrorError> {
        let target = Target::new(url, name, shape, &options)?;
        let slots = Slots::new(&target, &options);
        let notes = Notes::default();
        Ok(Self {
            mirror: Arc::new(Mirror {
                target,
                layout,
                options,
                notes,
                slots,
                lanes: Lanes::default(),
            }),
        })
    }
}

#[async_trait]
impl OriginSource for MirrorSource {
    fn kind(&self) -> OriginKind {
        OriginKind::Mirror
    }

    fn name(&self) -> String {
        self.mirror.target.shown().to_owned()
    }

    fn identity(&self) -> String {
        self.mirror.target.identity()
    }

    fn streams_max(&self) -> u32 {
        self.mirror.options.streams_max
    }

    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
        let gate = Gate::new(permit);
        Ok(Arc::new(reader::MirrorReader::new(
            Arc::clone(&self.mirror),
            gate,
        )))
    }
}
