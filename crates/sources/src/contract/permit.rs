//! Permits for tests, minted by a real scheduler: there is no other way.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceSet};
use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_scheduler::{
    Action, Config, Discovery, Event, Instant, NodeId, OriginKind, OriginPermit, OriginTag,
    Scheduler, SourceId, SourceInfo,
};

/// Keeps a permit alive; dropping it revokes the permit.
#[derive(Debug)]
pub struct PermitKeeper {
    _scheduler: Scheduler,
}

/// Makes a permit as a machine gets it that is alone with one origin, and what keeps it alive; `None` if the
/// scheduler mints none, which is a fault of the scheduler.
pub fn permit(layout: &Arc<Layout>) -> Option<(OriginPermit, PermitKeeper)> {
    let pieces = layout.pieces();
    let config = Config::new(OriginConfig::new(NodeId([1; 8]), [7; 32]));
    let (wanted, have) = (PieceSet::full(pieces), PieceSet::empty(pieces));
    let mut now = Instant::ZERO;
    let mut scheduler = Scheduler::new(config, Arc::clone(layout), wanted, have, (now, 1));
    let info = SourceInfo::Origin {
        kind: OriginKind::Mirror,
        tag: OriginTag([2; 8]),
        streams_max: 4,
    };
    let source = SourceId(0);
    scheduler.handle(now, Event::SourceUp { source, info });
    scheduler.handle(now, Event::Discovery(Discovery::Off));
    for _ in 0..100 {
        while let Some(action) = scheduler.poll_action() {
            if let Action::OpenOrigin { permit } = action {
                let keeper = PermitKeeper {
                    _scheduler: scheduler,
                };
                return Some((permit, keeper));
            }
        }
        let next = scheduler.poll_timeout();
        now = next.unwrap_or(now + Duration::from_millis(100));
        scheduler.handle_timeout(now);
    }
    None
}
