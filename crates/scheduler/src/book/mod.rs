//! The book of one copy: what is here, what is wanted, what is under way, and what peers have.
//!
//! Its parts can be read by all; they change by the verbs of the book alone, so that they agree with each other.

pub(crate) mod availability;
pub(crate) mod doubts;
pub(crate) mod fresh;
pub(crate) mod ledger;

use std::collections::BTreeMap;
use std::sync::Arc;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet, Span, Spans};

use crate::{Instant, JobId, SourceId, Tuning};
use availability::Availability;
use doubts::Doubts;
use fresh::Fresh;
use ledger::{Job, Ledger};

/// The book of one copy.
#[derive(Debug)]
pub(crate) struct Book {
    layout: Arc<Layout>,
    wanted: PieceSet,
    have: PieceSet,
    /// How many wanted pieces are not here.
    left: u32,
    /// The last pieces are one in so many of all.
    end_parts: u32,
    /// Pieces that are here or not wanted.
    settled: PieceSet,
    /// Pieces that an origin had with wrong bytes.
    differ: PieceSet,
    ledger: Ledger,
    availability: Availability,
    fresh: Fresh,
    /// Pieces that were wrong when several had sent parts of them.
    doubts: Doubts,
    /// Which peers show which piece.
    shown: BTreeMap<PieceIndex, Vec<SourceId>>,
}

impl Book {
    /// A copy that wants the pieces `wanted` and has `have`.
    pub(crate) fn new(
        layout: Arc<Layout>,
        wanted: PieceSet,
        have: PieceSet,
        tuning: &Tuning,
    ) -> Self {
        let pieces = layout.pieces();
        let mut settled = PieceSet::full(pieces);
        settled.subtract(&wanted);
        settled.union_with(&have);
        let mut missing = wanted.clone();
        missing.subtract(&have);
        Self {
            left: missing.len(),
            end_parts: tuning.end_parts,
            ledger: Ledger::new(Arc::clone(&layout), settled.clone()),
            availability: Availability::new(pieces),
            fresh: Fresh::new(pieces, tuning),
            settled,
            shown: BTreeMap::new(),
            differ: PieceSet::empty(pieces),
            doubts: Doubts::default(),
            layout,
            wanted,
            have,
        }
    }

    /// The pieces that are verified here.
    pub(crate) fn have(&self) -> &PieceSet {
        &self.have
    }

    /// Whether the piece is wanted and not here.
    pub(crate) fn lacks(&self, piece: PieceIndex) -> bool {
        self.wanted.contains(piece) && !self.have.contains(piece)
    }

    /// Wanted pieces that are not here; costs O(pieces).
    pub(crate) fn missing(&self) -> PieceSet {
        let mut missing = self.wanted.clone();
        missing.subtract(&self.have);
        missing
    }

    /// How many wanted pieces are not here.
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// About so many bytes are missing.
    pub(crate) fn left_len(&self) -> u64 {
        u64::from(self.left).saturating_mul(self.layout.piece_len())
    }

    /// Whether only the last pieces are missing.
    pub(crate) fn ends(&self) -> bool {
        self.left > 0 && self.left.saturating_mul(self.end_parts) <= self.layout.pieces()
    }

    /// The pieces of which a fetch brings bytes.
    pub(crate) fn pieces_of(&self, job: &Job) -> impl Iterator<Item = PieceIndex> + use<> {
        self.layout.pieces_of(job.span())
    }

    /// Pieces that are here or not wanted.
    pub(crate) fn settled(&self) -> &PieceSet {
        &self.settled
    }

    /// Pieces that an origin had with wrong bytes.
    pub(crate) fn differ(&self) -> &PieceSet {
        &self.differ
    }

    /// Jobs and begun pieces.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What peers have.
    pub(crate) fn availability(&self) -> &Availability {
        &self.availability
    }

    /// Whose turn it is.
    pub(crate) fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    /// Pieces in doubt.
    pub(crate) fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// A piece is verified; whether it was not before.
    pub(crate) fn verified(&mut self, piece: PieceIndex) -> bool {
        self.doubts.right(piece);
        self.ledger.verified(piece);
        let is_new = self.have.insert(piece);
        if is_new {
            if self.wanted.contains(piece) {
                self.left = self.left.saturating_sub(1);
            }
            self.settled.insert(piece);
        }
        is_new
    }

    /// A piece that lay here all the time is right; whether that is news of one that is not wanted.
    pub(crate) fn proven(&mut self, piece: PieceIndex) -> bool {
        let is_new = !self.wanted.contains(piece) && self.have.insert(piece);
        if is_new {
            self.settled.insert(piece);
        }
        is_new
    }

    /// A piece is wrong; `shared` if several had sent parts of it.
    pub(crate) fn wrong(&mut self, piece: PieceIndex, shared: bool) {
        self.ledger.reopen(piece);
        self.doubts.wrong(piece, shared);
    }

    /// An origin had it with wrong bytes.
    pub(crate) fn differs(&mut self, piece: PieceIndex) {
        self.differ.insert(piece);
    }

    /// A source is gone.
    pub(crate) fn gone(&mut self, source: SourceId) {
        self.doubts.gone(source);
    }

    /// Begins the piece, if it is open.
    pub(crate) fn begin(&mut self, piece: PieceIndex) {
        self.ledger.begin(piece);
    }

    /// Begins the piece, if it is open; this peer is to bring it.
    pub(crate) fn begin_for(&mut self, piece: PieceIndex, id: SourceId) {
        if !self.ledger.closed().contains(piece) {
            self.doubts.begun(piece, id);
        }
        self.ledger.begin(piece);
    }

    /// Begins all open pieces of a run of whole pieces for an origin; the bytes of it that are free.
    pub(crate) fn begin_run(&mut self, span: Span) -> Spans {
        self.ledger.begin_run(span)
    }

    /// Gives the bytes of `span` to a job of `source`.
    pub(crate) fn assign(&mut self, now: Instant, source: SourceId, span: Span) -> JobId {
        self.ledger.assign(now, source, span)
    }

    /// Marks a job as called off; tells whether it was not yet.
    pub(crate) fn cancel(&mut self, job: JobId) -> bool {
        self.ledger.cancel(job)
    }

    /// The work of a job was taken over from others so many times.
    pub(crate) fn moved(&mut self, job: JobId, moves: u32) {
        self.ledger.moved(job, moves);
    }

    /// Counts bytes that a job brought; the job, if it is under way.
    pub(crate) fn progress(&mut self, now: Instant, job: JobId, bytes: u64) -> Option<Job> {
        self.ledger.progress(now, job, bytes)
    }

    /// Takes a job out; what it left missing is free again.
    pub(crate) fn end(&mut self, job: JobId, missing: &Spans) -> Option<Job> {
        self.ledger.end(job, missing)
    }

    /// Bytes of the piece were sent to a peer.
    pub(crate) fn sent(&mut self, piece: PieceIndex) {
        self.availability.sends(piece);
    }

    /// A peer says that it got the piece.
    pub(crate) fn gained(&mut self, piece: PieceIndex) {
        self.availability.copies(piece);
    }

    /// A peer that has the piece serves it from now on; how many do.
    pub(crate) fn served(&mut self, piece: PieceIndex) -> u16 {
        self.availability.serve(piece)
    }

    /// A peer serves the piece no more; whether it was the only one.
    pub(crate) fn withdrawn(&mut self, id: SourceId, piece: PieceIndex) -> bool {
        self.availability.stop_serving(piece);
        self.fresh.withdrawn(id, piece)
    }

    /// The first peer serves the piece, since when; so many others come before this machine.
    pub(crate) fn seen(&mut self, first: (Instant, SourceId), piece: PieceIndex, rank: u16) {
        self.fresh.seen(first, piece, rank);
    }

    /// A second peer has the piece, or this machine; the peer that had it alone.
    pub(crate) fn spread(&mut self, now: Instant, piece: PieceIndex) -> Option<SourceId> {
        self.fresh.spread(now, piece)
    }

    /// A peer that has the piece wants this machine to take it first.
    pub(crate) fn suggested(&mut self, piece: PieceIndex) {
        self.fresh.suggested(piece);
    }

    /// Lets a piece wait for its turn, or be asked for if that has come; whether it had waited.
    pub(crate) fn look_at_turn(&mut self, now: Instant, piece: PieceIndex) -> bool {
        if self.have.contains(piece) {
            return false;
        }
        let serving = self.availability.serving_of(piece);
        let ends = self.ends();
        if self.fresh.is_open(now, piece, serving, ends) {
            return self.ledger.release(piece);
        }
        self.ledger.hold(piece);
        false
    }

    /// The next piece whose turn has come.
    pub(crate) fn next_due(&mut self, now: Instant) -> Option<PieceIndex> {
        self.fresh.next_due(now)
    }

    /// A peer shows this piece.
    pub(crate) fn shows(&mut self, id: SourceId, piece: PieceIndex) {
        self.shown.entry(piece).or_default().push(id);
    }

    /// The peers that showed this piece must show another one.
    pub(crate) fn take_shown(&mut self, piece: PieceIndex) -> Vec<SourceId> {
        self.shown.remove(&piece).unwrap_or_default()
    }
}
