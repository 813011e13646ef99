//! How fast pieces are hashed: 1, 4 and 16 pieces of 1 MiB by each instruction set, and the leaves
//! of BEP 52.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use swarmcopy_digest::merkle::{LEAF_LEN, sha256_leaves};
use swarmcopy_digest::{Isa, sha1_many, sha1_many_with, sha256_many_with};

const PIECE_LEN: usize = 1 << 20;
const PIECES_MAX: usize = 16;

/// SHA-1 of whole pieces; `chosen` is what the store uses, the others are forced.
fn sha1(criterion: &mut Criterion) {
    let bytes = swarmcopy_benches::noise(PIECE_LEN * PIECES_MAX);
    let parts: Vec<[&[u8]; 1]> = bytes.chunks(PIECE_LEN).map(|piece| [piece]).collect();
    let pieces: Vec<&[&[u8]]> = parts.iter().map(<[&[u8]; 1]>::as_slice).collect();
    let mut group = swarmcopy_benches::group(criterion, "hashing/sha1_many");
    group.measurement_time(Duration::from_secs(1));
    for count in [1, 4, PIECES_MAX] {
        let pieces = &pieces[..count];
        group.throughput(Throughput::Bytes(len_u64(count * PIECE_LEN)));
        for isa in Isa::available() {
            group.bench_function(BenchmarkId::new(format!("{isa:?}"), count), |bencher| {
                bencher.iter(|| sha1_many_with(isa, black_box(pieces)));
            });
        }
        group.bench_function(BenchmarkId::new("chosen", count), |bencher| {
            bencher.iter(|| sha1_many(black_box(pieces)));
        });
    }
    group.finish();
}

/// SHA-256 of the 16 KiB leaves of 4 MiB.
fn sha256(criterion: &mut Criterion) {
    let bytes = swarmcopy_benches::noise(4 * PIECE_LEN);
    let leaf_len = usize::try_from(LEAF_LEN).unwrap();
    let parts: Vec<[&[u8]; 1]> = bytes.chunks(leaf_len).map(|leaf| [leaf]).collect();
    let leaves: Vec<&[&[u8]]> = parts.iter().map(<[&[u8]; 1]>::as_slice).collect();
    let mut group = swarmcopy_benches::group(criterion, "hashing/sha256_leaves");
    group.measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Bytes(len_u64(bytes.len())));
    for isa in Isa::available() {
        group.bench_function(format!("{isa:?}"), |bencher| {
            bencher.iter(|| sha256_many_with(isa, black_box(&leaves)));
        });
    }
    group.bench_function("chosen", |bencher| {
        bencher.iter(|| sha256_leaves(black_box(&[&bytes])));
    });
    group.finish();
}

fn len_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}

criterion_group!(benches, sha1, sha256);
criterion_main!(benches);
