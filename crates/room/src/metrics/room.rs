//! A room as measurements.

use std::fmt;
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;

use super::writer::{Writer, registry};
use crate::seen::RoomView;
use crate::web::{SharedRoom, lock};

/// Measurements of a room.
pub(crate) fn of_room(room: SharedRoom) -> Registry {
    let mut registry = registry();
    registry.register_collector(Box::new(OfRoom(room)));
    registry
}

#[derive(Debug)]
struct OfRoom(SharedRoom);

impl Collector for OfRoom {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let view = lock(&self.0).view(Instant::now());
        let mut to = Writer(encoder);
        room(&mut to, &view)?;
        origin(&mut to, &view)?;
        machines(&mut to, &view)
    }
}

fn room(to: &mut Writer<'_>, view: &RoomView) -> fmt::Result {
    let totals = &view.totals;
    let states = totals.states.iter();
    let states: Vec<_> = states
        .map(|(state, n)| ([("state", state.as_str())], *n))
        .collect();
    to.gauges(
        "room_machines",
        "Machines that were seen or expected, by how they stand",
        states
            .iter()
            .map(|(labels, count)| (labels.as_slice(), *count)),
    )?;
    to.gauge(
        "room_wanted_bytes",
        "Bytes that all machines want",
        &[],
        totals.wanted,
    )?;
    to.gauge(
        "room_verified_bytes",
        "Verified bytes of all machines",
        &[],
        totals.verified,
    )?;
    let from = [
        ([("source", "share")], totals.from_share),
        ([("source", "mirror")], totals.from_mirror),
        ([("source", "peer")], totals.from_peers),
    ];
    to.gauges(
        "room_received_bytes",
        "Bytes that all machines got, by the kind of source",
        from.iter()
            .map(|(labels, bytes)| (labels.as_slice(), *bytes)),
    )?;
    to.gauge(
        "room_rate_bytes",
        "Verified bytes a second of all machines",
        &[],
        totals.rate,
    )?;
    to.gauge(
        "room_wasted_bytes",
        "Bytes that came twice or were wrong",
        &[],
        totals.wasted,
    )?;
    to.gauge(
        "room_bad_pieces",
        "Pieces that were wrong",
        &[],
        totals.bad_pieces,
    )?;
    if let Some(left) = totals.seconds_left {
        let help = "Time until the last machine is complete, at the rates of now";
        to.gauge("room_left_seconds", help, &[], left)?;
    }
    Ok(())
}

fn origin(to: &mut Writer<'_>, view: &RoomView) -> fmt::Result {
    let origin = &view.origin;
    to.gauge(
        "room_origin_readers",
        "Machines that hold a slot",
        &[],
        origin.readers,
    )?;
    let help = "Most machines that may read the origin at a time";
    to.gauge(
        "room_origin_readers_limit",
        help,
        &[],
        origin.readers_max.into(),
    )?;
    to.gauge(
        "room_origin_bytes",
        "Bytes that origins sent to the room",
        &[],
        origin.bytes,
    )?;
    to.ratio(
        "room_origin_copies_ratio",
        "The same in copies of the content",
        origin.copies,
    )?;
    to.gauge(
        "room_origin_rate_bytes",
        "Bytes a second that origins send",
        &[],
        origin.rate,
    )
}

fn machines(to: &mut Writer<'_>, view: &RoomView) -> fmt::Result {
    // what another client shows nobody has verified
    let ours = view
        .machines
        .iter()
        .filter(|it| it.heard.is_some() && !it.system.is_empty());
    let ours: Vec<_> = ours
        .map(|it| {
            let addr = it.addr.as_deref().unwrap_or_default();
            ([("machine", it.name.as_str()), ("addr", addr)], it)
        })
        .collect();
    to.gauges(
        "room_machine_wanted_bytes",
        "Bytes that a machine wants",
        ours.iter()
            .map(|(labels, it)| (labels.as_slice(), it.bytes)),
    )?;
    to.gauges(
        "room_machine_verified_bytes",
        "Verified bytes of a machine",
        ours.iter()
            .map(|(labels, it)| (labels.as_slice(), it.verified)),
    )?;
    to.gauges(
        "room_machine_rate_bytes",
        "Verified bytes a second of a machine",
        ours.iter().map(|(labels, it)| (labels.as_slice(), it.rate)),
    )?;
    to.gauges(
        "room_machine_waiting_seconds",
        "Since something of use came to a machine that waits",
        ours.iter()
            .map(|(labels, it)| (labels.as_slice(), it.waits)),
    )
}
