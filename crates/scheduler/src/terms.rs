//! What a scheduler is told once and what never changes.

use std::sync::Arc;

use swarmcopy_layout::Layout;

use crate::{NodeId, Tuning};

/// What never changes.
#[derive(Debug)]
pub(crate) struct Terms {
    /// What is copied.
    pub(crate) layout: Arc<Layout>,
    /// By which numbers it is decided.
    pub(crate) tuning: Tuning,
    /// This process.
    pub(crate) node: NodeId,
    /// Most bytes asked for and not yet verified.
    pub(crate) budget_bytes: u64,
    /// Most peers that are served at a time.
    pub(crate) uploads_max: usize,
}
