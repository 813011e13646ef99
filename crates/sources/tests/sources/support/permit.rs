//! Permits for tests, minted by a real scheduler: there is no other way.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceSet};
use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_scheduler::{
    Action, Config, Discovery, Event, Instant, NodeId, OriginKind, OriginPermit, OriginTag,
    Scheduler, SourceId, SourceInfo,
};

/// A permit for the one origin of a machine that is alone. Dropping the scheduler revokes it.
pub(crate) fn permit(layout: &Arc<Layout>) -> (OriginPermit, Scheduler) {
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
    scheduler.handle(
        now,
        Event::SourceUp {
            source: SourceId(0),
            info,
        },
    );
    scheduler.handle(now, Event::Discovery(Discovery::Off));
    for _ in 0..100 {
        while let Some(action) = scheduler.poll_action() {
            if let Action::OpenOrigin { permit } = action {
                return (permit, scheduler);
            }
        }
        now = scheduler
            .poll_timeout()
            .unwrap_or(now + Duration::from_millis(100));
        scheduler.handle_timeout(now);
    }
    panic!("a machine that is alone gets no permit");
}
