//! What tests of rooms at 100 Mbit/s share.
#![expect(
    clippy::print_stderr,
    reason = "the figures belong into the log of a test"
)]

use std::time::Duration;

use swarmcopy_sim::{Outcome, Profile, Simulation};

/// Bytes a second of a line of 100 Mbit/s.
pub(crate) const LINE: u64 = 12_500_000;
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Runs a room to its end; all must have what they want.
pub(crate) fn run(profile: Profile) -> Outcome {
    let outcome = Simulation::run(profile);
    eprintln!("seed {}: {}", outcome.seed, outcome.summary());
    assert!(outcome.all_done(), "{}", outcome.summary());
    outcome
}
