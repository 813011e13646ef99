//! stub
#![allow(unused)]
use std::time::Duration;
use crate::Instant;
/// The number of fetches that one origin gets at a time.
#[derive(Debug)]
pub(crate) struct Streams {}
impl Streams {
    /// A controller that allows 2 streams at first and never more than `max`.
    pub(crate) fn new(max: u32) -> Self { Self {} }
    /// The idle latency as others know it; a lower own one counts more.
    pub(crate) fn base_known(&mut self, latency: Duration) {}
    /// The idle latency seen or heard.
    pub(crate) fn base(&self) -> Option<Duration> { None }
    /// A fetch ended well: `bytes` came, the first after `latency`.
    pub(crate) fn completed(&mut self, now: Instant, bytes: u64, latency: Duration) {}
    /// The origin said 429 or 503, or timed out.
    pub(crate) fn busy(&mut self, now: Instant, retry_after: Option<Duration>) {}
    /// The origin refused, reset or could not be reached: probed every 1-2 s.
    pub(crate) fn failed(&mut self, now: Instant) {}
    /// How many fetches may run now; 0 during a pause.
    pub(crate) fn allowed(&self, now: Instant) -> u32 { 1 }
    /// When a pause ends.
    pub(crate) fn paused_until(&self, now: Instant) -> Option<Instant> { None }
}
