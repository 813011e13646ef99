//! Random events: what no sequence of them may bring about.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use swarmcopy_layout::PieceSet;

use super::table::record;
use super::world::{ORIGIN, TAG, layout, node};
use crate::{
    Claim, GuardUse, Hours, Isolated, Mode, OriginConfig, OriginGate, OriginState, ReadEnd,
    SlotMessage, SlotRecord, View,
};
use crate::{Discovery, Down, Hello, Instant, LockWord, OriginKind, SourceId};

const PIECES: u32 = 64;

const WORDS: [LockWord; 3] = [LockWord::Held, LockWord::InUse, LockWord::Refused];

/// One random event for one gate.
#[derive(Debug, Clone)]
pub(super) enum Any {
    Wait(u64),
    News(u8),
    Join(u8, u8),
    Part(u8, bool),
    Died(u8),
    Word(u8, Vec<SlotRecord>, u8),
    Available(u8, bool),
    Read(u8),
    Ended(u8, bool),
    Guard(u8, LockWord),
    Hours(bool),
    Origin(bool),
    Health(u8),
    Taken,
    Bad(u8),
}

fn any_event() -> impl Strategy<Value = Any> {
    prop_oneof![
        6 => (0u64..8_000_000).prop_map(Any::Wait),
        6 => (0u64..300_000).prop_map(Any::Wait),
        1 => (0u8..5).prop_map(Any::News),
        1 => (0u8..4, 0u8..6).prop_map(|(who, max)| Any::Join(who, max)),
        1 => (0u8..4, any::<bool>()).prop_map(|(who, hard)| Any::Part(who, hard)),
        1 => (0u8..4).prop_map(Any::Died),
        3 => (0u8..4, prop::collection::vec(record(), 0..6), 0u8..70)
            .prop_map(|(who, records, max)| Any::Word(who, records, max)),
        3 => (0u8..64, any::<bool>()).prop_map(|(piece, there)| Any::Available(piece, there)),
        6 => (1u8..9).prop_map(Any::Read),
        4 => (0u8..64, any::<bool>()).prop_map(|(nth, good)| Any::Ended(nth, good)),
        2 => (0u8..4, 0usize..3).prop_map(|(slot, word)| Any::Guard(slot, WORDS[word])),
        1 => any::<bool>().prop_map(Any::Hours),
        1 => any::<bool>().prop_map(Any::Origin),
        1 => (0u8..3).prop_map(Any::Health),
        1 => Just(Any::Taken),
        1 => (0u8..64).prop_map(Any::Bad),
    ]
}

/// One gate with the sets that a core would keep.
pub(super) struct Bench {
    pub(super) gate: OriginGate,
    pub(super) now: Instant,
    missing: PieceSet,
    available: PieceSet,
    serving: Vec<u16>,
    reading: Vec<swarmcopy_layout::PieceIndex>,
    left: u32,
    peers: u32,
    plans: u32,
    pub(super) offered: u64,
}

impl Bench {
    pub(super) fn new(seed: u64, change: impl FnOnce(&mut OriginConfig)) -> Self {
        let now = Instant::from_micros(1);
        let mut config = OriginConfig::new(node(0, 0), [3; 32]);
        change(&mut config);
        let layout = layout(u64::from(PIECES), 1 << 20);
        let mut gate = OriginGate::new(config, Arc::clone(&layout), seed, now);
        gate.origin_up(now, ORIGIN, TAG, OriginKind::Share);
        Self {
            gate,
            now,
            missing: PieceSet::full(PIECES),
            available: PieceSet::empty(PIECES),
            serving: vec![0; PIECES as usize],
            reading: Vec::new(),
            left: PIECES,
            peers: 0,
            plans: 0,
            offered: 0,
        }
    }

    fn with_view<T>(&mut self, act: impl FnOnce(&mut OriginGate, &View<'_>) -> T) -> T {
        let view = View {
            narrowed: false,
            wrong: None,
            missing: &self.missing,
            available: &self.available,
            serving: &self.serving,
            copied: &self.available,
            pieces_left: self.left,
            peers: self.peers,
            peers_slow: false,
            last: None,
            way: Duration::ZERO,
            link_goodput: 1_000_000,
        };
        act(&mut self.gate, &view)
    }

    fn piece(&self, index: u8) -> swarmcopy_layout::PieceIndex {
        self.gate.room().extents().piece(u32::from(index)).unwrap()
    }

    pub(super) fn happen(&mut self, event: Any) {
        let now = self.now;
        match event {
            Any::Wait(us) => self.wait(Duration::from_micros(us)),
            Any::News(which) => self.gate.discovery(
                now,
                [
                    Discovery::Off,
                    Discovery::Announced,
                    Discovery::Named,
                    Discovery::Nobody,
                    Discovery::Waiting,
                ][usize::from(which)],
            ),
            Any::Join(who, readers_max) => {
                let hello = Hello {
                    node: node(usize::from(who), 0),
                    origins: vec![TAG],
                    readers_max: u32::from(readers_max),
                    ..Hello::default()
                };
                self.gate.peer_up(now, SourceId(who.into()), &hello);
                self.peers = 1;
            }
            Any::Part(who, hard) => {
                let how = if hard { Down::Reset } else { Down::Closed };
                self.gate.peer_down(now, SourceId(who.into()), how);
                self.peers = 0;
            }
            Any::Died(who) => self.gate.died(now, node(usize::from(who), 0)),
            Any::Word(who, records, max) => {
                let claims = vec![Claim {
                    slot: 0,
                    first: max.into(),
                    count: 3,
                }];
                let message = SlotMessage {
                    readers_max: max.into(),
                    node: node(usize::from(who), 0),
                    records,
                    claims,
                    bad: vec![(TAG, max.into())],
                    link_goodput: u64::from(max) << 20,
                    ..SlotMessage::default()
                };
                self.gate.message(now, SourceId(who.into()), &message);
            }
            Any::Available(piece, there) => {
                let piece = self.piece(piece);
                let _ = if there {
                    self.available.insert(piece)
                } else {
                    self.available.remove(piece)
                };
            }
            Any::Read(max) => self.read(max.into()),
            Any::Ended(nth, good) => self.ended(nth, good),
            Any::Guard(slot, word) => self.gate.guard(now, slot.into(), word),
            Any::Hours(open) => {
                self.gate
                    .hours(now, if open { Hours::Open } else { Hours::Closed });
            }
            Any::Origin(true) => self.gate.origin_up(now, ORIGIN, TAG, OriginKind::Share),
            Any::Origin(false) => self.gate.origin_down(now, ORIGIN),
            Any::Health(state) => self.gate.origin_state(
                now,
                ORIGIN,
                [OriginState::Ready, OriginState::Down, OriginState::Held][usize::from(state)],
            ),
            Any::Taken => self.gate.uploaded(now, SourceId(1), 1),
            Any::Bad(piece) => self.gate.bad(now, ORIGIN, self.piece(piece)),
        }
        self.drain();
    }

    pub(super) fn read(&mut self, max: u32) {
        let now = self.now;
        if let Some(plan) = self.with_view(|gate, view| gate.next_read(now, ORIGIN, view, max)) {
            self.plans += 1;
            for index in plan.first().value()..plan.first().value() + plan.count() {
                let piece = self.gate.room().extents().piece(index).unwrap();
                assert!(self.missing.remove(piece), "planned once");
                self.reading.push(piece);
            }
        }
    }

    pub(super) fn ended(&mut self, nth: u8, good: bool) {
        if self.reading.is_empty() {
            return;
        }
        let piece = self
            .reading
            .swap_remove(usize::from(nth) % self.reading.len());
        if good {
            self.left -= 1;
            self.gate.received(self.now, ORIGIN, 1 << 20);
            self.gate.have(self.now, piece);
            self.gate.read_ended(self.now, piece, ReadEnd::Verified);
        } else {
            self.missing.insert(piece);
            self.gate.read_ended(self.now, piece, ReadEnd::Failed);
        }
    }

    /// Lets time pass with every timeout on its way; fails when they don't come to rest.
    pub(super) fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        let mut steps = 0;
        while let Some(at) = self.gate.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let now = self.now;
            self.with_view(|gate, view| gate.timeout(now, view));
            self.drain();
            steps += 1;
            assert!(steps < 2000, "timeouts come to rest");
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let now = self.now;
        while let Some((_, message)) = self.gate.poll_message(now) {
            assert!(message.records.len() <= 8 && message.claims.len() <= 8);
            self.offered |= message.offers;
        }
        while self.gate.poll_cancel().is_some() {}
        while self.gate.poll_guard().is_some() {}
        while self.gate.poll_explain().is_some() {}
    }
}

fn policy() -> impl Strategy<Value = (u8, u8, bool, u32)> {
    (0u8..2, 0u8..3, any::<bool>(), 1u32..5)
}

proptest! {
    #[test]
    fn never_is_never(
        seed: u64, events in prop::collection::vec(any_event(), 1..150), isolated in 0u8..3
    ) {
        let mut bench = Bench::new(seed, |config| {
            config.mode = Mode::Never;
            config.isolated = isolated_of(isolated);
        });
        for event in events {
            bench.happen(event);
            prop_assert!(!bench.gate.may_open(bench.now));
            prop_assert_eq!(bench.gate.status(bench.now).slots, 0);
        }
        prop_assert_eq!(bench.plans, 0);
    }

    #[test]
    fn no_events_break_the_rules(
        seed: u64, events in prop::collection::vec(any_event(), 1..150), policy in policy()
    ) {
        let mut bench = Bench::new(seed, |config| {
            config.mode = if policy.0 == 0 { Mode::Protect } else { Mode::Fast };
            config.isolated = isolated_of(policy.1);
            config.guard = if policy.2 { GuardUse::Active } else { GuardUse::None };
            config.readers_max = policy.3;
            config.rate_bytes = Some(1000).filter(|_| policy.3 > 2);
        });
        // the rules are assertions in the gate itself
        for event in events {
            bench.happen(event);
            prop_assert_ne!(bench.gate.rate_max(), Some(0), "0 stands for no limit");
        }
    }
}

fn isolated_of(which: u8) -> Isolated {
    [Isolated::Wait, Isolated::Trickle, Isolated::Read][usize::from(which)]
}

#[test]
fn the_share_waits_for_the_lock_and_a_leaked_one_is_read_slowly() {
    let mut bench = Bench::new(1, |config| config.guard = GuardUse::Active);
    bench.gate.discovery(bench.now, Discovery::Nobody);
    let now = bench.now;
    bench.with_view(|gate, view| gate.timeout(now, view));
    let asked: Vec<_> = std::iter::from_fn(|| bench.gate.poll_guard()).collect();
    assert_eq!(asked, [(0, true), (1, true), (2, true)]);
    assert!(!bench.gate.may_open(now));
    bench.gate.guard(now, 1, LockWord::Held);
    assert!(bench.gate.may_open(now));
    bench.read(64);
    assert!(
        bench
            .reading
            .iter()
            .all(|it| bench.gate.room().extents().slot_of_piece(it.value()) == 1)
    );
    // slots 0 and 2 are refused for ever: one of them is read without a lock at last
    for _ in 0..30 {
        bench.gate.guard(bench.now, 0, LockWord::Refused);
        bench.gate.guard(bench.now, 2, LockWord::Refused);
        bench.wait(Duration::from_millis(500));
    }
    assert!(bench.gate.rate_max().is_some());
    bench.read(1);
    bench.read(1);
    let slots: std::collections::BTreeSet<u32> = bench
        .reading
        .iter()
        .map(|it| bench.gate.room().extents().slot_of_piece(it.value()))
        .collect();
    assert!(slots.contains(&0) && !slots.contains(&2), "{slots:?}");
}

#[test]
fn lock_files_that_are_found_late_count_from_then_on() {
    let mut bench = Bench::new(1, |_| ());
    bench.gate.discovery(bench.now, Discovery::Nobody);
    bench.wait(Duration::from_millis(1));
    assert!(bench.gate.may_open(bench.now));
    assert_eq!(bench.gate.poll_guard(), None);
    bench.gate.guarded(bench.now);
    let asked: Vec<_> = std::iter::from_fn(|| bench.gate.poll_guard()).collect();
    assert_eq!(asked, [(0, true), (1, true), (2, true)]);
    assert!(!bench.gate.may_open(bench.now));
    bench.gate.guard(bench.now, 1, LockWord::Held);
    assert!(bench.gate.may_open(bench.now));
}

#[test]
fn a_lock_whose_holder_lives_has_not_leaked() {
    let mut bench = Bench::new(1, |config| config.guard = GuardUse::Active);
    bench.gate.discovery(bench.now, Discovery::Nobody);
    bench.wait(Duration::from_millis(1));
    let refuse_all = |bench: &mut Bench, word| {
        for _ in 0..60 {
            (0..3).for_each(|slot| bench.gate.guard(bench.now, slot, word));
            bench.wait(Duration::from_millis(500));
            while bench.gate.poll_guard().is_some() {}
        }
    };
    refuse_all(&mut bench, LockWord::InUse);
    assert!(
        !bench.gate.may_open(bench.now),
        "read beside those who live"
    );
    refuse_all(&mut bench, LockWord::Refused);
    assert!(bench.gate.may_open(bench.now), "the lock has leaked");
    bench.gate.guard(bench.now, 0, LockWord::InUse);
    bench.wait(Duration::from_millis(1));
    assert!(!bench.gate.may_open(bench.now), "it had not, after all");
}

#[test]
fn a_smaller_number_of_readers_wins() {
    let mut bench = Bench::new(1, |config| config.readers_max = 8);
    bench.gate.discovery(bench.now, Discovery::Nobody);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.gate.status(bench.now).slots.count_ones(), 8);
    bench.happen(Any::Join(1, 2));
    assert_eq!(bench.gate.status(bench.now).slots, 0);
    assert_eq!(bench.gate.status(bench.now).readers_max, 2);
    bench.wait(Duration::from_millis(1500));
    assert_eq!(bench.gate.status(bench.now).slots.count_ones(), 1);
}

#[test]
fn what_another_took_and_did_not_read_is_free_again_soon_after_it_gave_back() {
    for (gives_back, is_taken) in [(false, true), (true, false)] {
        let mut bench = Bench::new(1, |_| {});
        bench.happen(Any::Join(1, 3));
        let extent = bench.gate.room().extents().nth(0, 1).unwrap();
        let taken = SlotRecord {
            slot: 1,
            term: 1,
            holder: node(1, 0),
            heartbeat: 1,
            extent,
            ..SlotRecord::default()
        };
        let released = SlotRecord {
            slot: 1,
            term: 2,
            ..SlotRecord::default()
        };
        bench.happen(Any::Word(1, vec![taken], 3));
        if gives_back {
            bench.happen(Any::Word(1, vec![released], 3));
        }
        // what it read before may be on its way
        assert!(
            bench
                .gate
                .room()
                .rights()
                .is_ceded(bench.now, 0, extent, None)
        );
        bench.wait(Duration::from_secs(2));
        assert_eq!(
            bench
                .gate
                .room()
                .rights()
                .is_ceded(bench.now, 0, extent, None),
            is_taken
        );
    }
}

#[test]
fn closed_hours_give_everything_back() {
    let mut bench = Bench::new(1, |_| {});
    bench.gate.discovery(bench.now, Discovery::Off);
    bench.wait(Duration::from_millis(1));
    bench.read(2);
    bench.gate.hours(bench.now, Hours::Closed);
    bench.wait(Duration::from_millis(1));
    assert!(
        bench.gate.may_open(bench.now),
        "what is in flight is finished"
    );
    bench.ended(0, true);
    bench.ended(0, true);
    bench.wait(Duration::from_millis(1));
    assert!(!bench.gate.may_open(bench.now));
    assert_eq!(bench.gate.status(bench.now).slots, 0);
}

#[test]
fn the_number_of_readers_of_another_group_does_not_shrink_ours() {
    for (group, slots) in [(Some("other"), 3), (Some("ours"), 1), (None, 1)] {
        let mut bench = Bench::new(1, |config| config.group = "ours".to_owned());
        let hello = Hello {
            node: node(7, 0),
            readers_max: 1,
            group: group.map(str::to_owned),
            ..Hello::default()
        };
        bench.gate.peer_up(bench.now, SourceId(7), &hello);
        assert_eq!(bench.gate.room().slots(), slots, "{group:?}");
    }
}

#[test]
fn a_number_that_is_replaced_holds() {
    for (hold_max, waits) in [(2, false), (6, true)] {
        let mut bench = Bench::new(1, |config| {
            config.tuning.hold_max = Duration::from_secs(hold_max);
        });
        bench.gate.discovery(bench.now, Discovery::Named);
        bench.wait(Duration::from_secs(3));
        assert_eq!(bench.gate.status(bench.now).slots == 0, waits, "{hold_max}");
    }
}
