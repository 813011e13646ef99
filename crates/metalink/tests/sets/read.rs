//! Reads documents of one line for the tests of the rules.

use swarmcopy_metalink::{Document, File, Part, Reason};

pub(crate) fn read_v4(inner: &str) -> Document {
    let text = format!("<metalink xmlns='urn:ietf:params:xml:ns:metalink'>{inner}</metalink>");
    Document::parse(text.as_bytes(), None).unwrap()
}

pub(crate) fn read_v3(inner: &str) -> Document {
    let text = format!(
        "<metalink version='3.0' xmlns='http://www.metalinker.org/'><files>{inner}</files></metalink>"
    );
    Document::parse(text.as_bytes(), None).unwrap()
}

/// The only file, with what was dropped of it.
pub(crate) fn file_v4(inner: &str) -> (File, Vec<(Part, Reason)>) {
    only(read_v4(&format!("<file name='f'>{inner}</file>")))
}

pub(crate) fn file_v3(inner: &str) -> (File, Vec<(Part, Reason)>) {
    only(read_v3(&format!("<file name='f'>{inner}</file>")))
}

pub(crate) fn only(mut document: Document) -> (File, Vec<(Part, Reason)>) {
    assert_eq!(document.files.len(), 1);
    let dropped = document
        .dropped
        .into_iter()
        .map(|entry| (entry.what, entry.reason));
    (document.files.remove(0), dropped.collect())
}
