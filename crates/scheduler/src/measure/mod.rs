//! What is measured of this machine's link: the best that it brings, the way to peers, what is sent.

pub(crate) mod latency;
mod meter;
mod outflow;
mod share;

use std::time::Duration;

use crate::{Instant, Tuning};
use outflow::Outflow;
use share::PeersShare;

/// What is measured of this machine's link.
#[derive(Debug)]
pub(crate) struct Measures {
    /// The best rate that all sources together were seen to bring.
    best_rate: u64,
    /// How long requests must last to fill the way to peers, as last looked at.
    way_time: Duration,
    /// What peers get of the link while an origin is read.
    share: PeersShare,
    /// What this machine sends.
    outflow: Outflow,
}

impl Measures {
    /// Nothing is known.
    pub(crate) fn new(tuning: &Tuning) -> Self {
        Self {
            best_rate: 0,
            way_time: Duration::ZERO,
            share: PeersShare::new(tuning),
            outflow: Outflow::default(),
        }
    }

    /// All sources together bring so much now, and requests to peers must last so long.
    pub(crate) fn look(&mut self, rate: u64, way_time: Duration) {
        self.best_rate = self.best_rate.max(rate);
        self.way_time = way_time;
    }

    /// Bytes came, from whatever source.
    pub(crate) fn brought(&mut self, now: Instant, bytes: u64) {
        self.share.brought(now, bytes);
    }

    /// Bytes were sent to a peer.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.outflow.sent(bytes);
    }

    /// Whether this machine's uplink has room.
    pub(crate) fn has_room_up(&mut self, now: Instant, tuning: &Tuning) -> bool {
        self.outflow.look(now, tuning)
    }

    /// The best rate that all sources together were seen to bring; 0 = unknown.
    pub(crate) fn best_rate(&self) -> u64 {
        self.best_rate
    }

    /// How long requests must last to fill the way to peers.
    pub(crate) fn way_time(&self) -> Duration {
        self.way_time
    }

    /// The part of `bytes` that peers get while an origin is read.
    pub(crate) fn share_of(&self, bytes: u64) -> u64 {
        self.share.of(bytes)
    }
}
