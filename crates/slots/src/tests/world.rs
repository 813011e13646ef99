//! A small world for gates: virtual time, links with a delay, an origin, pieces that are passed on.
//!
//! Each machine reads the origin with one stream, takes one piece at a time from a neighbour and
//! gives one at a time: crude, but the shape of a swarm. Everything follows from the seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet, RelPath};

use super::machine::view;
use crate::{Discovery, Down, Hello, Instant, NodeId, OriginKind, OriginTag, SourceId};
use crate::{OriginConfig, OriginGate, OriginState, ReadEnd, SlotMessage};

pub(super) const ORIGIN: SourceId = SourceId(u32::MAX);
pub(super) const TAG: OriginTag = OriginTag([9; 8]);
pub(super) const DELAY: Duration = Duration::from_micros(500);

/// Something that will happen.
#[derive(Debug, Clone)]
pub(super) enum Coming {
    Timeout,
    Message(usize, SlotMessage),
    Read(PieceIndex),
    Fetched(PieceIndex, usize),
    Has(PieceIndex, usize),
    Lie,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "what a machine does at a time"
)]
pub(super) struct Machine {
    pub(super) gate: OriginGate,
    pub(super) node: NodeId,
    pub(super) have: PieceSet,
    pub(super) missing: PieceSet,
    pub(super) available: PieceSet,
    pub(super) serving: Vec<u16>,
    pub(super) peers: BTreeSet<usize>,
    reading: u32,
    pub(super) fetching: bool,
    pub(super) giving: bool,
    pub(super) alive: bool,
    pub(super) done_at: Option<Instant>,
    pub(super) read: u32,
    pub(super) liar: bool,
    /// Micros per piece over its link.
    pub(super) piece_us: u64,
    timeout_at: Option<Instant>,
}

pub(super) struct World {
    pub(super) layout: Arc<Layout>,
    pub(super) now: Instant,
    pub(super) all: Vec<Machine>,
    pub(super) rng: fastrand::Rng,
    queue: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    coming: BTreeMap<u64, Coming>,
    seq: u64,
    pub(super) readers_max: u32,
    pub(super) copies: u64,
    /// Micros with more readers than slots, and the most readers seen.
    pub(super) over_us: u64,
    pub(super) peak: usize,
    pub(super) origin_up: bool,
    pub(super) loss: f64,
    pub(super) verbose: bool,
    pub(super) events: u64,
}

pub(super) fn layout(pieces: u64, piece_len: u64) -> Arc<Layout> {
    let file = RelPath::parse("content").unwrap();
    Arc::new(
        Layout::builder(piece_len)
            .file(file, pieces * piece_len)
            .build()
            .unwrap(),
    )
}

pub(super) fn node(index: usize, seed: u64) -> NodeId {
    let mut rng = fastrand::Rng::with_seed(seed ^ (index as u64 + 1).wrapping_mul(0x9e37_79b9));
    NodeId(rng.u64(1..).to_be_bytes())
}

impl World {
    pub(super) fn new(seed: u64, pieces: u64, readers_max: u32) -> Self {
        Self {
            layout: layout(pieces, 1 << 20),
            now: Instant::from_micros(1_000_000),
            all: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
            queue: BinaryHeap::new(),
            coming: BTreeMap::new(),
            seq: 0,
            readers_max,
            copies: 0,
            over_us: 0,
            peak: 0,
            origin_up: true,
            loss: 0.0,
            verbose: std::env::var_os("ORIGIN_AGAIN").is_some(),
            events: 0,
        }
    }

    pub(super) fn plan(&mut self, at: Instant, who: usize, coming: Coming) {
        self.seq += 1;
        self.queue.push(Reverse((at, self.seq, who)));
        self.coming.insert(self.seq, coming);
    }

    /// A machine boots; `Discovery` is what it is told first.
    pub(super) fn boot(
        &mut self,
        news: Discovery,
        change: impl FnOnce(&mut OriginConfig),
    ) -> usize {
        let index = self.all.len();
        let seed = self.rng.u64(..);
        let id = node(index, seed);
        let mut config = OriginConfig::new(id, [5; 32]);
        config.readers_max = self.readers_max;
        change(&mut config);
        let mut gate = OriginGate::new(config, Arc::clone(&self.layout), seed, self.now);
        gate.origin_up(self.now, ORIGIN, TAG, OriginKind::Mirror);
        gate.discovery(self.now, news);
        let pieces = self.layout.pieces();
        self.all.push(Machine {
            gate,
            node: id,
            have: PieceSet::empty(pieces),
            missing: PieceSet::full(pieces),
            available: PieceSet::empty(pieces),
            serving: vec![0; pieces as usize],
            peers: BTreeSet::new(),
            reading: 0,
            fetching: false,
            giving: false,
            alive: true,
            done_at: None,
            read: 0,
            liar: false,
            piece_us: 10_000,
            timeout_at: None,
        });
        self.settle(index);
        index
    }

    pub(super) fn set_piece_us(&mut self, who: usize, piece_us: u64) {
        self.all[who].piece_us = piece_us;
    }

    /// Makes `who` a liar: it claims every slot and brings nothing.
    pub(super) fn corrupt(&mut self, who: usize) {
        self.all[who].liar = true;
        self.plan(self.now + Duration::from_millis(300), who, Coming::Lie);
    }

    pub(super) fn link(&mut self, a: usize, b: usize) {
        for (one, other) in [(a, b), (b, a)] {
            let hello = Hello {
                node: self.all[other].node,
                origins: vec![TAG],
                readers_max: self.readers_max,
                ..Hello::default()
            };
            let source = SourceId(other as u32);
            self.all[one].peers.insert(other);
            self.all[one].gate.peer_up(self.now, source, &hello);
            let has: Vec<_> = self.all[other].have.iter().collect();
            for piece in has {
                self.all[one].gain(piece);
            }
        }
        for one in [a, b] {
            self.start_fetch(one);
            self.settle(one);
        }
    }

    pub(super) fn unlink(&mut self, a: usize, b: usize, how: Down) {
        for (one, other) in [(a, b), (b, a)] {
            if self.all[one].peers.remove(&other) && self.all[one].alive {
                self.all[one]
                    .gate
                    .peer_down(self.now, SourceId(other as u32), how);
                let has: Vec<_> = self.all[other].have.iter().collect();
                for piece in has {
                    self.all[one].forget(piece);
                }
            }
        }
        self.settle(a);
        self.settle(b);
    }

    pub(super) fn link_all(&mut self) {
        for a in 0..self.all.len() {
            for b in a + 1..self.all.len() {
                self.link(a, b);
            }
        }
    }

    /// Each machine knows about `degree` others.
    pub(super) fn link_some(&mut self, degree: usize) {
        let count = self.all.len();
        for a in 0..count {
            for _ in 0..degree / 2 {
                let b = self.rng.usize(0..count);
                if b != a && !self.all[a].peers.contains(&b) {
                    self.link(a, b);
                }
            }
        }
    }

    pub(super) fn kill(&mut self, who: usize) {
        self.all[who].alive = false;
        for other in self.all[who].peers.clone() {
            self.unlink(who, other, Down::Reset);
        }
    }

    /// Kills it, and lets its machine tell those that were linked to it that it is dead.
    pub(super) fn kill_and_tell(&mut self, who: usize) {
        let (linked, node) = (self.all[who].peers.clone(), self.all[who].node);
        self.kill(who);
        for other in linked {
            self.all[other].gate.died(self.now, node);
            self.settle(other);
        }
    }

    pub(super) fn set_origin(&mut self, up: bool) {
        self.origin_up = up;
        for who in 0..self.all.len() {
            let state = if up {
                OriginState::Ready
            } else {
                OriginState::Down
            };
            self.all[who].gate.origin_state(self.now, ORIGIN, state);
            self.settle(who);
        }
    }

    /// One line about who holds what, for a failed assertion.
    pub(super) fn state(&self) -> String {
        let held = |one: &Machine| format!("{:b}", one.gate.status(self.now).slots);
        let live = self
            .all
            .iter()
            .map(|one| if one.alive { held(one) } else { "x".into() });
        let have = self.all.iter().map(|one| one.have.len());
        format!(
            "{:?} slots {:?} have {:?}",
            self.now,
            live.collect::<Vec<_>>(),
            have.collect::<Vec<_>>()
        )
    }

    pub(super) fn holds(&self, who: usize) -> u32 {
        self.all[who].gate.status(self.now).slots.count_ones()
    }

    /// Machines that may read now.
    pub(super) fn readers(&self) -> usize {
        self.all
            .iter()
            .filter(|one| one.alive && !one.liar && one.gate.may_open(self.now))
            .count()
    }

    /// Runs for `span`; gives up early when `until` holds.
    pub(super) fn run(&mut self, span: Duration, mut until: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + span;
        loop {
            if until(self) {
                return true;
            }
            let Some(Reverse((at, seq, who))) = self.queue.peek().copied() else {
                break;
            };
            if at > end {
                break;
            }
            self.queue.pop();
            let readers = self.readers();
            self.peak = self.peak.max(readers);
            if readers > self.readers_max as usize {
                self.over_us += at.since(self.now).as_micros() as u64;
            }
            self.now = at;
            let Some(coming) = self.coming.remove(&seq) else {
                continue;
            };
            if self.all[who].alive {
                self.events += 1;
                self.happen(who, coming);
            } else if let Coming::Fetched(_, from) = coming {
                self.all[from].giving = false;
                self.give(from);
            }
        }
        self.now = end;
        until(self)
    }

    fn happen(&mut self, who: usize, coming: Coming) {
        let now = self.now;
        let matters = !matches!(coming, Coming::Message(..) | Coming::Timeout);
        match coming {
            Coming::Timeout => {
                let due = self.all[who].timeout_at.is_some_and(|at| at <= now);
                if due {
                    self.all[who].timeout_at = None;
                    self.all[who].pass_time(now);
                }
            }
            Coming::Message(from, message) => {
                self.all[who]
                    .gate
                    .message(now, SourceId(from as u32), &message);
            }
            Coming::Read(piece) => self.read_done(who, piece),
            Coming::Fetched(piece, from) => {
                self.all[who].fetching = false;
                self.all[from].giving = false;
                if self.all[from].alive && self.all[who].peers.contains(&from) {
                    self.all[from]
                        .gate
                        .uploaded(now, SourceId(who as u32), 1 << 20);
                    self.all[who]
                        .gate
                        .received(now, SourceId(from as u32), 1 << 20);
                    self.verified(who, piece);
                } else {
                    self.all[who].missing.insert(piece);
                }
                self.give(from);
                self.settle(from);
            }
            Coming::Has(piece, from) => {
                if self.all[who].peers.contains(&from) {
                    self.all[who].gain(piece);
                }
            }
            Coming::Lie => self.lie(who),
        }
        if matters {
            self.start_fetch(who);
        }
        self.settle(who);
    }

    fn read_done(&mut self, who: usize, piece: PieceIndex) {
        self.all[who].reading -= 1;
        if self.origin_up {
            self.copies += 1;
            if self.verbose {
                let slot = self.all[who]
                    .gate
                    .room()
                    .extents()
                    .slot_of_piece(piece.value());
                let extent = self.all[who].gate.room().extents().extent_of(piece.value());
                let had = (0..self.all.len())
                    .filter(|one| self.all[*one].have.contains(piece))
                    .collect::<Vec<_>>();
                if !had.is_empty() {
                    eprintln!(
                        "AGAIN {:?} {who} piece {} slot {slot} extent {extent} had by {had:?} {}",
                        self.now,
                        piece.value(),
                        self.state()
                    );
                }
            }
            self.all[who].read += 1;
            self.all[who].gate.received(self.now, ORIGIN, 1 << 20);
            self.verified(who, piece);
        } else {
            self.all[who].missing.insert(piece);
        }
        let end = if self.origin_up {
            ReadEnd::Verified
        } else {
            ReadEnd::Failed
        };
        self.all[who].gate.read_ended(self.now, piece, end);
    }

    fn verified(&mut self, who: usize, piece: PieceIndex) {
        let one = &mut self.all[who];
        if !one.have.insert(piece) {
            return;
        }
        one.missing.remove(piece);
        one.gate.have(self.now, piece);
        if one.have.is_full() {
            one.done_at = Some(self.now);
        }
        for peer in one.peers.clone() {
            self.plan(self.now + DELAY, peer, Coming::Has(piece, who));
        }
    }

    /// Lets a machine do what it can, and carries out what its gate says.
    fn settle(&mut self, who: usize) {
        if !self.all[who].alive || self.all[who].liar {
            return;
        }
        self.start_reads(who);
        let now = self.now;
        if self.all[who]
            .gate
            .next_timeout()
            .is_some_and(|at| at <= now)
        {
            self.all[who].pass_time(now);
            self.start_reads(who);
        }
        while let Some((to, message)) = self.all[who].gate.poll_message(now) {
            if self.rng.f64() >= self.loss {
                self.plan(now + DELAY, to.0 as usize, Coming::Message(who, message));
            }
        }
        while let Some(why) = self.all[who].gate.poll_explain() {
            if self.verbose {
                eprintln!("{:?} {who} {why:?}", self.now);
            }
        }
        while self.all[who].gate.poll_cancel().is_some() {}
        if let Some(at) = self.all[who].gate.next_timeout() {
            let at = at.max(now);
            if self.all[who].timeout_at.is_none_or(|set| at < set) {
                self.all[who].timeout_at = Some(at);
                self.plan(at, who, Coming::Timeout);
            }
        }
    }

    fn start_reads(&mut self, who: usize) {
        let now = self.now;
        let one = &mut self.all[who];
        if one.liar || one.reading > 0 || !self.origin_up {
            return;
        }
        let view = view(
            &one.missing,
            &one.available,
            &one.serving,
            &one.have,
            one.peers.len(),
        );
        let Some(plan) = one.gate.next_read(now, ORIGIN, &view, 4) else {
            return;
        };
        let (first, count, piece_us) = (plan.first().value(), plan.count(), one.piece_us);
        one.reading = count;
        for (nth, index) in (1u64..).zip(first..first + count) {
            let piece = self.layout.piece(index).unwrap();
            self.all[who].missing.remove(piece);
            let at = now + Duration::from_micros(piece_us * nth);
            self.plan(at, who, Coming::Read(piece));
        }
    }

    pub(super) fn all_done(&self) -> bool {
        self.all
            .iter()
            .all(|one| !one.alive || one.liar || one.done_at.is_some())
    }

    /// Copies of the content that the origin has sent.
    pub(super) fn copies(&self) -> f64 {
        self.copies as f64 / f64::from(self.layout.pieces())
    }
}
