//! What the page says in words and figures.

use crate::format;
use crate::rollout::{MachineRow, RollOut};

/// Reasons of one machine that are told.
const REASONS_MAX: usize = 3;
/// The most rows of the table.
const ROWS_MAX: usize = 5000;

/// The text with the characters that mean something to HTML replaced.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ if letter.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

pub(super) fn title(rollout: &RollOut) -> String {
    let machines = count(rollout.machines.len(), "machine");
    let size = format::bytes(rollout.bytes);
    escape(&format!("{}: {size} to {machines}", rollout.name))
}

/// The figures that matter most.
pub(super) fn tiles(rollout: &RollOut) -> String {
    let last = rollout.elapsed.as_secs_f64();
    let bound = match rollout.bound.map(|bound| bound.as_secs_f64()) {
        Some(bound) if bound > 0.0 => format!("{:.2} x the bound of {bound:.2} s", last / bound),
        _ => "rates were not limited".to_owned(),
    };
    let over = rollout.readers_over_cap.as_millis();
    let copies = match (rollout.seed, rollout.identical) {
        (None, true) => ("identical", "all copies, byte by byte".to_owned()),
        (None, false) => ("DIFFERENT", "a copy is not like the original".to_owned()),
        (Some(seed), true) => (
            "complete",
            format!("all machines, simulated with seed {seed}"),
        ),
        (Some(seed), false) => ("INCOMPLETE", format!("simulated with seed {seed}")),
    };
    let tiles = [
        (
            format!("{last:.2} s"),
            format!("until the last was complete; {bound}"),
        ),
        (
            format!("{:.3} copies", rollout.origin_copies()),
            format!("left the origin ({})", format::bytes(rollout.origin_bytes)),
        ),
        (
            format::count(rollout.readers_peak, "machine"),
            format!("read the origin at a time at most; {over} ms more than allowed"),
        ),
        (copies.0.to_owned(), copies.1),
    ];
    let tile = |(figure, words): &(String, String)| {
        format!("<div class=\"tile\"><b>{figure}</b><span>{words}</span></div>")
    };
    format!(
        "<div class=\"tiles\">{}</div>",
        tiles.iter().map(tile).collect::<String>()
    )
}

/// What the colours mean, and more words.
pub(super) fn legend(words: &str) -> String {
    format!(
        "<div class=\"legend\"><span><i style=\"background:var(--share)\"></i>from the share</span>\
         <span><i style=\"background:var(--mirror)\"></i>from mirrors</span>\
         <span><i style=\"background:var(--peer)\"></i>from peers</span><span>{words}</span></div>"
    )
}

/// Each machine's figures.
pub(super) fn table(rollout: &RollOut) -> String {
    let rows = rollout.machines.iter().enumerate().take(ROWS_MAX);
    // machines of a simulation tell no decisions
    let mut all = rollout.machines.iter();
    let told = all.any(|machine| machine.held.is_some() || !machine.reasons.is_empty());
    let why = |machine: &MachineRow| {
        if !told {
            return String::new();
        }
        let held = machine.held.as_ref();
        let slots = held.map_or_else(String::new, |held| format::numbers(&held.slots));
        let reasons = reasons(machine);
        format!("<td>{slots}</td><td class=\"words\">{reasons}</td>")
    };
    let rows = rows.map(|(place, machine)| {
        let took = machine.took.map_or_else(
            || "never".to_owned(),
            |took| format!("{:.2}", took.as_secs_f64()),
        );
        format!(
            "<tr><td>machine {}</td><td>{took}</td><td>{}</td><td>{}</td><td>{}</td>{}</tr>",
            place.saturating_add(1),
            format::bytes(machine.from_share),
            format::bytes(machine.from_mirror),
            format::bytes(machine.from_peers),
            why(machine),
        )
    });
    let why = if told {
        "<th>slots</th><th class=\"words\">why it read or did not</th>"
    } else {
        ""
    };
    format!(
        "<table><thead><tr><th></th><th>seconds</th><th>share</th><th>mirrors</th>\
         <th>peers</th>{why}</tr></thead><tbody>{}</tbody></table>",
        rows.collect::<String>()
    )
}

/// What a machine decided most often about the origin.
fn reasons(machine: &MachineRow) -> String {
    let mut reasons: Vec<_> = machine.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let told = reasons.into_iter().take(REASONS_MAX);
    let told: Vec<_> = told
        .map(|(code, count)| format!("{count} {}", escape(code)))
        .collect();
    told.join(", ")
}

/// When, by what and with which settings it was made; and what all machines decided.
pub(super) fn facts(rollout: &RollOut) -> String {
    let mut facts = rollout.facts.clone();
    let mut reasons: Vec<_> = rollout.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let told: Vec<_> = reasons
        .iter()
        .map(|(code, count)| format!("{count} {code}"))
        .collect();
    if !told.is_empty() {
        facts.push(("decisions".to_owned(), told.join(", ")));
    }
    let rows = facts.iter().map(|(name, value)| {
        let (name, value) = (escape(name), escape(value));
        format!("<tr><td>{name}</td><td class=\"words\">{value}</td></tr>")
    });
    format!("<table>{}</table>", rows.collect::<String>())
}

fn count(count: usize, of: &str) -> String {
    format::count(u64::try_from(count).unwrap_or(u64::MAX), of)
}
