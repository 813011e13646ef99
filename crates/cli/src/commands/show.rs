//! `show`: what a .torrent, a metalink or a magnet link says.

use serde::Serialize;
use swarmcopy::{CopyOptions, Description, DescriptionKind, Error, FileDescription};

use super::found::tell_reading;
use super::runtime::block_on;
use crate::args::ShowArgs;
use crate::exit::{self, Style};
use crate::{format, output};

/// One file as JSON.
#[derive(Debug, Serialize)]
struct FileEvent<'a> {
    path: &'a str,
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    attr: &'a str,
}

/// The description as JSON.
#[derive(Serialize)]
struct ShowEvent<'a> {
    kind: &'static str,
    name: Option<&'a str>,
    info_hash: Option<String>,
    info_hash_v2: Option<String>,
    piece_length: Option<u64>,
    pieces: Option<u32>,
    bytes: Option<u64>,
    private: Option<bool>,
    files: Vec<FileEvent<'a>>,
    trackers: &'a [Vec<String>],
    mirrors: &'a [String],
    own_mirrors: &'a [String],
    shares: &'a [String],
    torrents: &'a [String],
    peers: &'a [String],
    slots: Option<u32>,
    comment: Option<&'a str>,
    created_by: Option<&'a str>,
    creation_date: Option<i64>,
    notes: &'a [String],
    left_out: &'a [String],
}

/// Runs the command.
pub(super) fn run(args: &ShowArgs) -> Result<u8, Error> {
    let mut options = CopyOptions::new(".");
    options.netrc = crate::netrc::find();
    let style = Style::of(args.json);
    if style == Style::Human {
        tell_reading(&args.what, style);
    }
    let described = block_on(Description::find(&args.what.0, &options))?;
    match style {
        Style::Json => output::json(&event(&described)),
        Style::Human => tell(&described),
    }
    Ok(exit::DONE)
}

fn event(described: &Description) -> ShowEvent<'_> {
    ShowEvent {
        kind: match described.kind {
            DescriptionKind::Metalink => "metalink",
            DescriptionKind::Magnet => "magnet",
            _ => "torrent",
        },
        name: described.name.as_deref(),
        info_hash: described.info_hash.map(|hash| format::hex(&hash)),
        info_hash_v2: described.info_hash_v2.map(|hash| format::hex(&hash)),
        piece_length: described.piece_len,
        pieces: described.pieces,
        bytes: described.bytes,
        private: described.private,
        files: described.files.iter().map(file_event).collect(),
        trackers: &described.trackers,
        mirrors: &described.mirrors,
        own_mirrors: &described.own_mirrors,
        shares: &described.shares,
        torrents: &described.torrents,
        peers: &described.peers,
        slots: described.slots,
        comment: described.comment.as_deref(),
        created_by: described.created_by.as_deref(),
        creation_date: described.creation_date,
        notes: &described.notes,
        left_out: &described.left_out,
    }
}

fn file_event(file: &FileDescription) -> FileEvent<'_> {
    FileEvent {
        path: &file.path,
        bytes: file.bytes,
        attr: &file.attr,
    }
}

fn tell(described: &Description) {
    let field = |label: &str, text: &str| output::line(&format!("{label:<13} {text}"));
    let some = |label: &str, text: Option<String>| text.iter().for_each(|text| field(label, text));
    some("name", described.name.clone());
    some(
        "info-hash",
        described.info_hash.map(|hash| format::hex(&hash)),
    );
    some(
        "info-hash v2",
        described.info_hash_v2.map(|hash| format::hex(&hash)),
    );
    some("size", described.bytes.map(|bytes| size(described, bytes)));
    if let (Some(pieces), Some(len)) = (described.pieces, described.piece_len) {
        field("pieces", &format!("{pieces} of {}", format::piece_len(len)));
    }
    if described.private == Some(true) {
        field("private", "yes: peers come from the trackers only");
    }
    for (at, tier) in described.trackers.iter().enumerate() {
        field(if at == 0 { "trackers" } else { "" }, &tier.join(" or "));
    }
    list("mirrors", &described.mirrors);
    list("own mirrors", &described.own_mirrors);
    list("shares", &described.shares);
    list("torrents", &described.torrents);
    list("peers", &described.peers);
    some("slots", described.slots.map(|slots| slots.to_string()));
    some("comment", described.comment.clone());
    some("made by", described.created_by.clone());
    list("left out", &described.left_out);
    list("notes", &described.notes);
    for (at, file) in described.files.iter().enumerate() {
        let mark = if file.attr.is_empty() {
            String::new()
        } else {
            format!(" ({})", file.attr)
        };
        let text = format!("{:>9}  {}{mark}", bytes_of(file), file.path);
        field(if at == 0 { "files" } else { "" }, &text);
    }
}

fn bytes_of(file: &FileDescription) -> String {
    file.bytes.map_or_else(|| "?".to_owned(), format::bytes)
}

fn list(label: &str, entries: &[String]) {
    for (at, entry) in entries.iter().enumerate() {
        output::line(&format!("{:<13} {entry}", if at == 0 { label } else { "" }));
    }
}

fn size(described: &Description, bytes: u64) -> String {
    let files = u64::try_from(described.files.len()).unwrap_or(u64::MAX);
    format!(
        "{} ({bytes} bytes) in {}",
        format::bytes(bytes),
        format::count(files, "file")
    )
}
