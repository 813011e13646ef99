//! Exit codes, as scripts rely on them.

use std::borrow::Cow;

use serde::Serialize;
use swarmcopy::{Error, ErrorKind};

use crate::{output, words};

/// Done and verified.
pub(crate) const DONE: u8 = 0;
/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// A usage error.
pub(crate) const USAGE: u8 = 2;
/// The copy does not match the hashes.
pub(crate) const MISMATCH: u8 = 4;

/// The exit code for a kind of failure.
pub(crate) fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => USAGE,
        ErrorKind::Incomplete => 3,
        ErrorKind::Mismatch => MISMATCH,
        ErrorKind::Disk => 5,
        ErrorKind::Interrupted => 130,
        _ => FAILED,
    }
}

/// Whether results are JSON lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// For people.
    Human,
    /// One object a line.
    Json,
}

impl Style {
    /// By the flag `--json`.
    pub(crate) fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Human }
    }
}

/// The line of JSON before a non-zero exit.
#[derive(Debug, Serialize)]
struct ErrorEvent<'a> {
    event: &'static str,
    code: u8,
    message: &'a str,
    hint: Option<Cow<'a, str>>,
    /// The files that lack something, where that is the failure.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    incomplete: &'a [String],
}

/// Tells of a failure, for people and (with `--json`) for scripts; gives its exit code.
pub(crate) fn fail(error: &Error, style: Style) -> u8 {
    let code = code(error.kind());
    output::error(error);
    if style == Style::Json {
        fail_json(error);
    }
    code
}

/// Tells scripts of a failure.
pub(crate) fn fail_json(error: &Error) {
    output::json(&ErrorEvent {
        event: "error",
        code: code(error.kind()),
        message: &error.to_string(),
        hint: error.hint().map(words::of),
        incomplete: error.incomplete(),
    });
}
