//! What the benchmarks in `benches/` share: short measurements and a fast folder.
//!
//! What must stay true: one benchmark takes a few seconds, and what it leaves on the disk goes with
//! it.

use std::io;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use tempfile::TempDir;

/// A file system in memory, where there is one: the disk is not what is measured.
const MEMORY_FOLDER: &str = "/dev/shm";

/// Starts a group of benchmarks that take two or three seconds each.
pub fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    group
}

/// Makes a folder for files, in memory if the system has such a place; it goes when it is dropped.
///
/// # Errors
/// When no folder can be made.
pub fn scratch_folder() -> io::Result<TempDir> {
    let builder = || {
        tempfile::Builder::new()
            .prefix("swarmcopy-bench-")
            .to_owned()
    };
    let memory = Path::new(MEMORY_FOLDER);
    if memory.is_dir() {
        builder().tempdir_in(memory)
    } else {
        builder().tempdir()
    }
}

/// Returns bytes without a short period, the same each time.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        // xorshift64: quick, and no 8 bytes come twice
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(len).collect()
}
