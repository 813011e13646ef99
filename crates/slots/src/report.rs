//! What is told of this machine: why a piece is read or not, how it fares with a slot, how fast it may read.

use crate::access::Access;
use crate::held::Held;
use crate::lock::Lock;
use crate::measures::Measures;
use crate::message::{SlotRecord, flags};
use crate::own::Own;
use crate::room::Room;
use crate::sight::Sight;
use crate::{Instant, Reason, SourceId};

/// Why `piece` is not, or is, to be read from `source` now.
pub(super) fn reason(access: &Access, sight: &Sight<'_>, source: SourceId, piece: u32) -> Reason {
    if let Some(denied) = access.denied() {
        return denied;
    }
    let (now, room, held) = (sight.now, sight.room, sight.held);
    let origin = access.named(source);
    if origin.is_some_and(|(tag, _)| sight.is_bad(tag, piece)) {
        return Reason::DeniedBadData;
    }
    if access.is_fast() {
        return Reason::OriginFast;
    }
    let slot = room.extents().slot_of_piece(piece);
    let Some(own) = held.find(slot) else {
        let holding = held.is_empty() && now < room.company().learned_at();
        return if holding {
            Reason::DeniedHoldOff
        } else {
            Reason::DeniedNotHolder
        };
    };
    if origin.is_some_and(|(_, kind)| !own.lock().allows(kind)) {
        return Reason::DeniedGuard;
    }
    if held.was_full(now) {
        return Reason::DeniedWindow;
    }
    let denied = sight.denied(slot, piece);
    denied.unwrap_or_else(|| access.why(false, sight.view.peers_slow))
}

/// How this machine fares with a slot that it holds.
pub(super) fn word(
    now: Instant,
    own: &Own,
    access: &Access,
    held: &Held,
    measures: &Measures,
) -> SlotRecord {
    let (extent, extents) = own.told();
    let limited = measures.is_limited() || access.config().rate_bytes.is_some();
    let mut flags = own.lock().flag();
    if access.is_refused() {
        flags |= flags::ORIGIN_DOWN;
    }
    if limited || held.was_full(now) {
        flags |= flags::LIMITED;
    }
    SlotRecord {
        slot: own.slot(),
        flags,
        goodput: measures.goodput(),
        extent,
        extents,
        origin_bytes: measures.origin_bytes(),
        ..SlotRecord::default()
    }
}

/// Bytes a second that this machine may read from all origins together, never 0; `None` = no limit. A machine that holds
/// no slot any more ends what it began at the pace of one.
pub(super) fn rate_max(now: Instant, access: &Access, held: &Held, room: &Room) -> Option<u64> {
    let slots = u64::from(room.slots());
    let mine = u64::try_from(held.len()).unwrap_or(u64::MAX);
    let has = |lock: Lock| held.iter().any(|own| own.lock() == lock);
    let leaked = has(Lock::Leaked);
    let is_locked = access.is_guarded() && has(Lock::Held);
    let share = access.config().rate_bytes.map(|rate| {
        let live = u64::try_from(room.table().live_holders(now).count()).unwrap_or(slots);
        let live = live.max(mine).max(1);
        let mine = if leaked { 1 } else { mine.max(1) };
        (rate.saturating_mul(mine) / if leaked { slots.max(1) } else { live }).max(1)
    });
    let slow = (leaked && share.is_none() || access.must_trickle() && !is_locked)
        .then_some(access.config().tuning.trickle_bytes);
    [share, slow].into_iter().flatten().min()
}
