//! A share or mirror: whether it is well, what it lacks, and how far it is trusted.

use std::collections::BTreeSet;
use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};

use super::gaps::Gaps;
use super::health::{Finding, Health};
use crate::fetch::streams::Streams;
use crate::permit::PermitKeeper;
use crate::{Instant, Preference, Tuning};

/// What speaks against an origin as a whole, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ills {
    /// It is not asked now.
    pub(crate) waits: bool,
    /// It brought too many wrong pieces.
    pub(crate) lies: bool,
    /// Its last answer was a failure.
    pub(crate) fails: bool,
}

impl Ills {
    /// Whether there are none.
    pub(crate) fn is_well(self) -> bool {
        !self.waits && self.brings_right()
    }

    /// Whether what it brings is right, once it may be asked.
    pub(crate) fn brings_right(self) -> bool {
        !self.lies && !self.fails
    }
}

/// A share or mirror.
#[derive(Debug)]
pub(crate) struct Origin {
    health: Health,
    gaps: Gaps,
    streams: Streams,
    streams_max: u32,
    preference: Preference,
    permit: Option<PermitKeeper>,
    /// Bad pieces that it alone brought, less what came right since.
    bad_pieces: u32,
    /// Pieces asked of it that have proved neither right nor wrong.
    unproven: BTreeSet<PieceIndex>,
    /// How many pieces asked of it proved right.
    proven: usize,
    /// With so many bad pieces it is used only where no other is left.
    bad_max: u32,
    /// Pieces that it is asked for beside others before any of it has proved right.
    unproven_at_start: usize,
    /// So many right pieces make up for one that was wrong.
    right_for_wrong: usize,
}

impl Origin {
    /// One of which nothing is known.
    pub(crate) fn new(pieces: u32, streams_max: u32, tuning: &Tuning) -> Self {
        Self {
            health: Health::default(),
            gaps: Gaps::new(pieces, tuning),
            streams: Streams::new(streams_max, tuning),
            streams_max,
            preference: Preference::default(),
            permit: None,
            bad_pieces: 0,
            bad_max: tuning.origin_wrong,
            unproven_at_start: tuning.origin_unproven,
            right_for_wrong: tuning.origin_tried,
            unproven: BTreeSet::new(),
            proven: 0,
        }
    }

    /// What its answers say of it.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// What it does not bring.
    pub(crate) fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// The same, to change it.
    pub(crate) fn gaps_mut(&mut self) -> &mut Gaps {
        &mut self.gaps
    }

    /// How many fetches pay.
    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// What speaks against it as a whole.
    pub(crate) fn ills(&self, now: Instant) -> Ills {
        Ills {
            waits: !self.may_be_asked(now),
            lies: self.bad_pieces >= self.bad_max,
            fails: self.health.is_failing(),
        }
    }

    /// Whether it may be asked now.
    pub(crate) fn may_be_asked(&self, now: Instant) -> bool {
        self.health.may_be_asked(now)
    }

    /// Whether its last answer was a failure.
    pub(crate) fn is_failing(&self) -> bool {
        self.health.is_failing()
    }

    /// How much a person would rather have it read.
    pub(crate) fn preference(&self) -> Preference {
        self.preference
    }

    /// A person would rather have it read so much.
    pub(crate) fn prefer(&mut self, preference: Preference) {
        self.preference = preference;
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        self.permit.is_some()
    }

    /// It may be read as long as this is kept.
    pub(crate) fn open(&mut self, keeper: PermitKeeper) {
        self.permit = Some(keeper);
    }

    /// It may be read no more.
    pub(crate) fn close(&mut self) {
        self.permit = None;
    }

    /// Whether one more fetch beside so many pays.
    pub(crate) fn has_stream_beside(&self, jobs: usize) -> bool {
        let jobs = u32::try_from(jobs).unwrap_or(u32::MAX);
        jobs < self.streams.allowed().min(self.streams_max)
    }

    /// Bytes came; whether that changed what its answers say.
    pub(crate) fn answered(&mut self) -> bool {
        let is_news = self.health.finding() != Finding::Serves;
        if is_news {
            self.health.answered();
        }
        is_news
    }

    /// A fetch ended well, its first bytes after `latency`; whether it had failed before.
    pub(crate) fn completed(&mut self, now: Instant, bytes: u64, latency: Duration) -> bool {
        self.streams.completed(now, bytes, latency);
        let was_failing = self.health.is_failing();
        self.health.answered();
        was_failing
    }

    /// It refused, broke off, stayed silent or answered nonsense; `brought` = after some useful bytes.
    pub(crate) fn failed(&mut self, now: Instant, brought: bool, tuning: &Tuning) {
        self.health.failed(now, brought, tuning);
        self.streams.failed();
    }

    /// It asked for patience, for so long if it said so.
    pub(crate) fn busy(
        &mut self,
        now: Instant,
        brought: bool,
        told: Option<Duration>,
        tuning: &Tuning,
    ) {
        self.health.busy(now, brought, told, tuning);
        self.streams.busy();
    }

    /// It alone brought this piece, with wrong bytes.
    pub(crate) fn brought_wrong(&mut self, now: Instant, piece: PieceIndex) {
        self.gaps.wrong(now, piece);
        self.bad_pieces += 1;
    }

    /// These pieces are asked of it.
    pub(crate) fn asked_for(&mut self, pieces: impl Iterator<Item = PieceIndex>) {
        for piece in pieces {
            self.gaps.asked(piece, true);
            self.unproven.insert(piece);
        }
    }

    /// A piece proved right or wrong, or did not come.
    pub(crate) fn proved(&mut self, piece: PieceIndex, right: bool) {
        self.gaps.asked(piece, false);
        if !self.unproven.remove(&piece) || !right {
            return;
        }
        self.proven += 1;
        self.gaps.brought(piece);
        if self.proven.is_multiple_of(self.right_for_wrong) {
            self.bad_pieces = self.bad_pieces.saturating_sub(1);
        }
    }

    /// How many pieces asked of it proved right.
    pub(crate) fn proven(&self) -> usize {
        self.proven
    }

    /// How many pieces were asked of it that did not prove wrong.
    pub(crate) fn tried(&self) -> usize {
        self.proven + self.unproven.len()
    }

    /// How many pieces may be asked of it before others of it have proved right: as many again as
    /// proved right so far, and one at a time once one was wrong.
    pub(crate) fn trust(&self) -> usize {
        let most = if self.bad_pieces > 0 {
            1
        } else {
            self.proven + self.unproven_at_start
        };
        most.saturating_sub(self.unproven.len())
    }

    /// Whether it has nothing of what is `missing`.
    pub(crate) fn lacks_all(&self, missing: &PieceSet) -> bool {
        missing.next_without(0, self.gaps.shut()).is_none()
    }
}
