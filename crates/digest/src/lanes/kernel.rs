//! The compression functions of SHA-1 (FIPS 180-4 section 6.1.2) and SHA-256 (6.2.2), written once for all
//! vector widths.
//!
//! A module of one instruction set defines the type `V`, the constant `LANES` and the functions `load`,
//! `store`, `gather`, `splat`, `add`, `rotl`, `shr`, `xor3`, `choose` and `majority`, and then has its two
//! kernels written out by `sha1_kernel!` and `sha256_kernel!` under its own target features.
//!
//! What must stay true: lane i of every vector belongs to input i alone; the words of the message schedule are
//! named by literal indices, so that they live in registers.

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
pub(super) const SHA256_K: [[u32; 16]; 4] = [
    [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
    ],
    [
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
    ],
    [
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
    ],
    [
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ],
];

/// Loads a row of each run by name: an iterator or a closure here is left as a loop or a call.
macro_rules! rows {
    ($load:ident, $runs:ident, $at:ident, $($i:literal)*) => { [$( $load($runs[$i], $at) ),*] };
}

/// Rounds of SHA-1 over the words `$i`, as they are or after the schedule has moved them on by 16.
macro_rules! sha1_rounds {
    (first, $s:ident, $w:ident, $f:ident, $k:expr, $($i:literal)*) => {
        let k = splat($k);
        $(
            let [a, b, c, d, e] = $s;
            let t = add(add(add(rotl::<5, 27>(a), $f(b, c, d)), add(e, k)), $w[$i]);
            $s = [t, a, rotl::<30, 2>(b), c, d];
        )*
    };
    (next, $s:ident, $w:ident, $f:ident, $k:expr, $($i:literal)*) => {$(
        let mixed = xor3($w[($i + 13) % 16], $w[($i + 8) % 16], $w[($i + 2) % 16]);
        $w[$i] = rotl::<1, 31>(xor(mixed, $w[$i]));
        sha1_rounds!(first, $s, $w, $f, $k, $i);
    )*};
}

/// Writes out `sha1`, the compression of blocks of `LANES` inputs at once.
macro_rules! sha1_kernel {
    ($features:literal) => {
        /// Compresses as many blocks as the shortest of `runs` has, each run into its own lane of `state`.
        #[target_feature(enable = $features)]
        pub(super) fn sha1(state: &mut [[u32; LANES]; 5], runs: &[&[Block]; LANES]) {
            let mut sum = state.map(|words| load(&words));
            for at in 0..super::shortest(runs) {
                let mut w = gather(runs, at);
                let mut s = sum;
                sha1_rounds!(first, s, w, choose, 0x5a82_7999, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
                sha1_rounds!(next, s, w, choose, 0x5a82_7999, 0 1 2 3);
                sha1_rounds!(next, s, w, xor3, 0x6ed9_eba1, 4 5 6 7 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7);
                sha1_rounds!(next, s, w, majority, 0x8f1b_bcdc, 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 8 9 10 11);
                sha1_rounds!(next, s, w, xor3, 0xca62_c1d6, 12 13 14 15 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
                for (sum, word) in sum.iter_mut().zip(s) {
                    *sum = add(*sum, word);
                }
            }
            *state = sum.map(|v| store(v));
        }
    };
}

/// Rounds of SHA-256 over the words `$i`, as they are or after the schedule has moved them on by 16.
macro_rules! sha256_rounds {
    (first, $s:ident, $w:ident, $k:ident, $($i:literal)*) => {$(
        let [a, b, c, d, e, f, g, h] = $s;
        let e1 = xor3(rotl::<26, 6>(e), rotl::<21, 11>(e), rotl::<7, 25>(e));
        let t1 = add(add(add(h, splat($k[$i])), $w[$i]), add(e1, choose(e, f, g)));
        let a0 = xor3(rotl::<30, 2>(a), rotl::<19, 13>(a), rotl::<10, 22>(a));
        $s = [add(t1, add(a0, majority(a, b, c))), a, b, c, add(d, t1), e, f, g];
    )*};
    (next, $s:ident, $w:ident, $k:ident, $($i:literal)*) => {$(
        let (x, y) = ($w[($i + 1) % 16], $w[($i + 14) % 16]);
        let x = xor3(rotl::<25, 7>(x), rotl::<14, 18>(x), shr::<3>(x));
        let y = xor3(rotl::<15, 17>(y), rotl::<13, 19>(y), shr::<10>(y));
        $w[$i] = add(add($w[$i], x), add($w[($i + 9) % 16], y));
        sha256_rounds!(first, $s, $w, $k, $i);
    )*};
}

/// Writes out `sha256`, the compression of blocks of `LANES` inputs at once.
macro_rules! sha256_kernel {
    ($features:literal) => {
        /// Compresses as many blocks as the shortest of `runs` has, each run into its own lane of `state`.
        #[target_feature(enable = $features)]
        pub(super) fn sha256(state: &mut [[u32; LANES]; 8], runs: &[&[Block]; LANES]) {
            let mut sum = state.map(|words| load(&words));
            for at in 0..super::shortest(runs) {
                let mut w = gather(runs, at);
                let mut s = sum;
                let [k0, later @ ..] = &super::kernel::SHA256_K;
                sha256_rounds!(first, s, w, k0, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
                for k in later {
                    sha256_rounds!(next, s, w, k, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
                }
                for (sum, word) in sum.iter_mut().zip(s) {
                    *sum = add(*sum, word);
                }
            }
            *state = sum.map(|v| store(v));
        }
    };
}

pub(super) use {rows, sha1_kernel, sha1_rounds, sha256_kernel, sha256_rounds};
