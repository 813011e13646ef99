//! The only place that writes to stdout and stderr.
//!
//! What must stay true: a reader that closes stdout early ends the program quietly, and no text
//! from outside reaches a terminal with characters in it that command the terminal or turn the
//! direction of what stands around them.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use swarmcopy::Error;
use swarmcopy_address::in_text;

use crate::words;

/// The exit code after stdout was closed by its reader, as the shell counts it for SIGPIPE.
const CLOSED_CODE: i32 = 141;

/// Writes a result, as one line.
pub(crate) fn line(text: &str) {
    write(&clean(text));
}

/// Writes a result of several lines.
pub(crate) fn lines(texts: &[String]) {
    for text in texts {
        line(text);
    }
}

/// Writes a line of a script of our own, as it stands.
pub(crate) fn script(text: &str) {
    write(text);
}

/// Writes a result or an event as one line of JSON.
pub(crate) fn json(event: &impl Serialize) {
    match serde_json::to_string(event) {
        Ok(text) => write(&escaped(&in_text(&text), JSON_ESCAPES)),
        Err(error) => note(&format!("warning: cannot write an event: {error}")),
    }
}

/// Writes a message for people, to stderr. Nobody may be there to read it: that is no error.
pub(crate) fn note(text: &str) {
    let mut stderr = io::stderr().lock();
    let _nobody_reads = writeln!(stderr, "{}", clean(text));
}

/// Writes why the command failed, to stderr.
pub(crate) fn error(error: &Error) {
    note(&format!("error: {error}"));
    if let Some(hint) = error.hint() {
        note(&format!("  hint: {}", words::of(hint)));
    }
}

/// Whether a line may be shown as it is.
pub(crate) fn is_clean(line: &str) -> bool {
    matches!(clean(line), Cow::Borrowed(_))
}

/// The text with characters that would be obeyed shown as something else, and addresses without
/// their secrets.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    match in_text(text) {
        Cow::Borrowed(text) => plain(text),
        Cow::Owned(text) => Cow::Owned(plain(&text).into_owned()),
    }
}

fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| if is_obeyed(c) { '\u{fffd}' } else { c })
        .collect::<String>()
        .into()
}

/// The same JSON with characters escaped that are `unsafe_for` its way: its readers see no difference.
fn escaped(json: &str, unsafe_for: fn(char) -> bool) -> Cow<'_, str> {
    if !json.contains(unsafe_for) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    let mut units = [0; 2];
    for c in json.chars() {
        if unsafe_for(c) {
            for unit in c.encode_utf16(&mut units) {
                text.extend(format!("\\u{unit:04x}").chars());
            }
        } else {
            text.push(c);
        }
    }
    text.into()
}

/// Windows' PowerShell 5.1 reads what programs write by the code page of old programs.
const JSON_ESCAPES: fn(char) -> bool = if cfg!(windows) {
    is_obeyed_or_wide
} else {
    is_obeyed
};

fn is_obeyed_or_wide(c: char) -> bool {
    is_obeyed(c) || !c.is_ascii()
}

/// Whether `c` is a control character or a mark that turns the writing direction.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Writes lines of the log to stderr, cleaned as all text is.
#[derive(Debug)]
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut stderr = io::stderr().lock();
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => writeln!(stderr, "{}", clean(line))?,
                None => write!(stderr, "{}", clean(line))?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(CLOSED_CODE),
        Err(error) => {
            note(&format!("error: cannot write to stdout: {error}"));
            std::process::exit(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(clean("plain ü"), "plain ü");
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(clean("a\u{9b}2J\u{7f}"), "a\u{fffd}2J\u{fffd}");
    }

    #[test]
    fn marks_that_turn_the_direction_are_shown_and_not_obeyed() {
        for mark in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            let text = format!("a{mark}gpj.exe");
            assert_eq!(clean(&text), "a\u{fffd}gpj.exe");
            let json = serde_json::to_string(&text).unwrap();
            let written = escaped(&json, is_obeyed).into_owned();
            assert!(!written.contains(mark), "{written}");
            assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
        assert_eq!(clean("שלום\u{200d}"), "שלום\u{200d}");
    }

    #[test]
    fn windows_gets_json_that_every_code_page_has() {
        let wide = "\"Größe 日本 🎉\"";
        let written = escaped(wide, is_obeyed_or_wide).into_owned();
        assert!(written.is_ascii(), "{written}");
        assert_eq!(
            serde_json::from_str::<String>(&written).unwrap(),
            "Größe 日本 🎉"
        );
    }
}
