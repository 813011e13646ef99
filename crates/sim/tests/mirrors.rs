//! Mirrors with many small files, with wrong bytes, and with users who know nothing of the swarm.
//!
//! They are the cases that real processes show against real servers. Every assertion names the seed and the
//! figures.

mod support;

use std::time::Duration;

use swarmcopy_sim::{MachineOutcome, MachineSpec, OriginSpec, Profile, Role};

use support::{LINE, SECOND, run};

const MILLI: Duration = Duration::from_millis(1);

/// Lengths of so many files as software has them: most of some kilobytes, few of some megabytes.
fn tree(seed: u64, files: usize, len: u64) -> Vec<u64> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut log_normal = || {
        let normal = (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
        (normal * 1.8).exp()
    };
    let parts: Vec<f64> = (0..files).map(|_| log_normal()).collect();
    let sum: f64 = parts.iter().sum();
    let whole = |part: f64| (part / sum * len as f64) as u64;
    parts.into_iter().map(whole).collect()
}

#[test]
fn a_tree_of_two_thousand_files_takes_a_room_hardly_longer_than_one_file() {
    for seed in 1..5 {
        let len = if cfg!(debug_assertions) { 128 } else { 512 };
        let files = tree(seed, 2000, len << 20);
        let mut profile = Profile::flash(seed, 8).tree(files, 512 << 10).at_rate(LINE);
        profile.origins[0].answer = MILLI;
        let outcome = run(profile);
        let told = format!("seed {seed}: {}", outcome.summary());
        let last_max = if cfg!(debug_assertions) { 1.6 } else { 1.15 };
        assert!(
            outcome.copies() <= 1.01 && outcome.last() <= last_max,
            "{told}"
        );
    }
}

/// Sixteen connections that ask for one file after another would lose a sixteenth of all answers' delays.
#[test]
fn three_thousand_small_files_come_faster_than_by_sixteen_connections() {
    let (files, answer) = (3000, 5 * MILLI);
    for seed in 1..4 {
        let content = vec![20_000; files];
        let mut profile = Profile::flash(seed, 1).tree(content, 512 << 10);
        profile.origins[0].answer = answer;
        let by_sixteen = profile.bound() + answer * 3000 / 16;
        let took = run(profile).ended;
        let times = by_sixteen.as_secs_f64() / took.as_secs_f64();
        assert!(times >= 1.3, "seed {seed}: {times:.2} times as fast");
    }
}

#[test]
fn a_mirror_with_every_third_piece_wrong_is_the_last_resort_after_three() {
    for (seed, machines) in [(1, 1), (2, 1), (3, 4), (4, 4), (5, 8), (6, 8)] {
        let mut profile = Profile::flash(seed, machines)
            .sized(512 << 20, 512 << 10)
            .at_rate(LINE);
        let mut wrong = OriginSpec::default();
        (wrong.up_rate, wrong.wrong_every) = (LINE, 3);
        profile.origins.push(wrong);
        let outcome = run(profile);
        let told = format!("seed {seed}: {}", outcome.summary());
        // what nobody else brought for seconds is asked for once more
        assert!(outcome.asked_again <= 2, "{told}");
        assert!(outcome.wasted_bytes > 0, "nothing wrong came: {told}");
        // three pieces, and what was on its way when they were called off
        let most = if machines == 1 {
            4 * (512 << 10)
        } else {
            u64::MAX
        };
        assert!(outcome.wasted_bytes < most, "{told}");
        assert!(outcome.wasted() <= 0.05, "{told}");
        assert!(outcome.last() <= 1.1, "{told}");
    }
}

/// Bytes a second that a user got between two moments, and the middle of the times of his reads.
fn fared(user: &MachineOutcome, from: Duration, to: Duration) -> (f64, Duration) {
    let reads = user.reads.iter();
    let between = reads.filter(|read| read.at >= from && read.at < to);
    let mut times: Vec<Duration> = between.map(|read| read.took).collect();
    times.sort_unstable();
    let bytes = times.len() as f64 * 65_536.0;
    (bytes / (to - from).as_secs_f64(), times[times.len() / 2])
}

/// A room that starts after five seconds in which the user is alone; what he keeps of his rate, and how many
/// times as long his reads take.
fn beside_user(mut profile: Profile) -> (f64, f64) {
    let start = 5 * SECOND;
    profile = profile.each(|_, spec| spec.join += start);
    let mut user = MachineSpec::default();
    (user.up_rate, user.down_rate, user.role) = (LINE, LINE, Role::User);
    profile.machines.push(user);
    let outcome = run(profile);
    let user = outcome.machines.last().expect("the user");
    let (idle, idle_p50) = fared(user, Duration::ZERO, start);
    let (beside, p50) = fared(user, start, outcome.ended);
    let longer = p50.as_secs_f64() / idle_p50.as_secs_f64();
    eprintln!(
        "the user: {:.3} of his rate, {longer:.2} times as long",
        beside / idle
    );
    (beside / idle, longer)
}

#[test]
fn three_machines_leave_a_user_of_the_same_server_his_rate() {
    for seed in 1..4 {
        let profile = Profile::flash(seed, 3).sized(512 << 20, 512 << 10);
        let (rate, longer) = beside_user(profile.at_rate(LINE).origins_at(4 * LINE));
        assert!(rate >= 0.9, "seed {seed}: {rate:.2} of his rate");
        assert!(longer <= 1.5, "seed {seed}: {longer:.2} times as long");
    }
}

#[test]
fn a_budget_leaves_a_user_two_thirds_of_a_small_line() {
    for seed in 1..4 {
        let mut profile = Profile::flash(seed, 3)
            .sized(128 << 20, 512 << 10)
            .at_rate(LINE);
        profile.policy.rate_bytes = Some(30_000_000 / 8);
        let (rate, _) = beside_user(profile);
        assert!(rate >= 0.65, "seed {seed}: {rate:.2} of his rate");
    }
}

#[test]
fn a_room_takes_all_of_its_budget_and_no_more() {
    const RATE: u64 = 20_000_000;
    for (seed, machines) in [(1, 1), (2, 3), (3, 12)] {
        let mut profile = Profile::flash(seed, machines).sized(512 << 20, 512 << 10);
        profile.policy.rate_bytes = Some(RATE);
        let outcome = run(profile);
        assert!(outcome.all_done(), "seed {seed}: {}", outcome.summary());
        let ended = outcome.takers().filter_map(|machine| machine.done).max();
        let used = outcome.origin_bytes as f64 / ended.unwrap().as_secs_f64() / RATE as f64;
        assert!(
            (0.95..=1.05).contains(&used),
            "seed {seed}, {machines} machines: {used:.3} of the budget"
        );
    }
}
