//! Text from outside that people will see.
//!
//! What must stay true: no control character gets through, because it could command a terminal.

/// Takes at most `len_max` bytes of text on one line; wrong UTF-8 is replaced.
pub(crate) fn one_line(bytes: &[u8], len_max: usize) -> String {
    let text = String::from_utf8_lossy(bytes.get(..len_max).unwrap_or(bytes));
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    line.truncate(line.floor_char_boundary(len_max));
    line
}
