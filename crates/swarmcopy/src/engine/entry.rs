//! One origin of a copy: closed, being opened, or open; and what origins are read with.

use std::sync::Arc;

use swarmcopy_scheduler::{OriginTag, Preference};
use swarmcopy_sources::{MirrorOptions, OriginSource};
use swarmcopy_swarm::SourceIds;

use super::fetch::Opened;
use crate::limits::OriginLimits;

/// What origins are read with.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) ids: Arc<SourceIds>,
    pub(crate) limits: OriginLimits,
    pub(crate) mirrors: MirrorOptions,
}

/// One origin.
#[derive(Debug)]
pub(crate) struct OriginEntry {
    pub(super) source: Arc<dyn OriginSource>,
    pub(super) preference: Preference,
    pub(super) opened: Option<Opened>,
}

impl OriginEntry {
    pub(crate) fn new(source: Arc<dyn OriginSource>) -> Self {
        Self {
            source,
            preference: Preference::default(),
            opened: None,
        }
    }

    /// The same with how much it is preferred to others.
    pub(crate) fn preferred(mut self, preference: Preference) -> Self {
        self.preference = preference;
        self
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
