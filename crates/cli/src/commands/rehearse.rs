//! `rehearse`: a roll-out on this one computer.

use swarmcopy::{Error, ErrorKind, MakeProgress};
use swarmcopy_rehearsal::{
    MACHINES_MAX, MachineProgress, Rehearsal, RehearsalOptions, RehearsalOrigin, RehearsalRate,
    rehearse, usual_rate,
};
use tokio::sync::mpsc;

use super::rehearsed_page::Page;
use super::runtime::block_on;
use super::signals::Signals;
use super::simulate::{simulate, usual_rates, verdict};
use crate::args::values::Rate;
use crate::args::{OriginKindArg, RehearseArgs};
use crate::exit::{self, Style};
use crate::host::Host;
use crate::render::{self, Gauge, RehearsalView};
use crate::rollout::RollOut;
use crate::{format, output, page};

/// Machines that read the origin at a time, as in the defaults of a copy.
const READERS_MAX: u32 = 3;
/// Looks that may wait to be shown.
const LOOKS_MAX: usize = 256;

/// Runs the command.
pub(super) fn run(args: &RehearseArgs) -> Result<u8, Error> {
    let mut view = render::rehearsal_view(Style::of(args.json));
    let mut rollout = if args.simulate {
        simulate(args)?
    } else {
        let options = options(args)?;
        let name = title(&options);
        let rehearsed = block_on(async { watch(options, args, view.as_mut()).await });
        view.end();
        RollOut::rehearsed(name, rehearsed?)
    };
    rollout.facts = facts(args, rollout.bytes);
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

/// When, by what and with which settings.
fn facts(args: &RehearseArgs, bytes: u64) -> Vec<(String, String)> {
    let line: Vec<_> = std::env::args_os().skip(1).collect();
    let line: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
    let told = |rate: Option<Rate>, usual: u64| match rate {
        None => format::rate(usual),
        Some(Rate::Max) => "no limit".to_owned(),
        Some(Rate::Bytes(bytes)) => format::rate(bytes),
    };
    let (link, origin) = if args.simulate {
        usual_rates(args)
    } else {
        (usual_rate(bytes), usual_rate(bytes))
    };
    let facts = [
        ("made", format::date(std::time::SystemTime::now())),
        (
            "version",
            format!("swarmcopy {}", env!("CARGO_PKG_VERSION")),
        ),
        (
            "command",
            output::clean(&format!("swarmcopy {}", line.join(" "))).into_owned(),
        ),
        ("K, readers at a time", READERS_MAX.to_string()),
        ("links", told(args.link_rate, link)),
        ("origin", told(args.origin_rate, origin)),
        ("from machine to machine", format::taken(args.stagger)),
    ];
    facts.map(|(name, value)| (name.to_owned(), value)).into()
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

/// Rehearses and shows it; an interruption ends the rehearsal in order, which removes its folder.
async fn watch(
    mut options: RehearsalOptions,
    args: &RehearseArgs,
    view: &mut dyn RehearsalView,
) -> Result<Rehearsal, Error> {
    let mut signals = Signals::listen(&Host::nobody())?;
    let page = if args.watch {
        let (staged, stage) = mpsc::channel(1);
        let (started, machines) = mpsc::channel(usize::from(MACHINES_MAX));
        (options.staged, options.started) = (Some(staged), Some(started));
        Some(Page::open(args, (stage, machines)).await?)
    } else {
        None
    };
    let (hashing, mut hashed) = mpsc::channel::<MakeProgress>(1);
    options.hashing = Some(hashing);
    let mut gauge = Some(Gauge::with_json("hashing", Style::of(args.json)));
    let (look, mut looks) = mpsc::channel::<MachineProgress>(LOOKS_MAX);
    let stop = options.stop.clone();
    let rehearsal = rehearse(options, look);
    tokio::pin!(rehearsal);
    loop {
        tokio::select! {
            rehearsed = &mut rehearsal => {
                end(&mut gauge);
                if let Some(page) = page {
                    page.close().await;
                }
                return rehearsed;
            }
            Some(progress) = hashed.recv() => {
                if let Some(gauge) = &gauge {
                    gauge.make(progress);
                }
            }
            Some(look) = looks.recv() => {
                end(&mut gauge);
                view.progress(&look);
            }
            () = signals.interrupted(), if !stop.is_cancelled() => stop.cancel(),
        }
    }
}

fn end(gauge: &mut Option<Gauge>) {
    if let Some(gauge) = gauge.take() {
        gauge.end();
    }
}
