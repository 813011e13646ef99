//! `rehearse`: a roll-out on this one computer.

use swarmcopy::rehearsal::{
    MachineProgress, Rehearsal, RehearsalOptions, RehearsalOrigin, RehearsalRate, rehearse,
};
use swarmcopy::{Error, ErrorKind};
use tokio::sync::mpsc;

use super::block_on;
use super::signals::Signals;
use crate::args::values::Rate;
use crate::args::{OriginKindArg, RehearseArgs};
use crate::exit::{self, Style};
use crate::not_built::refuse;
use crate::render::{self, RehearsalView};

/// Looks that may wait to be shown.
const LOOKS_MAX: usize = 256;

/// Runs the command.
pub(super) fn run(args: &RehearseArgs) -> Result<u8, Error> {
    refuse(&[
        (args.simulate, "--simulate"),
        (args.report.is_some(), "--report"),
    ])?;
    let options = options(args)?;
    let mut view = render::rehearsal_view(Style::of(args.json));
    let rehearsed = block_on(async { watch(options, view.as_mut()).await });
    view.end();
    let rehearsal = rehearsed?;
    view.result(&rehearsal);
    Ok(if rehearsal.identical {
        exit::DONE
    } else {
        exit::MISMATCH
    })
}

fn options(args: &RehearseArgs) -> Result<RehearsalOptions, Error> {
    let path = args.path.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Usage, "nothing to rehearse with")
            .with_hint("give a file or folder, such as: swarmcopy rehearse crates")
    })?;
    let mut options = RehearsalOptions::new(path);
    options.machines = args.machines;
    options.origin = match args.origin_kind {
        OriginKindArg::Share => RehearsalOrigin::Share,
        OriginKindArg::Mirror => RehearsalOrigin::Mirror,
        OriginKindArg::Both => RehearsalOrigin::Both,
    };
    options.origin_rate = rate(args.origin_rate);
    options.link_rate = rate(args.link_rate);
    options.stagger = args.stagger;
    Ok(options)
}

fn rate(rate: Option<Rate>) -> RehearsalRate {
    match rate {
        None => RehearsalRate::Auto,
        Some(Rate::Max) => RehearsalRate::Unlimited,
        Some(Rate::Bytes(bytes)) => RehearsalRate::Limited(bytes),
    }
}

/// Rehearses and shows it; an interruption drops the rehearsal, which removes its folder.
async fn watch(
    options: RehearsalOptions,
    view: &mut dyn RehearsalView,
) -> Result<Rehearsal, Error> {
    let mut signals = Signals::listen()?;
    let (look, mut looks) = mpsc::channel::<MachineProgress>(LOOKS_MAX);
    let rehearsal = rehearse(options, look);
    tokio::pin!(rehearsal);
    loop {
        tokio::select! {
            rehearsed = &mut rehearsal => return rehearsed,
            Some(look) = looks.recv() => view.progress(&look),
            () = signals.interrupted() => {
                return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
            }
        }
    }
}
