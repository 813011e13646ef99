//! The cases of the acceptance table, with figures: `cargo run --release -p swarmcopy-sim --example
//! cases -- [WORD] [SEED]` runs those whose name contains the word.
#![expect(clippy::print_stdout, reason = "an example speaks to its user")]

use std::time::{Duration, Instant};

use swarmcopy_sim::{Fault, Holds, MachineSpec, Outcome, Profile, Role, Simulation};

const SECOND: Duration = Duration::from_secs(1);

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    let seed = std::env::args()
        .nth(2)
        .and_then(|word| word.parse().ok())
        .unwrap_or(1);
    println!(
        "| case | done | copies | readers | over K ms | over K+1 ms | last/bound | wasted % | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, profile) in cases(seed) {
        if name.contains(&word) {
            let started = Instant::now();
            let outcome = Simulation::run(profile);
            row(&name, &outcome, started.elapsed());
        }
    }
}

fn row(name: &str, outcome: &Outcome, wall: Duration) {
    let all = outcome.takers().count();
    let done = outcome
        .takers()
        .filter(|machine| machine.done.is_some())
        .count();
    println!(
        "| {name} | {done}/{all} | {:.4} | {} | {} | {} | {:.3} | {:.2} | {:.1} |",
        outcome.copies(),
        outcome.readers_peak,
        outcome.over_cap.as_millis(),
        outcome.far_over_cap.as_millis(),
        outcome.last(),
        100.0 * outcome.wasted(),
        wall.as_secs_f64(),
    );
    for (kind, slowest) in outcome.by_kind() {
        println!("|   {kind} | | | | | | {slowest:.3} | | |");
    }
}

fn cases(seed: u64) -> Vec<(String, Profile)> {
    let mut cases = Vec::new();
    for machines in [1, 2, 8, 20, 50, 200, 1000] {
        cases.push((
            format!("flash N={machines}"),
            Profile::flash(seed, machines),
        ));
    }
    let fifty = || Profile::flash(seed, 50);
    let slow = MachineSpec::default().up_rate / 10;
    let halves = |profile: Profile, role| {
        profile.each(|place, spec| {
            if place % 2 == 1 {
                spec.role = role;
            }
        })
    };
    let mut add = |name: &str, profile| cases.push((name.to_owned(), profile));
    add(
        "staggered N=50 over 69 s",
        Profile::staggered(seed, 50, 69 * SECOND),
    );
    add(
        "staggered N=50 over 300 s",
        Profile::staggered(seed, 50, 300 * SECOND),
    );
    add(
        "kill one holder each 10 s",
        fifty().with(10 * SECOND, Some(10 * SECOND), Fault::KillHolder),
    );
    add(
        "kill one holder each 30 s",
        fifty().with(6 * SECOND, Some(30 * SECOND), Fault::KillHolder),
    );
    add(
        "kill all holders each 9 s",
        fifty().with(9 * SECOND, Some(9 * SECOND), Fault::KillHolders),
    );
    for at in [3, 6, 12, 20] {
        let parted = fifty().with(at * SECOND, None, Fault::Part);
        let healed = parted.with(at * SECOND + Duration::from_millis(3400), None, Fault::Heal);
        add(&format!("partition {at} s for 3.4 s"), healed);
    }
    add("stock half N=50", halves(fifty(), Role::Stock));
    add(
        "stock half N=8",
        halves(Profile::flash(seed, 8), Role::Stock),
    );
    add(
        "mute N=50",
        with_one(fifty(), |spec| spec.role = Role::Mute),
    );
    add(
        "mute N=8",
        with_one(Profile::flash(seed, 8), |spec| spec.role = Role::Mute),
    );
    add(
        "crawling seed N=50",
        with_one(fifty(), |spec| {
            spec.holds = Holds::Everything;
            spec.up_rate = 1024;
        }),
    );
    add(
        "mute and crawling seed N=20",
        with_one(
            with_one(Profile::flash(seed, 20), |spec| spec.role = Role::Mute),
            |spec| {
                spec.holds = Holds::Everything;
                spec.up_rate = 1024;
            },
        ),
    );
    add(
        "slow half N=50",
        fifty().each(|place, spec| {
            if place % 2 == 1 {
                (spec.up_rate, spec.down_rate) = (slow, slow);
            }
        }),
    );
    add(
        "claimers a tenth N=50",
        fifty().each(|place, spec| {
            if place % 10 == 3 {
                spec.role = Role::Claimer;
            }
        }),
    );
    let down = fifty().with(5 * SECOND, None, Fault::OriginDown);
    add(
        "origin down 5-25 s",
        down.with(25 * SECOND, None, Fault::OriginUp),
    );
    add(
        "seeds 49, one joins",
        fifty().each(|place, spec| {
            if place < 49 {
                spec.holds = Holds::Everything;
            } else {
                spec.join = 5 * SECOND;
            }
        }),
    );
    cases
}

fn with_one(mut profile: Profile, change: impl Fn(&mut MachineSpec)) -> Profile {
    let mut spec = MachineSpec::default();
    change(&mut spec);
    profile.machines.push(spec);
    profile
}
