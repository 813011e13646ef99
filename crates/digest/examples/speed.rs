//! Prints how fast each instruction set of this machine hashes, by number of inputs side by side.
//!
//! `cargo run --release -p swarmcopy-digest --example speed`
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::hint::black_box;
use std::time::Instant;
use swarmcopy_digest::{Isa, merkle, sha1_many_with, sha256_many_with};

/// What is hashed by one measurement.
const BYTES: u32 = 512 << 20;
const PIECE_LEN: u32 = 1 << 20;
const ROUNDS: usize = 5;
const COUNTS: [u32; 9] = [1, 2, 3, 4, 5, 6, 8, 12, 16];

fn main() -> Result<(), std::num::TryFromIntError> {
    let data: Vec<u8> = (0..16 * PIECE_LEN)
        .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let pieces: Vec<&[u8]> = data.chunks(usize::try_from(PIECE_LEN)?).collect();
    println!("GB/s of one core, best of {ROUNDS}; inputs of 1 MiB side by side:");
    println!(
        "{:>16} {}",
        "",
        COUNTS.map(|count| format!("{count:>6}")).concat()
    );
    for isa in Isa::available() {
        by_count(&format!("SHA-1 {isa:?}"), &pieces, |all| {
            drop(black_box(sha1_many_with(isa, all)));
        })?;
    }
    for isa in Isa::available() {
        by_count(&format!("SHA-256 {isa:?}"), &pieces, |all| {
            drop(black_box(sha256_many_with(isa, all)));
        })?;
    }
    let rate = best_rate(BYTES, || {
        for _ in 0..BYTES / (16 * PIECE_LEN) {
            for piece in &pieces {
                black_box(merkle::merkle_root(&merkle::sha256_leaves(&[piece])));
            }
        }
    });
    println!("{:>16} {rate:>6.2}", "BEP 52 pieces");
    Ok(())
}

fn by_count(
    name: &str,
    pieces: &[&[u8]],
    hash: impl Fn(&[&[&[u8]]]),
) -> Result<(), std::num::TryFromIntError> {
    let ropes: Vec<[&[u8]; 1]> = pieces.iter().map(|piece| [*piece]).collect();
    let mut line = Vec::new();
    for count in COUNTS {
        let few: Vec<&[&[u8]]> = ropes
            .iter()
            .take(usize::try_from(count)?)
            .map(|rope| &rope[..])
            .collect();
        let turns = (BYTES / 2) / (count * PIECE_LEN);
        let rate = best_rate(turns * count * PIECE_LEN, || {
            for _ in 0..turns {
                hash(&few);
            }
        });
        line.push(format!("{rate:>6.2}"));
    }
    println!("{name:>16} {}", line.concat());
    Ok(())
}

/// Returns billions of bytes a second of the fastest round.
fn best_rate(bytes: u32, work: impl Fn()) -> f64 {
    let round = |_| {
        let start = Instant::now();
        work();
        f64::from(bytes) / start.elapsed().as_secs_f64() / 1e9
    };
    (0..ROUNDS).map(round).fold(0.0, f64::max)
}
