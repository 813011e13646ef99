//! A flash crowd: `cargo run --release -p swarmcopy-sim --example flash -- MACHINES [SEED]`.
#![expect(clippy::print_stdout, reason = "an example speaks to its user")]

use std::time::Instant;

use swarmcopy_sim::{Profile, Simulation};

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse::<u64>().ok());
    let machines = numbers.next().unwrap_or(50);
    let seed = numbers.next().unwrap_or(1);
    let started = Instant::now();
    let mut profile = Profile::flash(seed, usize::try_from(machines).unwrap_or(50));
    if let Some(seconds) = numbers.next() {
        profile.deadline = std::time::Duration::from_secs(seconds);
    }
    let outcome = Simulation::run(profile);
    println!("N={machines} seed {seed}: {}", outcome.summary());
    println!(
        "wall {:.1} s, {} steps",
        started.elapsed().as_secs_f64(),
        outcome.steps
    );
    for (reason, count) in &outcome.reasons {
        println!("  {reason}: {count}");
    }
}
