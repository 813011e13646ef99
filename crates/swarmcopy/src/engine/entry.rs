//! One origin of a copy: closed, being opened, or open.

use std::sync::Arc;

use swarmcopy_scheduler::OriginTag;
use swarmcopy_sources::OriginSource;

use super::fetch::Opened;

/// One origin.
#[derive(Debug)]
pub(crate) struct OriginEntry {
    pub(super) source: Arc<dyn OriginSource>,
    pub(super) opened: Option<Opened>,
}

impl OriginEntry {
    pub(crate) fn new(source: Arc<dyn OriginSource>) -> Self {
        Self {
            source,
            opened: None,
        }
    }

    /// Its name in the swarm.
    pub(crate) fn tag(&self) -> OriginTag {
        self.source.tag()
    }

    /// The open source, or the opening under way.
    pub(crate) fn opened(&self) -> Option<Opened> {
        self.opened.clone()
    }
}
