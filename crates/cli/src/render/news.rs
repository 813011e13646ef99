//! What is new about sources, and how often lines about a copy are written.
//!
//! What must stay true: a change is told at once and once; a source that changes all the time is told of every few
//! seconds; a copy that only waits to be asked says next to nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use swarmcopy::{Phase, Progress, SourceKind, SourceProgress, SourceState};

use super::text;

/// Least time between two lines about one source.
const SOURCE_EVERY: Duration = Duration::from_secs(5);
/// Time between two lines of a complete copy of which nobody takes anything.
const IDLE_EVERY: Duration = Duration::from_mins(1);
/// Wrong files that are told one by one.
const DAMAGE_TOLD_MAX: usize = 20;
/// Sources that are remembered.
const SOURCES_MAX: usize = 1024;

/// What was told of a source last.
#[derive(Debug)]
struct Last {
    state: SourceState,
    why: Option<String>,
    at: Instant,
}

/// What was told of all sources.
#[derive(Debug, Default)]
pub(super) struct SourceNews {
    last: BTreeMap<(SourceKind, String), Last>,
    /// Whether it was told what is wrong with a copy that is served.
    damage_told: bool,
}

impl SourceNews {
    /// What is wrong with a copy that is served; told once.
    fn damage(&mut self, damaged: &[String]) -> Vec<String> {
        if damaged.is_empty() || std::mem::replace(&mut self.damage_told, true) {
            return Vec::new();
        }
        let told = damaged.iter().take(DAMAGE_TOLD_MAX);
        let told = told.map(|what| format!("warning: {what}"));
        let more = damaged.len().saturating_sub(DAMAGE_TOLD_MAX);
        let more = (more > 0).then(|| format!("warning: and {more} more"));
        told.chain(more).collect()
    }

    /// A line for each source of which something is new.
    pub(super) fn lines(&mut self, now: Instant, progress: &Progress) -> Vec<String> {
        let fresh = progress.sources.iter().filter(|it| self.is_new(now, it));
        let fresh: Vec<&SourceProgress> = fresh.collect();
        let fresh = fresh.into_iter();
        let mut lines: Vec<String> = fresh.filter_map(|source| self.line(now, source)).collect();
        lines.extend(self.damage(&progress.damaged));
        lines
    }

    fn is_new(&self, now: Instant, source: &SourceProgress) -> bool {
        match self.last.get(&(source.kind, source.name.clone())) {
            // peers come and go: only those in trouble are worth a line
            None => source.state.is_trouble() || source.why.is_some(),
            Some(last) => {
                let same = last.state == source.state && last.why == source.why;
                !same && now.saturating_duration_since(last.at) >= SOURCE_EVERY
            }
        }
    }

    fn line(&mut self, now: Instant, source: &SourceProgress) -> Option<String> {
        if self.last.len() >= SOURCES_MAX {
            self.last
                .retain(|_, last| now.saturating_duration_since(last.at) < SOURCE_EVERY);
        }
        let last = Last {
            state: source.state,
            why: source.why.clone(),
            at: now,
        };
        let key = (source.kind, source.name.clone());
        let before = self.last.insert(key, last).map(|last| last.state);
        let was_trouble = before.is_some_and(SourceState::is_trouble);
        let worth = source.state.is_trouble() || was_trouble || source.why.is_some();
        worth.then(|| text::source_line(source))
    }
}

/// When lines about a copy are due.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    last: Option<(Instant, Option<Seen>)>,
}

/// What of a look makes a line worth writing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    phase: Phase,
    verified: u64,
    uploaded: u64,
    peers: u32,
    slots: Vec<u32>,
    states: Vec<(SourceState, Option<String>)>,
}

impl Pace {
    /// A line each time that passes.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, last: None }
    }

    /// The first line was written by other means.
    pub(super) fn begins(&mut self, now: Instant) {
        self.last = Some((now, None));
    }

    /// Whether a line is due for this look. That it is complete is told at once.
    pub(super) fn is_due(&mut self, now: Instant, progress: &Progress) -> bool {
        let seen = Seen::of(progress);
        let serves = seen.phase == Phase::Serving;
        let due = self.last.as_ref().is_none_or(|(at, last)| {
            let passed = now.saturating_duration_since(*at);
            let every = if serves && last.as_ref() == Some(&seen) {
                self.every.max(IDLE_EVERY)
            } else {
                self.every
            };
            let began = serves && last.as_ref().is_none_or(|last| last.phase != seen.phase);
            passed >= every || began
        });
        if due {
            self.last = Some((now, Some(seen)));
        }
        due
    }
}

impl Seen {
    fn of(progress: &Progress) -> Self {
        let states = progress.sources.iter();
        Self {
            phase: progress.phase,
            verified: progress.verified,
            uploaded: progress.uploaded,
            peers: progress.peers,
            slots: progress.slots.clone(),
            states: states.map(|it| (it.state, it.why.clone())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(state: SourceState, why: Option<&str>) -> Progress {
        let mut progress = Progress::new(100);
        let mut source = SourceProgress::new(SourceKind::Mirror, "http://m/");
        source.state = state;
        source.why = why.map(str::to_owned);
        progress.sources.push(source);
        progress
    }

    #[test]
    fn a_change_is_told_at_once_and_once() {
        let (mut news, start) = (SourceNews::default(), Instant::now());
        assert_eq!(
            news.lines(start, &look(SourceState::Unknown, None)),
            [""; 0]
        );
        let down = look(SourceState::Down, Some("refused"));
        let lines = news.lines(start, &down);
        assert_eq!(lines, ["mirror http://m/ is down: refused"]);
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            assert_eq!(news.lines(now, &down), [""; 0]);
        }
        let later = start + Duration::from_secs(60);
        let lines = news.lines(later, &look(SourceState::Up, None));
        assert_eq!(lines, ["mirror http://m/ answers"]);
        let again = later + Duration::from_secs(60);
        assert_eq!(news.lines(again, &look(SourceState::Up, None)), [""; 0]);
    }

    #[test]
    fn a_source_that_changes_all_the_time_is_told_of_now_and_then() {
        let (mut news, start) = (SourceNews::default(), Instant::now());
        let mut told = 0;
        for step in 0..4000 {
            let why = format!("part-{step}: 404");
            let now = start + Duration::from_millis(5 * step);
            told += news.lines(now, &look(SourceState::Lacks, Some(&why))).len();
        }
        assert_eq!(told, 4);
    }

    #[test]
    fn who_only_waits_to_be_asked_says_a_line_a_minute() {
        let mut progress = look(SourceState::Up, None);
        progress.phase = Phase::Serving;
        let (mut pace, start) = (Pace::new(Duration::from_millis(450)), Instant::now());
        let lines = (0..600 * 4).filter(|step| {
            progress.elapsed = Duration::from_millis(250 * step);
            pace.is_due(start + progress.elapsed, &progress)
        });
        assert_eq!(lines.count(), 10);
        progress.uploaded = 1;
        assert!(
            pace.is_due(start + Duration::from_secs(601), &progress),
            "it serves"
        );
    }

    #[test]
    fn that_it_is_complete_is_told_at_once() {
        let (mut pace, start) = (Pace::new(Duration::from_secs(5)), Instant::now());
        pace.begins(start);
        let mut progress = Progress::new(100);
        assert!(!pace.is_due(start, &progress));
        progress.phase = Phase::Serving;
        assert!(pace.is_due(start, &progress));
        assert!(!pace.is_due(start, &progress));
    }
}
