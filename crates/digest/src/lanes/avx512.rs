//! Sixteen lanes in the 512-bit registers of AVX-512 (F for the arithmetic, BW for the byte order).
//!
//! What must stay true: the functions here are called only after both features were found.

use super::blocks::Block;
use super::kernel::{rows, sha1_kernel, sha1_rounds, sha256_kernel, sha256_rounds};
use core::arch::x86_64::{
    __m512i, _mm_set_epi64x, _mm512_add_epi32, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_rol_epi32, _mm512_set1_epi32, _mm512_shuffle_epi8, _mm512_shuffle_i32x4,
    _mm512_srli_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};

/// The inputs hashed at once.
pub(super) const LANES: usize = 16;

/// One 32-bit word of each input.
type V = __m512i;

sha1_kernel!("avx512f,avx512bw");
sha256_kernel!("avx512f,avx512bw");

#[inline]
#[target_feature(enable = "avx512f")]
fn load(words: &[u32; LANES]) -> V {
    // SAFETY: `words` is 64 readable bytes; the load takes any alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(v: V) -> [u32; LANES] {
    let mut words = [0; LANES];
    // SAFETY: `words` is 64 writable bytes; the store takes any alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), v) };
    words
}

/// Loads block `at` of `run`.
#[inline]
#[target_feature(enable = "avx512f")]
fn row(run: &[Block], at: usize) -> V {
    let Some(block) = run.get(at) else {
        return splat(0);
    };
    // SAFETY: `block` is 64 readable bytes; the load takes any alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(word: u32) -> V {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: V, b: V) -> V {
    _mm512_add_epi32(a, b)
}

/// Rotates left by `L`; `R` is 32 - `L`, for the sets that lack a rotation.
#[inline]
#[target_feature(enable = "avx512f")]
fn rotl<const L: i32, const R: i32>(v: V) -> V {
    _mm512_rol_epi32::<L>(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn shr<const N: u32>(v: V) -> V {
    _mm512_srli_epi32::<N>(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(a: V, b: V) -> V {
    _mm512_xor_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

/// Takes each bit of `b` where `a` is set, of `c` elsewhere.
#[inline]
#[target_feature(enable = "avx512f")]
fn choose(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0xCA>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0xE8>(a, b, c)
}

/// Loads block `at` of each run and turns it so that vector i holds word i of all lanes, in CPU byte order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn gather(runs: &[&[Block]; LANES], at: usize) -> [V; 16] {
    let order =
        _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    let mut rows = rows!(row, runs, at, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for row in &mut rows {
        *row = _mm512_shuffle_epi8(*row, order);
    }
    // a 4 x 4 transposition of words inside each 128-bit quarter ..
    for quad in rows.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *quad;
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        *quad = [
            _mm512_unpacklo_epi64(ab_low, cd_low),
            _mm512_unpackhi_epi64(ab_low, cd_low),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ];
    }
    // .. and one of the quarters between the rows
    let [
        a0,
        a1,
        a2,
        a3,
        b0,
        b1,
        b2,
        b3,
        c0,
        c1,
        c2,
        c3,
        d0,
        d1,
        d2,
        d3,
    ] = rows;
    let (w0, w4, w8, w12) = quarters(a0, b0, c0, d0);
    let (w1, w5, w9, w13) = quarters(a1, b1, c1, d1);
    let (w2, w6, w10, w14) = quarters(a2, b2, c2, d2);
    let (w3, w7, w11, w15) = quarters(a3, b3, c3, d3);
    [
        w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15,
    ]
}

/// Transposes four rows of four 128-bit quarters.
#[inline]
#[target_feature(enable = "avx512f")]
fn quarters(a: V, b: V, c: V, d: V) -> (V, V, V, V) {
    let (ab_low, ab_high) = (
        _mm512_shuffle_i32x4::<0x44>(a, b),
        _mm512_shuffle_i32x4::<0xEE>(a, b),
    );
    let (cd_low, cd_high) = (
        _mm512_shuffle_i32x4::<0x44>(c, d),
        _mm512_shuffle_i32x4::<0xEE>(c, d),
    );
    (
        _mm512_shuffle_i32x4::<0x88>(ab_low, cd_low),
        _mm512_shuffle_i32x4::<0xDD>(ab_low, cd_low),
        _mm512_shuffle_i32x4::<0x88>(ab_high, cd_high),
        _mm512_shuffle_i32x4::<0xDD>(ab_high, cd_high),
    )
}
