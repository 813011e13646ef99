//! A room in lines of text and of JSON.

use serde::Serialize;
use swarmcopy_room::{MachineView, RoomView, State};

use crate::format;

/// Where the page stands.
#[derive(Debug, Serialize)]
pub(crate) struct PageEvent<'a> {
    event: &'static str,
    page: &'a str,
    name: &'a str,
}

impl<'a> PageEvent<'a> {
    pub(crate) fn new(page: &'a str, name: &'a str) -> Self {
        Self {
            event: "page",
            page,
            name,
        }
    }
}

/// The room as an event.
#[derive(Debug, Serialize)]
pub(crate) struct RoomEvent<'a> {
    event: &'static str,
    #[serde(flatten)]
    room: &'a RoomView,
}

pub(crate) fn event(room: &RoomView) -> RoomEvent<'_> {
    RoomEvent {
        event: "room",
        room,
    }
}

/// The room as a table for people.
pub(crate) fn table(room: &RoomView) -> Vec<String> {
    let totals = &room.totals;
    let counted = totals.states.iter().filter(|(_, count)| **count > 0);
    let counted: Vec<_> = counted
        .map(|(state, count)| format!("{count} {}", state.as_str()))
        .collect();
    let mut lines = vec![format!("{}: {}", room.name, or_nobody(&counted.join(", ")))];
    let origin = &room.origin;
    lines.push(format!(
        "origin: {} of {} readers, {:.2} copies sent, {} now",
        origin.readers,
        origin.readers_max,
        origin.copies,
        format::rate(origin.rate)
    ));
    let width = room.machines.iter().map(|it| it.name.chars().count());
    let width = width.max().unwrap_or(0).min(NAME_CHARS_MAX);
    lines.extend(room.machines.iter().map(|it| row(it, width)));
    lines
}

/// Longest name that lines are made straight for.
const NAME_CHARS_MAX: usize = 32;

fn or_nobody(counted: &str) -> &str {
    if counted.is_empty() {
        "nobody was seen"
    } else {
        counted
    }
}

fn row(machine: &MachineView, width: usize) -> String {
    let part = match machine.state {
        State::Expected => "-".to_owned(),
        _ => format!("{} %", format::percent(machine.verified, machine.bytes)),
    };
    let rate = match machine.rate {
        0 => "-".to_owned(),
        rate => format::rate(rate),
    };
    let says = machine.why.as_deref().unwrap_or_default();
    let row = format!(
        "{:width$}  {:8}  {part:>6}  {rate:>11}  {says}",
        machine.name,
        machine.state.as_str()
    );
    row.trim_end().to_owned()
}
