//! How running work is shown: a live view on a terminal, plain lines elsewhere, JSON for scripts.
//!
//! What must stay true: progress for people goes to stderr, JSON to stdout; with `--json` nothing
//! but warnings and errors is written for people.

mod gauge;
mod json;
mod live;
mod news;
mod plain;
mod rehearsal;
pub(crate) mod room;
mod screen;
mod text;
mod view;

use std::time::Duration;

pub(crate) use gauge::Gauge;
pub(crate) use rehearsal::{RehearsalView, rehearsal_view};
pub(crate) use view::CopyView;
use view::on_terminal;

use crate::exit::Style;

/// The view of a copy that fits the style and where stderr leads, with a line of progress each time that passes.
pub(crate) fn copy_view(style: Style, every: Option<Duration>) -> Box<dyn CopyView> {
    match style {
        Style::Json => Box::new(json::JsonView::new(every)),
        Style::Human if on_terminal() => Box::new(live::LiveView::new()),
        Style::Human => Box::new(plain::PlainView::new(every)),
    }
}
