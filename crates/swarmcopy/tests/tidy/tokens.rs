//! Rust source as words and marks, without comments, texts and what is compiled for tests alone.

use std::iter::Peekable;
use std::str::CharIndices;

/// The words (names, keywords, numbers) and marks of a source; `::` is one mark.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let rest = &text[at..];
        if c.is_alphanumeric() || c == '_' {
            let word = rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            let word = word.unwrap_or_default();
            let after = rest[word.len()..].trim_start_matches('#');
            if ["r", "br", "cr"].contains(&word) && after.starts_with('"') {
                let hashes = rest.len() - word.len() - after.len();
                let end = format!("\"{}", "#".repeat(hashes));
                let len = after[1..]
                    .find(&end)
                    .map_or(after.len(), |len| len + 1 + end.len());
                skip_to(&mut chars, at + word.len() + hashes + len);
            } else {
                tokens.push(word.to_owned());
                skip_to(&mut chars, at + word.len());
            }
        } else if rest.starts_with("//") {
            skip_to(&mut chars, at + rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            skip_to(&mut chars, at + comment_len(rest));
        } else if c == '"' {
            skip_to(&mut chars, at + text_len(rest));
        } else if c == '\'' {
            skip_to(&mut chars, at + char_len(rest));
        } else if rest.starts_with("::") {
            chars.next();
            tokens.push("::".to_owned());
        } else if !c.is_whitespace() {
            tokens.push(c.to_string());
        }
    }
    tokens
}

fn skip_to(chars: &mut Peekable<CharIndices<'_>>, end: usize) {
    while chars.next_if(|(at, _)| *at < end).is_some() {}
}

fn comment_len(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..rest.len().min(at + 2)] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a text in quotation marks.
fn text_len(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// The length of a character, or of the mark before the name of a lifetime.
fn char_len(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => 3 + rest[3..].find('\'').map_or(0, |at| at + 1),
        Some(_) if chars.next().is_some_and(|(_, c)| c == '\'') => {
            rest[1..].find('\'').map_or(1, |at| at + 2)
        }
        _ => 1,
    }
}

/// Leaves out each item under `#[cfg(test)]` or the like; all of a file with `#![cfg(test)]`.
pub(crate) fn without_tests(tokens: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let inner = is(tokens, at, "#") && is(tokens, at + 1, "!");
        let open = at + 1 + usize::from(inner);
        if !(is(tokens, at, "#") && is(tokens, open, "[")) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = group_end(tokens, open);
        let attribute = &tokens[open..end];
        let has = |word: &str| attribute.iter().any(|token| token == word);
        at = if !(has("cfg") && has("test")) || has("not") {
            end
        } else if inner {
            return Vec::new();
        } else {
            item_end(tokens, end)
        };
    }
    kept
}

/// Whether the token at this place is `word`.
pub(crate) fn is(tokens: &[String], at: usize, word: &str) -> bool {
    tokens.get(at).is_some_and(|token| token == word)
}

/// One past the bracket that closes the one at `open`.
pub(crate) fn group_end(tokens: &[String], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// One past the item that begins at `at`.
fn item_end(tokens: &[String], mut at: usize) -> usize {
    let is_use = tokens[at..].iter().take(5).any(|token| token == "use");
    while at < tokens.len() {
        match tokens[at].as_str() {
            ";" => return at + 1,
            "{" if !is_use => return group_end(tokens, at),
            "(" | "[" | "{" => at = group_end(tokens, at),
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    at
}
