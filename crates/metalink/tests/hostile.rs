//! Hostile documents are refused, and refused early.

#![cfg(test)]

#[path = "sets/honest.rs"]
mod honest;
#[path = "sets/hostile.rs"]
mod set;

use swarmcopy_metalink::{Document, Error};

#[test]
fn every_hostile_document_is_refused() {
    for (name, text) in set::hostile().into_iter().chain(set::endless()) {
        let read = Document::parse(text.as_bytes(), None);
        assert!(read.is_err(), "{name}");
    }
}

fn refusal(name: &str) -> Error {
    let documents = set::hostile();
    let (_, text) = documents.iter().find(|(of, _)| *of == name).unwrap();
    Document::parse(text.as_bytes(), None).unwrap_err()
}

#[test]
fn each_refusal_names_its_limit() {
    assert!(matches!(refusal("entity bomb"), Error::DocType { .. }));
    assert!(matches!(refusal("unknown entity"), Error::Entity { .. }));
    for (name, limit) in [
        ("100,000 nested elements", "levels of elements"),
        ("100,000 nested foreign elements", "levels of elements"),
        ("1 MB of text", "bytes of text in an element"),
        ("1 MB of references", "bytes of text in an element"),
        ("1 MB of attributes", "bytes in a tag"),
        ("40 attributes", "attributes of an element"),
        (
            "3,000 namespaces in a tag",
            "namespace declarations in scope",
        ),
    ] {
        let Error::Limit { what, .. } = refusal(name) else {
            panic!("{name}")
        };
        assert_eq!(what, limit, "{name}");
    }
}

#[test]
fn deep_documents_are_refused_where_they_get_too_deep() {
    let Error::Limit { at, .. } = refusal("1,000,000 nested elements") else {
        panic!()
    };
    assert!(at < 1000, "read {at} bytes");
}

#[test]
fn what_stays_within_the_limits_is_read() {
    let document = Document::parse(honest::honest(1000).as_bytes(), None).unwrap();
    assert_eq!((document.files.len(), document.dropped.len()), (1000, 0));
    assert_eq!(document.files[999].mirrors.len(), 3);
}

#[test]
fn a_document_of_ten_thousand_files_is_read_whole() {
    let text = honest::honest(10_000);
    let document = Document::parse(text.as_bytes(), None).unwrap();
    assert_eq!((document.files.len(), document.dropped.len()), (10_000, 0));
}
