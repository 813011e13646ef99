//! Patterns of paths, as shells and `.gitignore` have them.
//!
//! `?` is any character and `*` any run of them, `/` among them; `**/` is any folders or none; `[a-z]` and `[!a-z]` are
//! one character of a set or outside of it; `{a,b}` is either; `\` takes the next character as itself (on Windows it
//! parts names, as `/` does). What must stay true: a test costs no more than the product of both lengths, and what
//! can't be read is an error.

use std::iter::Peekable;
use std::str::Chars;

/// Most patterns that one with `{a,b}` and `**/` stands for.
const ALTERNATIVES_MAX: usize = 1024;

/// One pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Vec<Vec<Token>>);

/// What stands at one place of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    Any,
    Run,
    /// Any folders, or none; only until alternatives are told apart.
    Folders,
    Set {
        ranges: Vec<(char, char)>,
        outside: bool,
    },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(pattern: &str) -> Result<Self, &'static str> {
        let mut chars = pattern.chars().peekable();
        let all = sequence(&mut chars, 0)?;
        if chars.next().is_some() {
            return Err("a } without its {");
        }
        let mut told = Vec::new();
        for tokens in all {
            tell_folders(tokens, &mut told)?;
        }
        Ok(Self(told))
    }

    /// Whether all of `text` is as the pattern says.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.iter().any(|tokens| fits(tokens, text))
    }
}

/// Reads up to the end, or to the `,` or `}` that ends an alternative; `depth` counts the braces around it.
fn sequence(chars: &mut Peekable<Chars<'_>>, depth: u32) -> Result<Vec<Vec<Token>>, &'static str> {
    if depth > 8 {
        return Err("too many { within each other");
    }
    let mut all = vec![Vec::new()];
    let mut at_name = true;
    while let Some(char) = chars.next_if(|char| *char != '}' && (depth == 0 || *char != ',')) {
        let token = match char {
            '{' => {
                all = product(&all, &alternatives(chars, depth + 1)?)?;
                at_name = false;
                continue;
            }
            '?' => Token::Any,
            '*' => stars(chars, at_name),
            '[' => set(chars)?,
            '\\' if cfg!(windows) => Token::Char('/'),
            '\\' => Token::Char(chars.next().ok_or("a \\ at its end")?),
            char => Token::Char(char),
        };
        at_name = matches!(token, Token::Char('/') | Token::Folders);
        for tokens in &mut all {
            tokens.push(token.clone());
        }
    }
    Ok(all)
}

/// What follows a `{`, with its `}`.
fn alternatives(
    chars: &mut Peekable<Chars<'_>>,
    depth: u32,
) -> Result<Vec<Vec<Token>>, &'static str> {
    let mut all = Vec::new();
    loop {
        // as in other programs, nothing is no alternative
        all.extend(
            sequence(chars, depth)?
                .into_iter()
                .filter(|one| !one.is_empty()),
        );
        match chars.next() {
            Some(',') => {}
            Some(_) => break,
            None => return Err("a { without its }"),
        }
    }
    Ok(all)
}

/// Each of `firsts` followed by each of `seconds`.
fn product(firsts: &[Vec<Token>], seconds: &[Vec<Token>]) -> Result<Vec<Vec<Token>>, &'static str> {
    if seconds.is_empty() {
        return Ok(firsts.to_vec());
    }
    if firsts.len().saturating_mul(seconds.len()) > ALTERNATIVES_MAX {
        return Err("too many alternatives");
    }
    let after = |first: &Vec<Token>| {
        seconds
            .iter()
            .map(|second| [first.as_slice(), second].concat())
            .collect::<Vec<_>>()
    };
    Ok(firsts.iter().flat_map(after).collect())
}

/// What a `*` begins: a run, or folders where `**/` stands for a whole name.
fn stars(chars: &mut Peekable<Chars<'_>>, at_name: bool) -> Token {
    let mut stars = 1;
    while chars.next_if_eq(&'*').is_some() {
        stars += 1;
    }
    if stars == 2 && at_name && chars.next_if(|char| is_separator(*char)).is_some() {
        Token::Folders
    } else {
        Token::Run
    }
}

fn is_separator(char: char) -> bool {
    char == '/' || (cfg!(windows) && char == '\\')
}

/// What follows a `[`, with its `]`.
fn set(chars: &mut Peekable<Chars<'_>>) -> Result<Token, &'static str> {
    const OPEN: &str = "a [ without its ]";
    let outside = chars.next_if(|char| matches!(char, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let first = chars.next().ok_or(OPEN)?;
        if first == ']' && !ranges.is_empty() {
            return Ok(Token::Set { ranges, outside });
        }
        let mut last = first;
        let mut ahead = chars.clone();
        if ahead.next() == Some('-') && ahead.next().is_some_and(|char| char != ']') {
            chars.next();
            last = chars.next().ok_or(OPEN)?;
        }
        if first > last {
            return Err("a range whose end comes before its start");
        }
        ranges.push((first, last));
    }
}

/// Adds to `told` what `tokens` stands for, its first folders being there or not.
fn tell_folders(tokens: Vec<Token>, told: &mut Vec<Vec<Token>>) -> Result<(), &'static str> {
    let mut open = vec![tokens];
    while let Some(mut with) = open.pop() {
        if open.len() + told.len() >= ALTERNATIVES_MAX {
            return Err("too many alternatives");
        }
        let Some(at) = with.iter().position(|token| *token == Token::Folders) else {
            told.push(with);
            continue;
        };
        let mut without = with.clone();
        without.remove(at);
        with.splice(at..=at, [Token::Run, Token::Char('/')]);
        open.extend([with, without]);
    }
    Ok(())
}

/// Whether `tokens` say what all of `text` is. Of the runs, only the last can have been too short.
fn fits(tokens: &[Token], text: &str) -> bool {
    let (mut left, mut rest) = (tokens, text.chars());
    let mut run: Option<(&[Token], Chars<'_>)> = None;
    loop {
        match (left.split_first(), rest.clone().next()) {
            (Some((Token::Run, after)), _) => {
                left = after;
                run = Some((after, rest.clone()));
            }
            (None, None) => return true,
            (Some((token, after)), Some(char)) if token.takes(char) => {
                left = after;
                rest.next();
            }
            _ => {
                let Some((after, from)) = &mut run else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                (left, rest) = (*after, from.clone());
            }
        }
    }
}

impl Token {
    fn takes(&self, char: char) -> bool {
        match self {
            Self::Char(own) => *own == char,
            Self::Any => true,
            Self::Set { ranges, outside } => {
                let within = ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&char));
                within != *outside
            }
            Self::Run | Self::Folders => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of up to `len` of these characters.
    fn texts(alphabet: &[char], len: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..len {
            let until = all.len();
            for at in from..until {
                for char in alphabet {
                    all.push(format!("{}{char}", all[at]));
                }
            }
            from = until;
        }
        all
    }

    /// Holds one to globset, which is the second opinion.
    fn agrees(pattern: &str, paths: &[String]) {
        let (ours, theirs) = (Pattern::parse(pattern), globset::Glob::new(pattern));
        assert_eq!(
            ours.is_ok(),
            theirs.is_ok(),
            "{pattern}: {ours:?} {theirs:?}"
        );
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
            return;
        };
        let theirs = theirs.compile_matcher();
        for path in paths {
            assert_eq!(
                ours.is_match(path),
                theirs.is_match(path),
                "{pattern} on {path}"
            );
        }
    }

    #[test]
    fn short_patterns_mean_what_they_mean_elsewhere() {
        let mut paths = texts(&['a', 'b', '/'], 4);
        paths.retain(|path| !path.starts_with('/') && !path.ends_with('/') && !path.contains("//"));
        for pattern in texts(&['a', '*', '?', '/'], 5) {
            // no path begins, ends or doubles the separator, and nobody means such a pattern
            if !pattern.starts_with('/')
                && !pattern.ends_with('/')
                && !pattern.contains("//")
                && !pattern.contains("***")
            {
                agrees(&pattern, &paths);
            }
        }
        for pattern in texts(&['a', 'b', '[', ']', '!', '-'], 5) {
            agrees(&pattern, &paths);
        }
        for pattern in texts(&['a', 'b', '{', '}', ','], 5) {
            agrees(&pattern, &paths);
        }
    }

    #[test]
    fn long_patterns_mean_what_they_mean_elsewhere() {
        let paths = [
            "src/a.rs",
            "src/x/b.rs",
            "a.rs",
            "src",
            "docs/img/b.png",
            "docs/b.jpg",
            "*",
        ]
        .map(str::to_owned);
        for pattern in [
            "*.rs",
            "src/**/*.rs",
            "**/*.rs",
            "**/b.*",
            "src/**",
            "**",
            "{src,docs}/*.{rs,png}",
            "[a-c].rs",
            "docs/{img/b,*}.{jpg,png}",
            "[!*]*",
            "?.rs",
            "\\*",
            "**/img/**/*.png",
            "{a,{b,src}}",
            "[]a]*",
            "[a-]*",
        ] {
            agrees(pattern, &paths);
        }
    }

    #[test]
    fn characters_count_and_not_their_bytes() {
        for pattern in ["?.rs", "[a-cä].rs", "[!a].rs", "ä*"] {
            assert!(
                Pattern::parse(pattern).unwrap().is_match("ä.rs"),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_stands_for_too_much_is_an_error() {
        assert!(Pattern::parse(&"{a,b}".repeat(20)).is_err());
        assert!(Pattern::parse(&"**/a/".repeat(20)).is_err());
        assert!(Pattern::parse(&"{".repeat(100_000)).is_err());
        assert!(Pattern::parse(&"{a,b}".repeat(9)).is_ok());
    }

    #[test]
    fn many_runs_cost_no_more_than_the_product_of_both_lengths() {
        let pattern = Pattern::parse(&format!("{}b", "*a".repeat(1000))).unwrap();
        assert!(!pattern.is_match(&"a".repeat(10_000)));
    }
}
