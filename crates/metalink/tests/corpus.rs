//! Reads documents that others wrote, from the corpus beside the checkout, as its README says.

#![cfg(test)]

use std::path::PathBuf;
use swarmcopy_metalink::{Document, Hash, HashKind, MetaKind, Part, Reason, Version};

/// The bytes of a corpus file; `None`, with a word why, where there is no corpus.
fn corpus(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus/metalink")
        .join(name);
    let bytes = std::fs::read(&path);
    bytes
        .inspect_err(|fault| eprintln!("skipped: {}: {fault}", path.display()))
        .ok()
}

fn read(name: &str) -> Option<Document> {
    corpus(name).map(|bytes| Document::parse(&bytes, None).unwrap())
}

fn paths(document: &Document) -> Vec<&str> {
    document
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

fn dropped(document: &Document, what: Part) -> Vec<&Reason> {
    let parts = document.dropped.iter().filter(|entry| entry.what == what);
    parts.map(|entry| &entry.reason).collect()
}

const FILES: [&str; 3] = [
    "libmetalink-0.0.1.tar.bz2",
    "libmetalink-0.0.2a.tar.bz2",
    "NoVerificationHash",
];

#[test]
fn libmetalink_test1_keeps_four_files_and_drops_the_bad_singly() {
    let Some(document) = read("libmetalink/test1.xml") else {
        return;
    };
    assert_eq!(document.version, Version::V3);
    assert_eq!(paths(&document), [&FILES[..], &["badpref"]].concat());
    let origin = document.origin.as_ref().unwrap();
    assert_eq!(
        (origin.url.as_str(), origin.dynamic),
        ("http://example.org/foo.metalink", true)
    );
    assert_eq!(
        document.about.identity.as_deref(),
        Some("libmetalink-0.0.1")
    );
    assert_eq!(
        document.about.publisher.as_ref().unwrap().name,
        "libmetalink"
    );

    let [first, second, unsized_file, bad] = &document.files[..] else {
        unreachable!()
    };
    let kinds: Vec<_> = first.hashes.iter().map(Hash::kind).collect();
    assert_eq!(kinds, [HashKind::Sha1, HashKind::Md5]);
    assert_eq!(first.size, None);
    assert_eq!(first.connections_max, Some(1));
    assert_eq!(first.mirrors[0].location.as_deref(), Some("jp"));
    assert_eq!(
        (first.mirrors[0].priority, first.mirrors[1].priority),
        (1, 2)
    );
    assert_eq!(
        (
            first.mirrors[0].connections_max,
            first.mirrors[1].connections_max
        ),
        (Some(1), None)
    );
    assert_eq!(second.size, Some(1 << 32));
    assert!(
        second.pieces.is_empty(),
        "two pieces of 256 KiB do not make 4 GiB"
    );
    assert_eq!(second.mirrors.len(), 4);
    assert_eq!(
        (second.metaurls.len(), second.metaurls[0].priority),
        (1, 100)
    );
    assert_eq!((unsized_file.size, unsized_file.mirrors.len()), (None, 1));
    assert_eq!(bad.mirrors[0].priority, 999_999);

    assert_eq!(dropped(&document, Part::File).len(), 2);
    assert_eq!(dropped(&document, Part::Size).len(), 1);
    assert_eq!(dropped(&document, Part::Priority).len(), 1);
    assert_eq!(dropped(&document, Part::Connections).len(), 2);
    assert_eq!(dropped(&document, Part::Pieces).len(), 1);
    let hashes = dropped(&document, Part::Hash);
    assert_eq!(
        hashes,
        [&Reason::Missing("type"), &Reason::Missing("piece")]
    );
    assert_eq!(document.dropped.len(), 9);
}

#[test]
fn libmetalink_test2_takes_the_lowest_priority_for_a_bad_one() {
    let Some(document) = read("libmetalink/test2.xml") else {
        return;
    };
    assert_eq!(document.version, Version::V4);
    assert_eq!(paths(&document), [&FILES[..], &["badpri"]].concat());
    assert_eq!(document.generator.as_deref(), Some("MetalinkEditor/2.0dev"));
    assert_eq!(
        document.published.as_deref(),
        Some("2009-05-15T12:23:23+09:30")
    );
    assert!(document.origin.as_ref().unwrap().dynamic);

    let [first, second, unsized_file, bad] = &document.files[..] else {
        unreachable!()
    };
    assert_eq!(first.strongest().unwrap().kind(), HashKind::Sha1);
    let publisher = first.about.publisher.as_ref().unwrap();
    assert_eq!(
        (publisher.name.as_str(), publisher.url.as_deref()),
        ("name", Some("url"))
    );
    assert_eq!(first.mirrors_by_priority()[0].priority, 99);
    let priorities: Vec<_> = second
        .mirrors
        .iter()
        .map(|mirror| mirror.priority)
        .collect();
    assert_eq!(priorities, [1, 999_999, 99]);
    let best = second.metaurls_by_priority()[0];
    assert_eq!(best.url.host(), "mirror3");
    assert_eq!(unsized_file.size, None);
    assert_eq!(bad.mirrors[0].priority, 999_999);
    assert_eq!(dropped(&document, Part::File).len(), 2);
    assert_eq!(dropped(&document, Part::Size).len(), 1);
    assert_eq!(dropped(&document, Part::Priority).len(), 1);
    assert_eq!(document.dropped.len(), 6);
}

#[test]
fn a_real_document_of_mirrorbrain_is_read_whole() {
    let name = "libmetalink/LibO_3.5.4_Win_x86_install_multi.msi.meta4";
    let Some(document) = read(name) else { return };
    assert_eq!(document.dropped, []);
    assert_eq!(document.generator.as_deref(), Some("MirrorBrain/2.17.0"));
    let [file] = &document.files[..] else {
        unreachable!()
    };
    assert_eq!(file.size, Some(211_689_472));
    assert_eq!(file.hashes.len(), 3);
    assert_eq!(file.strongest().unwrap().kind(), HashKind::Sha256);
    assert_eq!(file.pieces[0].count(), 808);
    assert_eq!(file.mirrors.len(), 76);
    assert!(file.signatures[0].text.contains("=bzA1"));
    assert_eq!(file.signatures[0].media_type, "application/pgp-signature");
}

#[test]
fn a_real_document_of_metalink_3_is_read_whole() {
    let Some(document) = read("libmetalink/ubuntu-12.04-server-amd64.metalink") else {
        return;
    };
    assert_eq!(document.dropped, []);
    let [file] = &document.files[..] else {
        unreachable!()
    };
    assert_eq!((file.mirrors.len(), file.metaurls.len()), (221, 1));
    assert_eq!(file.metaurls[0].kind, MetaKind::Torrent);
    assert_eq!(file.metaurls[0].priority, 1);
    assert_eq!(file.strongest().unwrap().kind(), HashKind::Md5);
    assert_eq!(document.updated, None);
    assert_eq!(
        document.published.as_deref(),
        Some("Thu, 26 Apr 2012 09:52:22 +0000")
    );
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    let Some(document) = read("rfc5854/section-1.1-example1.meta4") else {
        return;
    };
    assert_eq!(document.dropped, []);
    let [file] = &document.files[..] else {
        unreachable!()
    };
    assert_eq!((file.mirrors.len(), file.size), (2, Some(14_471_447)));
    assert_eq!(
        file.metaurls[0].url.as_str(),
        "http://example.com/example.ext.torrent"
    );

    let document = read("rfc5854/section-1.1-example2.meta4").unwrap();
    assert_eq!(paths(&document), ["example.ext", "example2.ext"]);
    assert_eq!(
        dropped(&document, Part::Hash).len(),
        2,
        "the hashes are printed in part only"
    );
    assert_eq!(document.dropped.len(), 2);
    let about = &document.files[0].about;
    assert_eq!(
        about.description.as_deref(),
        Some("A description of the example file for download.")
    );
    assert_eq!(document.files[1].mirrors[1].location.as_deref(), Some("fr"));
}
