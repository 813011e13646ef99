//! The rules R1-R7 as assertions, checked at each event of a slot or a read.
//!
//! In debug builds and with the feature `invariants`. A rule that does not hold is a fault of this
//! crate, never of what others sent.

use super::config::{Hours, Mode};
use super::gate::OriginGate;
use super::own::lock_allows;
use super::view::{ReadPlan, View};
use crate::{Instant, Reason, SourceId};

/// R1, R5: what a plan names may be read.
pub(super) fn plan(
    gate: &OriginGate,
    now: Instant,
    source: SourceId,
    view: &View<'_>,
    plan: &ReadPlan,
) {
    assert!(gate.config.mode != Mode::Never, "R5: never is absolute");
    assert!(gate.hours == Hours::Open, "R1: hours allow it");
    let origin = gate.origins.iter().find(|origin| origin.source == source);
    let Some(origin) = origin else {
        unreachable!("R5: only a known origin is read")
    };
    let first = plan.first().value();
    for index in first..first + plan.count() {
        let Some(piece) = gate.layout.piece(index) else {
            unreachable!("a plan names pieces")
        };
        assert!(
            view.missing.contains(piece),
            "R1: not held, and nobody brings it"
        );
        assert!(
            !gate.marks.is_bad(now, origin.tag, index),
            "R7: not read again where it was bad"
        );
        if plan.reason() == Reason::OriginFast {
            assert!(
                gate.config.mode == Mode::Fast,
                "R1: only fast reads without a slot"
            );
            continue;
        }
        let reader = gate.reader_of(now, index);
        let own = gate.own.iter().find(|own| own.slot == reader);
        let Some(own) = own else {
            unreachable!("R1: I hold the slot, or gave notice (R4)")
        };
        assert!(
            own.is_open(now),
            "R2: no new read under a slot that is being given back"
        );
        assert!(lock_allows(own.lock, origin.kind), "R1: the lock is held");
        assert!(!view.available.contains(piece), "R1: nobody serves it");
    }
}

/// R2, R3, R5, R6: what is held may be held.
pub(super) fn after_timeout(gate: &OriginGate, now: Instant) {
    for own in &gate.own {
        let holder = gate.table.cell(own.slot).map(|cell| cell.record.holder);
        assert!(
            holder == Some(gate.config.node),
            "R2: what is held is mine in the table"
        );
        let finished = own.leaving.is_some() && own.reads == 0;
        assert!(!finished, "R3: given back as soon as its reads have ended");
        assert!(
            !gate.must_leave() || own.leaving.is_some(),
            "R3, R5: no reason to hold it"
        );
    }
    for slot in 0..gate.table.slots() {
        let mine = gate
            .table
            .cell(slot)
            .is_some_and(|it| it.record.holder == gate.config.node);
        assert!(
            !mine || gate.owns(slot),
            "R2: what is mine in the table is held"
        );
    }
    assert!(
        gate.config.mode == Mode::Protect || gate.own.is_empty(),
        "R5: no slots"
    );
    let under_way = gate.reads.values().filter(|slot| gate.owns(**slot)).count();
    let counted: u32 = gate.own.iter().map(|own| own.reads).sum();
    assert!(
        u32::try_from(under_way) == Ok(counted),
        "reads are counted once"
    );
    assert!(gate.now >= now, "time is known");
}
