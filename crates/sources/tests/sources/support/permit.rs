//! A permit for the one origin of a machine that is alone.

use std::sync::Arc;

use swarmcopy_layout::Layout;
use swarmcopy_scheduler::OriginPermit;
use swarmcopy_sources::contract::{self, PermitKeeper};

/// The permit, and what keeps it alive.
pub(crate) fn permit(layout: &Arc<Layout>) -> (OriginPermit, PermitKeeper) {
    contract::permit(layout).expect("a machine that is alone gets a permit")
}
