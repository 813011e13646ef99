//! The only place that writes to stdout and stderr.
//!
//! What must stay true: a reader that closes stdout early ends the program quietly, and no text
//! from outside reaches a terminal with control characters in it.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use swarmcopy::Error;

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

/// Writes a result or an event as one line of JSON.
pub(crate) fn json(event: &impl Serialize) {
    match serde_json::to_string(event) {
        Ok(text) => write(&text),
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
        note(&format!("  hint: {hint}"));
    }
}

/// The text with control characters shown, not obeyed.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect::<String>()
        .into()
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
    }
}
