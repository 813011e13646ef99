//! The only place that writes to stdout and stderr.
//!
//! What must stay true: a reader that closes stdout early ends the program quietly, and no text
//! from outside reaches a terminal with characters in it that command the terminal or turn the
//! direction of what stands around them, nor any login that was given where an address may stand.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::sync::LazyLock;

use serde::Serialize;
use swarmcopy::Error;
use swarmcopy_address::{in_json, in_text, typed};

use crate::words;

/// The exit code after stdout was closed by its reader, as the shell counts it for SIGPIPE.
const CLOSED_CODE: i32 = 141;

/// Arguments that look like an address with a login, and how they may be shown.
static LOGINS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let given: Vec<_> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    logins(&given)
});

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
        Ok(text) => write(&escaped(
            &in_json(&without_logins(&text, &LOGINS)),
            JSON_ESCAPES,
        )),
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
    match without_secrets(text) {
        Cow::Borrowed(text) => plain(text),
        Cow::Owned(text) => Cow::Owned(plain(&text).into_owned()),
    }
}

/// The text with addresses without their secrets, also those that an argument has in no known form.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    let without = without_logins(text, &LOGINS);
    match in_text(&without) {
        Cow::Borrowed(_) => without,
        Cow::Owned(text) => Cow::Owned(text),
    }
}

fn without_logins<'a>(text: &'a str, logins: &[(String, String)]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for (login, shown) in logins {
        if text.contains(login) {
            text = Cow::Owned(text.replace(login, shown));
        }
    }
    text
}

/// What of the arguments must not be shown as it was given, as it stands and as it is quoted.
fn logins(args: &[String]) -> Vec<(String, String)> {
    let values = args.iter().flat_map(|arg| {
        let value = arg.split_once('=').map(|(_, value)| value);
        value.into_iter().chain([arg.as_str()])
    });
    let found = values.filter_map(|value| match typed(value) {
        Cow::Borrowed(_) => None,
        Cow::Owned(shown) => Some((value, shown)),
    });
    let found = found.filter(|(value, shown)| value != shown);
    let both = found.flat_map(|(value, shown)| {
        let quoted = (quoted(value), quoted(&shown));
        [(value.to_owned(), shown), quoted]
    });
    both.collect()
}

/// A text as it stands between quotes.
fn quoted(text: &str) -> String {
    let quoted = format!("{text:?}");
    let inner = quoted.len().saturating_sub(1);
    quoted.get(1..inner).unwrap_or_default().to_owned()
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
    fn no_login_of_an_argument_is_shown_as_it_stands_or_quoted() {
        let args = [
            "get",
            "me:p w@h",
            "--to=foo:me:\"pw@h",
            "--share=/a:b@c",
            "a@b",
        ];
        let logins = logins(&args.map(str::to_owned));
        let text = "cannot open me:p w@h, foo:me:\"pw@h (\"foo:me:\\\"pw@h\"), /a:b@c and a@b";
        let told = "cannot open h, h (\"h\"), /a:b@c and a@b";
        assert_eq!(without_logins(text, &logins), told);
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
