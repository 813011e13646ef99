//! How one source stands: founded on its last answer, and on how long a question has waited for one.
//!
//! A pure value. What must stay true: a state that is told has an answer behind it, or a silence; the next answer
//! replaces it, whatever it was.

use std::time::{Duration, Instant};

use swarmcopy_scheduler::SourceId;
use swarmcopy_sources::{Finding, SourceError};

use crate::{SourceKind, SourceState};

/// A source that was asked and has said nothing for so long is called silent.
pub(crate) const SILENT: Duration = Duration::from_secs(3);

/// Something that was named.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) id: SourceId,
    pub(crate) kind: SourceKind,
    pub(crate) name: String,
    /// What is known of it already.
    pub(crate) trouble: Option<(SourceState, String)>,
}

/// How one source stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    state: SourceState,
    why: Option<String>,
    next_try: Option<Instant>,
    /// Questions that are open.
    open: u32,
    /// Since when one waits with nothing heard.
    waits_since: Option<Instant>,
    /// Whether its last answer was one that asking again does not change.
    lasting: bool,
}

/// What is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Told {
    pub(crate) state: SourceState,
    pub(crate) why: Option<String>,
    pub(crate) next_try: Option<Duration>,
}

impl Standing {
    /// A question is on its way.
    pub(crate) fn asked(&mut self, now: Instant) {
        self.open = self.open.saturating_add(1);
        self.waits_since.get_or_insert(now);
    }

    /// Something of use came.
    pub(crate) fn answered(&mut self, now: Instant) {
        self.state = SourceState::Up;
        self.why = None;
        self.next_try = None;
        self.lasting = false;
        self.waits_since = (self.open > 0).then_some(now);
    }

    /// A question ended; where it failed, `why` says how.
    pub(crate) fn ended(&mut self, now: Instant, why: Option<&SourceError>) {
        self.open = self.open.saturating_sub(1);
        let silent = self.silence(now);
        if self.open == 0 {
            self.waits_since = None;
        }
        match why.and_then(|why| Some((why.finding()?, why.what()))) {
            Some((finding, what)) => {
                let state = match finding {
                    Finding::Busy => SourceState::Busy,
                    Finding::Lacks => SourceState::Lacks,
                    Finding::Refuses => SourceState::Refused,
                    _ => SourceState::Down,
                };
                self.fails(state, what, None);
                self.lasting = why.is_some_and(SourceError::is_lasting);
            }
            // called off after it said nothing
            None if silent => self.fails(SourceState::Down, silence(), None),
            None => {}
        }
    }

    /// It is in trouble; when it is tried again, if that is known.
    pub(crate) fn fails(&mut self, state: SourceState, why: String, next_try: Option<Instant>) {
        self.state = state;
        self.why = Some(why);
        self.next_try = next_try;
        self.lasting = false;
    }

    /// Whether its last answer was one that asking again does not change: it refuses this machine, or has a fault.
    pub(crate) fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// If it is in trouble, it will be tried again then.
    pub(crate) fn tries_at(&mut self, at: Instant) {
        self.next_try = Some(at).filter(|_| self.state.is_trouble());
    }

    /// It works, as far as that can be said, and this is what it said.
    pub(crate) fn works(&mut self, what: Option<String>) {
        self.state = SourceState::Up;
        self.why = what;
        self.next_try = None;
        self.lasting = false;
    }

    /// What is to be told of it.
    pub(crate) fn told(&self, now: Instant) -> Told {
        if self.silence(now) && !self.state.is_trouble() {
            return Told {
                state: SourceState::Down,
                why: Some(silence()),
                next_try: None,
            };
        }
        let next_try = self.next_try.filter(|_| self.open == 0);
        Told {
            state: self.state,
            why: self.why.clone(),
            next_try: next_try.map(|at| at.saturating_duration_since(now)),
        }
    }

    /// Whether it was asked and has said nothing for long.
    fn silence(&self, now: Instant) -> bool {
        let since = self.waits_since;
        since.is_some_and(|since| now.saturating_duration_since(since) >= SILENT)
    }
}

fn silence() -> String {
    "it does not answer".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> SourceError {
        SourceError::Broken {
            name: "m".to_owned(),
            what: "refused".to_owned(),
        }
    }

    #[test]
    fn the_next_answer_replaces_whatever_was_told() {
        let now = Instant::now();
        let mut standing = Standing::default();
        assert_eq!(standing.told(now), Told::default());
        standing.asked(now);
        standing.ended(now, Some(&broken()));
        let told = standing.told(now);
        assert_eq!(
            (told.state, told.why),
            (SourceState::Down, Some("refused".to_owned()))
        );
        standing.asked(now);
        standing.answered(now);
        assert_eq!(standing.told(now).state, SourceState::Up);
        standing.ended(now, None);
        assert_eq!(
            standing.told(now + SILENT).state,
            SourceState::Up,
            "nothing is asked"
        );
    }

    #[test]
    fn who_is_asked_and_says_nothing_is_silent() {
        let now = Instant::now();
        let mut standing = Standing::default();
        standing.asked(now);
        standing.answered(now);
        assert_eq!(standing.told(now + SILENT / 2).state, SourceState::Up);
        let told = standing.told(now + SILENT);
        assert_eq!((told.state, told.why), (SourceState::Down, Some(silence())));
        standing.ended(now + SILENT, Some(&SourceError::CalledOff));
        assert_eq!(
            standing.told(now + SILENT * 2).why,
            Some(silence()),
            "that it was called off is no answer"
        );
    }

    #[test]
    fn a_refusal_lasts_until_the_next_answer() {
        let now = Instant::now();
        let refused = SourceError::Refuses {
            name: "m".to_owned(),
            what: "403".to_owned(),
        };
        let mut standing = Standing::default();
        for (why, lasting) in [(&refused, true), (&broken(), false), (&refused, true)] {
            standing.asked(now);
            standing.ended(now, Some(why));
            assert_eq!(standing.is_lasting(), lasting);
        }
        standing.answered(now);
        assert!(!standing.is_lasting());
    }

    #[test]
    fn a_fetch_that_is_called_off_soon_says_nothing_of_its_source() {
        let now = Instant::now();
        let mut standing = Standing::default();
        standing.asked(now);
        standing.ended(now + SILENT / 2, Some(&SourceError::CalledOff));
        assert_eq!(standing.told(now + SILENT), Told::default());
    }

    #[test]
    fn the_next_try_is_told_as_the_time_until_then() {
        let now = Instant::now();
        let mut standing = Standing::default();
        standing.fails(SourceState::Busy, "503".to_owned(), Some(now + SILENT));
        assert_eq!(standing.told(now).next_try, Some(SILENT));
        assert_eq!(
            standing.told(now + SILENT * 2).next_try,
            Some(Duration::ZERO)
        );
        standing.asked(now);
        assert_eq!(standing.told(now).next_try, None, "it is being tried");
    }
}
