//! The page about a roll-out: one file, drawn with SVG, that needs neither network nor scripts.
//!
//! What must stay true: whatever comes from outside (the content's name) is escaped.

mod chart;
pub(crate) mod replay;
mod text;

use std::path::Path;

use swarmcopy::{Error, ErrorKind};

use crate::rollout::RollOut;

/// The most machines that are drawn: a page with more can't be read.
const DRAWN_MAX: usize = 40;

/// Writes the page.
pub(crate) fn write(path: &Path, rollout: &RollOut) -> Result<(), Error> {
    std::fs::write(path, page(rollout)).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Error::new(ErrorKind::Disk, message)
    })
}

fn page(rollout: &RollOut) -> String {
    let drawn = drawn(rollout);
    let scale = chart::scale(rollout, &drawn);
    let machines: String = drawn
        .iter()
        .map(|place| chart::machine(rollout, *place, scale))
        .collect();
    let all = rollout.machines.len();
    let some = if drawn.len() < all {
        format!(
            "<p class=\"note\">{} of {all} machines are drawn, the slowest among them.</p>",
            drawn.len()
        )
    } else {
        String::new()
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{style}</style></head><body><main><h1>{title}</h1>{tiles}\
         <h2>The room and the origin</h2>{room}<h2>Machine by machine, all on one scale up to {top}</h2>{legend}{some}\
         <div class=\"machines\">{machines}</div><h2>All figures</h2><div class=\"wide\">{table}</div>\
         <h2>How it was made</h2>{facts}</main></body></html>\n",
        title = text::title(rollout),
        style = include_str!("style.css"),
        tiles = text::tiles(rollout),
        room = chart::room(rollout),
        legend = text::legend(
            "above: bytes a second over time, wanted or not; below: the pieces from first to last"
        ),
        table = text::table(rollout),
        top = crate::format::rate(chart::whole(scale)),
        facts = text::facts(rollout),
    )
}

/// Which machines are drawn: all, or some at equal distances and the slowest.
fn drawn(rollout: &RollOut) -> Vec<usize> {
    let all = rollout.machines.len();
    if all <= DRAWN_MAX {
        return (0..all).collect();
    }
    let slowest = (0..all).max_by_key(|place| {
        let machine = rollout.machines.get(*place);
        machine.map(|machine| machine.took.unwrap_or(std::time::Duration::MAX))
    });
    let mut places: Vec<_> = (0..DRAWN_MAX.saturating_sub(1))
        .map(|step| step * all / DRAWN_MAX.saturating_sub(1))
        .collect();
    places.extend(slowest);
    places.sort_unstable();
    places.dedup();
    places
}

#[cfg(test)]
mod tests;
