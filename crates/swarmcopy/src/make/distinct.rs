//! Lists of texts without repetition.

use std::collections::BTreeSet;

/// The texts without repetition, in order.
pub(super) fn distinct(texts: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts
        .iter()
        .filter(|text| seen.insert(text.as_str()))
        .cloned()
        .collect()
}
