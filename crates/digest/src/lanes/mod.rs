//! Hashing inputs of equal length side by side, one in each lane of vector registers.
//!
//! What must stay true: all inputs of a call have one length, so that all lanes finish together; payload is
//! read where it lies, only blocks that straddle two parts and the padded end are copied.

mod avx2;
mod avx512;
mod blocks;
mod kernel;

use crate::rope::Rope;
use crate::{Isa, Sha1Digest, Sha256Digest};
use blocks::{BLOCK_LEN, Block};

/// The initial state of SHA-1 (FIPS 180-4 section 5.3.1).
const SHA1_START: [u32; 5] = [
    0x6745_2301,
    0xefcd_ab89,
    0x98ba_dcfe,
    0x1032_5476,
    0xc3d2_e1f0,
];

/// The initial state of SHA-256 (FIPS 180-4 section 5.3.3).
const SHA256_START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Returns the SHA-1 digest of each input, or `None` when `isa` has no lanes on this CPU.
///
/// There are at most `isa.lanes()` inputs, all of one length.
pub(crate) fn sha1(isa: Isa, inputs: &[Rope<'_>]) -> Option<Vec<Sha1Digest>> {
    let lanes: Vec<[u32; 5]> = match isa {
        _ if !isa.is_available() => return None,
        Isa::Scalar => return None,
        // SAFETY: the CPU has the features of this kernel: just asked.
        Isa::Avx2 => run(inputs, SHA1_START, |state, runs| unsafe {
            avx2::sha1(state, runs);
        }),
        // SAFETY: the CPU has the features of this kernel: just asked.
        Isa::Avx512 => run(inputs, SHA1_START, |state, runs| unsafe {
            avx512::sha1(state, runs);
        }),
    };
    Some(lanes.iter().map(to_bytes).collect())
}

/// Returns the SHA-256 digest of each input, as [`sha1`] does.
pub(crate) fn sha256(isa: Isa, inputs: &[Rope<'_>]) -> Option<Vec<Sha256Digest>> {
    let lanes: Vec<[u32; 8]> = match isa {
        _ if !isa.is_available() => return None,
        Isa::Scalar => return None,
        // SAFETY: the CPU has the features of this kernel: just asked.
        Isa::Avx2 => run(inputs, SHA256_START, |state, runs| unsafe {
            avx2::sha256(state, runs);
        }),
        // SAFETY: the CPU has the features of this kernel: just asked.
        Isa::Avx512 => run(inputs, SHA256_START, |state, runs| unsafe {
            avx512::sha256(state, runs);
        }),
    };
    Some(lanes.iter().map(to_bytes).collect())
}

/// Drives `compress` over all blocks of `inputs` and their padding; returns the final state of each.
fn run<const LANES: usize, const WORDS: usize>(
    inputs: &[Rope<'_>],
    start: [u32; WORDS],
    compress: impl Fn(&mut [[u32; LANES]; WORDS], &[&[Block]; LANES]),
) -> Vec<[u32; WORDS]> {
    let len = inputs.first().map_or(0, Rope::len);
    assert!(
        inputs.len() <= LANES && inputs.iter().all(|input| input.len() == len),
        "the caller groups inputs by length and lanes"
    );
    let mut state = start.map(|word| [word; LANES]);
    let mut ropes = [Rope::new(&[]); LANES];
    // lanes without an input of their own repeat the first
    for (lane, input) in ropes
        .iter_mut()
        .zip(inputs.iter().chain(inputs.first().into_iter().cycle()))
    {
        *lane = *input;
    }
    let mut left = len / BLOCK_LEN;
    while left > 0 {
        let mut scratch = [[0; BLOCK_LEN]; LANES];
        let mut runs: [&[Block]; LANES] = [&[]; LANES];
        for ((run, rope), scratch) in runs.iter_mut().zip(&mut ropes).zip(&mut scratch) {
            *run = rope.blocks(scratch);
        }
        let blocks = shortest(&runs);
        compress(&mut state, &runs);
        for rope in &mut ropes {
            rope.skip(blocks * BLOCK_LEN);
        }
        left -= blocks;
    }
    let ends = ropes.map(|rope| End::new(rope, len));
    compress(&mut state, &ends.each_ref().map(End::blocks));
    (0..inputs.len())
        .map(|lane| state.map(|words| words.get(lane).copied().unwrap_or(0)))
        .collect()
}

/// Returns how many blocks every run has.
#[inline]
fn shortest(runs: &[&[Block]]) -> usize {
    runs.iter().map(|run| run.len()).min().unwrap_or(0)
}

/// The padded end of an input: what is left behind its last whole block, a 1 bit, and its length in bits.
struct End {
    blocks: [Block; 2],
    count: usize,
}

impl End {
    fn new(mut rest: Rope<'_>, len: usize) -> Self {
        let mut bytes = [0; 2 * BLOCK_LEN];
        let used = rest.read(&mut bytes);
        if let Some(after) = bytes.get_mut(used) {
            *after = 0x80;
        }
        let count = if used < BLOCK_LEN - 8 { 1 } else { 2 };
        let bits = u64::try_from(len).unwrap_or(u64::MAX).wrapping_mul(8);
        let mut end = Self {
            blocks: [[0; BLOCK_LEN]; 2],
            count,
        };
        for (block, bytes) in end.blocks.iter_mut().zip(bytes.as_chunks().0) {
            *block = *bytes;
        }
        let last = end
            .blocks
            .get_mut(count - 1)
            .and_then(|block| block.last_chunk_mut());
        if let Some(length) = last {
            *length = bits.to_be_bytes();
        }
        end
    }

    fn blocks(&self) -> &[Block] {
        self.blocks.get(..self.count).unwrap_or(&self.blocks)
    }
}

/// Writes the words of a state as a digest.
fn to_bytes<const WORDS: usize, const BYTES: usize>(words: &[u32; WORDS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    bytes
}
