//! Rooms of machines: readers at a time, copies sent, what happens when something fails.

use std::time::Duration;

use super::world::World;
use crate::{Discovery, Down};
use crate::{Isolated, Mode};

const SEC: Duration = Duration::from_secs(1);

fn room(seed: u64, count: usize) -> World {
    room_of(seed, count, 256)
}

fn room_of(seed: u64, count: usize, pieces: u64) -> World {
    let mut world = World::new(seed, pieces, 3);
    for _ in 0..count {
        world.boot(Discovery::Named, |_| {});
    }
    world.link_all();
    world
}

#[test]
fn a_machine_alone_reads_at_once_with_every_slot() {
    let mut world = World::new(1, 256, 3);
    let start = world.now;
    world.boot(Discovery::Nobody, |_| {});
    assert_eq!(world.holds(0), 3);
    assert!(world.run(SEC * 30, World::all_done));
    let took = world.now.since(start);
    assert!(took < Duration::from_millis(256 * 10 + 100), "{took:?}");
    assert_eq!(world.copies, 256);
    world.run(SEC, |_| false);
    assert_eq!(world.holds(0), 0);
}

#[test]
fn a_room_that_boots_at_once_reads_one_copy_with_few_readers() {
    for count in [2, 3, 8, 30] {
        for seed in 0..4 {
            let mut world = room(seed, count);
            let start = world.now;
            assert!(
                world.run(SEC * 120, World::all_done),
                "seed {seed}, {count} machines"
            );
            let took = world.now.since(start);
            let (copies, over, peak) = (world.copies(), world.over_us, world.peak);
            let what = format!("seed {seed}, {count} machines: {copies} {over} us {peak} {took:?}");
            if std::env::var_os("ORIGIN_VERBOSE").is_some() {
                eprintln!("{what}");
            }
            assert!(copies <= 1.02, "{what}");
            assert!(over <= 300_000 && peak <= 4, "{what}");
            world.run(SEC * 2, |_| false);
            let held: u32 = (0..count).map(|who| world.holds(who)).sum();
            assert_eq!(held, 0, "{what}");
        }
    }
}

#[test]
fn bounded_views_change_nothing() {
    for seed in 0..2 {
        let mut world = World::new(seed, 256, 3);
        for _ in 0..60 {
            world.boot(Discovery::Named, |_| {});
        }
        world.link_some(20);
        assert!(world.run(SEC * 200, World::all_done), "seed {seed}");
        let (copies, over, peak) = (world.copies(), world.over_us, world.peak);
        let what = format!("seed {seed}: {copies} copies, {over} us, {peak} readers");
        if std::env::var_os("ORIGIN_VERBOSE").is_some() {
            eprintln!("{what} {:?} events {}", world.now, world.events);
        }
        assert!(copies <= 1.02, "{what}");
        assert!(over <= 300_000 && peak <= 4, "{what}");
    }
}

#[test]
fn who_comes_when_the_room_has_all_reads_nothing() {
    let mut world = room(3, 5);
    assert!(world.run(SEC * 120, World::all_done));
    let before = world.copies;
    let late = world.boot(Discovery::Named, |_| {});
    for other in 0..late {
        world.link(late, other);
    }
    assert!(world.run(SEC * 120, World::all_done));
    assert_eq!(world.copies, before);
}

/// A holder of a room of six dies after a second, in this way; it must be replaced in this time, and all must end
/// with one copy.
fn replaced_within(time: Duration, kill: fn(&mut World, usize)) {
    for seed in 0..4 {
        let mut world = room_of(seed, 6, 2048);
        let one_holds = |world: &World| (0..6).any(|who| world.holds(who) == 1);
        assert!(world.run(SEC * 3, one_holds));
        world.run(SEC, |_| false);
        let Some(holder) = (0..6).find(|who| world.holds(*who) > 0) else {
            panic!("no holder")
        };
        kill(&mut world, holder);
        let full = |world: &World| {
            let live = (0..6).filter(|who| world.all[*who].alive);
            live.map(|who| world.holds(who)).sum::<u32>() == 3
        };
        assert!(world.run(time, full), "seed {seed}: {}", world.state());
        assert!(
            world.run(SEC * 120, World::all_done),
            "seed {seed}: {}",
            world.state()
        );
        assert!(world.copies() <= 1.02, "seed {seed}: {}", world.copies());
    }
}

#[test]
fn a_dead_holder_is_replaced_in_time() {
    replaced_within(Duration::from_millis(2100), World::kill);
}

#[test]
fn a_holder_whose_machine_says_that_it_is_dead_is_replaced_in_half_a_second() {
    replaced_within(SEC / 2, World::kill_and_tell);
}

#[test]
fn holders_that_die_one_after_the_other_cost_little() {
    let (mut sum, seeds) = (0.0, 8);
    for seed in 0..seeds {
        let mut world = room_of(seed, 16, 2048);
        world.run(SEC * 2, |_| false);
        for _ in 0..4 {
            let holds = |who: &usize| world.all[*who].alive && world.holds(*who) > 0;
            if let Some(holder) = (0..16).find(holds) {
                world.kill(holder);
            }
            world.run(SEC * 2, |_| false);
        }
        assert!(
            world.run(SEC * 120, World::all_done),
            "seed {seed}: {}",
            world.state()
        );
        if std::env::var_os("ORIGIN_VERBOSE").is_some() {
            eprintln!("seed {seed}: {:?} {}", world.now, world.copies());
        }
        sum += world.copies();
    }
    // two that die soon after each other may take with them what nobody else had
    let mean = sum / seeds as f64;
    assert!(mean <= 1.05, "{mean}");
}

#[test]
fn a_silent_holder_is_replaced_after_five_seconds() {
    let mut world = room_of(5, 4, 2048);
    world.run(SEC * 2, |_| false);
    let Some(holder) = (0..4).find(|who| world.holds(*who) > 0) else {
        panic!("no holder")
    };
    // it hangs: its links stay, nothing comes
    world.all[holder].alive = false;
    let full = |world: &World| {
        let live = (0..4).filter(|who| world.all[*who].alive);
        live.map(|who| world.holds(who)).sum::<u32>() == 3
    };
    assert!(world.run(Duration::from_millis(6100), full));
}

#[test]
fn a_second_machine_gets_its_share_of_the_slots() {
    let mut world = World::new(2, 2048, 3);
    world.boot(Discovery::Nobody, |_| {});
    world.run(SEC, |_| false);
    assert_eq!(world.holds(0), 3);
    world.boot(Discovery::Named, |_| {});
    world.link(0, 1);
    assert!(world.run(SEC * 4, |world| (world.holds(0), world.holds(1)) == (2, 1)));
    world.kill(1);
    assert!(world.run(Duration::from_millis(2500), |world| world.holds(0) == 3));
    assert!(world.run(SEC * 60, |world| world.all[0].done_at.is_some()));
    assert!(world.copies() <= 1.02 + f64::from(world.all[1].read) / 2048.0);
}

#[test]
fn both_sides_of_a_partition_go_on_and_heal() {
    for seed in 0..30 {
        let mut world = room(seed, 10);
        world.run(Duration::from_millis(1200), |_| false);
        let pairs: Vec<_> = (0..5).flat_map(|a| (5..10).map(move |b| (a, b))).collect();
        pairs
            .iter()
            .for_each(|(a, b)| world.unlink(*a, *b, Down::Reset));
        world.run(Duration::from_millis(300), |_| false);
        pairs.iter().for_each(|(a, b)| world.link(*a, *b));
        assert!(world.run(SEC * 60, World::all_done), "seed {seed}");
        assert!(world.copies() <= 1.02, "seed {seed}: {}", world.copies());
    }
}

#[test]
fn slow_machines_give_their_slots_to_fast_ones() {
    let mut world = World::new(4, 2048, 3);
    for who in 0..8 {
        world.boot(Discovery::Named, |_| {});
        world.set_piece_us(who, if who % 2 == 0 { 10_000 } else { 100_000 });
    }
    world.link_all();
    world.run(SEC * 13, |_| false);
    let slow: u32 = (0..8)
        .filter(|who| who % 2 == 1)
        .map(|who| world.holds(who))
        .sum();
    assert_eq!(slow, 0);
}

#[test]
fn liars_that_claim_every_slot_delay_but_do_not_stop_the_room() {
    for seed in 0..4 {
        let mut world = World::new(seed, 256, 3);
        for _ in 0..20 {
            world.boot(Discovery::Named, |_| {});
        }
        world.link_all();
        world.corrupt(4);
        world.corrupt(11);
        let start = world.now;
        assert!(
            world.run(SEC * 70, World::all_done),
            "seed {seed}: {} copies",
            world.copies()
        );
        if std::env::var_os("ORIGIN_VERBOSE").is_some() {
            eprintln!(
                "seed {seed}: {:?} {}",
                world.now.since(start),
                world.copies()
            );
        }
    }
}

#[test]
fn an_outage_of_the_origin_is_survived() {
    let mut world = room(8, 8);
    world.run(Duration::from_millis(900), |_| false);
    world.set_origin(false);
    world.run(SEC * 20, |_| false);
    let before = world.copies;
    world.set_origin(true);
    assert!(
        world.run(SEC * 3, |world| world.copies > before),
        "{}",
        world.state()
    );
    assert!(world.run(SEC * 12, World::all_done));
    assert!(world.copies() <= 1.05, "{}", world.copies());
}

#[test]
fn a_machine_that_reaches_nobody_it_knows_of_waits_only_where_the_policy_says_so() {
    for (policy, reads) in [(Isolated::Wait, false), (Isolated::Trickle, true)] {
        let mut world = World::new(1, 64, 3);
        world.boot(Discovery::Named, |config| config.isolated = policy);
        world.run(SEC, |_| false);
        assert_eq!(world.copies, 0);
        world.run(SEC * 2, |_| false);
        assert_eq!(world.copies > 0, reads);
        assert_eq!(world.all[0].gate.rate_max(), None);
    }
}

#[test]
fn never_in_a_room_leaves_reading_to_others() {
    let mut world = World::new(1, 64, 3);
    world.boot(Discovery::Named, |config| config.mode = Mode::Never);
    world.boot(Discovery::Named, |_| {});
    world.link(0, 1);
    assert!(world.run(SEC * 30, World::all_done));
    assert_eq!((world.all[0].read, world.all[0].mode()), (0, Mode::Never));
}

#[test]
fn a_machine_that_may_never_read_leaves_all_slots_to_the_one_that_may() {
    let mut world = World::new(1, 4096, 3);
    world.boot(Discovery::Named, |config| config.mode = Mode::Never);
    world.boot(Discovery::Named, |_| {});
    world.link(0, 1);
    world.run(SEC * 4, |_| false);
    assert!(world.all[1].done_at.is_none(), "it reads");
    assert_eq!(world.all[1].gate.status(world.now).slots, 0b111);
}

#[test]
fn lost_messages_do_not_change_the_outcome() {
    for seed in 0..6 {
        let mut world = World::new(seed, 512, 3);
        world.loss = 0.2;
        for _ in 0..10 {
            world.boot(Discovery::Named, |_| {});
        }
        world.link_all();
        assert!(world.run(SEC * 60, World::all_done), "seed {seed}");
        assert!(world.copies() <= 1.05, "seed {seed}: {}", world.copies());
        assert!(world.over_us < 2_000_000, "seed {seed}: {}", world.over_us);
    }
}
