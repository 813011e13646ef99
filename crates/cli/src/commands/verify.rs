//! `verify`: checks a copy and lists damaged, missing and extra files.

use serde::Serialize;
use swarmcopy::{Error, Verified};

use super::found::{find, tell_left_out};
use crate::args::VerifyArgs;
use crate::exit::{self, Style};
use crate::render::Gauge;
use crate::{format, output};

/// The result as JSON.
#[derive(Debug, Serialize)]
struct VerifiedEvent<'a> {
    event: &'static str,
    name: &'a str,
    at: String,
    ok: bool,
    damaged: &'a [String],
    missing: &'a [String],
    unproven: &'a [String],
    extra: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Vec<DifferenceEvent<'a>>>,
    pieces: u32,
    bad_pieces: u32,
    bytes: u64,
    seconds: f64,
}

/// A time, mode, flag, folder or link that is not as it should be.
#[derive(Debug, Serialize)]
struct DifferenceEvent<'a> {
    path: &'a str,
    what: &'a str,
}

/// Runs the command.
pub(super) fn run(args: &VerifyArgs) -> Result<u8, Error> {
    let content = find(&args.what)?;
    let style = Style::of(args.json);
    let gauge = Gauge::new("checking", style);
    let verified = swarmcopy::verify(&content, &args.at, &|progress| {
        gauge.set(progress.checked, progress.bytes);
    });
    gauge.end();
    let verified = verified?;
    let differences = args
        .attributes
        .then(|| swarmcopy::differences(&content, &args.at))
        .transpose()?;
    match style {
        Style::Json => output::json(&event(&verified, differences.as_deref())),
        Style::Human => tell(&verified, differences.as_deref().unwrap_or_default()),
    }
    if !verified.whole {
        return Ok(exit::MISMATCH);
    }
    Ok(tell_left_out(&content).map_or(exit::DONE, |error| exit::fail(&error, style)))
}

fn event<'a>(
    verified: &'a Verified,
    differences: Option<&'a [(String, String)]>,
) -> VerifiedEvent<'a> {
    let difference = |(path, what): &'a (String, String)| DifferenceEvent { path, what };
    VerifiedEvent {
        event: "verified",
        name: &verified.name,
        at: dunce::simplified(&verified.place).display().to_string(),
        ok: verified.whole,
        damaged: &verified.damaged,
        missing: &verified.missing,
        unproven: &verified.unproven,
        extra: &verified.extra,
        attributes: differences.map(|all| all.iter().map(difference).collect()),
        pieces: verified.pieces,
        bad_pieces: verified.pieces.saturating_sub(verified.good_pieces),
        bytes: verified.bytes,
        seconds: format::seconds(verified.elapsed),
    }
}

fn tell(verified: &Verified, differences: &[(String, String)]) {
    let lists = [
        ("damaged ", &verified.damaged),
        ("missing ", &verified.missing),
        ("unproven", &verified.unproven),
        ("extra   ", &verified.extra),
    ];
    for (label, files) in lists {
        for file in files {
            output::line(&format!("{label}  {file}"));
        }
    }
    for (path, what) in differences {
        output::line(&format!("differs   {path}: {what}"));
    }
    let place = dunce::simplified(&verified.place).display();
    let taken = format::taken(verified.elapsed);
    output::line(&if verified.whole {
        format!(
            "{place}: all {} are right, checked in {taken}",
            format::bytes(verified.bytes)
        )
    } else {
        let (good, all) = (verified.good_pieces, verified.pieces);
        format!("{place}: does not match: {good} of {all} pieces are right, checked in {taken}")
    });
}
