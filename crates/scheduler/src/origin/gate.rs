//! stub
#![allow(unused)]
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex};

use super::config::{Hours, OriginConfig};
use super::message::SlotMessage;
use super::view::{OriginState, OriginStatus, ReadEnd, ReadPlan, View};
use crate::{Discovery, Down, Hello, Instant, OriginKind, OriginTag, Reason, SourceId};

/// Decides whether, when and what this machine reads from origins.
#[derive(Debug)]
pub(crate) struct OriginGate {
}

impl OriginGate {
    /// A gate that knows of no origin and no machine yet.
    pub(crate) fn new(config: OriginConfig, layout: Arc<Layout>, seed: u64, now: Instant) -> Self { Self {} }
    /// This machine can reach an origin (told once per origin of the content).
    pub(crate) fn origin_up(&mut self, now: Instant, source: SourceId, tag: OriginTag, kind: OriginKind) {}
    /// It can't any more. The last one gone, every slot is given back (R5).
    pub(crate) fn origin_down(&mut self, now: Instant, source: SourceId) {}
    /// An origin's health changed.
    pub(crate) fn origin_state(&mut self, now: Instant, source: SourceId, state: OriginState) {}
    /// A machine of ours is connected (stock clients are not told here).
    pub(crate) fn peer_up(&mut self, now: Instant, peer: SourceId, hello: &Hello) {}
    /// It is no more; other sources are ignored.
    pub(crate) fn peer_down(&mut self, now: Instant, peer: SourceId, how: Down) {}
    /// A machine of ours sent its slot message.
    pub(crate) fn message(&mut self, now: Instant, from: SourceId, message: &SlotMessage) {}
    /// Discovery has news.
    pub(crate) fn discovery(&mut self, now: Instant, news: Discovery) {}
    /// The policy's hours open or close.
    pub(crate) fn hours(&mut self, now: Instant, hours: Hours) {}
    /// A piece is verified here, from whatever source.
    pub(crate) fn have(&mut self, now: Instant, piece: PieceIndex) {}
    /// The read of one piece of a `ReadPlan` ended. Told exactly once per planned piece.
    pub(crate) fn read_ended(&mut self, now: Instant, piece: PieceIndex, end: ReadEnd) {}
    /// A peer (of any kind) took bytes from us.
    pub(crate) fn uploaded(&mut self, now: Instant, peer: SourceId, bytes: u64) {}
    /// A source (of any kind) brought bytes.
    pub(crate) fn received(&mut self, now: Instant, source: SourceId, bytes: u64) {}
    /// An origin brought wrong bytes for this piece.
    pub(crate) fn bad(&mut self, now: Instant, source: SourceId, piece: PieceIndex) {}
    /// The server's lock for this slot is held, or is refused or lost.
    pub(crate) fn guard(&mut self, now: Instant, slot: u32, held: bool) {}
    /// The origin's latency when idle, measured here.
    pub(crate) fn base_latency_seen(&mut self, latency: Duration) {}
    /// The least idle latency that this machine or a live holder knows.
    pub(crate) fn base_latency(&self) -> Option<Duration> { None }
    /// Gives every slot back at once: this process is about to end.
    pub(crate) fn close(&mut self, now: Instant) {}
    /// Does what is due. Call when `next_timeout` is reached; calling more often does no harm.
    pub(crate) fn timeout(&mut self, now: Instant, view: &View<'_>) {}
    /// When `timeout` is to be called; changes with every event.
    pub(crate) fn next_timeout(&self) -> Option<Instant> { None }
    /// The next message to send; ask until `None` after each event and timeout.
    pub(crate) fn poll_message(&mut self, now: Instant) -> Option<(SourceId, SlotMessage)> { None }
    /// The next lock to take (`true`) or to let go of (`false`).
    pub(crate) fn poll_guard(&mut self) -> Option<(u32, bool)> { None }
    /// The next decision to explain.
    pub(crate) fn poll_explain(&mut self) -> Option<(Reason, Option<SourceId>, Option<PieceIndex>)> { None }
    /// The next piece in hand whose slot was lost (R2): its job ends at the next piece boundary, and
    /// is answered by `read_ended` as ever.
    pub(crate) fn poll_cancel(&mut self) -> Option<PieceIndex> { None }
    /// Whether an origin may be open: permits live exactly as long as this is true.
    pub(crate) fn may_open(&self, now: Instant) -> bool { false }
    /// The next run of pieces to read from `source`, at most `pieces_max`; they count as in hand until
    /// `read_ended`. Amortised O(1) per piece passed.
    pub(crate) fn next_read(&mut self, now: Instant, source: SourceId, view: &View<'_>, pieces_max: u32) -> Option<ReadPlan> { None }
    /// Why `piece` is not (or is) to be read from `source` now.
    pub(crate) fn reason(&self, now: Instant, source: SourceId, view: &View<'_>, piece: PieceIndex) -> Reason { Reason::DeniedNever }
    /// Bytes a second that this machine may read from all origins together; `None` = no limit.
    pub(crate) fn rate_max(&self) -> Option<u64> { None }
    /// Whether this machine is alone: runs of up to 64 MiB pay then.
    pub(crate) fn is_alone(&self, now: Instant) -> bool { false }
    /// Whether this machine waits for bytes that nobody brings it (for the handshake).
    pub(crate) fn is_starving(&self) -> bool { false }
    /// Whether that peer says so: it is to be unchoked.
    pub(crate) fn peer_is_starving(&self, peer: SourceId) -> bool { false }
    /// For reports.
    pub(crate) fn status(&self, now: Instant) -> OriginStatus { OriginStatus::default() }
}
