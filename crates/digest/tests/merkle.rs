//! The trees of BEP 52, against the bare definition and against roots that libtorrent 2.0 made.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use proptest::prelude::*;
use swarmcopy_digest::merkle::{MerkleError, layer_root, merkle_root, piece_root, sha256_leaves};
use swarmcopy_digest::{Sha256Digest, sha256};

const LEAF: usize = 16 << 10;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251).to_le_bytes()[0]).collect()
}

fn hex(digest: &[u8]) -> String {
    digest
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn usize_of(len: u64) -> usize {
    usize::try_from(len).unwrap()
}

/// The root as BEP 52 defines it, one hash after the other.
fn plain_root(mut layer: Vec<Sha256Digest>, places: usize) -> Sha256Digest {
    layer.resize(places, [0; 32]);
    while layer.len() > 1 {
        layer = layer.chunks(2).map(|pair| sha256(&pair.concat())).collect();
    }
    layer[0]
}

/// The piece layer and the `pieces root` of a file by the functions under test.
fn file_root(file: &[u8], piece_len: u64) -> (Vec<Sha256Digest>, Sha256Digest) {
    let file_len = u64::try_from(file.len()).unwrap();
    let layer: Vec<Sha256Digest> = file
        .chunks(usize_of(piece_len))
        .map(|piece| piece_root(&[piece], piece_len, file_len).unwrap())
        .collect();
    let root = layer_root(&layer, piece_len).unwrap();
    (layer, root)
}

#[test]
fn roots_equal_those_of_libtorrent() {
    let expected = [
        (
            1,
            32_768,
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        ),
        (
            16_384,
            32_768,
            "4348e3b98e8a327b34ced39c1da9e67cdb4cd5e48e4d7960607a3ae403d35f0c",
        ),
        (
            40_000,
            65_536,
            "ab671631a9fa97a1fdac651fff6c68773b9acf0735b9c7f6ecdd54cbf1bf5dc2",
        ),
        (
            70_000,
            32_768,
            "83deabd1fe1301daff7f0f151ac57676bb0de039ffc91faa63b02a3e0105bcd8",
        ),
        (
            300_000,
            16_384,
            "1c5fb49bf57e0e945d9428a1798ddc8acc5dc57e19aa0c9bb1ed90e9b7885ee1",
        ),
        (
            1_000_000,
            65_536,
            "c6ba179eeb6d3fa33dd2f92a78d90d91d8230efcfb2c565375c85bf9e1e674cd",
        ),
    ];
    for (len, piece_len, root) in expected {
        assert_eq!(
            hex(&file_root(&bytes(len), piece_len).1),
            root,
            "{len} bytes, pieces of {piece_len}"
        );
    }
}

#[test]
fn leaves_are_cut_every_16_kib_across_parts() {
    let file = bytes(5 * LEAF + 77);
    let parts: Vec<&[u8]> = file.chunks(1001).collect();
    let expected: Vec<Sha256Digest> = file.chunks(LEAF).map(sha256).collect();
    assert_eq!(sha256_leaves(&parts), expected);
    assert_eq!(sha256_leaves(&[&file]), expected);
    assert!(sha256_leaves(&[]).is_empty());
}

#[test]
fn the_end_of_a_long_file_is_padded_to_a_whole_piece() {
    let rest = bytes(LEAF + 5);
    let root = piece_root(&[&rest], 8 << 14, 100 << 14).unwrap();
    assert_eq!(root, plain_root(sha256_leaves(&[&rest]), 8));
}

#[test]
fn a_file_within_one_piece_is_padded_to_its_own_leaves_only() {
    let file = bytes(2 * LEAF + 5);
    let root = piece_root(&[&file], 64 << 14, u64::try_from(file.len()).unwrap()).unwrap();
    assert_eq!(root, plain_root(sha256_leaves(&[&file]), 4));
    assert_eq!(root, merkle_root(&sha256_leaves(&[&file])));
}

#[test]
fn piece_lengths_beyond_bep_52_are_refused() {
    for piece_len in [0, 1, 8 << 10, 48 << 10, u64::MAX] {
        assert_eq!(
            piece_root(&[], piece_len, 1),
            Err(MerkleError::PieceLen(piece_len))
        );
        assert_eq!(
            layer_root(&[], piece_len),
            Err(MerkleError::PieceLen(piece_len))
        );
    }
}

#[test]
fn more_bytes_than_a_piece_holds_are_refused() {
    let long = bytes(2 * LEAF + 1);
    let error = piece_root(&[&long], 2 << 14, 1 << 30).unwrap_err();
    assert_eq!(
        error,
        MerkleError::TooMany {
            hashes: 3,
            places: 2
        }
    );
    assert_eq!(error.to_string(), "3 hashes do not fit a tree of 2 places");
}

#[test]
fn a_claimed_width_costs_no_memory() {
    let root = piece_root(&[b"x"], 1 << 63, u64::MAX).unwrap();
    let mut expected = (sha256(b"x"), [0; 32]);
    for _ in 14..63 {
        let (hash, pad) = expected;
        expected = (sha256(&[hash, pad].concat()), sha256(&[pad, pad].concat()));
    }
    assert_eq!(root, expected.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_root_over_pieces_is_the_root_over_leaves(leaves in 1_usize..70, rest in 0_usize..LEAF, shift in 0_u32..4) {
        let file = bytes(leaves * LEAF - rest);
        let piece_len = (1_u64 << 14) << shift;
        let (layer, root) = file_root(&file, piece_len);
        prop_assert_eq!(layer.len(), file.len().div_ceil(usize_of(piece_len)));
        prop_assert_eq!(root, plain_root(sha256_leaves(&[&file]), leaves.next_power_of_two()));
        prop_assert_eq!(root, merkle_root(&sha256_leaves(&[&file])));
    }
}
