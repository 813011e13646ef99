//! Hashing many inputs: grouped by length and spread over the lanes of the instruction set.
//!
//! What must stay true: digests come in the order of the inputs, and do not depend on the instruction set.

use crate::rope::Rope;
use crate::{Isa, Sha1, Sha1Digest, Sha256, Sha256Digest, lanes};

/// Returns the SHA-1 digest of each piece, a piece being the bytes of its parts one after the other.
///
/// Pieces of equal length are hashed side by side: give 16 or more at once where they are at hand, but do not
/// wait for more. Too few of one length to gain from it are hashed one after the other.
pub fn sha1_many(pieces: &[&[&[u8]]]) -> Vec<Sha1Digest> {
    let plan = Plan::fastest(&SHA1_SPEEDS);
    digests(plan, &ropes(pieces), sha1_of, lanes::sha1)
}

/// Returns how many pieces of one length [`sha1_many`] must get at least to hash them side by side; 1 where it
/// never does. Fewer take more of the processor's time for each.
pub fn sha1_side_by_side_min() -> usize {
    match Plan::fastest(&SHA1_SPEEDS).inputs_min {
        NEVER => 1,
        inputs_min => inputs_min,
    }
}

/// Does as [`sha1_many`], with `isa` whatever its speed, or the next narrower one that this CPU has.
pub fn sha1_many_with(isa: Isa, pieces: &[&[&[u8]]]) -> Vec<Sha1Digest> {
    digests(Plan::forced(isa), &ropes(pieces), sha1_of, lanes::sha1)
}

/// Returns the SHA-256 digest of each piece, as [`sha1_many`] does.
pub fn sha256_many(pieces: &[&[&[u8]]]) -> Vec<Sha256Digest> {
    sha256_ropes(&ropes(pieces))
}

/// Does as [`sha256_many`], with `isa` whatever its speed, or the next narrower one that this CPU has.
pub fn sha256_many_with(isa: Isa, pieces: &[&[&[u8]]]) -> Vec<Sha256Digest> {
    digests(Plan::forced(isa), &ropes(pieces), sha256_of, lanes::sha256)
}

/// Returns the SHA-256 digest of each run of bytes.
pub(crate) fn sha256_ropes(ropes: &[Rope<'_>]) -> Vec<Sha256Digest> {
    digests(
        Plan::fastest(&SHA256_SPEEDS),
        ropes,
        sha256_of,
        lanes::sha256,
    )
}

/// The least number of inputs of one length for which lanes beat one after the other: with the CPU's SHA
/// instructions, and without them.
struct Speeds {
    avx2: [usize; 2],
    avx512: [usize; 2],
}

/// No number is enough.
const NEVER: usize = usize::MAX;

// Measured by examples/speed.rs; AVX-512 has a margin for CPUs that run it at half width.
const SHA1_SPEEDS: Speeds = Speeds {
    avx2: [5, 3],
    avx512: [5, 3],
};
const SHA256_SPEEDS: Speeds = Speeds {
    avx2: [NEVER, 3],
    avx512: [7, 3],
};

/// Which lanes to use, and from how many inputs on.
#[derive(Clone, Copy)]
struct Plan {
    isa: Isa,
    inputs_min: usize,
}

impl Plan {
    fn forced(isa: Isa) -> Self {
        Self {
            isa: isa.or_narrower(),
            inputs_min: 1,
        }
    }

    fn fastest(speeds: &Speeds) -> Self {
        let isa = Isa::current();
        let [with, without] = match isa {
            Isa::Scalar => [NEVER; 2],
            Isa::Avx2 => speeds.avx2,
            Isa::Avx512 => speeds.avx512,
        };
        Self {
            isa,
            inputs_min: if has_sha_instructions() {
                with
            } else {
                without
            },
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_sha_instructions() -> bool {
    is_x86_feature_detected!("sha")
}

/// Without lanes there is nothing to weigh them against.
#[cfg(not(target_arch = "x86_64"))]
fn has_sha_instructions() -> bool {
    true
}

fn ropes<'a>(pieces: &'a [&'a [&'a [u8]]]) -> Vec<Rope<'a>> {
    pieces.iter().map(|parts| Rope::new(parts)).collect()
}

/// Hashes inputs of one length side by side, if the CPU can.
type LanesFn<const LEN: usize> = fn(Isa, &[Rope<'_>]) -> Option<Vec<[u8; LEN]>>;

/// Hashes `inputs` by `lanes` in groups of one length, and by `scalar` where a group is too small.
fn digests<const LEN: usize>(
    plan: Plan,
    inputs: &[Rope<'_>],
    scalar: fn(Rope<'_>) -> [u8; LEN],
    lanes: LanesFn<LEN>,
) -> Vec<[u8; LEN]> {
    let mut by_len: Vec<(usize, Rope<'_>)> = inputs.iter().copied().enumerate().collect();
    by_len.sort_by_key(|(_, rope)| rope.len());
    let mut found: Vec<(usize, [u8; LEN])> = Vec::with_capacity(inputs.len());
    for group in by_len.chunk_by(|(_, a), (_, b)| a.len() == b.len()) {
        for side_by_side in group.chunks(plan.isa.lanes()) {
            let places = side_by_side.iter().map(|(place, _)| *place);
            let ropes: Vec<Rope<'_>> = side_by_side.iter().map(|(_, rope)| *rope).collect();
            let enough = ropes.len() >= plan.inputs_min;
            let digests = enough.then(|| lanes(plan.isa, &ropes)).flatten();
            let digests = digests.unwrap_or_else(|| ropes.into_iter().map(scalar).collect());
            found.extend(places.zip(digests));
        }
    }
    found.sort_unstable_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, digest)| digest).collect()
}

fn sha1_of(rope: Rope<'_>) -> Sha1Digest {
    let mut hasher = Sha1::new();
    rope.for_each(|run| hasher.update(run));
    hasher.finish()
}

fn sha256_of(rope: Rope<'_>) -> Sha256Digest {
    let mut hasher = Sha256::new();
    rope.for_each(|run| hasher.update(run));
    hasher.finish()
}
