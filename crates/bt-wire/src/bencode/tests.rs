//! Rules of the reader and writer.

use proptest::prelude::*;

use super::*;

fn lenient() -> Limits {
    Limits::message(1 << 20)
}

fn strict() -> Limits {
    lenient().with_form(Form::Canonical)
}

fn error(bytes: &[u8]) -> BencodeError {
    parse(bytes, &lenient()).unwrap_err()
}

#[test]
fn a_value_is_found_with_its_own_bytes() {
    let document = parse(b"d1:ai-3e4:infod1:xl1:yi7eee1:z0:e", &lenient()).unwrap();
    let root = document.root();
    assert_eq!(root.find(b"info").unwrap().raw(), b"d1:xl1:yi7eee");
    assert_eq!(root.find(b"a").unwrap().as_int(), Some(-3));
    assert_eq!(root.find(b"a").unwrap().as_uint::<u32>(), None);
    assert_eq!(root.find(b"z").unwrap().as_bytes(), Some(&b""[..]));
    let list = root.find(b"info").unwrap().find(b"x").unwrap();
    let kinds: Vec<Kind> = list.as_list().unwrap().map(|value| value.kind()).collect();
    assert_eq!(kinds, [Kind::Bytes, Kind::Int]);
    assert!(root.find(b"b").is_none() && list.find(b"y").is_none());
}

#[test]
fn nesting_is_limited_and_never_exhausts_the_stack() {
    let deep = [vec![b'l'; 64], vec![b'e'; 64]].concat();
    assert!(parse(&deep, &strict()).is_ok());
    let deeper = [vec![b'l'; 65], vec![b'e'; 65]].concat();
    assert_eq!(error(&deeper), BencodeError::Depth { at: 64, max: 64 });
    assert_eq!(
        error(&vec![b'l'; 1 << 20]),
        BencodeError::Depth { at: 64, max: 64 }
    );
}

#[test]
fn claimed_lengths_must_be_there() {
    assert_eq!(error(b"5:abcd"), BencodeError::Truncated);
    assert_eq!(error(b"99999999999:a"), BencodeError::Truncated);
    assert_eq!(error(b"999999999999:a"), BencodeError::Number { at: 0 });
    assert_eq!(error(b"-1:a"), BencodeError::Unexpected { at: 0 });
    assert_eq!(error(b"123"), BencodeError::Truncated);
}

#[test]
fn values_and_bytes_are_counted() {
    let limits = lenient().with_node_max(3);
    assert!(parse(b"li1ei2ee", &limits).is_ok());
    assert_eq!(
        parse(b"li1ei2ei3ee", &limits).unwrap_err(),
        BencodeError::Nodes { max: 3 }
    );
    let long = parse(b"4:abcd", &Limits::message(5)).unwrap_err();
    assert_eq!(long, BencodeError::TooLong { len: 6, max: 5 });
}

#[test]
fn one_value_only_fills_the_input() {
    assert_eq!(error(b"i1ei2e"), BencodeError::Trailing { at: 3 });
    let (document, used) = parse_prefix(b"d1:ai1eeRAW", &lenient()).unwrap();
    assert_eq!((document.root().raw(), used), (&b"d1:ai1ee"[..], 8));
    for bad in [
        &b""[..],
        b"e",
        b"d",
        b"di1ei2ee",
        b"d1:ae",
        b"ie",
        b"i-e",
        b"i 1e",
        b"i+1e",
        b"x",
    ] {
        assert!(parse(bad, &lenient()).is_err(), "{bad:?}");
    }
}

#[test]
fn canonical_form_has_one_way_to_write_a_value() {
    for text in [
        &b"d1:bi1e1:ai1ee"[..],
        b"d1:ai1e1:ai1ee",
        b"i01e",
        b"i-0e",
        b"i-01e",
        b"01:a",
    ] {
        assert!(parse(text, &lenient()).is_ok(), "{text:?}");
        let error = parse(text, &strict()).unwrap_err();
        assert!(
            matches!(error, BencodeError::NotCanonical { .. }),
            "{text:?}: {error}"
        );
    }
    assert!(parse(b"i0e", &strict()).is_ok() && parse(b"0:", &strict()).is_ok());
}

#[test]
fn the_first_of_equal_keys_is_found() {
    let document = parse(b"d1:ai1e1:ai2ee", &lenient()).unwrap();
    assert_eq!(document.root().find(b"a").unwrap().as_int(), Some(1));
}

#[test]
fn integers_are_64_bits_wide() {
    let read = |text: &str| parse(text.as_bytes(), &lenient()).map(|d| d.root().as_int());
    assert_eq!(read("i9223372036854775807e"), Ok(Some(i64::MAX)));
    assert_eq!(read("i-9223372036854775808e"), Ok(Some(i64::MIN)));
    assert_eq!(
        read("i9223372036854775808e"),
        Err(BencodeError::Number { at: 0 })
    );
    assert_eq!(
        read(&format!("i{}e", "1".repeat(100))),
        Err(BencodeError::Number { at: 0 })
    );
}

fn item() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Item::Int),
        prop::collection::vec(any::<u8>(), 0..30).prop_map(Item::Bytes),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let key = prop::collection::vec(any::<u8>(), 0..6);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Item::List),
            prop::collection::btree_map(key, inner, 0..6).prop_map(Item::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_canonical_and_read_back(item in item()) {
        let bytes = item.encode();
        let document = parse(&bytes, &strict()).unwrap();
        prop_assert_eq!(document.root().to_item(), item);
        prop_assert_eq!(document.root().raw(), bytes.as_slice());
    }

    #[test]
    fn a_damaged_value_is_judged(item in item(), at: prop::sample::Index, byte: u8) {
        let mut bytes = item.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        crate::check::bencode(&bytes);
    }
}
