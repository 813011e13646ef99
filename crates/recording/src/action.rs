//! Decisions, written short, to be compared and told.

use std::collections::BTreeMap;

use sha2::Digest as _;
use swarmcopy_scheduler::{Action, SourceId};

use crate::Broken;
use crate::bytes::{Reader, Writer};

/// Reasons that a recording may name.
const REASONS_MAX: usize = 1000;
/// What stands for a reason whose name is missing.
const UNKNOWN: &str = "?";

/// The reasons that were named so far, by number.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    numbers: BTreeMap<&'static str, u64>,
}

impl Reasons {
    /// The number of a reason, which stays.
    pub(crate) fn number(&mut self, code: &'static str) -> u64 {
        let next = u64::try_from(self.numbers.len()).unwrap_or(u64::MAX);
        *self.numbers.entry(code).or_insert(next)
    }
}

/// A decision, to be compared: equal bytes, equal decision.
pub(crate) fn write(action: &Action, reasons: &mut Reasons, to: &mut Writer) {
    let of = |to: &mut Writer, code: u8, source: &SourceId| {
        to.byte(code);
        to.number(source.0.into());
    };
    match action {
        Action::Fetch { job, source, span } => {
            of(to, 1, source);
            to.number(job.0);
            to.number(span.start());
            to.number(span.len());
        }
        Action::Cancel { job } => {
            to.byte(2);
            to.number(job.0);
        }
        Action::OpenOrigin { permit } => of(to, 3, &permit.origin()),
        Action::CloseOrigin { source } => of(to, 4, source),
        Action::Interested { source } => of(to, 5, source),
        Action::NotInterested { source } => of(to, 6, source),
        Action::Unchoke { source } => of(to, 7, source),
        Action::Choke { source } => of(to, 8, source),
        Action::Suggest { source, piece } => {
            of(to, 9, source);
            to.number(piece.value().into());
        }
        Action::SendSlots { source, message } => {
            of(to, 10, source);
            let mut hash = sha2::Sha256::new();
            message.to_payloads().iter().for_each(|it| hash.update(it));
            let hash = hash.finalize();
            to.fixed(hash.get(..8).unwrap_or_default());
        }
        Action::Guard { slot, take } => {
            to.byte(11);
            to.number((*slot).into());
            to.flag(*take);
        }
        Action::LimitOrigins { rate_bytes } => {
            to.byte(12);
            to.maybe(*rate_bytes);
        }
        Action::Ban { source, reason, .. } => {
            of(to, 13, source);
            to.number(reasons.number(reason.code()));
        }
        Action::Complete => to.byte(14),
        Action::Explain {
            reason,
            source,
            piece,
        } => {
            to.byte(15);
            to.number(reasons.number(reason.code()));
            to.maybe(source.map(|source| source.0.into()));
            to.maybe(piece.map(|piece| piece.value().into()));
        }
        _ => to.byte(0),
    }
}

/// A decision in words.
pub(crate) fn words(bytes: &[u8], named: &dyn Fn(u64) -> String, reasons: &[String]) -> String {
    told(Reader(bytes), named, reasons).unwrap_or_else(|_| "nothing that is known".to_owned())
}

/// The reason that a decision explains itself by, if it does.
pub(crate) fn explained(bytes: &[u8]) -> Option<usize> {
    let mut from = Reader(bytes);
    (from.byte() == Ok(15)).then_some(())?;
    usize::try_from(from.number().ok()?).ok()
}

/// Reads the number and the name of a reason, if there is room for it.
pub(crate) fn read_reason(from: &mut Reader<'_>, reasons: &mut Vec<String>) -> Result<(), Broken> {
    let number = usize::try_from(from.number()?).unwrap_or(usize::MAX);
    if number >= REASONS_MAX {
        return Err(Broken::Field("reason"));
    }
    let name = from.text()?;
    if reasons.len() <= number {
        reasons.resize(number.saturating_add(1), UNKNOWN.to_owned());
    }
    if let Some(at) = reasons.get_mut(number) {
        *at = name;
    }
    Ok(())
}

fn told(
    mut from: Reader<'_>,
    named: &dyn Fn(u64) -> String,
    reasons: &[String],
) -> Result<String, Broken> {
    let code = from.byte()?;
    let reason = |number: u64| {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        reasons.get(at).map_or(UNKNOWN, String::as_str).to_owned()
    };
    let simple = [
        (3, "open"),
        (4, "close"),
        (5, "want of"),
        (6, "want nothing of"),
        (7, "serve"),
        (8, "serve no more"),
    ];
    if let Some((_, verb)) = simple.iter().find(|(it, _)| *it == code) {
        return Ok(format!("{verb} {}", named(from.number()?)));
    }
    Ok(match code {
        1 => {
            let source = named(from.number()?);
            let (job, start, len) = (from.number()?, from.number()?, from.number()?);
            format!("job {job}: fetch {len} bytes from {start} of {source}")
        }
        2 => format!("call off job {}", from.number()?),
        9 => {
            let source = named(from.number()?);
            format!("suggest piece {} to {source}", from.number()?)
        }
        10 => format!("send slots to {}", named(from.number()?)),
        11 => {
            let slot = from.number()?;
            let verb = if from.flag()? { "take" } else { "free" };
            format!("{verb} the lock of slot {slot}")
        }
        12 => match from.maybe()? {
            Some(rate) => format!("read origins at {rate} bytes a second at most"),
            None => "read origins without a limit".to_owned(),
        },
        13 => {
            let source = named(from.number()?);
            format!("ban {source}: {}", reason(from.number()?))
        }
        14 => "complete".to_owned(),
        15 => {
            let why = reason(from.number()?);
            let source = from.maybe()?.map(named);
            let piece = from.maybe()?;
            let source = source.map_or_else(String::new, |source| format!(", {source}"));
            let piece = piece.map_or_else(String::new, |piece| format!(", piece {piece}"));
            format!("{why}{source}{piece}")
        }
        _ => "something newer".to_owned(),
    })
}
