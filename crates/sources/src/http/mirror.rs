//! What is kept of a mirror from one permit to the next.

use std::sync::Arc;

use swarmcopy_layout::Layout;

use super::coming::Coming;
use super::notes::Notes;
use super::options::MirrorOptions;
use super::slots::Slots;
use super::target::Target;
use crate::whole::Sequences;

/// What the fetches of a mirror share; it outlives a permit, so that connections and what is known of
/// files do too.
#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) target: Target,
    pub(super) layout: Arc<Layout>,
    pub(super) options: MirrorOptions,
    pub(super) notes: Notes,
    pub(super) slots: Arc<Slots>,
    pub(super) sequences: Sequences<Coming>,
}
