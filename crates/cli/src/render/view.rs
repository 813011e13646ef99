//! What a view of a copy is told.

use std::io::{self, IsTerminal};
use std::time::Duration;

use swarmcopy::{Explanation, Progress, Report, Started};

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

/// Whether a person watches on a terminal that can draw.
pub(super) fn on_terminal() -> bool {
    let draws = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    draws && io::stderr().is_terminal()
}
