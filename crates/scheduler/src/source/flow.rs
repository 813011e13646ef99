//! What is under way from one source, and how fast it comes: the one model for peers and origins.

use std::time::Duration;

use crate::measure::latency::Latency;
use crate::{Instant, JobId, Tuning};
use swarmcopy_slots::Rate;

/// What is under way from one source, and how fast it comes.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    jobs: Vec<JobId>,
    in_flight: u64,
    rate: Rate,
    /// When bytes came last, or were first asked after a pause.
    active: Instant,
    /// Since when it was always asked for something.
    busy_since: Instant,
    latency: Latency,
    /// The job that was given to it while it had nothing to do, until its first byte comes.
    probe: Option<JobId>,
}

impl Flow {
    /// A job of `bytes` was given to it.
    pub(crate) fn asked(&mut self, now: Instant, job: JobId, bytes: u64) {
        if self.jobs.is_empty() {
            self.rate.resume(now);
            (self.active, self.busy_since) = (now, now);
            self.probe = Some(job);
        }
        self.jobs.push(job);
        self.in_flight = self.in_flight.saturating_add(bytes);
    }

    /// Bytes of a job came that was given to it at `started`.
    pub(crate) fn brought(&mut self, now: Instant, job: JobId, started: Instant, bytes: u64) {
        if bytes > 0 {
            if self.probe.take_if(|probe| *probe == job).is_some() {
                self.latency.add(now.since(started));
            }
            self.rate.add(now, bytes);
            self.active = now;
            self.in_flight = self.in_flight.saturating_sub(bytes);
        }
    }

    /// A job ended with `left` bytes not brought.
    pub(crate) fn ended(&mut self, job: JobId, left: u64) {
        self.jobs.retain(|other| *other != job);
        self.in_flight = if self.jobs.is_empty() {
            0
        } else {
            self.in_flight.saturating_sub(left)
        };
    }

    /// Its jobs, in the order in which it was asked.
    pub(crate) fn jobs(&self) -> &[JobId] {
        &self.jobs
    }

    /// Whether it is asked for anything.
    pub(crate) fn is_asked(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Bytes that it was asked for and has not brought.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Bytes a second that it brings while it is asked, once that is known.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.rate.value()
    }

    /// How long `bytes` will take, if the rate is known.
    pub(crate) fn time_for(&self, bytes: u64) -> Option<Duration> {
        self.rate.time_for(bytes)
    }

    /// How long it has brought nothing since it was asked after a pause.
    pub(crate) fn quiet_for(&self, now: Instant) -> Duration {
        now.since(self.active)
    }

    /// How long it has always been asked for something.
    pub(crate) fn busy_for(&self, now: Instant) -> Duration {
        now.since(self.busy_since)
    }

    /// Whether it was asked and brought no byte for so long.
    pub(crate) fn is_silent(&self, now: Instant, time: Duration) -> bool {
        self.is_asked() && self.quiet_for(now) >= time
    }

    /// How long the way there and back takes.
    pub(crate) fn way(&self) -> Duration {
        self.latency.base().unwrap_or_default()
    }

    /// How long requests must last to fill the way to this source.
    pub(crate) fn way_time(&self, tuning: &Tuning) -> Duration {
        (self.way() * tuning.ways).min(tuning.piece_time)
    }

    /// No byte for longer than this is too long: `floor`, or what so many blocks or half as many
    /// answers take. Where
    /// its rate is not known, the `usual` one of all sources together counts, for no more than it was asked for;
    /// 0 = not known.
    pub(crate) fn patience(
        &self,
        (block_len, blocks): (u64, u32),
        floor: Duration,
        usual: u64,
    ) -> Duration {
        let len = block_len.saturating_mul(blocks.into());
        let asked = len.min(self.in_flight);
        let usual = asked.saturating_mul(1_000_000).checked_div(usual);
        let block = self.time_for(len).or(usual.map(Duration::from_micros));
        let answer = self.latency.p90().map(|p90| p90 * blocks / 2);
        block.max(answer).unwrap_or(floor).clamp(floor, floor * 15)
    }
}
