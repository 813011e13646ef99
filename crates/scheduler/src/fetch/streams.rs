//! How many fetches one origin gets at a time: as many as pay, fewer when others suffer.
//!
//! A controller without clock: it sees completed fetches, and counts in windows. It starts with two
//! streams, doubles while goodput grows, then tries one more and one less now and then. Latency
//! guards the server: when answers take much longer than from an idle server, streams are given up.

use std::time::Duration;

use crate::{Instant, Tuning};

/// What the controller goes by.
#[derive(Debug, Clone, Copy)]
struct Rules {
    start: u32,
    /// A window has at least this length once the number of streams was found, and so many completions for each
    /// stream; or twice this length and two completions for each, where fetches take long.
    window: Duration,
    completions: u32,
    /// One in so many windows tries another number.
    probe_every: u32,
    /// Doubling goes on while goodput grows by more than so many percent.
    grows: u64,
    /// A change that brings more than so many percent is kept.
    pays: u64,
    /// Percent of the usual time for an answer at which some streams are given up, or all but one.
    slow: (u64, u64),
}

impl Rules {
    fn of(tuning: &Tuning) -> Self {
        Self {
            start: tuning.streams,
            window: tuning.streams_window.0,
            completions: tuning.streams_window.1,
            probe_every: tuning.streams_probe,
            grows: tuning.streams_gain.0,
            pays: tuning.streams_gain.1,
            slow: tuning.streams_slow,
        }
    }
}

/// Most latencies of a window that are kept.
const LATENCIES_MAX: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Doubling; the goodput of half as many streams, once known.
    Ramp(Option<u64>),
    /// Settled, for so many windows, at this goodput.
    Settled { windows: u32, goodput: u64 },
    /// Trying another number than `home`, which brought `goodput`.
    Probe { home: u32, goodput: u64 },
}

/// The number of fetches that one origin gets at a time.
#[derive(Debug)]
pub(crate) struct Streams {
    rules: Rules,
    max: u32,
    count: u32,
    phase: Phase,
    up_next: bool,
    window_from: Option<Instant>,
    bytes: u64,
    completions: u32,
    /// Completions that were begun with another number of streams.
    skip: u32,
    latencies: Vec<Duration>,
    base: Option<Duration>,
    high: u32,
}

impl Streams {
    /// A controller that allows 2 streams at first and never more than `max`.
    pub(crate) fn new(max: u32, tuning: &Tuning) -> Self {
        let max = max.max(1);
        let rules = Rules::of(tuning);
        Self {
            rules,
            max,
            count: rules.start.min(max),
            phase: Phase::Ramp(None),
            up_next: true,
            window_from: None,
            bytes: 0,
            completions: 0,
            skip: 0,
            latencies: Vec::new(),
            base: None,
            high: 0,
        }
    }

    /// How many fetches may run.
    pub(crate) fn allowed(&self) -> u32 {
        self.count
    }

    /// The origin asked for patience: one stream.
    pub(crate) fn busy(&mut self) {
        self.retreat(1);
    }

    /// The origin failed.
    pub(crate) fn failed(&mut self) {
        self.retreat(self.rules.start);
    }

    /// Goes back to few streams, and finds the right number anew.
    fn retreat(&mut self, count: u32) {
        self.phase = Phase::Ramp(None);
        self.go_to(count.min(self.count));
    }

    /// A fetch ended well: `bytes` came, the first of them after `latency`. Amortised O(1).
    pub(crate) fn completed(&mut self, now: Instant, bytes: u64, latency: Duration) {
        if self.skip > 0 {
            self.skip -= 1;
            self.window_from = Some(now);
            return;
        }
        let from = *self.window_from.get_or_insert(now - latency);
        self.bytes = self.bytes.saturating_add(bytes);
        self.completions = self.completions.saturating_add(1);
        if self.latencies.len() < LATENCIES_MAX {
            self.latencies.push(latency);
        }
        let passed = now.since(from);
        let enough = self.completions >= self.rules.completions.saturating_mul(self.count);
        let soon = matches!(self.phase, Phase::Ramp(_)) || passed >= self.rules.window;
        let long =
            passed >= self.rules.window * 2 && self.completions >= self.count.saturating_mul(2);
        if enough && soon || long {
            self.end_window(now, passed);
        }
    }

    fn end_window(&mut self, now: Instant, passed: Duration) {
        let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX).max(1);
        let goodput = self.bytes.saturating_mul(1_000_000) / micros;
        let before = self.count;
        if !self.give_way() {
            self.weigh(goodput);
        }
        if self.count == before {
            self.clear(now);
        }
    }

    fn clear(&mut self, now: Instant) {
        self.window_from = Some(now);
        (self.bytes, self.completions) = (0, 0);
        self.latencies.clear();
    }

    fn go_to(&mut self, count: u32) {
        let count = count.clamp(1, self.max);
        if count != self.count {
            self.skip = self.count;
            self.count = count;
        }
        self.window_from = None;
        (self.bytes, self.completions) = (0, 0);
        self.latencies.clear();
    }

    /// Gives up streams when answers take long; tells whether it did.
    fn give_way(&mut self) -> bool {
        self.latencies.sort_unstable();
        let Some(p50) = self.latencies.get(self.latencies.len() / 2).copied() else {
            return false;
        };
        // it may rise slowly: the path to the server may have become longer
        let base = self.base.map_or(p50, |base| p50.min(base + base / 100));
        self.base = Some(base);
        let ratio_percent = p50.as_micros().saturating_mul(100) / base.as_micros().max(1);
        self.high = if ratio_percent > self.rules.slow.0.into() {
            self.high + 1
        } else {
            0
        };
        if ratio_percent > self.rules.slow.1.into() && self.count > 1 {
            self.settle_at(1);
        } else if self.high >= 2 && self.count > 1 {
            self.settle_at(self.count - (self.count / 4).max(1));
        } else {
            return false;
        }
        self.high = 0;
        true
    }

    fn settle_at(&mut self, count: u32) {
        self.phase = Phase::Settled {
            windows: 0,
            goodput: 0,
        };
        self.go_to(count);
    }

    /// Decides by the goodput of the window that ended.
    fn weigh(&mut self, goodput: u64) {
        match self.phase {
            Phase::Ramp(None) => self.double(goodput),
            Phase::Ramp(Some(half)) if is_above(goodput, half, self.rules.grows) => {
                self.double(goodput);
            }
            Phase::Ramp(Some(half)) => {
                let pays = is_above(goodput, half, self.rules.pays);
                let (count, goodput) = if pays {
                    (self.count, goodput)
                } else {
                    (self.count.div_ceil(2), half)
                };
                self.phase = Phase::Settled {
                    windows: 0,
                    goodput,
                };
                self.go_to(count);
            }
            Phase::Settled { windows, .. } if windows + 1 < self.rules.probe_every => {
                self.phase = Phase::Settled {
                    windows: windows + 1,
                    goodput,
                };
            }
            Phase::Settled { .. } => self.probe(goodput),
            Phase::Probe {
                home,
                goodput: known,
            } => {
                let more = self.count > home;
                let kept = if more {
                    is_above(goodput, known, self.rules.pays)
                } else {
                    !is_above(known, goodput, self.rules.pays / 2)
                };
                self.up_next = more == kept;
                self.phase = Phase::Settled {
                    windows: 0,
                    goodput,
                };
                if !kept {
                    self.go_to(home);
                }
            }
        }
    }

    fn double(&mut self, goodput: u64) {
        if self.count >= self.max {
            self.phase = Phase::Settled {
                windows: 0,
                goodput,
            };
            return;
        }
        self.phase = Phase::Ramp(Some(goodput));
        self.go_to(self.count.saturating_mul(2));
    }

    fn probe(&mut self, goodput: u64) {
        let up = self.up_next && self.count < self.max || self.count == 1;
        let next = if up { self.count + 1 } else { self.count - 1 };
        if next > self.max {
            self.phase = Phase::Settled {
                windows: 0,
                goodput,
            };
            return;
        }
        self.phase = Phase::Probe {
            home: self.count,
            goodput,
        };
        self.go_to(next);
    }
}

/// Whether `value` is more than `percent` above `known`.
fn is_above(value: u64, known: u64, percent: u64) -> bool {
    value.saturating_mul(100) > known.saturating_mul(100 + percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An origin that gives each stream `stream_rate` up to `rate` in all, after a delay that grows
    /// with the requests beyond `patient`.
    #[derive(Clone, Copy)]
    struct Origin {
        stream_rate: u64,
        rate: u64,
        delay: Duration,
        patient: u32,
        run: u64,
    }

    impl Origin {
        fn latency(&self, streams: u32) -> Duration {
            self.delay * streams.max(self.patient) / self.patient
        }

        fn took(&self, streams: u32) -> Duration {
            let each = self.stream_rate.min(self.rate / u64::from(streams));
            self.latency(streams) + Duration::from_micros(self.run * 1_000_000 / each)
        }
    }

    /// Runs for `span` and gives the bytes that came, with the most streams seen.
    fn run(streams: &mut Streams, origin: Origin, from: Instant, span: Duration) -> (u64, u32) {
        let mut running: Vec<(Instant, Duration)> = Vec::new();
        let (mut now, mut bytes, mut most) = (from, 0, 0);
        while now < from + span {
            let allowed = streams.allowed();
            most = most.max(allowed);
            while running.len() < allowed as usize {
                let beside = u32::try_from(running.len()).unwrap() + 1;
                let at = now + origin.took(beside.max(allowed));
                running.push((at, origin.latency(beside.max(allowed))));
            }
            let next = running.iter().map(|(at, _)| *at).min().unwrap();
            now = next;
            let place = running.iter().position(|(at, _)| *at == next).unwrap();
            let (_, latency) = running.remove(place);
            bytes += origin.run;
            streams.completed(now, origin.run, latency);
        }
        (bytes, most)
    }

    const START: Instant = Instant::from_micros(1_000_000);
    const SEC: Duration = Duration::from_secs(1);

    #[test]
    fn the_knee_is_found_within_two_seconds() {
        for knee in [1, 2, 4, 6, 8, 16] {
            let mut streams = Streams::new(32, &Tuning::default());
            let origin = Origin {
                stream_rate: 20_000_000,
                rate: knee * 20_000_000,
                delay: Duration::from_millis(2),
                patient: 64,
                run: 64 * 1024,
            };
            run(&mut streams, origin, START, SEC * 2);
            let (bytes, _) = run(&mut streams, origin, START + SEC * 2, SEC * 4);
            let each = u64::from(streams.allowed());
            let best = (1..=32)
                .map(|n| u64::from(n) * origin.run * 1_000_000 / origin.took(n).as_micros() as u64);
            let best = best.max().unwrap();
            assert!(
                bytes / 4 >= best * 9 / 10,
                "knee {knee}: {} of {best}, {each}",
                bytes / 4
            );
        }
    }

    #[test]
    fn many_small_requests_with_a_delay_get_many_streams() {
        let mut streams = Streams::new(32, &Tuning::default());
        let origin = Origin {
            stream_rate: 1 << 30,
            rate: 1 << 30,
            delay: Duration::from_millis(5),
            patient: 64,
            run: 20_000,
        };
        run(&mut streams, origin, START, SEC);
        assert_eq!(streams.allowed(), 32);
    }

    #[test]
    fn a_server_whose_answers_slow_down_is_spared() {
        let mut streams = Streams::new(32, &Tuning::default());
        let origin = Origin {
            stream_rate: 10_000_000,
            rate: 40_000_000,
            delay: Duration::from_millis(10),
            patient: 4,
            run: 256 * 1024,
        };
        run(&mut streams, origin, START, SEC * 10);
        assert!(streams.allowed() <= 7, "{}", streams.allowed());
    }

    #[test]
    fn a_very_fast_origin_is_ramped_in_less_than_a_window() {
        let mut streams = Streams::new(32, &Tuning::default());
        let origin = Origin {
            stream_rate: 200_000_000,
            rate: 1_600_000_000,
            delay: Duration::from_micros(200),
            patient: 64,
            run: 256 * 1024,
        };
        run(&mut streams, origin, START, Duration::from_millis(150));
        let count = streams.allowed();
        assert!(count >= 8, "{count}");
    }

    #[test]
    fn the_number_stays_within_its_limits() {
        let mut rng = fastrand::Rng::with_seed(4);
        for max in [0, 1, 2, 5, 32] {
            let mut streams = Streams::new(max, &Tuning::default());
            let mut now = START;
            for _ in 0..20_000 {
                now = now + Duration::from_micros(rng.u64(0..100_000));
                match rng.u32(0..50) {
                    0 => streams.busy(),
                    1 => streams.failed(),
                    _ => streams.completed(
                        now,
                        rng.u64(0..1 << 30),
                        Duration::from_micros(rng.u64(0..1_000_000)),
                    ),
                }
                assert!(streams.count >= 1 && streams.count <= max.max(1));
            }
        }
    }
}
