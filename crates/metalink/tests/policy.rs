//! The rules of `docs/policy.md` on documents, files, sizes and hashes, one test each.

#![cfg(test)]

#[path = "sets/read.rs"]
mod read;

use read::{file_v3, file_v4, read_v4};
use swarmcopy_metalink::limits::DROPPED_MAX;
use swarmcopy_metalink::{Document, Error, HashError, HashKind, Part, PathError, Reason};

fn refusal(text: &str) -> Error {
    Document::parse(text.as_bytes(), None).unwrap_err()
}

const SHA1: &str = "a96cf3f0266b91d87d5124cf94326422800b627d";

#[test]
fn a_document_that_is_no_metalink_is_refused() {
    for text in [
        "",
        " ",
        "<a/>",
        "<metalink/>",
        "<metalink xmlns='urn:x'/>",
        "<!-- -->",
    ] {
        assert_eq!(refusal(text), Error::NotMetalink, "{text:?}");
    }
    assert_eq!(
        refusal("<x xmlns='urn:ietf:params:xml:ns:metalink'/>"),
        Error::NotMetalink
    );
}

#[test]
fn a_document_that_is_not_well_formed_is_refused() {
    let ns = "xmlns='urn:ietf:params:xml:ns:metalink'";
    for text in [
        format!("<metalink {ns}>"),
        format!("<metalink {ns}><file></metalink>"),
        format!("<metalink {ns}></metalinks>"),
        format!("<metalink {ns}/><metalink {ns}/>"),
        format!("<metalink {ns}/>text"),
        format!("text<metalink {ns}/>"),
        format!("<metalink {ns}>\0</metalink>"),
        format!("<metalink {ns}><size>&#8;</size></metalink>"),
        format!("<metalink {ns}><a:b/></metalink>"),
        format!("<metalink {ns}><a b=c/></metalink>"),
    ] {
        let error = refusal(&text);
        assert!(
            matches!(error, Error::Xml { .. } | Error::Entity { .. }),
            "{text}: {error}"
        );
    }
    assert_eq!(
        Document::parse(b"<metalink>\xff</metalink>", None),
        Err(Error::Encoding)
    );
}

#[test]
fn a_byte_order_mark_and_any_prefix_are_read() {
    let text = "\u{feff}<?xml version='1.0'?>\n<m:metalink xmlns:m='urn:ietf:params:xml:ns:metalink'>\
        <m:file name='f'><m:size>1</m:size></m:file></m:metalink>\n<!-- end -->";
    let document = Document::parse(text.as_bytes(), None).unwrap();
    assert_eq!(document.files[0].size, Some(1));
}

#[test]
fn references_and_character_data_are_text() {
    let (file, dropped) = file_v4(
        "<description>&lt;a&gt; &amp; &quot;b&apos; &#x41;&#66;<![CDATA[ <c> ]]></description>",
    );
    assert_eq!(file.about.description.as_deref(), Some("<a> & \"b' AB <c>"));
    assert_eq!(dropped, []);
}

#[test]
fn foreign_markup_is_skipped_with_its_subtree() {
    let (file, dropped) = file_v4(
        "<x:url xmlns:x='urn:x'>http://foreign/</x:url>\
         <box xmlns='urn:x'><size xmlns='urn:ietf:params:xml:ns:metalink'>7</size></box>\
         <unknown><url>http://unknown/</url></unknown>\
         <size x:unit='K' xmlns:x='urn:x'>5<x:more>0</x:more></size>\
         <url xmlns='http://www.metalinker.org/'>http://three/</url>",
    );
    assert_eq!((file.size, file.mirrors.len()), (Some(5), 0));
    assert_eq!(dropped, []);
}

#[test]
fn a_file_without_a_safe_name_is_dropped_and_the_others_stay() {
    let document = read_v4(
        "<file><size>1</size></file><file name=''/><file name='../up'/><file name='/abs'/>\
         <file name='C:\\x'/><file name='a/./b'/><file name='a&#10;b'/><file name='good'/>",
    );
    assert_eq!(document.files.len(), 1);
    assert_eq!(document.files[0].path.as_str(), "good");
    assert_eq!(document.dropped.len(), 7);
    assert!(
        document
            .dropped
            .iter()
            .all(|entry| entry.what == Part::File)
    );
    assert_eq!(document.dropped[0].reason, Reason::Missing("name"));
    assert_eq!(
        document.dropped[3].reason,
        Reason::Path(PathError::Absolute)
    );
    assert_eq!(document.dropped[2].value, "../up");
}

#[test]
fn of_files_with_one_path_the_first_stays() {
    let document = read_v4(
        "<file name='a/b'><size>1</size></file><file name='a!'/><file name='a/b'/>\
         <file name='d/e/f'/><file name='d'/>",
    );
    let paths: Vec<_> = document
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(paths, ["a/b", "a!", "d"]);
    assert_eq!(document.files[0].size, Some(1));
    assert_eq!(document.dropped.len(), 2);
    assert!(
        document
            .dropped
            .iter()
            .all(|entry| entry.reason == Reason::Clash)
    );
}

#[test]
fn a_bad_size_is_an_unknown_one() {
    for bad in [
        "",
        "abc",
        "-1",
        "+1",
        "1 000",
        "0x10",
        "9223372036854775808",
        "1e3",
    ] {
        let (file, dropped) = file_v4(&format!("<size>{bad}</size>"));
        assert_eq!((file.size, dropped.len()), (None, 1), "{bad:?}");
    }
    let (file, dropped) = file_v4("<size> 9223372036854775807 </size>");
    assert_eq!((file.size, dropped.len()), (Some((1 << 63) - 1), 0));
    let (file, dropped) = file_v4("<size>1</size><size>1</size><size>2</size>");
    assert_eq!(
        (file.size, dropped),
        (Some(1), vec![(Part::Size, Reason::Repeated)])
    );
}

#[test]
fn a_bad_hash_is_dropped_alone() {
    let (file, dropped) = file_v4(&format!(
        "<hash>{SHA1}</hash><hash type='sha-1'>xyz</hash><hash type='sha-256'>{SHA1}</hash>\
         <hash type='zsync'>{SHA1}</hash><hash type='sha-1'> {} </hash>",
        SHA1.to_uppercase()
    ));
    assert_eq!(file.hashes.len(), 1);
    assert_eq!(file.hashes[0].as_bytes()[..2], [0xa9, 0x6c]);
    let len = HashError::Len {
        kind: HashKind::Sha256,
        len: 20,
    };
    let reasons = [
        Reason::Missing("type"),
        HashError::Hex.into(),
        len.into(),
        HashError::Kind("zsync".into()).into(),
    ];
    assert_eq!(dropped, reasons.map(|reason| (Part::Hash, reason)));
    assert!(!dropped[3].1.is_fault() && dropped[2].1.is_fault());
}

#[test]
fn of_hashes_of_a_kind_the_first_stays() {
    let other = SHA1.replace('a', "b");
    let hash = |hex: &str| format!("<hash type='sha-1'>{hex}</hash>");
    let (file, dropped) = file_v4(&[hash(SHA1), hash(SHA1), hash(&other)].concat());
    assert_eq!(file.hashes.len(), 1);
    assert_eq!(dropped, [(Part::Hash, Reason::Repeated)]);
}

fn pieces(attributes: &str, count: usize) -> String {
    let hash = format!("<hash>{SHA1}</hash>");
    format!("<pieces {attributes}>{}</pieces>", hash.repeat(count))
}

#[test]
fn each_piece_list_has_its_own_length_and_fits_the_size() {
    let exact = pieces("length='10' type='sha-1'", 3);
    let coarse = pieces("length='25' type='sha1'", 1);
    let short = pieces("length='10' type='sha-1'", 2);
    let (file, dropped) = file_v4(&format!("{exact}{coarse}{short}<size>25</size>"));
    let lists: Vec<_> = file
        .pieces
        .iter()
        .map(|list| (list.piece_len(), list.count()))
        .collect();
    assert_eq!(lists, [(10, 3), (25, 1)]);
    let count = HashError::Count { have: 2, want: 3 };
    assert_eq!(dropped, [(Part::Pieces, count.into())]);
    let (file, dropped) = file_v4(&short);
    assert_eq!(
        (file.pieces.len(), dropped.len()),
        (1, 0),
        "no size: nothing to compare with"
    );
}

#[test]
fn a_piece_list_that_cannot_be_used_is_dropped_whole() {
    for (list, reason) in [
        (pieces("length='10'", 1), Reason::Missing("type")),
        (pieces("type='sha-1'", 1), Reason::Missing("length")),
        (
            pieces("length='10' type='zsync'", 1),
            HashError::Kind("zsync".into()).into(),
        ),
        (
            pieces("length='10' type='sha-1'", 0),
            HashError::Empty.into(),
        ),
        (
            pieces("length='10' type='md5'", 2),
            HashError::Len {
                kind: HashKind::Md5,
                len: 20,
            }
            .into(),
        ),
        (
            pieces("length='0' type='sha-1'", 1),
            Reason::Number {
                min: 1,
                max: (1 << 63) - 1,
            },
        ),
    ] {
        let (file, dropped) = file_v4(&list);
        assert_eq!(
            (file.pieces.len(), dropped),
            (0, vec![(Part::Pieces, reason)]),
            "{list}"
        );
    }
}

#[test]
fn numbered_pieces_are_put_in_order_and_must_be_all() {
    let list = |numbers: &[&str]| {
        let hash = |i: usize, n: &&str| format!("<hash {n}>{:02x}{}</hash>", i, "00".repeat(19));
        let hashes: String = numbers
            .iter()
            .enumerate()
            .map(|(i, n)| hash(i, n))
            .collect();
        file_v3(&format!(
            "<verification><pieces type='sha1' length='4'>{hashes}</pieces></verification>"
        ))
    };
    let (file, dropped) = list(&["piece='2'", "piece='0'", "piece='1'"]);
    let first: Vec<_> = file.pieces[0].hashes().map(|hash| hash[0]).collect();
    assert_eq!((first, dropped.len()), (vec![1, 2, 0], 0));
    for (numbers, missing) in [
        (["piece='0'", "piece='2'"], 1),
        (["piece='0'", "piece='0'"], 1),
        (["piece='7'", ""], 0),
    ] {
        let (file, dropped) = list(&numbers);
        assert!(file.pieces.is_empty(), "{numbers:?}");
        assert_eq!(
            dropped.last(),
            Some(&(Part::Pieces, HashError::Hole(missing).into()))
        );
    }
}

#[test]
fn signatures_are_kept_as_written() {
    let (file, _) = file_v4("<signature mediatype='a/b'>\n -- \r\n&#13; </signature>");
    assert_eq!(file.signatures[0].text, "\n -- \n\r ");
    assert_eq!(file.signatures[0].media_type, "a/b");
}

#[test]
fn the_report_is_bounded() {
    let document = read_v4(&"<file/>".repeat(DROPPED_MAX + 5));
    assert_eq!(
        (document.dropped.len(), document.dropped_unlisted),
        (DROPPED_MAX, 5)
    );
    let document = read_v4(&format!("<file name='/{}'/>", "ü".repeat(10_000)));
    assert_eq!(document.dropped[0].value.chars().count(), 121);
}

#[test]
fn a_report_says_what_where_and_why() {
    let document = read_v4("<file name='a/b'><url>rsync://h/x</url></file><file name='..'/>");
    let told: Vec<_> = document.dropped.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "url \"rsync://h/x\" of \"a/b\": scheme \"rsync\" is not supported",
            "file \"..\": path holds the unsafe name \"..\"",
        ]
    );
}
