//! The table by itself: order, loss and doubling of records change nothing.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::world::node;
use crate::SlotRecord;
use crate::table::{Merged, SlotTable};
use crate::{Instant, NodeId, Tuning};

pub(super) fn record() -> impl Strategy<Value = SlotRecord> {
    (
        0u32..70,
        0u64..6,
        0usize..5,
        0u64..5,
        0u32..32,
        0u32..100,
        any::<bool>(),
    )
        .prop_map(
            |(slot, term, holder, heartbeat, flags, extent, wild)| SlotRecord {
                slot,
                term: if wild { u64::MAX - term } else { term },
                holder: if holder == 4 {
                    NodeId([0; 8])
                } else {
                    node(holder, 0)
                },
                heartbeat,
                flags,
                extent,
                goodput: term * 1_000_000,
                ..SlotRecord::default()
            },
        )
}

pub(super) fn claim_of(slot: u32, term: u64, holder: NodeId, heartbeat: u64) -> SlotRecord {
    SlotRecord {
        slot,
        term,
        holder,
        heartbeat,
        ..SlotRecord::default()
    }
}

proptest! {
    #[test]
    fn tables_converge_in_any_order(
        records in prop::collection::vec(record(), 1..40), seed: u64, tables in 2usize..6
    ) {
        let now = Instant::from_micros(1);
        // what honest machines say: terms within reach, one extent and goodput per word of a holder
        let records: Vec<SlotRecord> = records
            .into_iter()
            .filter(|record| record.term < 16)
            .map(|record| SlotRecord { flags: 0, extent: 0, goodput: 0, ..record })
            .collect();
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut all: Vec<SlotTable> =
            (0..tables).map(|_| SlotTable::new(&Arc::default(), [1; 32], 64, now)).collect();
        for table in &mut all {
            // lost, doubled, in any order
            let mut some: Vec<_> = records.iter().filter(|_| rng.u8(0..3) > 0).collect();
            some.extend_from_within(..some.len() / 2);
            rng.shuffle(&mut some);
            some.into_iter().for_each(|record| _ = table.merge(now, node(1, 0), record));
        }
        let known: Vec<SlotRecord> =
            all.iter().flat_map(|table| table.records(u64::MAX)).collect();
        for table in &mut all {
            let mut words = known.clone();
            rng.shuffle(&mut words);
            words.iter().for_each(|record| _ = table.merge(now, node(1, 0), record));
        }
        let views: Vec<Vec<SlotRecord>> =
            all.iter().map(|table| table.records(u64::MAX)).collect();
        prop_assert!(views.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", views);
    }
}

#[test]
fn a_far_term_needs_two_witnesses_or_patience() {
    let now = Instant::from_micros(1);
    let mut table = SlotTable::new(&Arc::default(), [1; 32], 3, now);
    table.merge(now, node(1, 0), &claim_of(0, 2, node(1, 0), 1));
    let far = claim_of(0, 90, node(2, 0), 1);
    assert_eq!(table.merge(now, node(2, 0), &far), Merged::Refused);
    assert_eq!(table.merge(now, node(2, 0), &far), Merged::Refused);
    assert!(matches!(
        table.merge(now, node(3, 0), &far),
        Merged::Changed { .. }
    ));
    let further = claim_of(0, 900, node(2, 0), 1);
    assert_eq!(table.merge(now, node(2, 0), &further), Merged::Refused);
    let later = now + Duration::from_secs(10);
    assert!(matches!(
        table.merge(later, node(2, 0), &further),
        Merged::Changed { .. }
    ));
}

#[test]
fn a_claim_beats_a_release_of_the_same_term() {
    let now = Instant::from_micros(1);
    let (release, claim) = (
        claim_of(0, 3, NodeId([0; 8]), 0),
        claim_of(0, 3, node(1, 0), 1),
    );
    let mut one = SlotTable::new(&Arc::default(), [1; 32], 1, now);
    one.merge(now, node(2, 0), &release);
    one.merge(now, node(2, 0), &claim);
    let mut two = SlotTable::new(&Arc::default(), [1; 32], 1, now);
    two.merge(now, node(2, 0), &claim);
    two.merge(now, node(2, 0), &release);
    assert_eq!(one.live_holder(now, 0), Some(node(1, 0)));
    assert_eq!(two.live_holder(now, 0), Some(node(1, 0)));
}

#[test]
fn a_holder_that_is_said_to_have_died_is_dead_whatever_others_still_pass_on() {
    let now = Instant::from_micros(1);
    let holder = node(1, 0);
    let mut table = SlotTable::new(&Arc::default(), [1; 32], 1, now);
    table.merge(now, node(2, 0), &claim_of(0, 1, holder, 1));
    table.holder_died(now, holder);
    assert_eq!(table.live_holder(now, 0), None);
    let passed_on = now + Duration::from_secs(1);
    table.merge(passed_on, node(2, 0), &claim_of(0, 1, holder, 2));
    assert_eq!(table.live_holder(passed_on, 0), None);
    let lives = now + Tuning::default().lost;
    table.merge(lives, node(2, 0), &claim_of(0, 1, holder, 3));
    assert_eq!(table.live_holder(lives, 0), Some(holder));
}

#[test]
fn a_holder_is_dead_five_seconds_after_its_last_heartbeat_sooner_after_a_reset() {
    let now = Instant::from_micros(1);
    let mut table = SlotTable::new(&Arc::default(), [1; 32], 1, now);
    table.merge(now, node(2, 0), &claim_of(0, 1, node(1, 0), 1));
    assert_eq!(
        table.live_until(now, 0),
        Some(now + Tuning::default().dead())
    );
    table.holder_reset(now, node(1, 0));
    assert_eq!(
        table.live_until(now, 0),
        Some(now + Duration::from_millis(1500))
    );
    let later = now + Duration::from_secs(1);
    table.merge(later, node(2, 0), &claim_of(0, 1, node(1, 0), 2));
    assert_eq!(
        table.live_until(later, 0),
        Some(later + Tuning::default().dead())
    );
}

#[test]
fn a_holder_that_brings_nothing_and_tells_nothing_is_dead_in_a_moment() {
    let start = Instant::from_micros(1_000_000_000);
    let dead_after = |told: Duration| {
        let mut table = SlotTable::new(&Arc::default(), [1; 32], 1, start);
        table.merge(start, node(2, 0), &claim_of(0, 1, node(1, 0), 1));
        let now = start + told;
        table.holder_silent(now, node(1, 0));
        table.live_until(now, 0).unwrap().since(start)
    };
    assert_eq!(dead_after(Duration::from_secs(1)), Tuning::default().dead());
    assert_eq!(
        dead_after(Duration::from_millis(2500)),
        Duration::from_secs(3)
    );
}
