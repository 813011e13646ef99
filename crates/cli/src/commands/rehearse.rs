//! `rehearse`: a roll-out on this one computer.

use swarmcopy::{Error, ErrorKind};
use swarmcopy_rehearsal::{
    MachineProgress, Rehearsal, RehearsalOptions, RehearsalOrigin, RehearsalRate, rehearse,
};
use tokio::sync::mpsc;

use super::runtime::block_on;
use super::signals::Signals;
use super::simulate::{simulate, verdict};
use crate::args::values::Rate;
use crate::args::{OriginKindArg, RehearseArgs};
use crate::exit::{self, Style};
use crate::host::Host;
use crate::page;
use crate::render::{self, RehearsalView};
use crate::rollout::RollOut;

/// Looks that may wait to be shown.
const LOOKS_MAX: usize = 256;

/// Runs the command.
pub(super) fn run(args: &RehearseArgs) -> Result<u8, Error> {
    let mut view = render::rehearsal_view(Style::of(args.json));
    let rollout = if args.simulate {
        simulate(args)?
    } else {
        let options = options(args)?;
        let name = title(&options);
        let rehearsed = block_on(async { watch(options, view.as_mut()).await });
        view.end();
        RollOut::rehearsed(name, rehearsed?)
    };
    view.result(&rollout);
    if let Some(path) = &args.report {
        page::write(path, &rollout)?;
    }
    if args.simulate {
        verdict(&rollout)?;
    }
    Ok(if rollout.identical {
        exit::DONE
    } else {
        exit::MISMATCH
    })
}

/// The last part of the path.
fn title(options: &RehearsalOptions) -> String {
    let path = std::path::absolute(&options.path).unwrap_or_else(|_| options.path.clone());
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
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
    options.keep_arrivals = args.report.is_some();
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
    let mut signals = Signals::listen(&Host::nobody())?;
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
