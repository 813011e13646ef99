//! Whole rooms in virtual time: how often the origin is read, by how many at a time, and how near
//! the last machine comes to the bound.
//!
//! Debug builds run smaller rooms. Every assertion names the seed and the figures.
#![expect(
    clippy::print_stderr,
    reason = "the figures belong into the log of a test"
)]

use std::time::Duration;

use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_sim::{Holds, Outcome, Profile, Simulation};

/// A room of the default profile; smaller where schedulers run unoptimised.
fn flash(seed: u64, machines: usize) -> Profile {
    let profile = Profile::flash(seed, if small() { machines.min(12) } else { machines });
    if small() {
        profile.sized(1 << 30, 4 << 20)
    } else {
        profile
    }
}

fn small() -> bool {
    cfg!(debug_assertions)
}

fn run(profile: Profile) -> Outcome {
    let outcome = Simulation::run(profile);
    eprintln!("seed {}: {}", outcome.seed, outcome.summary());
    outcome
}

/// All are complete, by one copy, read by at most K machines.
fn one_copy(outcome: &Outcome, last_max: f64) {
    // of a short one a piece is a larger part
    copies(outcome, if small() { 1.02 } else { 1.01 }, last_max);
}

/// All are complete, by so many copies, read by at most K machines.
fn copies(outcome: &Outcome, copies_max: f64, last_max: f64) {
    let told = format!("seed {}: {}", outcome.seed, outcome.summary());
    assert!(outcome.all_done(), "{told}");
    assert!(outcome.copies() <= copies_max, "{told}");
    assert!(
        outcome.readers_peak <= 4 && outcome.over_cap <= Duration::from_millis(300),
        "{told}"
    );
    // a short copy is mostly its start
    let last_max = if small() { last_max + 0.25 } else { last_max };
    assert!(outcome.last() <= last_max, "{told}");
}

#[test]
fn one_machine_alone_reads_at_full_speed() {
    one_copy(&run(flash(1, 1)), 1.02);
}

#[test]
fn two_machines_share_one_copy() {
    for seed in 1..5 {
        one_copy(&run(flash(seed, 2)), 1.10);
    }
}

#[test]
fn eight_machines_share_one_copy() {
    for seed in 1..6 {
        one_copy(&run(flash(seed, 8)), 1.10);
    }
}

#[test]
fn an_origin_as_fast_as_one_machine_is_read_without_a_pause() {
    for seed in 1..6 {
        let profile = Profile::flash(seed, 8).sized(256 << 20, 1 << 20);
        one_copy(&run(profile.at_rate(12_500_000)), 1.25);
    }
}

#[test]
fn fifty_machines_share_one_copy() {
    for seed in 1..4 {
        one_copy(&run(flash(seed, 50)), 1.10);
    }
}

#[test]
fn two_hundred_machines_share_one_copy() {
    one_copy(&run(flash(1, 200)), 1.15);
}

#[test]
fn a_thousand_machines_share_little_more_than_one_copy() {
    copies(&run(flash(1, 1000)), 1.10, 1.17);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| run(flash(seed, 8)).trace;
    assert_eq!(trace(5), trace(5), "seed 5");
    assert_ne!(trace(5), trace(6), "seeds 5 and 6");
}

#[test]
fn who_comes_when_the_swarm_has_all_reads_nothing() {
    for seed in 1..4 {
        let profile = flash(seed, 40);
        let machines = profile.machines.len();
        let over = profile.bound() * 2;
        let len = profile.content_len();
        let outcome = run(Profile::staggered(seed, machines, over).sized(len, 4 << 20));
        let told = format!("seed {seed}: {}", outcome.summary());
        // of the small content of a debug build one piece is more than a fiftieth
        let most = if cfg!(debug_assertions) { 1.08 } else { 1.02 };
        assert!(outcome.all_done() && outcome.copies() <= most, "{told}");
        let late: Vec<_> = outcome
            .machines
            .iter()
            .filter(|machine| machine.late)
            .collect();
        assert!(!late.is_empty(), "{told}");
        assert!(
            late.iter().all(|machine| machine.origin_bytes == 0),
            "{told}"
        );
    }
}

#[test]
fn twenty_seeds_spare_the_share() {
    for seed in 1..4 {
        let profile = flash(seed, 21).each(|place, spec| {
            if place > 0 {
                spec.holds = Holds::Everything;
            } else {
                spec.join = Duration::from_secs(3);
            }
        });
        let outcome = run(profile);
        let told = format!("seed {seed}: {}", outcome.summary());
        assert!(outcome.all_done() && outcome.origin_bytes == 0, "{told}");
        assert!(outcome.last() <= 1.05, "{told}");
    }
}

#[test]
fn each_group_has_readers_of_its_own() {
    let readers = |groups: [&str; 2]| {
        let profile = flash(3, 12).each(|at, machine| {
            let mut policy = OriginConfig::default();
            groups[at % 2].clone_into(&mut policy.group);
            policy.readers_max = 1;
            machine.policy = Some(policy);
        });
        let outcome = run(profile);
        assert!(outcome.all_done(), "{}", outcome.summary());
        outcome.readers_peak
    };
    assert_eq!((readers(["", ""]), readers(["north", "south"])), (1, 2));
}
