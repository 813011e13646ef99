//! Every instruction set of this machine gives the digests of the scalar path, whatever the inputs.

use proptest::collection::vec;
use proptest::prelude::*;
use swarmcopy_digest::{
    Isa, Sha1, Sha256, sha1, sha1_many, sha1_many_with, sha256, sha256_many, sha256_many_with,
};

/// Bytes that differ by place and by `salt`.
fn bytes(len: usize, salt: usize) -> Vec<u8> {
    (0..len)
        .map(|i| ((i * 31 + salt * 17) % 251).to_le_bytes()[0])
        .collect()
}

/// Cuts `data` into parts of the given lengths, over and over; a length of 0 is an empty part.
fn cut<'a>(mut data: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    for len in lens.iter().cycle().take(lens.len().max(1) * 1000) {
        let (part, rest) = data.split_at((*len).min(data.len()));
        parts.push(part);
        data = rest;
        if data.is_empty() {
            break;
        }
    }
    parts.push(data);
    parts
}

/// Checks all ways of hashing `pieces` against one after the other.
fn check(pieces: &[Vec<&[u8]>]) {
    let ropes: Vec<&[&[u8]]> = pieces.iter().map(|parts| &parts[..]).collect();
    let sha1s: Vec<_> = pieces.iter().map(|parts| sha1(&parts.concat())).collect();
    let sha256s: Vec<_> = pieces.iter().map(|parts| sha256(&parts.concat())).collect();
    assert_eq!(sha1_many(&ropes), sha1s);
    assert_eq!(sha256_many(&ropes), sha256s);
    for isa in Isa::available() {
        assert_eq!(sha1_many_with(isa, &ropes), sha1s, "SHA-1 by {isa:?}");
        assert_eq!(sha256_many_with(isa, &ropes), sha256s, "SHA-256 by {isa:?}");
    }
}

fn hex(digest: &[u8]) -> String {
    digest
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn the_examples_of_fips_180_hold_in_every_lane() {
    let input: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    let rope = [input];
    let ropes: [&[&[u8]]; 16] = [&rope; 16];
    for isa in Isa::available() {
        for digest in sha1_many_with(isa, &ropes) {
            assert_eq!(hex(&digest), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        }
        for digest in sha256_many_with(isa, &ropes) {
            assert_eq!(
                hex(&digest),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            );
        }
    }
}

#[test]
fn every_length_up_to_five_blocks_is_padded_right() {
    for len in 0..=320 {
        let data: Vec<Vec<u8>> = (0..17).map(|salt| bytes(len, salt)).collect();
        let pieces: Vec<Vec<&[u8]>> = data.iter().map(|piece| vec![&piece[..]]).collect();
        check(&pieces);
    }
}

#[test]
fn every_number_of_inputs_keeps_their_order() {
    for count in 0..=33 {
        let data: Vec<Vec<u8>> = (0..count).map(|salt| bytes(1000, salt)).collect();
        let pieces: Vec<Vec<&[u8]>> = data.iter().map(|piece| cut(piece, &[333])).collect();
        check(&pieces);
    }
}

#[test]
fn lengths_may_be_mixed() {
    let data: Vec<Vec<u8>> = (0..60)
        .map(|salt| bytes([700, 64, 0, 4096, 63][salt % 5], salt))
        .collect();
    let pieces: Vec<Vec<&[u8]>> = data.iter().map(|piece| vec![&piece[..]]).collect();
    check(&pieces);
}

#[test]
fn a_piece_of_no_parts_or_empty_parts_is_the_empty_piece() {
    let empty: Vec<&[u8]> = vec![&[], &[], &[]];
    check(&[vec![], empty, vec![&[]], vec![], vec![]]);
    assert_eq!(sha1_many(&[&[]]), [sha1(b"")]);
}

#[test]
fn streaming_gives_the_digest_of_the_whole() {
    let data = bytes(5000, 3);
    let (mut one, mut two) = (Sha1::new(), Sha256::new());
    for part in cut(&data, &[1, 63, 64, 65, 0, 1000]) {
        one.update(part);
        two.update(part);
    }
    assert_eq!((one.finish(), two.finish()), (sha1(&data), sha256(&data)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_cut_differently_in_each_lane_change_nothing(
        len in 0_usize..3000,
        cuts in vec(vec(0_usize..200, 1..6), 1..34),
    ) {
        let data: Vec<Vec<u8>> = (0..cuts.len()).map(|salt| bytes(len, salt)).collect();
        let pieces: Vec<_> = data.iter().zip(&cuts).map(|(piece, lens)| cut(piece, lens)).collect();
        check(&pieces);
    }

    #[test]
    fn inputs_of_any_lengths_and_contents_agree(
        data in vec(vec(any::<u8>(), 0..300), 0..40),
    ) {
        let pieces: Vec<Vec<&[u8]>> = data.iter().map(|piece| vec![&piece[..]]).collect();
        check(&pieces);
    }
}
