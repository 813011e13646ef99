//! How much of a document is repeated in a message.

use crate::limits::EXCERPT_LEN_MAX;

/// The beginning of `text`, short enough to be repeated.
pub(crate) fn excerpt(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(EXCERPT_LEN_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
