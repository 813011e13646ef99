//! A tracker as measurements.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use swarmcopy_tracker::TrackerServer;

use super::writer::{Writer, registry};

/// Measurements of a tracker.
pub fn of_tracker(server: Arc<TrackerServer>) -> Registry {
    let mut registry = registry();
    registry.register_collector(Box::new(OfTracker(server)));
    registry
}

#[derive(Debug)]
struct OfTracker(Arc<TrackerServer>);

impl Collector for OfTracker {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self.0.stats();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut to = Writer(encoder);
        to.gauge(
            "tracker_contents",
            "Contents that are announced",
            &[],
            count(stats.torrents),
        )?;
        to.gauge(
            "tracker_peers",
            "Peers of all contents",
            &[],
            count(stats.peers),
        )?;
        to.counter(
            "tracker_announces",
            "Announces that were answered",
            stats.announces,
        )?;
        to.counter(
            "tracker_refused",
            "Requests that were refused",
            stats.refused,
        )
    }
}
