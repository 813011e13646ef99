//! `make`: hashes a file or a tree and writes its .torrent.

use serde::Serialize;
use swarmcopy::{Error, Format, Links, Made, MakeOptions, Names, Overwrite, PieceLen};

use crate::args::{FormatArg, LinksArg, MakeArgs, NamesArg, PieceLenArg};
use crate::exit::{self, Style};
use crate::render::Gauge;
use crate::{format, output};

/// The result as JSON.
#[derive(Debug, Serialize)]
struct MadeEvent<'a> {
    event: &'static str,
    torrent: String,
    metalink: Option<String>,
    name: &'a str,
    info_hash: Option<String>,
    info_hash_v2: Option<String>,
    piece_length: u64,
    pieces: u32,
    files: usize,
    bytes: u64,
    seconds: f64,
    warnings: &'a [String],
}

/// Runs the command.
pub(super) fn run(args: &MakeArgs) -> Result<u8, Error> {
    let style = Style::of(args.json);
    let gauge = Gauge::with_json("hashing", style);
    let made = swarmcopy::make(&options(args), &|progress| gauge.make(progress));
    gauge.end();
    let made = made?;
    for warning in &made.warnings {
        output::note(&format!("warning: {warning}"));
    }
    match style {
        Style::Json => output::json(&event(&made)),
        Style::Human => tell(&made),
    }
    Ok(exit::DONE)
}

pub(super) fn options(args: &MakeArgs) -> MakeOptions {
    let mut options = MakeOptions::new(&args.path);
    options.torrent.clone_from(&args.output);
    options.metalink.clone_from(&args.metalink);
    options.name.clone_from(&args.name);
    options.piece_len = match args.piece_length {
        PieceLenArg::Auto => PieceLen::Auto,
        PieceLenArg::Bytes(bytes) => PieceLen::Bytes(bytes),
    };
    options.format = match args.format {
        FormatArg::V1 => Format::V1,
        FormatArg::V2 => Format::V2,
        FormatArg::Hybrid => Format::Hybrid,
    };
    options.shares.clone_from(&args.share);
    options.mirrors.clone_from(&args.mirror);
    options.own_mirrors.clone_from(&args.own_mirror);
    options.trackers.clone_from(&args.tracker);
    options.private = args.private;
    options.comment.clone_from(&args.comment);
    options.exclude.clone_from(&args.exclude);
    options.after.clone_from(&args.after);
    options.check = args.check;
    options.links = match args.links {
        LinksArg::Keep => Links::Keep,
        LinksArg::Follow => Links::Follow,
        LinksArg::Skip => Links::Skip,
    };
    options.names = match args.names {
        NamesArg::Keep => Names::Keep,
        NamesArg::Strict => Names::Strict,
    };
    options.acl = args.acl;
    options.slots = args.slots;
    options.threads = args.threads;
    options.overwrite = if args.force {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    };
    options
}

fn event(made: &Made) -> MadeEvent<'_> {
    MadeEvent {
        event: "made",
        torrent: made.torrent.display().to_string(),
        metalink: made
            .metalink
            .as_ref()
            .map(|path| path.display().to_string()),
        name: &made.name,
        info_hash: made.info_hash.map(|hash| format::hex(&hash)),
        info_hash_v2: made.info_hash_v2.map(|hash| format::hex(&hash)),
        piece_length: made.piece_len,
        pieces: made.pieces,
        files: made.files,
        bytes: made.bytes,
        seconds: format::seconds(made.elapsed),
        warnings: &made.warnings,
    }
}

fn tell(made: &Made) {
    output::line(&format!("torrent       {}", made.torrent.display()));
    if let Some(metalink) = &made.metalink {
        output::line(&format!("metalink      {}", metalink.display()));
    }
    if let Some(hash) = made.info_hash {
        output::line(&format!("info-hash     {}", format::hex(&hash)));
    }
    if let Some(hash) = made.info_hash_v2 {
        output::line(&format!("info-hash v2  {}", format::hex(&hash)));
    }
    output::line(&format!(
        "pieces        {} of {}",
        made.pieces,
        format::piece_len(made.piece_len)
    ));
    output::line(&format!("files         {}", made.files));
    output::line(&format!(
        "bytes         {} ({})",
        made.bytes,
        format::bytes(made.bytes)
    ));
    output::line(&format!("seconds       {:.3}", made.elapsed.as_secs_f64()));
}
