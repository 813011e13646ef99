//! Random but lawful events: whatever happens, what is asked for makes sense.
//!
//! The rig checks each action: no fetch of what is here, unwanted or on its way; none from a peer
//! that chokes us or from an origin without a permit; completion told once.

use std::time::Duration;

use proptest::prelude::*;
use swarmcopy_layout::{PieceSet, Span};
use swarmcopy_scheduler::origin::{Mode, SlotMessage, SlotRecord};
use swarmcopy_scheduler::{Discovery, Down, Event, Has, NodeId, Outcome, SourceId};

use crate::rig::{ORIGIN, Rig, SECOND};

const PIECES: u32 = 24;
const PIECE: u64 = 256 << 10;

struct Chaos {
    rig: Rig,
    rng: fastrand::Rng,
    live: Vec<SourceId>,
    next: u32,
}

impl Chaos {
    fn new(seed: u64, mode: Mode) -> Self {
        let mut rig = Rig::new(PIECES, PIECE, mode);
        rig.origin();
        Self {
            rig,
            rng: fastrand::Rng::with_seed(seed),
            live: Vec::new(),
            next: 1,
        }
    }

    fn some_set(&mut self) -> PieceSet {
        let mut set = PieceSet::empty(PIECES);
        let full = self.rng.u8(..4) == 0;
        for piece in self.rig.layout.piece_indexes() {
            if full || self.rng.bool() {
                set.insert(piece);
            }
        }
        set
    }

    fn join(&mut self) {
        let source = SourceId(self.next);
        self.next += 1;
        let has = Has::Set(self.some_set());
        if self.rng.bool() {
            let node = u8::try_from(self.next % 200).unwrap();
            self.rig.own_peer(source, node, has);
        } else {
            self.rig.peer(source, has);
        }
        self.live.push(source);
        self.rig.tell(Event::Unchoked { source });
    }

    fn end_jobs_of(&mut self, source: SourceId, outcome: &Outcome) {
        // new jobs may be given to others meanwhile, and to this one until it is told
        for _ in 0..100 {
            let of = self.rig.jobs().iter().find(|job| job.1 == source).copied();
            let Some((job, _, span)) = of else { return };
            let came = span.head(self.rng.u64(0..=span.len() / 2));
            self.rig.end(job, *outcome, came);
        }
    }

    fn end_some(&mut self) {
        let count = self.rig.jobs().len();
        if count == 0 {
            return;
        }
        let (job, source, span) = self.rig.jobs()[self.rng.usize(..count)];
        let part = span.head(self.rng.u64(0..=span.len()));
        let part = part.head(part.len() / 16384 * 16384);
        let (outcome, came) = match self.rng.u8(..12) {
            0 => (
                Outcome::Busy {
                    retry_after_ms: None,
                },
                part,
            ),
            1 => (
                Outcome::Busy {
                    retry_after_ms: Some(300),
                },
                Span::default(),
            ),
            2 => (Outcome::Broken, part),
            3 if source != ORIGIN => (Outcome::Lacks(span), Span::default()),
            _ if self.rig.called_off().contains(&job) => (Outcome::Cancelled, part),
            _ => (Outcome::Done, span),
        };
        self.rig.end(job, outcome, came);
    }

    fn check(&mut self) {
        for piece in self.rig.whole() {
            if self.rng.u8(..16) == 0 {
                self.rig.lose(piece);
                let senders = self
                    .live
                    .iter()
                    .copied()
                    .filter(|_| self.rng.bool())
                    .collect();
                self.rig.tell(Event::PieceBad { piece, senders });
            } else {
                self.rig.tell(Event::PieceOk { piece });
            }
        }
    }

    fn gossip(&mut self, source: SourceId) {
        let mut record = SlotRecord::default();
        record.slot = self.rng.u32(..4);
        record.term = self.rng.u64(..40);
        record.holder = NodeId([self.rng.u8(..5); 8]);
        record.heartbeat = self.rng.u64(..100);
        record.extent = self.rng.u32(..40);
        let mut message = SlotMessage::default();
        message.readers_max = self.rng.u32(1..5);
        message.records = vec![record];
        self.rig.tell(Event::Slots { source, message });
    }

    fn step(&mut self) {
        let some = self
            .live
            .get(self.rng.usize(..self.live.len().max(1)))
            .copied();
        match (self.rng.u8(..20), some) {
            (0, _) if self.live.len() < 8 => self.join(),
            (1, Some(source)) => {
                let outcome = Outcome::Busy {
                    retry_after_ms: None,
                };
                self.end_jobs_of(source, &outcome);
                let idle = self.rig.jobs().iter().all(|job| job.1 != source);
                if idle {
                    self.rig.tell(Event::Choked { source });
                }
            }
            (2, Some(source)) => self.rig.tell(Event::Unchoked { source }),
            (3, Some(source)) if self.rng.u8(..4) == 0 => {
                self.end_jobs_of(source, &Outcome::Broken);
                self.live.retain(|other| *other != source);
                if self.rig.jobs().iter().all(|job| job.1 != source) {
                    self.rig.tell(Event::SourceDown {
                        source,
                        how: Down::Reset,
                    });
                }
            }
            (4, Some(source)) => self.rig.tell(Event::Interested { source }),
            (5, Some(source)) => {
                let piece = self.rig.layout.piece(self.rng.u32(..PIECES)).unwrap();
                self.rig.tell(Event::SourceHas {
                    source,
                    has: Has::Piece(piece),
                });
                self.rig.tell(Event::Suggested { source, piece });
            }
            (6, Some(source)) => {
                let has = Has::Set(self.some_set());
                self.rig.tell(Event::SourceHas { source, has });
            }
            (7, Some(source)) => self.gossip(source),
            (8, _) => self.rig.tell(Event::Discovery(Discovery::Named)),
            (9, _) => self.rig.tell(Event::Discovery(Discovery::Nobody)),
            (10, _) => self.rig.pass(Duration::from_millis(self.rng.u64(..4000))),
            (11, _) => self.rig.progress_all(16 << 10),
            (12, _) => self.check(),
            (13, _) => self.rig.pass(Duration::from_millis(self.rng.u64(..50))),
            _ => self.end_some(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_what_is_asked_for_makes_sense(seed: u64, steps in 50usize..600) {
        let mut chaos = Chaos::new(seed, Mode::Protect);
        (0..steps).for_each(|_| chaos.step());
    }

    #[test]
    fn origin_never_yields_no_permit(seed: u64, steps in 50usize..400) {
        let mut chaos = Chaos::new(seed, Mode::Never);
        (0..steps).for_each(|_| chaos.step());
        prop_assert_eq!(chaos.rig.opened, 0);
    }

    #[test]
    fn after_all_troubles_one_good_peer_is_enough(seed: u64, steps in 20usize..300) {
        let mut chaos = Chaos::new(seed, Mode::Never);
        (0..steps).for_each(|_| chaos.step());
        for source in std::mem::take(&mut chaos.live) {
            chaos.end_jobs_of(source, &Outcome::Broken);
            chaos.rig.tell(Event::SourceDown { source, how: Down::Closed });
        }
        chaos.rig.serving_peer(SourceId(100_000), Has::All);
        chaos.rig.pass(SECOND);
        chaos.rig.finish();
    }
}
