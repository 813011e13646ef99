//! How running work is shown: a live view on a terminal, plain lines elsewhere, JSON for scripts.
//!
//! What must stay true: progress for people goes to stderr, JSON to stdout; with `--json` nothing
//! but warnings and errors is written for people.

mod gauge;
mod json;
mod live;
mod plain;
mod rehearsal;
mod text;

pub(crate) use gauge::Gauge;
pub(crate) use rehearsal::{RehearsalView, rehearsal_view};

use std::io::{self, IsTerminal};
use std::time::Duration;

use swarmcopy::{Explanation, Progress, Report, Started};

use crate::exit::Style;

/// Shows one copy.
pub(crate) trait CopyView {
    /// The copy begins.
    fn started(&mut self, started: &Started);
    /// A look at it.
    fn progress(&mut self, progress: &Progress);
    /// A decision was taken.
    fn explain(&mut self, explanation: &Explanation);
    /// All is verified and on disk.
    fn complete(&mut self, elapsed: Duration);
    /// Nothing moves any more: whatever is drawn is cleared, so that messages can follow.
    fn end(&mut self);
    /// The summary.
    fn report(&mut self, report: &Report);
}

/// The view of a copy that fits the style and where stderr leads.
pub(crate) fn copy_view(style: Style) -> Box<dyn CopyView> {
    match style {
        Style::Json => Box::new(json::JsonView::default()),
        Style::Human if on_terminal() => Box::new(live::LiveView::new()),
        Style::Human => Box::new(plain::PlainView::default()),
    }
}

/// Whether a person watches.
fn on_terminal() -> bool {
    io::stderr().is_terminal()
}
