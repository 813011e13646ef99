//! One machine as it is seen: what it said last, when, and what follows from that.
//!
//! No I/O and no clock. What must stay true: a state is decided here alone, so that page, tables and measurements
//! agree.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;
use swarmcopy::{DecisionStatus, MachineStatus, SourceStatus};

/// A machine that has not answered for so long is silent.
pub const SILENT: Duration = Duration::from_secs(25);
/// A machine to which nothing of use came for so long is stuck.
pub const STUCK: Duration = Duration::from_secs(10);
/// Rates that are remembered of each machine.
pub(crate) const RATES_MAX: usize = 60;

/// How a machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It lacks something, and nothing of use has come for [`STUCK`].
    Stuck,
    /// It does not answer, or went before it was complete.
    Silent,
    /// It was expected and never seen.
    Expected,
    /// It hashes what lies there already.
    Checking,
    /// It lacks something, and nothing has come for a moment.
    Waiting,
    /// It copies.
    Copying,
    /// It has everything it wants and serves others.
    Done,
    /// It was complete and went.
    Left,
    /// Another client, as far as it shows itself.
    Other,
}

impl State {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 9] = [
        Self::Stuck,
        Self::Silent,
        Self::Expected,
        Self::Checking,
        Self::Waiting,
        Self::Copying,
        Self::Done,
        Self::Left,
        Self::Other,
    ];

    /// As in JSON: `stuck`, `silent`, `expected`, `checking`, `waiting`, `copying`, `done`, `left`, `other`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stuck => "stuck",
            Self::Silent => "silent",
            Self::Expected => "expected",
            Self::Checking => "checking",
            Self::Waiting => "waiting",
            Self::Copying => "copying",
            Self::Done => "done",
            Self::Left => "left",
            Self::Other => "other",
        }
    }
}

/// Bytes a second, by the kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Rates {
    /// From shares.
    pub share: u64,
    /// From mirrors.
    pub mirror: u64,
    /// From peers.
    pub peer: u64,
}

/// A rate that a machine told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// The second since the room was looked at.
    pub(crate) second: u64,
    pub(crate) rate: u64,
    /// The version of the room that this made.
    pub(crate) version: u64,
}

/// What is known of one machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) addr: Option<SocketAddr>,
    pub(crate) client: String,
    pub(crate) status: Option<Box<MachineStatus>>,
    pub(crate) sources: Vec<SourceStatus>,
    pub(crate) decisions: Vec<DecisionStatus>,
    /// Pieces that another client shows, of how many.
    pub(crate) shows: Option<(u32, u32)>,
    pub(crate) rates: Rates,
    /// The last answers, the oldest first.
    pub(crate) history: VecDeque<Heard>,
    pub(crate) heard_at: Option<Instant>,
    /// Why it is gone, since it is.
    pub(crate) gone: Option<String>,
    /// The name that was expected, until it comes.
    pub(crate) expected: Option<String>,
    /// Changes with everything that is told of it.
    pub(crate) version: u64,
    /// The state that was told last.
    pub(crate) told: Option<State>,
}

impl Machine {
    pub(crate) fn new(addr: Option<SocketAddr>, client: String) -> Self {
        Self {
            addr,
            client,
            status: None,
            sources: Vec::new(),
            decisions: Vec::new(),
            shows: None,
            rates: Rates::default(),
            history: VecDeque::new(),
            heard_at: None,
            gone: None,
            expected: None,
            version: 0,
            told: None,
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        match (&self.status, &self.expected) {
            (Some(status), _) => &status.name,
            (None, Some(expected)) => expected,
            (None, None) => &self.client,
        }
    }

    /// It said how it does, which makes this version of the room.
    pub(crate) fn hear(
        &mut self,
        status: Box<MachineStatus>,
        (second, now): (u64, Instant),
        version: u64,
    ) {
        if let (Some(old), Some(at)) = (&self.status, self.heard_at) {
            let millis = u64::try_from(now.saturating_duration_since(at).as_millis());
            let millis = millis.unwrap_or(u64::MAX).max(1);
            let rate = |new: u64, old: u64| new.saturating_sub(old).saturating_mul(1000) / millis;
            self.rates = Rates {
                share: rate(status.from_share, old.from_share),
                mirror: rate(status.from_mirror, old.from_mirror),
                peer: rate(status.from_peers, old.from_peers),
            };
        }
        if self.history.len() >= RATES_MAX {
            self.history.pop_front();
        }
        self.history.push_back(Heard {
            second,
            rate: status.rate,
            version,
        });
        self.status = Some(status);
        self.heard_at = Some(now);
        self.gone = None;
        self.expected = None;
    }

    /// Whether it has all that it wants; `None` if that is not known.
    pub(crate) fn is_complete(&self) -> Option<bool> {
        match (&self.status, self.shows) {
            (Some(status), _) => Some(is_done(status)),
            (None, Some((has, of))) => Some(has >= of),
            (None, None) => None,
        }
    }

    pub(crate) fn state(&self, now: Instant) -> State {
        if self.expected.is_some() {
            return State::Expected;
        }
        let Some(status) = &self.status else {
            return if self.gone.is_some() {
                State::Left
            } else {
                State::Other
            };
        };
        let done = is_done(status);
        let heard = self.heard_at.unwrap_or(now);
        if self.gone.is_some() {
            return if done { State::Left } else { State::Silent };
        }
        if now.saturating_duration_since(heard) >= SILENT {
            return State::Silent;
        }
        let waits = Duration::from_millis(status.wait_ms);
        match status.phase.as_str() {
            _ if done => State::Done,
            "checking" => State::Checking,
            _ if status.wait.is_empty() => State::Copying,
            _ if waits >= STUCK => State::Stuck,
            _ => State::Waiting,
        }
    }

    /// How long it takes on, at its rate of now.
    pub(crate) fn seconds_left(&self, now: Instant) -> Option<u64> {
        let status = self.status.as_ref()?;
        let left = status.bytes.saturating_sub(status.verified);
        match self.state(now) {
            State::Done | State::Left => Some(0),
            State::Copying | State::Waiting => {
                let recent = self.history.iter().rev().take(5);
                let (sum, count) = recent.fold((0u64, 0u64), |(sum, count), heard| {
                    (sum.saturating_add(heard.rate), count + 1)
                });
                let rate = sum.checked_div(count).filter(|rate| *rate > 0)?;
                Some(left.div_ceil(rate))
            }
            _ => None,
        }
    }

    /// Why it stands still, in words.
    pub(crate) fn why(&self, now: Instant) -> Option<String> {
        let state = self.state(now);
        match (state, &self.status, &self.gone) {
            (State::Expected, _, _) => Some("expected, and never seen".to_owned()),
            (State::Silent, _, Some(gone)) => Some(format!("gone before it was complete: {gone}")),
            (State::Silent, _, None) => Some("it does not answer".to_owned()),
            (State::Stuck | State::Waiting, Some(status), _) => {
                Some(format!("waiting for {}", status.wait_words))
            }
            _ => None,
        }
    }
}

fn is_done(status: &MachineStatus) -> bool {
    status.phase != "checking" && status.verified >= status.bytes
}
