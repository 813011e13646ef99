//! `rehearse --simulate`: a roll-out in virtual time, with the schedulers that run in the tool.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use swarmcopy::{Error, ErrorKind, SourceKind};
use swarmcopy_rehearsal::least_time;
use swarmcopy_sim::{GIGABIT, Look, Profile, Simulation};

use crate::args::values::Rate;
use crate::args::{OriginKindArg, RehearseArgs};
use crate::exit::Style;
use crate::render::Gauge;
use crate::rollout::RollOut;

/// Most pieces that all machines together may take: about 2 GB of memory.
const ARRIVALS_MAX: u64 = 20_000_000;
/// The default content: 4 GiB in pieces of 4 MiB.
const CONTENT: (u64, u64) = (4 << 30, 4 << 20);
/// Piece lengths that can be simulated.
const PIECE_LENS: RangeInclusive<u64> = 16 << 10..=64 << 20;
/// A link without a limit: 1 Tbit/s.
const UNLIMITED: u64 = 1000 * GIGABIT;
/// No simulation takes longer than this many times its bound, and 20 minutes.
const PATIENCE: u32 = 20;
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Simulates and shows how far it is.
pub(super) fn simulate(args: &RehearseArgs) -> Result<RollOut, Error> {
    if args.path.is_some() {
        let message = "--simulate makes the content up: leave PATH away";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let profile = profile(args)?;
    let unlimited = [args.link_rate, args.origin_rate].contains(&Some(Rate::Max));
    let gauge = Gauge::new("simulating", Style::of(args.json));
    let mut told_at: Option<Instant> = None;
    let outcome = Simulation::watched(profile.clone(), |look: Look| {
        if told_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            told_at = Some(Instant::now());
            let bytes = |pieces: u64| pieces.saturating_mul(profile.piece_len);
            gauge.set(bytes(look.arrived), bytes(look.wanted));
        }
    });
    gauge.end();
    let bound = (!unlimited).then(|| least(&profile, args));
    Ok(RollOut::simulated(&profile, &outcome, (kinds(args), bound)))
}

/// The kinds of the simulated origins, in their order.
fn kinds(args: &RehearseArgs) -> &'static [SourceKind] {
    match args.origin_kind {
        OriginKindArg::Share => &[SourceKind::Share],
        OriginKindArg::Mirror => &[SourceKind::Mirror],
        OriginKindArg::Both => &[SourceKind::Share, SourceKind::Mirror],
    }
}

/// The least time that it can take.
fn least(profile: &Profile, args: &RehearseArgs) -> Duration {
    let origins = profile.origins.iter().map(|spec| spec.up_rate).sum();
    let link = profile.machines.first().map_or(1, |spec| spec.down_rate);
    let room = (u64::from(args.machines), profile.content_len());
    least_time((origins, link), room, args.stagger)
}

/// What a simulation that ended without everybody being complete means.
pub(super) fn verdict(rollout: &RollOut) -> Result<(), Error> {
    let lacking = rollout.machines.iter();
    let lacking = lacking.filter(|machine| machine.took.is_none()).count();
    if lacking == 0 {
        return Ok(());
    }
    let message = format!(
        "not complete: {lacking} of {} machines",
        rollout.machines.len()
    );
    Err(Error::new(ErrorKind::Incomplete, message)
        .with_hint("that much patience is a bug of the scheduler: please report the seed"))
}

/// The rates of links and origin where none is named; the origin's is ten times that of the links.
pub(super) fn usual_rates(args: &RehearseArgs) -> (u64, u64) {
    let link = named(args.link_rate, GIGABIT);
    (link, link.saturating_mul(10))
}

fn named(rate: Option<Rate>, usual: u64) -> u64 {
    match rate {
        None => usual,
        Some(Rate::Max) => UNLIMITED,
        Some(Rate::Bytes(bytes)) => bytes.max(1),
    }
}

fn profile(args: &RehearseArgs) -> Result<Profile, Error> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let len = args.bytes.unwrap_or(CONTENT.0);
    let piece_len = args.piece_length.unwrap_or(CONTENT.1);
    if len == 0 {
        return Err(usage("cannot simulate a content of no bytes".to_owned()));
    }
    if !piece_len.is_power_of_two() || !PIECE_LENS.contains(&piece_len) {
        let message = format!("cannot simulate pieces of {piece_len} bytes");
        return Err(usage(message).with_hint("a power of two from 16KiB to 64MiB"));
    }
    let arrivals = len
        .div_ceil(piece_len)
        .saturating_mul(u64::from(args.machines));
    if arrivals > ARRIVALS_MAX {
        let message = format!("cannot simulate {arrivals} pieces on all machines together");
        return Err(usage(message).with_hint(format!(
            "{ARRIVALS_MAX} at most: take a larger --piece-length"
        )));
    }
    let (link, origin) = usual_rates(args);
    let mut profile = Profile::flash(args.seed.unwrap_or(1), usize::from(args.machines))
        .sized(len, piece_len)
        .at_rate(link)
        .origins_at(named(args.origin_rate, origin));
    // both are one origin's rate, half of it each
    let kinds = kinds(args);
    let origin = profile.origins.first().cloned().unwrap_or_default();
    let origins = u64::try_from(kinds.len()).unwrap_or(1).max(1);
    profile.origins = kinds
        .iter()
        .map(|kind| {
            let mut spec = origin.clone();
            spec.up_rate = (spec.up_rate / origins).max(1);
            if *kind == SourceKind::Mirror {
                // a request and its answer go there and back before the first byte of a file
                spec.answer = profile.latency * 2;
            }
            spec
        })
        .collect();
    let stagger = args.stagger;
    profile.deadline += profile.bound() * PATIENCE + stagger * u32::from(args.machines);
    let profile = profile.each(|place, spec| {
        spec.join += stagger.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
    });
    Ok(profile)
}
