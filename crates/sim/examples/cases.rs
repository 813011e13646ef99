//! The cases of the acceptance table, with figures: `cargo run --release -p swarmcopy-sim --example
//! cases -- [WORD] [SEED]` runs those whose name contains the word.
#![expect(clippy::print_stdout, reason = "an example speaks to its user")]

use std::time::{Duration, Instant};

use swarmcopy_sim::{Fault, Holds, MachineSpec, OriginSpec, Outcome, Profile, Role, Simulation};

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
    let machines = [1, 2, 8, 20, 50, 200, 1000].into_iter();
    let flash = machines.map(|count| (format!("flash N={count}"), Profile::flash(seed, count)));
    let mut cases: Vec<_> = flash.collect();
    for (word, over) in [("69", 69 * SECOND), ("300", 300 * SECOND)] {
        let profile = Profile::staggered(seed, 50, over);
        cases.push((format!("staggered N=50 over {word} s"), profile));
    }
    let narrow = Profile::flash(seed, 8)
        .sized(256 << 20, 1 << 20)
        .at_rate(12_500_000);
    cases.push((
        "N=8, all and the origin at 100 Mbit/s, 256 MiB".to_owned(),
        narrow,
    ));
    cases.extend(origins(seed));
    cases.extend(faults(seed));
    cases.extend(mixed_rooms(seed));
    cases
}

/// Machines at 100 Mbit/s whose origins are not all alike.
fn origins(seed: u64) -> Vec<(String, Profile)> {
    const LINE: u64 = 12_500_000;
    let room = |machines| {
        let profile = Profile::flash(seed, machines).sized(512 << 20, 512 << 10);
        profile.at_rate(LINE)
    };
    let mut wrong = OriginSpec::default();
    (wrong.up_rate, wrong.wrong_every) = (LINE, 3);
    let mut lies = room(8);
    lies.origins.push(wrong);
    let mut small = Profile::flash(seed, 1).tree(vec![20_000; 3000], 512 << 10);
    small.origins[0].answer = Duration::from_millis(5);
    let mut tree = room(8).tree(vec![256 << 10; 2048], 512 << 10);
    tree.origins[0].answer = Duration::from_millis(1);
    vec![
        (
            "N=8 and the origin at 100 Mbit/s, 512 MiB".to_owned(),
            room(8),
        ),
        ("the same, 2,048 files, 1 ms each".to_owned(), tree),
        (
            "the same, a mirror with every third piece wrong".to_owned(),
            lies,
        ),
        ("alone, 3,000 files of 20 KB, 5 ms each".to_owned(), small),
    ]
}

/// Fifty machines among which something breaks.
fn faults(seed: u64) -> Vec<(String, Profile)> {
    let fifty = || Profile::flash(seed, 50);
    let kill = |at: u32, every: u32, fault| fifty().with(at * SECOND, Some(every * SECOND), fault);
    let mut cases = vec![
        (
            "kill one holder each 10 s".to_owned(),
            kill(10, 10, Fault::KillHolder),
        ),
        (
            "kill one holder each 30 s".to_owned(),
            kill(6, 30, Fault::KillHolder),
        ),
        (
            "kill all holders each 9 s".to_owned(),
            kill(9, 9, Fault::KillHolders),
        ),
    ];
    for at in [3, 6, 12, 20] {
        let parted = fifty().with(at * SECOND, None, Fault::Part);
        let healed = parted.with(at * SECOND + Duration::from_millis(3400), None, Fault::Heal);
        cases.push((format!("partition {at} s for 3.4 s"), healed));
    }
    let down = fifty().with(5 * SECOND, None, Fault::OriginDown);
    let back = down.with(25 * SECOND, None, Fault::OriginUp);
    cases.push(("origin down 5-25 s".to_owned(), back));
    cases
}

/// Rooms in which not all machines are alike.
fn mixed_rooms(seed: u64) -> Vec<(String, Profile)> {
    let room = |machines| Profile::flash(seed, machines);
    let odd = |profile: Profile, change: fn(&mut MachineSpec)| {
        profile.each(|place, spec| {
            if place % 2 == 1 {
                change(spec);
            }
        })
    };
    let mute: fn(&mut MachineSpec) = |spec| spec.role = Role::Mute;
    let crawl: fn(&mut MachineSpec) = |spec| {
        spec.holds = Holds::Everything;
        spec.up_rate = 1024;
    };
    let tenth = |place: usize, spec: &mut MachineSpec| {
        if place % 10 == 3 {
            spec.role = Role::Claimer;
        }
    };
    let seeds = |place: usize, spec: &mut MachineSpec| {
        if place < 49 {
            spec.holds = Holds::Everything;
        } else {
            spec.join = 5 * SECOND;
        }
    };
    let slow = |spec: &mut MachineSpec| {
        (spec.up_rate, spec.down_rate) = (spec.up_rate / 10, spec.down_rate / 10);
    };
    let both = with_one(with_one(room(20), mute), crawl);
    let cases = [
        (
            "stock half N=50",
            odd(room(50), |spec| spec.role = Role::Stock),
        ),
        (
            "stock half N=8",
            odd(room(8), |spec| spec.role = Role::Stock),
        ),
        ("mute N=50", with_one(room(50), mute)),
        ("mute N=8", with_one(room(8), mute)),
        ("crawling seed N=50", with_one(room(50), crawl)),
        ("mute and crawling seed N=20", both),
        ("slow half N=50", odd(room(50), slow)),
        ("claimers a tenth N=50", room(50).each(tenth)),
        ("seeds 49, one joins", room(50).each(seeds)),
    ];
    cases
        .map(|(name, profile)| (name.to_owned(), profile))
        .into()
}

fn with_one(mut profile: Profile, change: fn(&mut MachineSpec)) -> Profile {
    let mut spec = MachineSpec::default();
    change(&mut spec);
    profile.machines.push(spec);
    profile
}
