//! Eight lanes in the 256-bit registers of AVX2.
//!
//! What must stay true: the functions here are called only after the feature was found.

use super::blocks::Block;
use super::kernel::{rows, sha1_kernel, sha1_rounds, sha256_kernel, sha256_rounds};
use core::arch::x86_64::{
    __m256i, _mm_set_epi64x, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi32,
    _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_si256,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    _mm256_xor_si256,
};

/// The inputs hashed at once.
pub(super) const LANES: usize = 8;

/// One 32-bit word of each input.
type V = __m256i;

sha1_kernel!("avx2");
sha256_kernel!("avx2");

#[inline]
#[target_feature(enable = "avx2")]
fn load(words: &[u32; LANES]) -> V {
    // SAFETY: `words` is 32 readable bytes; the load takes any alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(v: V) -> [u32; LANES] {
    let mut words = [0; LANES];
    // SAFETY: `words` is 32 writable bytes; the store takes any alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), v) };
    words
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half(half: &[u8; 32]) -> V {
    // SAFETY: `half` is 32 readable bytes; the load takes any alignment.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

/// Loads the first half of block `at` of `run`.
#[inline]
#[target_feature(enable = "avx2")]
fn first_half(run: &[Block], at: usize) -> V {
    if let Some(block) = run.get(at)
        && let Some(half) = block.first_chunk()
    {
        return load_half(half);
    }
    splat(0)
}

/// Loads the second half of block `at` of `run`.
#[inline]
#[target_feature(enable = "avx2")]
fn second_half(run: &[Block], at: usize) -> V {
    if let Some(block) = run.get(at)
        && let Some(half) = block.last_chunk()
    {
        return load_half(half);
    }
    splat(0)
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(word: u32) -> V {
    _mm256_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: V, b: V) -> V {
    _mm256_add_epi32(a, b)
}

/// Rotates left by `L`; `R` is 32 - `L`.
#[inline]
#[target_feature(enable = "avx2")]
fn rotl<const L: i32, const R: i32>(v: V) -> V {
    _mm256_or_si256(_mm256_slli_epi32::<L>(v), _mm256_srli_epi32::<R>(v))
}

#[inline]
#[target_feature(enable = "avx2")]
fn shr<const N: i32>(v: V) -> V {
    _mm256_srli_epi32::<N>(v)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: V, b: V) -> V {
    _mm256_xor_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(a: V, b: V, c: V) -> V {
    xor(xor(a, b), c)
}

/// Takes each bit of `b` where `a` is set, of `c` elsewhere.
#[inline]
#[target_feature(enable = "avx2")]
fn choose(a: V, b: V, c: V) -> V {
    xor(c, _mm256_and_si256(a, xor(b, c)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(a: V, b: V, c: V) -> V {
    _mm256_or_si256(
        _mm256_and_si256(a, b),
        _mm256_and_si256(c, _mm256_or_si256(a, b)),
    )
}

/// Loads block `at` of each run and turns it so that vector i holds word i of all lanes, in CPU byte order.
#[inline]
#[target_feature(enable = "avx2")]
fn gather(runs: &[&[Block]; LANES], at: usize) -> [V; 16] {
    let low = rows!(first_half, runs, at, 0 1 2 3 4 5 6 7);
    let high = rows!(second_half, runs, at, 0 1 2 3 4 5 6 7);
    let [w0, w1, w2, w3, w4, w5, w6, w7] = transpose(low);
    let [w8, w9, w10, w11, w12, w13, w14, w15] = transpose(high);
    [
        w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15,
    ]
}

/// Transposes eight rows of eight words and puts their bytes into CPU order.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(mut rows: [V; 8]) -> [V; 8] {
    let order =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    for row in &mut rows {
        *row = _mm256_shuffle_epi8(*row, order);
    }
    // a 4 x 4 transposition of words inside each 128-bit half ..
    for quad in rows.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *quad;
        let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        *quad = [
            _mm256_unpacklo_epi64(ab_low, cd_low),
            _mm256_unpackhi_epi64(ab_low, cd_low),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ];
    }
    // .. and one of the halves between the rows
    let [a0, a1, a2, a3, b0, b1, b2, b3] = rows;
    let low = |a: V, b: V| _mm256_permute2x128_si256::<0x20>(a, b);
    let high = |a: V, b: V| _mm256_permute2x128_si256::<0x31>(a, b);
    [
        low(a0, b0),
        low(a1, b1),
        low(a2, b2),
        low(a3, b3),
        high(a0, b0),
        high(a1, b1),
        high(a2, b2),
        high(a3, b3),
    ]
}
