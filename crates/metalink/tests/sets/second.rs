//! What another reader of XML, `roxmltree`, finds in a document, and whether ours found the same.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Node, ParsingOptions};
use swarmcopy_metalink::Address;
use swarmcopy_metalink::{Document, Error, File, FilePath, Hash, HashKind, Part, Version};

const V3: &str = "http://www.metalinker.org/";
const V4: &str = "urn:ietf:params:xml:ns:metalink";
/// Longer documents, or such with more nodes, are not compared: the other reader has no other limits.
const NODES_MAX: u32 = 100_000;

/// Reads with both. What is a metalink for one is one for the other, unless it goes over a limit of ours, and each
/// file that ours took stands in the document with its name, size, hashes and addresses.
pub(crate) fn agree(bytes: &[u8]) {
    let ours = Document::parse(bytes, None);
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(ours.is_err(), "no text");
        return;
    };
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    let theirs = roxmltree::Document::parse_with_options(text, options);
    let Ok(theirs) = theirs else {
        return;
    };
    let root = theirs.root_element();
    let version = version_of(&root).filter(|_| root.tag_name().name() == "metalink");
    match (ours, version) {
        (Ok(ours), Some(version)) => {
            assert_eq!(ours.version, version);
            compare(&ours, &root);
        }
        (Ok(_), None) => panic!("no metalink: {root:?}"),
        (Err(Error::NotMetalink), None) => {}
        (Err(error), Some(_)) => assert!(
            matches!(error, Error::Limit { .. } | Error::TooLarge { .. }) || is_ours_alone(text),
            "{error}: {text}"
        ),
        (Err(_), None) => {}
    }
}

/// Whether the document has something that only ours refuses: characters that XML has not, which the other reader passes
/// over in comments.
fn is_ours_alone(text: &str) -> bool {
    text.contains(|c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r'))
}

fn version_of(node: &Node<'_, '_>) -> Option<Version> {
    match node.tag_name().namespace() {
        Some(V3) => Some(Version::V3),
        Some(V4) => Some(Version::V4),
        _ => None,
    }
}

/// The `file` elements that count: children of the root, or of `files` within it.
fn files<'a>(root: &Node<'a, 'a>, version: Version) -> Vec<Node<'a, 'a>> {
    let own = |node: &Node<'a, 'a>| version_of(node) == Some(version);
    let mut found = Vec::new();
    for child in root.children().filter(own) {
        match child.tag_name().name() {
            "file" => found.push(child),
            "files" if version == Version::V3 => found.extend(files(&child, version)),
            _ => {}
        }
    }
    found
}

/// Of each path the first `file` element says all that ours took, in the same order, and those that ours did not take are
/// told as dropped.
fn compare(ours: &Document, root: &Node<'_, '_>) {
    let all = files(root, ours.version);
    let path = |node: &Node<'_, '_>| FilePath::parse(node.attribute("name")?).ok();
    let mut first = BTreeMap::new();
    for (at, path) in all.iter().map(path).enumerate() {
        if let Some(path) = path {
            first.entry(path).or_insert(at);
        }
    }
    let mut before = None;
    for file in &ours.files {
        let Some(at) = first.get(&file.path).copied() else {
            panic!("{file:?} is not in {root:?}");
        };
        assert!(before < Some(at), "{file:?} is in another place");
        before = Some(at);
        assert!(
            all.get(at)
                .is_some_and(|node| says(node, file, ours.version)),
            "{file:?} is not what {root:?} says"
        );
    }
    if ours.dropped_unlisted == 0 {
        let dropped = ours.dropped.iter().filter(|it| it.what == Part::File);
        assert_eq!(ours.files.len() + dropped.count(), all.len(), "{root:?}");
    }
}

/// Whether an element says all that ours took of it.
fn says(node: &Node<'_, '_>, file: &File, version: Version) -> bool {
    let told = Told::of(node, version);
    let sized = file.size.is_none_or(|size| told.numbers.contains(&size));
    let hashed = file.hashes.iter().all(|hash| told.hashes.contains(hash));
    let mirrors = file.mirrors.iter().map(|mirror| &mirror.url);
    let metaurls = file.metaurls.iter().map(|metaurl| &metaurl.url);
    sized && hashed && mirrors.chain(metaurls).all(|url| told.urls.contains(url))
}

/// What stands in one `file` element.
#[derive(Default)]
struct Told {
    numbers: BTreeSet<u64>,
    hashes: Vec<Hash>,
    urls: BTreeSet<Address>,
}

impl Told {
    fn of(file: &Node<'_, '_>, version: Version) -> Self {
        let mut told = Self::default();
        let own = |node: &Node<'_, '_>| version_of(node) == Some(version);
        for node in file.descendants().skip(1).filter(own) {
            let text: String = node
                .children()
                .filter(Node::is_text)
                .filter_map(|child| child.text())
                .collect();
            match node.tag_name().name() {
                "size" => told.numbers.extend(text.trim().parse::<u64>()),
                "hash" => {
                    let kind = node.attribute("type").and_then(HashKind::from_name);
                    let hash = kind.and_then(|kind| Hash::from_hex(kind, &text).ok());
                    told.hashes.extend(hash);
                }
                "url" | "metaurl" => {
                    told.urls.extend(Address::parse(text.trim()));
                }
                _ => {}
            }
        }
        told
    }
}
