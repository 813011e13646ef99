//! Who should read instead, shown by the words of a neighbour and the bytes that a reader takes in.

use std::time::Duration;

use super::events::{Any, Bench};
use super::world::node;
use crate::{Discovery, MachineClass, NodeId, SourceId, Tuning};
use crate::{SlotMessage, SlotRecord};

/// A reader at 5 MiB/s that hears these words of a neighbour; whether it keeps its slots, and what it offered.
fn reader_beside(behind: bool, says: SlotMessage) -> (bool, u64) {
    let mut bench = Bench::new(1, |_| {});
    bench.gate.discovery(bench.now, Discovery::Named);
    bench.happen(Any::Join(1, 3));
    bench.wait(Duration::from_millis(2500));
    assert!(bench.gate.may_open(bench.now));
    bench.happen(Any::Available(60, behind));
    let says = SlotMessage {
        readers_max: 3,
        node: node(1, 0),
        ..says
    };
    bench.gate.message(bench.now, SourceId(1), &says);
    for _ in 0..16 {
        bench.read(1);
        bench.wait(Duration::from_millis(200));
        bench.ended(0, true);
    }
    (bench.gate.status(bench.now).slots != 0, bench.offered)
}

#[test]
fn who_can_not_keep_up_offers_its_slots_to_one_that_takes_in_far_more() {
    let of = |capacity: u64| SlotMessage {
        capacity,
        ..SlotMessage::default()
    };
    let (keeps, offered) = reader_beside(true, of(12 << 20));
    assert!(!keeps && offered != 0);
    assert!(reader_beside(true, of(5 << 20)).0, "it is no better");
    assert!(reader_beside(false, of(12 << 20)).0, "nothing waits here");
}

#[test]
fn who_can_not_keep_up_gives_way_to_one_that_has_all_there_is_and_waits() {
    let waits = |waits: u64| SlotMessage {
        waits,
        capacity: 1,
        ..SlotMessage::default()
    };
    assert!(!reader_beside(true, waits(5 << 20)).0);
    assert!(
        reader_beside(true, waits(1 << 20)).0,
        "other things hold it up"
    );
    assert!(reader_beside(true, waits(0)).0);
}

#[test]
fn an_offered_slot_is_claimed_without_a_back_off() {
    let mut bench = Bench::new(1, |_| {});
    bench.gate.discovery(bench.now, Discovery::Named);
    bench.happen(Any::Join(1, 3));
    let held = |slot, term, holder| SlotRecord {
        slot,
        term,
        holder,
        heartbeat: 1,
        ..SlotRecord::default()
    };
    let all = (0..3).map(|slot| held(slot, 1, node(1, 0))).collect();
    bench.happen(Any::Word(1, all, 3));
    bench.wait(Duration::from_millis(2500));
    assert_eq!(bench.gate.status(bench.now).slots, 0);
    let message = SlotMessage {
        readers_max: 3,
        node: node(1, 0),
        records: vec![held(1, 2, NodeId::default())],
        offers: 0b10,
        ..SlotMessage::default()
    };
    bench.gate.message(bench.now, SourceId(1), &message);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.gate.status(bench.now).slots, 0b10);
}

#[test]
fn who_is_not_connected_by_cable_lets_others_go_first_for_two_seconds() {
    let first = Tuning::default().wired_first;
    let claims_after = |class| {
        let mut bench = Bench::new(1, |config| config.class = class);
        bench.gate.discovery(bench.now, Discovery::Named);
        bench.happen(Any::Join(1, 3));
        let start = bench.now;
        while bench.gate.status(bench.now).slots == 0 {
            bench.wait(Duration::from_millis(10));
            assert!(bench.now.since(start) < first * 5, "{class:?}");
        }
        bench.now.since(start)
    };
    for _ in 0..20 {
        let (wired, wifi) = (
            claims_after(MachineClass::Wired),
            claims_after(MachineClass::Wifi),
        );
        // each waits some moments by chance beside that
        let later = wifi.saturating_sub(wired);
        assert!(
            later > first / 2 && later < first * 2,
            "{wired:?}, {wifi:?}"
        );
    }
}
