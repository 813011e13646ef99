//! Sentences without what belongs to this machine alone: its paths, logins, secrets of addresses.
//!
//! What must stay true: a path that is known never gets through, spaces or not, and no word that looks like one.

use std::path::PathBuf;

use swarmcopy_address::in_text;

/// What stands for a path.
const PATH: &str = "(path)";

/// The paths that are known here.
#[derive(Debug)]
pub(super) struct Scrub(Vec<String>);

impl Scrub {
    /// The longest first, so that no part of one stays.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let texts = paths.iter().map(|path| path.display().to_string());
        // a folder of one letter would take words apart
        let mut texts: Vec<String> = texts.filter(|text| text.len() > 1).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(texts)
    }

    /// The text as others may read it.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = in_text(text).into_owned();
        for path in &self.0 {
            text = text.replace(path.as_str(), PATH);
        }
        let words = text.split(' ').map(word);
        words.collect::<Vec<_>>().join(" ")
    }
}

/// A word, or what stands for it.
fn word(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let host = rest.get(..end).unwrap_or(rest);
        let behind = trailing(rest.get(end..).unwrap_or_default());
        return format!("{scheme}://{host}{behind}");
    }
    if word.contains(['/', '\\']) {
        return format!("{PATH}{}", trailing(word));
    }
    word.to_owned()
}

/// The punctuation behind a word.
fn trailing(word: &str) -> &str {
    let kept = word.trim_end_matches([':', ';', ',', ')']);
    word.get(kept.len()..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(text: &str) -> String {
        let paths = ["/srv/My Share", "/", "C:\\lab"].map(PathBuf::from);
        Scrub::of(&paths).text(text)
    }

    #[test]
    fn no_path_is_told() {
        for (text, told) in [
            (
                "share /srv/My Share: not there, next try in 2 s",
                "share (path): not there, next try in 2 s",
            ),
            (
                "cannot open /mnt/x/CS5: denied",
                "cannot open (path): denied",
            ),
            ("cannot open \\\\server\\share\\x", "cannot open (path)"),
            ("C:\\lab is full", "(path) is full"),
            ("D:/other is full", "(path) is full"),
            ("lacks bin/setup.exe", "lacks (path)"),
        ] {
            assert_eq!(scrubbed(text), told);
        }
    }

    #[test]
    fn of_an_address_the_host_is_told() {
        let text = "mirror http://me:pw@h:8080/d/CS5?key=1: 503; https://m/x, and udp://t:1";
        assert_eq!(
            scrubbed(text),
            "mirror http://h:8080: 503; https://m, and udp://t:1"
        );
    }

    #[test]
    fn plain_words_stay() {
        let text = "the hours in which share and mirrors may be read, 12:00 (or so)";
        assert_eq!(scrubbed(text), text);
        assert_eq!(scrubbed(""), "");
    }
}
