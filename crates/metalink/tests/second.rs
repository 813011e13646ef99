//! Reads documents with another reader of XML too, as a second opinion.

#![cfg(test)]

#[path = "sets/honest.rs"]
mod honest;
#[path = "sets/second.rs"]
mod second;

use proptest::prelude::*;
use swarmcopy_metalink::Document;

#[test]
fn both_readers_find_the_same_files() {
    let text = honest::honest(50);
    assert_eq!(
        Document::parse(text.as_bytes(), None).unwrap().files.len(),
        50
    );
    second::agree(text.as_bytes());
    for seed in [
        include_bytes!("../../../fuzz/corpus/metalink/version3.metalink").as_slice(),
        include_bytes!("../../../fuzz/corpus/metalink/version4.meta4"),
    ] {
        assert!(!Document::parse(seed, None).unwrap().files.is_empty());
        second::agree(seed);
    }
}

/// Markup of all kinds, well-formed or not.
fn markup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "<file name='a'>",
        "<file name=\"b&amp;&#99;\">",
        "</file>",
        "<size>",
        "</size>",
        "12",
        " 7 ",
        "<hash type='sha-1'>",
        "</hash>",
        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        "<url>",
        "</url>",
        "http://h/a&amp;b",
        "<![CDATA[http://h/c]]>",
        "<!-- c -->",
        "<x:y xmlns:x='u'>",
        "</x:y>",
        "<?pi?>",
        "&#x20;",
        "]]>",
        "<size/>",
        "\r\n",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn both_readers_agree_on_any_markup(inner in markup()) {
        let text = format!("<metalink xmlns='urn:ietf:params:xml:ns:metalink'>{inner}</metalink>");
        second::agree(text.as_bytes());
        let text = format!("<metalink version='3.0' xmlns='http://www.metalinker.org/'><files>{inner}</files></metalink>");
        second::agree(text.as_bytes());
    }
}
