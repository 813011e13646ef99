//! The rules R1-R7 as assertions, checked at each event of a slot or a read.
//!
//! In debug builds and with the feature `invariants`. A rule that does not hold is a fault of this
//! crate, never of what others sent.

use crate::config::Mode;
use crate::holder::Holder;
use crate::room::Room;
use crate::sight::Sight;
use crate::view::ReadPlan;
use crate::{Reason, SourceId};

/// R1, R5: what a plan names may be read.
pub(super) fn plan(holder: &Holder, sight: &Sight<'_>, source: SourceId, plan: &ReadPlan) {
    let (access, held, now) = (holder.access(), holder.held(), sight.now);
    let mode = access.config().mode;
    assert!(mode != Mode::Never, "R5: never is absolute");
    assert!(!access.is_closed_now(), "R1: hours allow it");
    let Some((tag, kind)) = access.named(source) else {
        unreachable!("R5: only a known origin is read")
    };
    let extents = sight.room.extents();
    let first = plan.first().value();
    for index in first..first + plan.count() {
        let Some(piece) = extents.piece(index) else {
            unreachable!("a plan names pieces")
        };
        assert!(
            sight.view.missing.contains(piece),
            "R1: not held, and nobody brings it"
        );
        assert!(
            !sight.is_bad(tag, index),
            "R7: not read again where it was bad"
        );
        if plan.reason() == Reason::OriginFast {
            assert!(mode == Mode::Fast, "R1: only fast reads without a slot");
            continue;
        }
        let Some(own) = held.find(held.reader_of(now, extents, index)) else {
            unreachable!("R1: I hold the slot, or gave notice (R4)")
        };
        assert!(
            own.is_open(now),
            "R2: no new read under a slot that is being given back"
        );
        assert!(own.may_read(now, kind), "R1: the lock is held");
        let served = sight.view.available.contains(piece);
        assert!(!served, "R1: nobody serves it");
    }
}

/// R2, R3, R5, R6: what is held may be held.
pub(super) fn after_timeout(holder: &Holder, room: &Room) {
    let (access, held) = (holder.access(), holder.held());
    for own in held.iter() {
        assert!(
            own.is_left().is_none(),
            "R3: given back as soon as its reads have ended"
        );
        assert!(
            !access.must_leave() || own.is_leaving(),
            "R3, R5: no reason to hold it"
        );
    }
    for slot in 0..room.slots() {
        let record = room.table().record(slot);
        let mine = record.is_some_and(|record| record.holder == room.me());
        assert!(
            mine == held.owns(slot),
            "R2: what is held is mine in the table, and the other way round"
        );
    }
    let is_protected = access.config().mode == Mode::Protect;
    assert!(is_protected || held.is_empty(), "R5: no slots");
    let counted: u32 = held.iter().map(crate::own::Own::reads).sum();
    assert!(
        u32::try_from(held.in_hand()) == Ok(counted),
        "reads are counted once"
    );
}
