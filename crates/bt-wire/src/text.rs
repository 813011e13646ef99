//! Text from outside that people will see.
//!
//! What must stay true: no control character gets through, because it could command a terminal, and none that
//! turns the direction of writing, because what stands behind it would read as something else.

/// Takes at most `len_max` bytes of text on one line; wrong UTF-8 is replaced.
pub(crate) fn one_line(bytes: &[u8], len_max: usize) -> String {
    let text = String::from_utf8_lossy(bytes.get(..len_max).unwrap_or(bytes));
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() || turns(c) { ' ' } else { c })
        .collect();
    line.truncate(line.floor_char_boundary(len_max));
    line
}

/// Whether it changes the direction of what follows.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_commands_nor_turns_get_through() {
        let text = "a\u{1b}[31m\u{202e}b\u{2066}\nc\u{200f}d";
        assert_eq!(one_line(text.as_bytes(), 100), "a [31m b  c d");
    }
}
