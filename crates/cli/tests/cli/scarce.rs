//! Copies where the system grants few files, little memory or few threads: they end right or with a clear error.

use std::time::{Duration, Instant};

use crate::copy::Seed;
use crate::support::{Ran, Room, bytes, write};
use crate::web::Web;

/// Files of the tree: far more than may be open.
const FILES: usize = 300;
/// Seeds that serve it.
const SEEDS: usize = 3;
/// Longest time that a copy may take here, whatever it lacks.
const LASTS_MAX: Duration = Duration::from_secs(120);

/// A tree of many small files with seeds and a mirror.
struct Stage {
    room: Room,
    web: Web,
    seeds: Vec<Seed>,
}

impl Stage {
    fn new() -> Self {
        let (room, web) = (Room::new(), Web::start());
        for at in 0..FILES {
            let path = room.path(&format!("from/tree/d{}/f{at}", at % 7));
            write(&path, &bytes(3000 + at * 31, at));
        }
        room.run(&["make", "from/tree", "-o", "tree.torrent"])
            .exits(0);
        web.put_folder(&room.path("from"));
        let seeds = (0..SEEDS)
            .map(|_| Seed::start(&room, "tree.torrent", "from"))
            .collect();
        Self { room, web, seeds }
    }

    /// Copies the tree from the mirror and the seeds, under a limit of the shell.
    fn get(&self, to: &str, limit: &str) -> Ran {
        let mut args = vec![
            "get".to_owned(),
            "tree.torrent".to_owned(),
            format!("--to={to}"),
            format!("--mirror={}", self.web.url("/")),
        ];
        args.extend(
            self.seeds
                .iter()
                .map(|seed| format!("--peer={}", seed.addr)),
        );
        let rest = [
            "--no-lsd",
            "--listen=127.0.0.1:0",
            "--seed-for=0",
            "--deadline=60s",
            "--json",
        ];
        args.extend(rest.map(str::to_owned));
        let program = env!("CARGO_BIN_EXE_swarmcopy");
        let line = format!("{limit} && exec {program} {}", args.join(" "));
        let started = Instant::now();
        let ran = self.room.shell(&line);
        assert!(started.elapsed() < LASTS_MAX, "{ran:#?}");
        ran
    }

    /// The copy is right, or there is an error with a sentence about it; nothing panicked, and no signal ended it.
    #[track_caller]
    fn is_right_or_told(&self, to: &str, ran: &Ran) -> bool {
        assert!(!ran.stderr.contains("panicked"), "{ran:#?}");
        let code = ran
            .code
            .unwrap_or_else(|| panic!("ended by a signal: {ran:#?}"));
        if code != 0 {
            assert!(code < 100 && ran.stderr.contains("cannot"), "{ran:#?}");
            return false;
        }
        self.room
            .run(&["verify", "tree.torrent", "--at", to])
            .exits(0);
        true
    }
}

#[test]
fn a_copy_with_64_open_files_ends_right_or_names_the_limit() {
    let stage = Stage::new();
    let ran = stage.get("to-64", "ulimit -n 64");
    if !stage.is_right_or_told("to-64", &ran) {
        ran.says("Too many open files").says("ulimit -n");
    }
}

#[test]
fn a_copy_with_hardly_any_open_files_ends_right_or_says_why_not() {
    let stage = Stage::new();
    for files in [16, 32] {
        let to = format!("to-{files}");
        let ran = stage.get(&to, &format!("ulimit -n {files}"));
        stage.is_right_or_told(&to, &ran);
    }
}

#[test]
fn a_copy_with_little_memory_ends_right_or_says_why_not() {
    let stage = Stage::new();
    let mut right = 0;
    // in KiB of address space; a thread's stack alone takes 2 MiB
    for kib in [
        60_000, 80_000, 100_000, 150_000, 250_000, 600_000, 4_000_000,
    ] {
        let to = format!("to-{kib}");
        let ran = stage.get(&to, &format!("ulimit -v {kib}"));
        right += u32::from(stage.is_right_or_told(&to, &ran));
    }
    assert!(right > 0, "4 GB are enough");
}
