//! `verify`: checks a copy and lists damaged, missing and extra files.

use serde::Serialize;
use swarmcopy::{Error, ErrorKind, Evidence, Verified};

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
    evidence: &'static str,
    damaged: &'a [String],
    suspects: &'a [Vec<String>],
    changed: &'a [String],
    unreadable: Vec<DifferenceEvent<'a>>,
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
    let style = Style::of(args.json);
    let content = find(&args.what, style)?;
    let verified = if args.quick {
        swarmcopy::verify_quick(&content, &args.at, crate::records::folder().as_deref())?
    } else {
        let gauge = Gauge::with_json("checking", style);
        let verified = swarmcopy::verify(&content, &args.at, &|progress| {
            gauge.set(progress.checked, progress.bytes);
        });
        gauge.end();
        verified?
    };
    let differences = args
        .attributes
        .then(|| swarmcopy::differences(&content, &args.at))
        .transpose()?;
    let outcome = Outcome::of(&verified, args.strict);
    match style {
        Style::Json => output::json(&event(&verified, outcome, differences.as_deref())),
        Style::Human => tell(
            &verified,
            outcome,
            differences.as_deref().unwrap_or_default(),
        ),
    }
    match outcome {
        Outcome::Right => {}
        Outcome::Wrong => return Ok(exit::MISMATCH),
        Outcome::Unknown => {
            let first = verified.unreadable.first();
            let why = first.map_or("a file can't be read", |(_, why)| why.as_str());
            return Err(Error::new(ErrorKind::Disk, why));
        }
    }
    Ok(tell_left_out(&content).map_or(exit::DONE, |error| exit::fail(&error, style)))
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right,
    Wrong,
    /// The disk does not let all be read, and the rest is right.
    Unknown,
}

impl Outcome {
    fn of(verified: &Verified, strict: bool) -> Self {
        let extra = strict && !verified.extra.is_empty();
        let lists = [&verified.damaged, &verified.missing, &verified.changed];
        let wrong = !verified.suspects.is_empty() || lists.iter().any(|list| !list.is_empty());
        match (verified.whole, wrong || extra) {
            (_, true) => Self::Wrong,
            (true, false) => Self::Right,
            (false, false) if verified.unreadable.is_empty() => Self::Wrong,
            (false, false) => Self::Unknown,
        }
    }
}

fn event<'a>(
    verified: &'a Verified,
    outcome: Outcome,
    differences: Option<&'a [(String, String)]>,
) -> VerifiedEvent<'a> {
    let difference = |(path, what): &'a (String, String)| DifferenceEvent { path, what };
    VerifiedEvent {
        event: "verified",
        name: &verified.name,
        at: dunce::simplified(&verified.place).display().to_string(),
        ok: outcome == Outcome::Right,
        evidence: evidence(verified.evidence),
        damaged: &verified.damaged,
        suspects: &verified.suspects,
        changed: &verified.changed,
        unreadable: verified.unreadable.iter().map(difference).collect(),
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

fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Record => "record",
        Evidence::Times => "times",
        Evidence::Lengths => "lengths",
        _ => "bytes",
    }
}

fn tell(verified: &Verified, outcome: Outcome, differences: &[(String, String)]) {
    let lists = [
        ("damaged   ", &verified.damaged),
        ("changed   ", &verified.changed),
        ("missing   ", &verified.missing),
        ("unproven  ", &verified.unproven),
        ("extra     ", &verified.extra),
    ];
    for (label, files) in lists {
        for file in files {
            output::line(&format!("{label}{file}"));
        }
    }
    for group in &verified.suspects {
        output::line("damaged   one of these at least, which share a piece with wrong bytes:");
        for file in group {
            output::line(&format!("            {file}"));
        }
    }
    for (path, why) in &verified.unreadable {
        output::line(&format!("unread    {path}: {why}"));
    }
    for (path, what) in differences {
        output::line(&format!("differs   {path}: {what}"));
    }
    output::line(&summary(verified, outcome));
}

fn summary(verified: &Verified, outcome: Outcome) -> String {
    let place = dunce::simplified(&verified.place).display();
    let (good, all) = (verified.good_pieces, verified.pieces);
    let bytes = format::bytes(verified.bytes);
    let how = match verified.evidence {
        Evidence::Record => ", by its record and times",
        Evidence::Times => {
            ", by lengths and times alone: no record that it was complete on this machine"
        }
        Evidence::Lengths => ", by lengths alone: nothing tells its times",
        _ => "",
    };
    let taken = format::taken(verified.elapsed);
    let told = match (outcome, verified.evidence) {
        (Outcome::Right, Evidence::Bytes) => format!("all {bytes} are right"),
        (Outcome::Right, _) => format!("all {bytes} seem right"),
        (Outcome::Unknown, _) => format!("not all can be read: {good} of {all} pieces are right"),
        (Outcome::Wrong, _) if verified.whole => {
            format!("all {bytes} are right, and something does not belong")
        }
        (Outcome::Wrong, Evidence::Bytes) => {
            format!("does not match: {good} of {all} pieces are right")
        }
        (Outcome::Wrong, _) => "does not match".to_owned(),
    };
    format!("{place}: {told}{how}, checked in {taken}")
}
