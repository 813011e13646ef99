//! The gate of the origin: takes in what happened, keeps the slot table, decides who reads.
//!
//! Events only change what is known and when [`OriginGate::timeout`] is to be called; the decisions
//! fall there (`drive`) and in `next_read` (`reader`). In the mode `never` there is no licence, so no
//! plan can be made; the gate still passes on what others say.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet};

use super::barren::Barren;
use super::config::{GuardUse, Hours, Isolated, OriginConfig};
use super::extent::Extents;
use super::gossip::Gossip;
use super::licence::Licence;
use super::link::LinkPeak;
use super::load::Load;
use super::marks::Marks;
use super::own::Own;
use super::standing::{Company, Standing, WhenIsolated};
use super::table::{NOBODY, SlotTable};
use super::view::{OriginState, ReadEnd};
use super::window::Window;
use crate::{Discovery, Down, Hello, Instant, NodeId, OriginKind, OriginTag, Reason, SourceId};

/// Most decisions kept for `poll_explain`; older ones are dropped.
const EXPLAINED_MAX: usize = 256;
/// What others must have heard of waits for so long: the way to them and back is not always known.
const NOTICE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Most extents known to have been taken from their slot.
pub(super) const CEDED_MAX: usize = 256;

/// So many links that break within so long, as against those that stay, are a network that fell
/// apart: its other part reads on, so its slots are not taken over in haste.
const PARTED_WITHIN: Duration = Duration::from_secs(1);
const PARTED_RATIO: u32 = 3;

/// The slot of reads that have none.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// How far this copy is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    /// Pieces are missing.
    Copying,
    /// Nothing is missing.
    Complete,
    /// The process is about to end.
    Closed,
}

/// An origin that this machine can reach.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) source: SourceId,
    pub(super) tag: OriginTag,
    pub(super) kind: OriginKind,
    pub(super) state: OriginState,
    /// It had nothing that may be read: it is not looked through again before.
    pub(super) idle_until: Instant,
}

/// A decision with what it is about.
pub type Explained = (Reason, Option<SourceId>, Option<PieceIndex>);

/// Decides whether, when and what this machine reads from origins.
#[derive(Debug)]
pub struct OriginGate {
    pub(super) config: OriginConfig,
    pub(super) layout: Arc<Layout>,
    pub(super) rng: fastrand::Rng,
    pub(super) licence: Option<Licence>,
    pub(super) extents: Extents,
    pub(super) table: SlotTable,
    pub(super) gossip: Gossip,
    pub(super) company: Company,
    pub(super) window: Window,
    pub(super) marks: Marks,
    pub(super) origins: Vec<Origin>,
    /// The slots held here.
    pub(super) own: Vec<Own>,
    /// Pieces in hand from an origin, with their slot.
    pub(super) reads: BTreeMap<u32, u32>,
    /// Extents that other machines took from their slots: who, and when last heard.
    pub(super) ceded: BTreeMap<u32, (NodeId, Instant)>,
    /// When each slot is to be claimed.
    pub(super) claim_at: Vec<Option<Instant>>,
    /// Slots with something to read, as last looked.
    pub(super) work: u64,
    pub(super) work_at: Option<Instant>,
    pub(super) standing: Standing,
    pub(super) hours: Hours,
    pub(super) life: Life,
    pub(super) now: Instant,
    /// How long word to others takes at least, for what others must have heard of.
    pub(super) notice: Duration,
    pub(super) wake: Instant,
    pub(super) tick_at: Instant,
    pub(super) beat_at: Instant,
    /// Since when it holds a slot.
    pub(super) holds_since: Instant,
    pub(super) solo_at: Instant,
    pub(super) steal_at: Instant,
    /// It claims later than others until then: they read faster.
    pub(super) modest_until: Instant,
    /// Slots that their holder offered to this machine, until then.
    pub(super) offered: (u64, Instant),
    pub(super) barren: Barren,
    pub(super) slow_since: Option<Instant>,
    pub(super) useful_at: Instant,
    /// Links that broke since then, one soon after another.
    breaking_since: Instant,
    broken_links: u32,
    pub(super) starving: bool,
    pub(super) origin_bytes: u64,
    pub(super) beat_bytes: u64,
    pub(super) beat_from: Instant,
    pub(super) goodput: u64,
    pub(super) link: LinkPeak,
    pub(super) load: Load,
    /// This machine's uplink has room.
    pub(super) room: bool,
    pub(super) limited: bool,
    /// Bit i: slot i was held here at some time.
    pub(super) slots_ever: u64,
    pub(super) cursor: u32,
    /// An empty set, to look for pieces without exception.
    pub(super) none: PieceSet,
    /// Pieces of each slot that were here or available when last counted, and when.
    pub(super) seen: Vec<(u32, Instant)>,
    explained: VecDeque<Explained>,
    pub(super) guards: VecDeque<(u32, bool)>,
    pub(super) cancels: VecDeque<PieceIndex>,
}

impl OriginGate {
    /// A gate that knows of no origin and no machine yet.
    pub fn new(config: OriginConfig, layout: Arc<Layout>, seed: u64, now: Instant) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let slots = config.slots();
        let spread = Duration::from_millis(rng.u64(0..5000));
        let len = usize::try_from(slots).unwrap_or(0);
        let when_isolated = match config.isolated {
            Isolated::Wait => WhenIsolated::Waits,
            Isolated::Trickle | Isolated::Read => WhenIsolated::GoesOn,
        };
        Self {
            licence: Licence::of(config.mode),
            extents: Extents::new(&layout, &config.content, slots),
            table: SlotTable::new(config.content, slots, now),
            gossip: Gossip::new(now, spread),
            company: Company::new(now, when_isolated),
            window: Window::new(&layout),
            marks: Marks::default(),
            origins: Vec::new(),
            own: Vec::new(),
            reads: BTreeMap::new(),
            ceded: BTreeMap::new(),
            claim_at: vec![None; len],
            work: 0,
            work_at: None,
            standing: Standing::Listening,
            hours: config.hours,
            life: Life::Copying,
            now,
            notice: NOTICE.0,
            wake: now,
            tick_at: now,
            beat_at: now,
            holds_since: now,
            solo_at: now,
            steal_at: now,
            modest_until: now,
            offered: (0, now),
            barren: Barren::new(now),
            slow_since: None,
            useful_at: now,
            breaking_since: now,
            broken_links: 0,
            starving: false,
            origin_bytes: 0,
            beat_bytes: 0,
            beat_from: now,
            goodput: 0,
            link: LinkPeak::default(),
            load: Load::new(now),
            room: false,
            limited: false,
            slots_ever: 0,
            cursor: 0,
            seen: vec![(0, now); len],
            explained: VecDeque::new(),
            guards: VecDeque::new(),
            cancels: VecDeque::new(),
            layout,
            none: PieceSet::empty(0),
            rng,
            config,
        }
    }

    /// The way to peers and back takes so long, as far as was seen.
    pub(super) fn learn_way(&mut self, way: Duration) {
        self.notice = way.clamp(NOTICE.0, NOTICE.1);
    }

    pub(super) fn wake(&mut self, at: Instant) {
        self.wake = self.wake.min(at);
    }

    pub(super) fn explain(
        &mut self,
        reason: Reason,
        source: Option<SourceId>,
        piece: Option<PieceIndex>,
    ) {
        if self.explained.len() >= EXPLAINED_MAX {
            self.explained.pop_front();
        }
        self.explained.push_back((reason, source, piece));
    }

    /// The next decision to explain.
    pub fn poll_explain(&mut self) -> Option<Explained> {
        self.explained.pop_front()
    }

    /// This machine can reach an origin (told once per origin of the content).
    pub fn origin_up(&mut self, now: Instant, source: SourceId, tag: OriginTag, kind: OriginKind) {
        self.origins.retain(|origin| origin.source != source);
        self.origins.push(Origin {
            source,
            tag,
            kind,
            state: OriginState::Ready,
            idle_until: now,
        });
        self.ask_locks(now);
        self.wake(now);
    }

    /// It can't any more. The last one gone, every slot is given back (R5).
    pub fn origin_down(&mut self, now: Instant, source: SourceId) {
        self.origins.retain(|origin| origin.source != source);
        self.limited |= self.has_origin_in_trouble();
        self.wake(now);
    }

    /// An origin's health changed.
    pub fn origin_state(&mut self, now: Instant, source: SourceId, state: OriginState) {
        let origin = self
            .origins
            .iter_mut()
            .find(|origin| origin.source == source);
        if let Some(origin) = origin {
            origin.state = state;
        }
        self.limited |= self.has_origin_in_trouble();
        self.wake(now);
    }

    /// Whether every origin of this machine refuses.
    pub(super) fn is_refused(&self) -> bool {
        let mut origins = self.origins.iter();
        !self.origins.is_empty() && origins.all(|origin| origin.state == OriginState::Down)
    }

    /// Whether an origin is down or asks for patience.
    pub(super) fn has_origin_in_trouble(&self) -> bool {
        let mut origins = self.origins.iter();
        origins.any(|origin| origin.state != OriginState::Ready)
    }

    /// The policy's hours open or close.
    pub fn hours(&mut self, now: Instant, hours: Hours) {
        self.hours = hours;
        self.wake(now);
    }

    /// A share has lock files after all: its reading waits for locks from now on.
    pub fn guarded(&mut self, now: Instant) {
        self.config.guard = GuardUse::Active;
        self.ask_locks(now);
        self.wake(now);
    }

    /// Gives every slot back at once: this process is about to end.
    pub fn close(&mut self, now: Instant) {
        self.life = Life::Closed;
        self.wake(now);
    }

    /// Discovery has news.
    pub fn discovery(&mut self, now: Instant, news: Discovery) {
        self.company.discovery(now, news);
        self.wake(now);
    }

    /// A machine of ours is connected (stock clients are not told here).
    pub fn peer_up(&mut self, now: Instant, peer: SourceId, hello: &Hello) {
        if hello.node == self.config.node {
            return;
        }
        self.gossip.join(now, peer, hello, self.table.known());
        self.company.joined(now, hello.node);
        self.wake(now);
        if hello
            .group
            .as_ref()
            .is_none_or(|group| *group == self.config.group)
        {
            self.meet_readers_max(now, hello.readers_max);
        }
    }

    /// It is no more; other sources are ignored.
    pub fn peer_down(&mut self, now: Instant, peer: SourceId, how: Down) {
        let Some(gone) = self.gossip.part(peer) else {
            return;
        };
        if how == Down::Closed {
            self.company.left(now);
            self.table.reader_gone(gone.node);
        } else {
            self.company.lost(now, gone.node);
            self.broken_links += 1;
            if now.since(self.breaking_since) > PARTED_WITHIN {
                (self.breaking_since, self.broken_links) = (now, 1);
            }
            let left = u32::try_from(self.gossip.iter().count()).unwrap_or(u32::MAX);
            let many = self.broken_links > self.table.slots();
            if many && self.broken_links >= left / PARTED_RATIO {
                self.table.fell_apart(now);
            } else {
                self.table.holder_reset(now, gone.node);
            }
        }
        self.wake(now);
    }

    /// A peer lets us wait for what was asked of it.
    pub fn peer_silent(&mut self, now: Instant, peer: SourceId) {
        if let Some(node) = self.gossip.find(peer).map(|one| one.node) {
            self.table.holder_silent(now, node);
            self.wake(now);
        }
    }

    /// A process is dead, as its machine's refusal says; who is still linked lives.
    pub fn died(&mut self, now: Instant, node: NodeId) {
        if self.gossip.iter().all(|peer| peer.node != node) {
            self.table.holder_died(now, node);
            self.table.reader_gone(node);
            self.takes_no_more(now, node);
            self.company.died(node);
            self.wake(now);
        }
    }

    /// A piece is verified here, from whatever source.
    pub fn have(&mut self, now: Instant, piece: PieceIndex) {
        self.useful_at = now;
        let index = piece.value();
        let slot = self.extents.slot_of_piece(index);
        if let Some(slot) = self.reads.remove(&index) {
            self.window.read(now, piece);
            self.read_over(slot);
            return;
        }
        self.progressed(now, slot, index);
    }

    /// A peer shows a missing piece that nobody had before: somebody reads.
    pub fn appeared(&mut self, now: Instant, piece: PieceIndex) {
        let slot = self.extents.slot_of_piece(piece.value());
        self.progressed(now, slot, piece.value());
    }

    /// A piece of this slot came, which may have been read under another.
    fn progressed(&mut self, now: Instant, slot: u32, piece: u32) {
        self.table.progressed(now, slot);
        let extent = self.extents.extent_of(piece);
        for other in 0..self.table.slots() {
            let record = self.table.cell(other).map(|cell| cell.record);
            if record.is_some_and(|it| it.extent == extent && it.holder != NOBODY) {
                self.table.progressed(now, other);
            }
        }
    }

    /// The read of one planned piece ended. Once is enough for a piece, more does no harm.
    pub fn read_ended(&mut self, now: Instant, piece: PieceIndex, end: ReadEnd) {
        match end {
            ReadEnd::Verified if self.reads.contains_key(&piece.value()) => self.have(now, piece),
            ReadEnd::Verified => {}
            ReadEnd::Failed => {
                let Some(slot) = self.reads.remove(&piece.value()) else {
                    return;
                };
                self.read_over(slot);
                for origin in &mut self.origins {
                    origin.idle_until = now;
                }
                let extents = &self.extents;
                for own in self.own.iter_mut().filter(|own| own.slot == slot) {
                    own.dry = None;
                    own.rewind(extents, piece.value());
                }
                self.cursor = self.cursor.min(piece.value());
            }
        }
    }

    fn read_over(&mut self, slot: u32) {
        let Some(own) = self.own_mut(slot) else {
            return;
        };
        own.reads = own.reads.saturating_sub(1);
        if own.reads == 0 && (own.leaving.is_some() || own.dry.is_some()) {
            self.wake = Instant::ZERO;
        }
    }

    pub(super) fn own_mut(&mut self, slot: u32) -> Option<&mut Own> {
        self.own.iter_mut().find(|own| own.slot == slot)
    }

    pub(super) fn owns(&self, slot: u32) -> bool {
        self.own.iter().any(|own| own.slot == slot)
    }

    /// A peer (of any kind) took bytes from us.
    pub fn uploaded(&mut self, now: Instant, _peer: SourceId, bytes: u64) {
        if bytes > 0 {
            self.window.taken(now);
        }
    }

    /// A source (of any kind) brought bytes.
    pub fn received(&mut self, now: Instant, source: SourceId, bytes: u64) {
        self.useful_at = now;
        self.link.add(now, bytes);
        self.load.add(now, bytes);
        if self.origins.iter().any(|origin| origin.source == source) {
            self.origin_bytes = self.origin_bytes.saturating_add(bytes);
            if bytes > 0 && self.barren.brought(now) {
                self.gossip.greet_all(now);
            }
        }
    }

    /// A peer brings too little though enough is asked of it, or does so no more.
    pub fn finds_slow(&mut self, now: Instant, peer: SourceId, slow: bool) {
        self.gossip.finds_slow(now, peer, slow);
    }

    /// An origin brought wrong bytes for this piece.
    pub fn bad(&mut self, now: Instant, source: SourceId, piece: PieceIndex) {
        let Some(origin) = self.origins.iter().find(|it| it.source == source) else {
            return;
        };
        let tag = origin.tag;
        self.marks.found(tag, piece.value());
        self.gossip.greet_all(now);
    }
}
