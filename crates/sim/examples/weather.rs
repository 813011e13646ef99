//! Random rooms in which things go wrong at random: `cargo run --release -p swarmcopy-sim --example
//! weather -- --rooms 3000 --seed 1` plays them, says how they fared, and gives each room that broke a
//! promise in one line.
//!
//! - `--from K`: begins with the room of this number.
//! - `--only NUMBER` or `--only 'DESCRIPTION'`: plays one room, with all that happens in it.
//! - `--shrink NUMBER` or `--shrink 'DESCRIPTION'`: makes it smaller while it breaks the same promise.
//!   `--promise P3`: that one, not the first that it breaks.
//! - `--kinds late,crash`: rooms made of these alone; `--kinds -stock,-mean`: without these.
//! - `--gate`: as many rooms of a fixed seed, and as many of a fresh one; fails where more of them break a promise
//!   than did so far (`BROKEN_MOST`).
//! - `--tune NAME=PERCENT`: machines of ours decide by so many percent of this number of the scheduler's `Tuning`,
//!   or by `slots.NAME` of that of the slots.
//! - `--json`: one line of JSON for each room instead.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example speaks to its user"
)]

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use swarmcopy_sim::Numbers;
use swarmcopy_sim::weather::{self, Draw, KINDS, Kind, Promise, Room, Verdict};

/// Threads that play rooms.
const THREADS: usize = 2;

#[derive(Debug, Default)]
struct Wish {
    rooms: u64,
    seed: u64,
    from: u64,
    only: Option<String>,
    shrink: Option<String>,
    promise: Option<String>,
    kinds: Vec<Kind>,
    numbers: Numbers,
    json: bool,
    gate: bool,
}

fn main() -> ExitCode {
    let wish = match read(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(error) => {
            eprintln!("weather: {error}");
            return ExitCode::from(2);
        }
    };
    // what panics is told with its room
    std::panic::set_hook(Box::new(|_| {}));
    let done = if let Some(which) = &wish.only {
        only(&wish, which)
    } else if let Some(which) = &wish.shrink {
        shrink(&wish, which)
    } else if wish.gate {
        Ok(gate(wish))
    } else {
        Ok(code(play(&wish).rooms_broken == 0))
    };
    done.unwrap_or_else(|error| {
        eprintln!("weather: {error}");
        ExitCode::from(2)
    })
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut wish = Wish {
        rooms: 1000,
        seed: 1,
        kinds: KINDS.iter().map(|(_, kind)| *kind).collect(),
        ..Wish::default()
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| {
            let parsed = text.parse::<u64>();
            parsed.map_err(|_| format!("'{text}' is no number"))
        };
        match word.as_str() {
            "--rooms" => wish.rooms = number(value()?)?,
            "--seed" => wish.seed = number(value()?)?,
            "--from" => wish.from = number(value()?)?,
            "--only" => wish.only = Some(value()?),
            "--shrink" => wish.shrink = Some(value()?),
            "--promise" => wish.promise = Some(value()?),
            "--kinds" => wish.kinds = kinds(&value()?)?,
            "--tune" => tune(&mut wish.numbers, &value()?)?,
            "--json" => wish.json = true,
            "--gate" => wish.gate = true,
            _ => return Err(format!("'{word}' is no option")),
        }
    }
    Ok(wish)
}

fn kinds(list: &str) -> Result<Vec<Kind>, String> {
    let without = list.starts_with('-');
    let mut named = Vec::new();
    for word in list.split(',') {
        let word = word.trim_start_matches('-');
        let found = KINDS.iter().find(|(name, _)| *name == word);
        let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
        let (_, kind) =
            found.ok_or_else(|| format!("'{word}' is no kind; there are {}", names.join(", ")))?;
        named.push(*kind);
    }
    let all = KINDS.iter().map(|(_, kind)| *kind);
    Ok(all.filter(|kind| named.contains(kind) != without).collect())
}

fn tune(numbers: &mut Numbers, wish: &str) -> Result<(), String> {
    let (name, percent) = wish.split_once('=').ok_or("a number is NAME=PERCENT")?;
    let percent = percent.parse::<u32>();
    let percent = percent.map_err(|_| format!("'{wish}' has no percentage"))?;
    if numbers.scale(name, percent) {
        return Ok(());
    }
    let names: Vec<_> = Numbers::names().collect();
    let names = names.join(", ");
    Err(format!("'{name}' is no number; there are {names}"))
}

fn room_of(wish: &Wish, which: &str) -> Result<Room, String> {
    match which.parse::<u64>() {
        Ok(number) => Ok(Draw::room(wish.seed, number, &wish.kinds)),
        Err(_) => which.parse::<Room>().map_err(|error| error.to_string()),
    }
}

fn only(wish: &Wish, which: &str) -> Result<ExitCode, String> {
    let room = room_of(wish, which)?;
    println!("{room}");
    for line in weather::timeline_with(&room, wish.numbers) {
        println!("{line}");
    }
    let verdict = weather::play_with(&room, wish.numbers);
    tell(&verdict);
    Ok(code(verdict.broken.is_empty()))
}

fn tell(verdict: &Verdict) {
    let pace = verdict.pace.unwrap_or(0.0);
    println!(
        "pace {pace:.3} copies {:.3} ended {:.1?} steps {}",
        verdict.copies, verdict.ended, verdict.steps
    );
    for breach in &verdict.broken {
        println!("{}: {}", breach.promise, breach.how);
    }
}

fn shrink(wish: &Wish, which: &str) -> Result<ExitCode, String> {
    let room = room_of(wish, which)?;
    let verdict = weather::play_with(&room, wish.numbers);
    let wanted = wish.promise.as_ref();
    let mut broken = verdict.broken.iter();
    let first = broken.find(|it| wanted.is_none_or(|name| it.promise.to_string() == **name));
    let Some(first) = first else {
        println!("the room breaks no such promise");
        return Ok(ExitCode::SUCCESS);
    };
    let Some(shrunk) = weather::shrink_with(&room, first.promise, wish.numbers) else {
        return Err("the room is not the same twice".to_owned());
    };
    println!("{}", shrunk.room);
    println!("after {} rooms", shrunk.tries);
    tell(&shrunk.verdict);
    Ok(code(false))
}

/// How many rooms of a thousand may break each promise today. No number here is ever raised; the aim is none at all.
const BROKEN_MOST: &[(Promise, u64)] = &[
    (Promise::Sound, 0),
    (Promise::Hangs, 4),
    (Promise::Liveness, 62),
    (Promise::Pace, 330),
    (Promise::Copies, 92),
    (Promise::Readers, 6),
];

/// Rooms that are always the same, and rooms that nobody saw before.
fn gate(mut wish: Wish) -> ExitCode {
    let fixed = play(&wish);
    wish.seed = RandomState::new().hash_one(wish.seed) >> 32;
    let fresh = play(&wish);
    let mut holds = true;
    for (promise, most) in BROKEN_MOST {
        for sums in [&fixed, &fresh] {
            let broken = sums.broken.get(promise).copied().unwrap_or(0);
            if broken * 1000 > most * wish.rooms {
                println!(
                    "{promise}: {broken} of {} rooms, {most} of 1000 at most",
                    wish.rooms
                );
                holds = false;
            }
        }
    }
    let verdict = if holds { "is no worse" } else { "is worse" };
    println!("the weather {verdict} than it was");
    code(holds)
}

/// What rooms came to.
#[derive(Debug, Default)]
struct Sums {
    paces: Vec<f64>,
    copies: Vec<f64>,
    broken: BTreeMap<Promise, u64>,
    rooms_broken: u64,
    steps: u64,
}

fn play(wish: &Wish) -> Sums {
    let next = AtomicU64::new(wish.from);
    let end = wish.from.saturating_add(wish.rooms);
    let sums = Mutex::new(Sums::default());
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        break;
                    }
                    let room = Draw::room(wish.seed, number, &wish.kinds);
                    let verdict = weather::play_with(&room, wish.numbers);
                    if let Ok(mut sums) = sums.lock() {
                        take(wish, &mut sums, (number, &room), &verdict);
                    }
                }
            });
        }
    });
    let mut sums = sums.into_inner().unwrap_or_default();
    if !wish.json {
        report(wish, &mut sums);
        println!("in {:.1?}", started.elapsed());
    }
    sums
}

fn take(wish: &Wish, sums: &mut Sums, played: (u64, &Room), verdict: &Verdict) {
    let (number, room) = played;
    sums.paces.extend(verdict.pace);
    sums.copies.push(verdict.copies);
    sums.steps += verdict.steps;
    sums.rooms_broken += u64::from(!verdict.broken.is_empty());
    for breach in &verdict.broken {
        *sums.broken.entry(breach.promise).or_default() += 1;
    }
    if wish.json {
        let broken = verdict.broken.iter();
        let broken: Vec<String> = broken
            .map(|it| format!("{{\"promise\":\"{}\",\"how\":{:?}}}", it.promise, it.how))
            .collect();
        println!(
            "{{\"room\":{number},\"pace\":{:.4},\"copies\":{:.4},\"ended\":{:.3},\"steps\":{},\"broken\":[{}],\"is\":\"{room}\"}}",
            verdict.pace.unwrap_or(0.0),
            verdict.copies,
            verdict.ended.as_secs_f64(),
            verdict.steps,
            broken.join(",")
        );
    } else if !verdict.broken.is_empty() {
        let broken = verdict.broken.iter();
        let broken: Vec<String> = broken
            .map(|it| format!("{}: {}", it.promise, it.how))
            .collect();
        println!(
            "--seed {} --only {number}  {}",
            wish.seed,
            broken.join("; ")
        );
    }
}

fn report(wish: &Wish, sums: &mut Sums) {
    let broken = sums.broken.iter();
    let broken: Vec<String> = broken.map(|(it, count)| format!("{it} {count}")).collect();
    println!(
        "{} rooms of seed {}: {} broke a promise {broken:?}",
        wish.rooms, wish.seed, sums.rooms_broken
    );
    println!(
        "time over (last change + bound): {}",
        parts(&mut sums.paces)
    );
    println!("copies: {}", parts(&mut sums.copies));
    println!("{} events", sums.steps);
}

/// The median, and what 90 and 99 of a hundred keep to, and the worst.
fn parts(all: &mut [f64]) -> String {
    all.sort_by(f64::total_cmp);
    let part = |percent: usize| {
        let place = (all.len().saturating_sub(1) * percent).div_ceil(100);
        all.get(place).copied().unwrap_or(0.0)
    };
    format!(
        "median {:.3}, 90 % {:.3}, 99 % {:.3}, worst {:.3}",
        part(50),
        part(90),
        part(99),
        part(100)
    )
}

fn code(holds: bool) -> ExitCode {
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
