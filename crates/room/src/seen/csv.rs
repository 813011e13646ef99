//! The room as a table of comma separated values (RFC 4180).
//!
//! What must stay true: no cell that comes from outside begins a formula where a spreadsheet opens the table.

use std::time::Instant;

use super::state::Seen;
use super::view::MachineView;

/// The head of the table.
const HEAD: &str = "name,state,why,waits_s,addr,client,system,group,class,bytes,verified,rate,\
from_share,from_mirror,from_peers,reused,uploaded,wasted,bad_pieces,peers,slots,seconds,seconds_left,free,error\r\n";

impl Seen {
    /// The room as a table with a head.
    pub fn csv(&self, now: Instant) -> String {
        table(&self.view(now).machines)
    }
}

fn table(machines: &[MachineView]) -> String {
    let mut table = HEAD.to_owned();
    for machine in machines {
        table.push_str(&row(machine));
        table.push_str("\r\n");
    }
    table
}

fn row(machine: &MachineView) -> String {
    let slots: Vec<_> = machine.slots.iter().map(u32::to_string).collect();
    let maybe = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let cells = [
        text(&machine.name),
        machine.state.as_str().to_owned(),
        text(machine.why.as_deref().unwrap_or_default()),
        machine.waits.to_string(),
        text(machine.addr.as_deref().unwrap_or_default()),
        text(&machine.client),
        text(&machine.system),
        text(&machine.group),
        text(&machine.class),
        machine.bytes.to_string(),
        machine.verified.to_string(),
        machine.rate.to_string(),
        machine.from_share.to_string(),
        machine.from_mirror.to_string(),
        machine.from_peers.to_string(),
        machine.reused.to_string(),
        machine.uploaded.to_string(),
        machine.wasted.to_string(),
        machine.bad_pieces.to_string(),
        machine.peers.to_string(),
        slots.join(" "),
        machine.seconds.to_string(),
        maybe(machine.seconds_left),
        maybe(machine.free),
        text(&machine.error),
    ];
    cells.join(",")
}

/// A text as a cell.
fn text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_nor_breaks_the_row() {
        assert_eq!(text("lab-07"), "lab-07");
        assert_eq!(text("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(text("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        assert_eq!(text("@x,y"), "\"'@x,y\"");
    }

    #[test]
    fn head_and_rows_have_the_same_columns() {
        assert_eq!(HEAD.split(',').count(), 25);
    }
}
