//! What a name on the command line stands for, and what of it is left out.

use std::pin::pin;
use std::time::Duration;

use serde::Serialize;
use swarmcopy::{Asked, Config, Content, CopyOptions, Error, ErrorKind, Finding, Session};

use super::runtime::block_on;
use crate::exit::Style;
use crate::output;
use crate::what::What;
use crate::words;

/// How long peers are asked what a magnet link means, where nothing is copied.
pub(super) const MAGNET_TIME: Duration = Duration::from_mins(1);
/// Notes that are shown one by one.
const NOTES_SHOWN: usize = 20;

/// When it is told for the first time who is asked what a magnet link means, and how often after that.
const ASKED_AFTER: Duration = Duration::from_millis(400);
const ASKED_EVERY: Duration = Duration::from_secs(3);

/// A description of more bytes is told of before it is read: that of 100,000 files takes its time.
const TOLD_OF_LEN: u64 = 1 << 20;

/// That as JSON.
#[derive(Debug, Serialize)]
struct ReadingEvent {
    event: &'static str,
    path: String,
    bytes: u64,
}

/// Who is asked what a magnet link means, as JSON.
#[derive(Debug, Serialize)]
struct FindingEvent<'a> {
    event: &'static str,
    asked: Vec<AskedEvent<'a>>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct AskedEvent<'a> {
    name: &'a str,
    answer: &'a str,
}

/// Says that a large description is being read.
pub(super) fn tell_reading(what: &What, style: Style) {
    let Some(path) = what.path() else { return };
    let bytes = std::fs::metadata(path).map_or(0, |found| found.len());
    if bytes <= TOLD_OF_LEN {
        return;
    }
    let path = path.display().to_string();
    match style {
        Style::Human => {
            let size = crate::format::bytes(bytes);
            output::note(&format!("reading {path} ({size})"));
        }
        Style::Json => output::json(&ReadingEvent {
            event: "reading",
            path,
            bytes,
        }),
    }
}

/// Finds out what `what` names, for commands that copy nothing.
pub(super) fn find(what: &What, style: Style) -> Result<Content, Error> {
    tell_reading(what, style);
    block_on(async {
        let mut config = Config::default();
        // only a magnet link, which an address may lead to, makes us talk to peers
        let ip = match what.path() {
            Some(_) => [127, 0, 0, 1],
            None => [0, 0, 0, 0],
        };
        config.listen = Some((ip, 0).into());
        config.lsd = matches!(what.0, swarmcopy::What::Magnet(_));
        let session = Session::builder().config(config).build().await;
        let session = session.map_err(words::of_build)?;
        let mut options = CopyOptions::new(".");
        options.timeout = Some(MAGNET_TIME);
        options.netrc = crate::netrc::find();
        let finding = Finding::default();
        let found = session.find_watched(&what.0, &options, &finding);
        let content = telling(&finding, style, found).await;
        session.shutdown(Duration::ZERO).await;
        content.inspect(tell_notes)
    })
}

/// Waits until it is found, and tells who was asked meanwhile whenever that has changed.
pub(super) async fn telling<T>(
    finding: &Finding,
    style: Style,
    found: impl Future<Output = T>,
) -> T {
    let (mut found, mut told) = (pin!(found), Vec::new());
    let mut pause = ASKED_AFTER;
    loop {
        tokio::select! {
            found = &mut found => return found,
            () = tokio::time::sleep(pause) => {}
        }
        let asked = finding.asked();
        if asked != told {
            tell_asked(&asked, style);
            told = asked;
            pause = ASKED_EVERY;
        }
    }
}

fn tell_asked(asked: &[Asked], style: Style) {
    let shown = asked.iter().take(NOTES_SHOWN);
    if let Style::Json = style {
        let asked = shown.map(|one| AskedEvent {
            name: &one.name,
            answer: &one.answer,
        });
        output::json(&FindingEvent {
            event: "finding",
            asked: asked.collect(),
        });
        return;
    }
    let shown: Vec<_> = shown
        .map(|one| format!("{}: {}", one.name, one.answer))
        .collect();
    output::note(&format!(
        "asking what the magnet link means: {}",
        shown.join("; ")
    ));
}

/// Tells what of a metalink was not taken.
pub(super) fn tell_notes(content: &Content) {
    let notes = content.notes();
    for note in notes.iter().take(NOTES_SHOWN) {
        output::note(&format!("warning: {}", words::of(note)));
    }
    if let Some(more) = notes
        .len()
        .checked_sub(NOTES_SHOWN)
        .filter(|more| *more > 0)
    {
        output::note(&format!("warning: and {more} more entries"));
    }
}

/// The error that a copy without some of the files ends with, however well it went.
pub(super) fn tell_left_out(content: &Content) -> Option<Error> {
    let left_out = content.left_out();
    let first = left_out.first()?;
    let count = crate::format::count(u64::try_from(left_out.len()).unwrap_or(u64::MAX), "file");
    for entry in left_out.iter().take(NOTES_SHOWN) {
        output::note(&format!("warning: left out: {entry}"));
    }
    let message = format!("{count} of the metalink left out: {first}");
    Some(Error::new(ErrorKind::Incomplete, message).with_hint("all other files are complete"))
}
