//! Playing a recording again: the same events to the same scheduler, and its decisions beside those of then.
//!
//! What must stay true: a file from anywhere does no harm: memory is bounded by limits with names, and where
//! something is missing nothing is compared behind it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use swarmcopy_scheduler::{Event, Instant, Scheduler};

use crate::action::{self, Reasons};
use crate::bytes::{Reader, Writer};
use crate::head::Head;
use crate::parts::{self, PART_LEN_MAX};
use crate::record::kind;
use crate::{Broken, event};

/// Differences that are told one by one.
const TOLD_MAX: usize = 50;
/// Sources that may be there at a time.
const SOURCES_MAX: usize = 4096;
/// Most bits that all sources' pieces may take.
const BITS_MAX: u64 = 1 << 33;
/// Decisions that may wait to be compared.
const DECISIONS_MAX: usize = 1 << 20;
/// Seconds that are drawn.
const SECONDS_MAX: usize = 100_000;
/// Names that are remembered.
const NAMES_MAX: usize = 100_000;

/// Why a recording can't be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It can't be read.
    #[error("cannot read the recording: {0}")]
    Io(#[from] io::Error),
    /// It is no recording, or of another version.
    #[error("cannot read the recording: {0}")]
    Broken(#[from] Broken),
    /// It asks for more than there is room for.
    #[error("cannot play the recording: too many {0}")]
    TooMany(&'static str),
    /// The scheduler failed.
    #[error("cannot play the recording: the scheduler failed at {at:.3} s")]
    Failed {
        /// When.
        at: f64,
    },
}

/// A decision that was another then.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// When, in seconds.
    pub at: f64,
    /// What was decided then.
    pub then: String,
    /// What is decided now.
    pub now: String,
}

/// Bytes that came in one second, by the kind of source.
pub type Second = BTreeMap<String, u64>;

/// What a recording tells.
#[derive(Debug, Clone)]
pub struct Replay {
    /// How it began.
    pub head: Head,
    /// How long it lasts, in seconds.
    pub seconds: f64,
    /// Events that were told.
    pub events: u64,
    /// Decisions that were taken, and compared.
    pub decisions: u64,
    /// Those that are others now.
    pub differ: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// When the first thing is missing, in seconds: nothing is compared behind that.
    pub gap: Option<f64>,
    /// Whether the copy was complete, and when.
    pub complete: Option<f64>,
    /// How often decisions were explained, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Sources and what they were, by number.
    pub names: BTreeMap<u64, (String, String)>,
    /// Bytes of each second.
    pub rates: Vec<Second>,
    /// Verified pieces at the end of each second.
    pub verified: Vec<u32>,
}

/// Plays the recording at `path` with all its parts.
///
/// # Errors
/// If it can't be read, is no recording, or can't be played.
pub fn replay(path: &Path) -> Result<Replay, ReplayError> {
    let files = parts::existing(path);
    let mut player: Option<Player> = None;
    for file in files {
        let mut bytes = Vec::new();
        // a part is a little longer than its limit if its last block was long
        File::open(file)?
            .take(PART_LEN_MAX.saturating_mul(2))
            .read_to_end(&mut bytes)?;
        let mut from = Reader(&bytes);
        let player = match &mut player {
            Some(player) => player,
            none => {
                let head = Head::read(&mut Reader(from.bytes()?))?;
                none.insert(Player::new(head))
            }
        };
        loop {
            match from.bytes() {
                Ok(block) => player.block(Reader(block))?,
                // the last block of a process that died may be cut
                Err(Broken::Short) => break,
                Err(broken) => return Err(broken.into()),
            }
        }
    }
    let player = player.ok_or(Broken::Short)?;
    Ok(player.end())
}

struct Player {
    scheduler: Scheduler,
    replay: Replay,
    /// The number that the next block has if none is missing.
    sequence: u64,
    now: u64,
    /// Decisions of now that were not compared yet.
    decided: VecDeque<Vec<u8>>,
    reasons: Vec<String>,
    codes: Reasons,
    /// The jobs, with the kinds of their sources, by number.
    jobs: BTreeMap<u64, u64>,
    live: BTreeSet<u32>,
}

impl Player {
    fn new(head: Head) -> Self {
        let mut player = Self {
            scheduler: head.scheduler(),
            sequence: 0,
            now: head.start.micros(),
            decided: VecDeque::new(),
            reasons: Vec::new(),
            codes: Reasons::default(),
            jobs: BTreeMap::new(),
            live: BTreeSet::new(),
            replay: Replay {
                head,
                seconds: 0.0,
                events: 0,
                decisions: 0,
                differ: 0,
                differences: Vec::new(),
                gap: None,
                complete: None,
                reasons: BTreeMap::new(),
                names: BTreeMap::new(),
                rates: Vec::new(),
                verified: Vec::new(),
            },
        };
        player.take_decisions();
        player
    }

    fn block(&mut self, mut from: Reader<'_>) -> Result<(), ReplayError> {
        let (sequence, base) = (from.number()?, from.number()?);
        if sequence != self.sequence {
            self.miss();
        }
        self.sequence = sequence.saturating_add(1);
        self.now = self.now.max(base);
        while !from.is_empty() {
            self.now = self.now.saturating_add(from.number()?);
            let kind = from.byte()?;
            self.record(kind, from.bytes()?)?;
        }
        Ok(())
    }

    fn record(&mut self, kind: u8, payload: &[u8]) -> Result<(), ReplayError> {
        let mut from = Reader(payload);
        self.replay.seconds = seconds(self.now);
        match kind {
            kind::EVENT => {
                let layout = std::sync::Arc::clone(&self.replay.head.layout);
                let event = event::read(&mut from, &layout)?;
                self.told(event)
            }
            kind::TIMEOUT => self.play(Scheduler::handle_timeout),
            kind::CLOSE => self.play(Scheduler::close),
            kind::ACTION => {
                self.compare(payload);
                Ok(())
            }
            kind::NAME => {
                let (source, kind, name) = (from.number()?, from.text()?, from.text()?);
                if self.replay.names.len() < NAMES_MAX {
                    self.replay.names.insert(source, (kind, name));
                }
                Ok(())
            }
            kind::REASON => Ok(action::read_reason(&mut from, &mut self.reasons)?),
            kind::GAP => {
                self.miss();
                Ok(())
            }
            _ => Err(Broken::Field("record").into()),
        }
    }

    /// Something is missing here.
    fn miss(&mut self) {
        if self.replay.gap.is_none() {
            self.replay.gap = Some(seconds(self.now));
            self.decided.clear();
        }
    }

    fn told(&mut self, event: Event) -> Result<(), ReplayError> {
        self.replay.events = self.replay.events.saturating_add(1);
        self.account(&event)?;
        self.play(|scheduler, now| scheduler.handle(now, event))
    }

    fn account(&mut self, event: &Event) -> Result<(), ReplayError> {
        match event {
            Event::SourceUp { source, .. } => {
                self.live.insert(source.0);
                let pieces = u64::from(self.replay.head.layout.pieces());
                let live = u64::try_from(self.live.len()).unwrap_or(u64::MAX);
                if self.live.len() > SOURCES_MAX || live.saturating_mul(pieces) > BITS_MAX {
                    return Err(ReplayError::TooMany("sources"));
                }
            }
            Event::SourceDown { source, .. } => {
                self.live.remove(&source.0);
            }
            Event::Progress { job, bytes } => self.brought(job.0, *bytes),
            Event::JobEnd { job, bytes, .. } => {
                self.brought(job.0, *bytes);
                self.jobs.remove(&job.0);
            }
            _ => {}
        }
        Ok(())
    }

    fn brought(&mut self, job: u64, bytes: u64) {
        let kind = self
            .jobs
            .get(&job)
            .and_then(|source| self.replay.names.get(source));
        let kind = kind.map_or("peer", |(kind, _)| kind.as_str()).to_owned();
        if let Some(second) = self.second() {
            let sum = second.entry(kind).or_default();
            *sum = sum.saturating_add(bytes);
        }
    }

    /// The sums of this second.
    fn second(&mut self) -> Option<&mut Second> {
        let began = self.replay.head.start.micros();
        let at = self.now.saturating_sub(began) / 1_000_000;
        let at = usize::try_from(at).ok().filter(|at| *at < SECONDS_MAX)?;
        let have = self.scheduler.have().len();
        while self.replay.rates.len() <= at {
            self.replay.rates.push(Second::new());
            self.replay.verified.push(have);
        }
        if let Some(last) = self.replay.verified.last_mut() {
            *last = have;
        }
        self.replay.rates.get_mut(at)
    }

    /// Lets the scheduler do something, unless it can't know enough any more.
    fn play(&mut self, act: impl FnOnce(&mut Scheduler, Instant)) -> Result<(), ReplayError> {
        if self.replay.gap.is_some() {
            return Ok(());
        }
        let now = Instant::from_micros(self.now);
        let acting = catch_unwind(AssertUnwindSafe(|| act(&mut self.scheduler, now)));
        acting.map_err(|_| ReplayError::Failed {
            at: seconds(self.now),
        })?;
        self.take_decisions();
        if self.decided.len() > DECISIONS_MAX {
            return Err(ReplayError::TooMany("decisions that nobody recorded"));
        }
        Ok(())
    }

    fn take_decisions(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            let mut bytes = Writer::default();
            action::write(&action, &mut self.codes, &mut bytes);
            self.decided.push_back(bytes.0);
        }
    }

    /// A decision of then.
    fn compare(&mut self, then: &[u8]) {
        self.note(then);
        if self.replay.gap.is_some() {
            return;
        }
        self.replay.decisions = self.replay.decisions.saturating_add(1);
        let now = self.decided.pop_front();
        if now.as_deref() == Some(then) {
            return;
        }
        self.replay.differ = self.replay.differ.saturating_add(1);
        if self.replay.differences.len() < TOLD_MAX {
            let words =
                |bytes: &[u8]| action::words(bytes, &|source| self.named(source), &self.reasons);
            let difference = Difference {
                at: seconds(self.now),
                then: words(then),
                now: now.map_or_else(|| "nothing".to_owned(), |now| words(&now)),
            };
            self.replay.differences.push(difference);
        }
    }

    /// Takes down what a decision tells.
    fn note(&mut self, then: &[u8]) {
        if let Some(reason) = action::explained(then).and_then(|at| self.reasons.get(at)) {
            let count = self.replay.reasons.entry(reason.clone()).or_default();
            *count = count.saturating_add(1);
        }
        let mut from = Reader(then);
        match from.byte() {
            Ok(1) => {
                if let (Ok(source), Ok(job)) = (from.number(), from.number())
                    && self.jobs.len() < DECISIONS_MAX
                {
                    self.jobs.insert(job, source);
                }
            }
            Ok(14) => self.replay.complete = Some(seconds(self.now)),
            _ => {}
        }
    }

    fn named(&self, source: u64) -> String {
        match self.replay.names.get(&source) {
            Some((kind, name)) if name.is_empty() => format!("{kind} {source}"),
            Some((kind, name)) => format!("{kind} {name}"),
            None => format!("source {source}"),
        }
    }

    fn end(mut self) -> Replay {
        // the last decisions may have been taken when nobody wrote any more
        self.decided.clear();
        let have = self.scheduler.have().len();
        if let Some(last) = self.replay.verified.last_mut() {
            *last = have;
        }
        self.replay.seconds -= seconds(self.replay.head.start.micros());
        self.replay
    }
}

impl Replay {
    /// Whether every decision was the same.
    pub fn is_same(&self) -> bool {
        self.differ == 0 && self.gap.is_none()
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a time for people: 52 bits are plenty"
)]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
