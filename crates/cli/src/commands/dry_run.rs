//! `get --dry-run`: says what a copy would do.

use serde::Serialize;
use swarmcopy::{Content, CopyOptions, Error, Preview};

use crate::exit::{self, Style};
use crate::{format, output};

#[derive(Debug, Serialize)]
struct PreviewEvent<'a> {
    event: &'static str,
    name: &'a str,
    fetched: &'a [String],
    replaced: &'a [String],
    made: &'a [String],
    removed: &'a [String],
    fetched_bytes: u64,
    removed_bytes: u64,
    same: usize,
}

/// Runs it.
pub(super) fn run(content: &Content, options: &CopyOptions, style: Style) -> Result<u8, Error> {
    let preview = content.preview(options)?;
    match style {
        Style::Json => output::json(&event(content.name(), &preview)),
        Style::Human => tell(content.name(), &preview),
    }
    Ok(exit::DONE)
}

fn event<'a>(name: &'a str, preview: &'a Preview) -> PreviewEvent<'a> {
    PreviewEvent {
        event: "preview",
        name,
        fetched: &preview.fetched,
        replaced: &preview.replaced,
        made: &preview.made,
        removed: &preview.removed,
        fetched_bytes: preview.fetched_bytes,
        removed_bytes: preview.removed_bytes,
        same: preview.same,
    }
}

fn tell(name: &str, preview: &Preview) {
    for (label, paths) in [
        ("fetch  ", &preview.fetched),
        ("replace", &preview.replaced),
        ("make   ", &preview.made),
        ("remove ", &preview.removed),
    ] {
        for path in paths {
            output::line(&format!("{label}  {path}"));
        }
    }
    let changed = preview.fetched.len().saturating_add(preview.replaced.len());
    let count =
        |len: usize, what: &str| format::count(u64::try_from(len).unwrap_or(u64::MAX), what);
    output::line(&format!(
        "{name}: would fetch at most {} in {}, remove {} in {}; {} would stay",
        format::bytes(preview.fetched_bytes),
        count(changed, "file"),
        format::bytes(preview.removed_bytes),
        count(preview.removed.len(), "entry").replace("entrys", "entries"),
        count(preview.same, "file"),
    ));
}
