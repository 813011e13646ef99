//! What a machine may claim of itself and of others: words may order, they forbid nothing for long.

use std::time::Duration;

use super::events::{Any, Bench};
use super::world::node;
use crate::{Claim, SlotMessage, SlotRecord};
use crate::{Discovery, SourceId};

/// A gate that reads, beside one neighbour.
fn reader() -> Bench {
    let mut bench = Bench::new(1, |_| {});
    bench.gate.discovery(bench.now, Discovery::Named);
    bench.happen(Any::Join(1, 3));
    bench.wait(Duration::from_millis(2500));
    assert!(bench.gate.may_open(bench.now));
    bench
}

fn claims(bench: &Bench, first: u32, count: u32) -> SlotMessage {
    let claim = Claim {
        slot: 0,
        first,
        count,
    };
    SlotMessage {
        readers_max: 3,
        node: bench.gate.holder().access().config().node,
        claims: vec![claim],
        ..SlotMessage::default()
    }
}

#[test]
fn the_claims_of_a_machine_without_a_slot_forbid_nothing() {
    let mut bench = reader();
    let message = claims(&bench, 0, 64);
    bench.gate.message(bench.now, SourceId(1), &message);
    let now = bench.now;
    let claimed = |bench: &Bench| {
        let room = bench.gate.room();
        room.gossip().is_claimed(now, 5, room.table())
    };
    assert!(!claimed(&bench));
    // with the slot they count
    let held = SlotRecord {
        slot: 0,
        term: 40,
        holder: node(1, 0),
        heartbeat: 1,
        ..SlotRecord::default()
    };
    bench.gate.room_mut().table_mut().set(now, held);
    assert!(claimed(&bench));
}

#[test]
fn who_tells_again_and_again_that_slots_changed_hands_is_believed_twice() {
    let mut bench = reader();
    let slot = bench.gate.holder().held().first().unwrap();
    let mut losses = 0;
    for round in 0..40u64 {
        let term = bench.gate.room().table().record(slot).unwrap().term + 1;
        let ghost = SlotRecord {
            slot,
            term,
            holder: node(9, round),
            heartbeat: 1,
            ..SlotRecord::default()
        };
        let held = bench.gate.holder().held().owns(slot);
        bench.happen(Any::Word(1, vec![ghost], 3));
        losses += u32::from(held && !bench.gate.holder().held().owns(slot));
        bench.wait(Duration::from_millis(500));
    }
    assert!((1..=2).contains(&losses), "{losses}");
}

#[test]
fn a_holder_of_whose_slot_nothing_comes_holds_it_for_seconds() {
    let mut bench = reader();
    let slot = (0..3)
        .find(|slot| !bench.gate.holder().held().owns(*slot))
        .unwrap();
    let began = bench.now;
    for heartbeat in 1..40 {
        let held = SlotRecord {
            slot,
            term: 1,
            holder: node(1, 0),
            heartbeat,
            ..SlotRecord::default()
        };
        bench.happen(Any::Word(1, vec![held], 3));
        let now = bench.now;
        if bench.gate.room().table().live_holder(now, slot).is_none() {
            break;
        }
        bench.wait(Duration::from_millis(500));
    }
    let held = bench.now.since(began);
    assert!(held <= Duration::from_secs(6), "{held:?}");
}
