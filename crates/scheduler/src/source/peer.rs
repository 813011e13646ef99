//! A BitTorrent peer: what it has, how it behaves, and what it and we want of each other.

use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};

use super::conduct::Conduct;
use super::hints::Hints;
use crate::{Hello, Instant, Tuning};

/// A BitTorrent peer.
#[derive(Debug)]
pub(crate) struct Peer {
    hello: Option<Hello>,
    has: PieceSet,
    conduct: Conduct,
    hints: Hints,
    /// A piece that it has and that is wanted and not here, if there is one.
    shown: Option<PieceIndex>,
    /// We told it that we are interested.
    interesting: bool,
    /// It wants pieces of ours.
    interested: bool,
    /// We let it ask.
    unchoked: bool,
    /// When a turn of upload was last given to it.
    unchoked_at: Instant,
    /// How many pieces that are missing here it alone has.
    sole: u32,
}

impl Peer {
    /// One that has none of `pieces` pieces and chokes us.
    pub(crate) fn new(now: Instant, pieces: u32, hello: Option<Hello>) -> Self {
        Self {
            hello,
            has: PieceSet::empty(pieces),
            conduct: Conduct::new(now),
            hints: Hints::default(),
            shown: None,
            interesting: false,
            interested: false,
            unchoked: false,
            unchoked_at: Instant::ZERO,
            sole: 0,
        }
    }

    /// Its words about itself, if it is one of our machines.
    pub(crate) fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Whether it is one of our machines.
    pub(crate) fn is_ours(&self) -> bool {
        self.hello.is_some()
    }

    /// The pieces that it has.
    pub(crate) fn has(&self) -> &PieceSet {
        &self.has
    }

    /// It has one more piece; whether it had not before.
    pub(crate) fn gains(&mut self, now: Instant, piece: PieceIndex) -> bool {
        let is_new = self.has.insert(piece);
        if is_new {
            self.hints.gained(now, piece);
        }
        is_new
    }

    /// It has one piece less; whether it had it.
    pub(crate) fn loses(&mut self, piece: PieceIndex) -> bool {
        self.has.remove(piece)
    }

    /// How it behaves.
    pub(crate) fn conduct(&self) -> &Conduct {
        &self.conduct
    }

    /// The same, to change it.
    pub(crate) fn conduct_mut(&mut self) -> &mut Conduct {
        &mut self.conduct
    }

    /// What was suggested.
    pub(crate) fn hints(&self) -> &Hints {
        &self.hints
    }

    /// The same, to change it.
    pub(crate) fn hints_mut(&mut self) -> &mut Hints {
        &mut self.hints
    }

    /// The next piece that it suggested and that may be asked for.
    pub(crate) fn take_hint(&mut self, closed: &PieceSet) -> Option<PieceIndex> {
        self.hints.take(&self.has, closed)
    }

    /// Whether it answers.
    pub(crate) fn serving(&self) -> bool {
        self.conduct.serving()
    }

    /// Whether it answers far too slowly for what is left.
    pub(crate) fn thin(&self) -> bool {
        self.conduct.thin()
    }

    /// Whether its pieces count as available.
    pub(crate) fn counts(&self) -> bool {
        self.conduct.counts()
    }

    /// Whether it may be asked now.
    pub(crate) fn may_be_asked(&self, now: Instant) -> bool {
        self.conduct.may_be_asked(now)
    }

    /// Whether its pieces should count as available: it is new, or delivered lately, or lets nobody wait.
    pub(crate) fn serves(&self, now: Instant, tuning: &Tuning) -> bool {
        self.conduct.serves(now, self.interesting, tuning)
    }

    /// Whether it is somebody else's client that never brought anything.
    pub(crate) fn is_unproven_stranger(&self) -> bool {
        self.hello.is_none() && !self.conduct.has_delivered()
    }

    /// No byte for at least this long is silence.
    pub(crate) fn patience(&self, tuning: &Tuning) -> Duration {
        let first = if self.is_unproven_stranger() {
            tuning.patience_short
        } else {
            tuning.patience
        };
        self.conduct.patience(first, tuning)
    }

    /// Whether it chokes us though it knows that we want something.
    pub(crate) fn chokes_us(&self) -> bool {
        self.conduct.chokes() && self.interesting
    }

    /// The piece that it shows.
    pub(crate) fn shown(&self) -> Option<PieceIndex> {
        self.shown
    }

    /// It shows this piece from now on.
    pub(crate) fn show(&mut self, piece: Option<PieceIndex>) {
        self.shown = piece;
    }

    /// Whether we want something of it, if that is not what it was told last; it is told now.
    pub(crate) fn changed_interest(&mut self) -> Option<bool> {
        let wants = self.shown.is_some();
        let told = std::mem::replace(&mut self.interesting, wants);
        (told != wants).then_some(wants)
    }

    /// Whether it wants pieces of ours.
    pub(crate) fn interested(&self) -> bool {
        self.interested
    }

    /// It wants pieces of ours, or wants none any more.
    pub(crate) fn set_interested(&mut self, interested: bool) {
        self.interested = interested;
    }

    /// Whether we let it ask.
    pub(crate) fn unchoked(&self) -> bool {
        self.unchoked
    }

    /// When a turn of upload was last given to it.
    pub(crate) fn unchoked_at(&self) -> Instant {
        self.unchoked_at
    }

    /// It may ask from now on; whether it might not before.
    pub(crate) fn unchoke(&mut self, now: Instant) -> bool {
        self.unchoked_at = now;
        !std::mem::replace(&mut self.unchoked, true)
    }

    /// It may ask no more; whether it might before.
    pub(crate) fn choke(&mut self) -> bool {
        std::mem::replace(&mut self.unchoked, false)
    }

    /// How many pieces that are missing here it alone has.
    pub(crate) fn sole(&self) -> u32 {
        self.sole
    }

    /// It alone has one more missing piece.
    pub(crate) fn more_sole(&mut self) {
        self.sole += 1;
    }

    /// It alone has one missing piece less.
    pub(crate) fn less_sole(&mut self) {
        self.sole = self.sole.saturating_sub(1);
    }
}
