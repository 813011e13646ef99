//! `room`: the whole room on one page, without a server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use swarmcopy::{Config, Content, CopyOptions, Error, ErrorKind, Finding, Session};
use swarmcopy_room::{RoomView, Server, Watch, expected_names, lock};
use tokio_util::sync::CancellationToken;

use super::found::{tell_notes, tell_reading, telling};
use super::runtime::block_on;
use super::signals::Signals;
use crate::args::RoomArgs;
use crate::exit::{self, Style};
use crate::host::Host;
use crate::output;
use crate::render::room as tell;
use crate::words;

/// Where the page stands unless told otherwise, if that is free.
const PAGE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 6880);
/// How long `--once` looks at most.
const ONCE_WITHIN: Duration = Duration::from_secs(15);
/// `--once` ends when nothing new was seen for so long.
const SETTLED: Duration = Duration::from_secs(4);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Time between two lines of JSON.
const EVERY: Duration = Duration::from_secs(5);
/// Longest list of expected machines.
const LIST_LEN_MAX: u64 = 1 << 20;
/// How long peers are asked what a magnet link means.
const MAGNET_TIME: Duration = Duration::from_mins(1);

/// Runs the command until it is stopped.
pub(super) fn run(args: &RoomArgs) -> Result<u8, Error> {
    let expected = expected(args)?;
    if !args.csv {
        tell_reading(&args.what, Style::of(args.json));
    }
    block_on(async move {
        let mut signals = Signals::listen(&Host::nobody())?;
        let session = Session::builder().config(config(args)).build().await;
        let session = session.map_err(words::of_build)?;
        let mut options = CopyOptions::new(".");
        options.peers.clone_from(&args.peer);
        options.trackers.clone_from(&args.tracker);
        options.timeout = Some(MAGNET_TIME);
        options.netrc = crate::netrc::find();
        let finding = Finding::default();
        let found = session.find_watched(&args.what.0, &options, &finding);
        let content = tokio::select! {
            content = telling(&finding, Style::of(args.json), found) => content?,
            () = signals.interrupted() => return Ok(exit::code(ErrorKind::Interrupted)),
        };
        tell_notes(&content);
        let stop = CancellationToken::new();
        let watch = Watch::start(&session, (&content, &options), &expected, stop.clone())?;
        let looked = if args.once || args.csv {
            once(args, &watch, &mut signals).await;
            Ok(())
        } else {
            on(args, &content, &watch, (&mut signals, &stop)).await
        };
        stop.cancel();
        watch.ended().await;
        session.shutdown(Duration::ZERO).await;
        looked.map(|()| exit::DONE)
    })
}

pub(super) fn config(args: &RoomArgs) -> Config {
    let mut config = Config::default();
    config.looks_on = true;
    // the ports of habit are for machines that copy
    config.listen = Some(args.meet.unwrap_or_else(|| ([0, 0, 0, 0], 0).into()));
    config.lsd = !args.no_lsd;
    config.pex = !args.no_pex;
    config.dht = args.dht;
    config.dht_nodes.clone_from(&args.dht_node);
    config
}

/// The machines that ought to be there.
fn expected(args: &RoomArgs) -> Result<Vec<String>, Error> {
    let Some(path) = &args.expect else {
        return Ok(Vec::new());
    };
    let shown = path.display();
    let read = || {
        if std::fs::metadata(path)?.len() > LIST_LEN_MAX {
            return Err(std::io::Error::other("it is longer than 1 MiB"));
        }
        std::fs::read_to_string(path)
    };
    let failed = |why: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Usage, format!("cannot read {shown}: {why}"))
            .with_hint("--expect takes a file with the name of a machine on each line")
    };
    let text = read().map_err(|error| failed(&error))?;
    expected_names(&text).map_err(|why| failed(&why))
}

/// Looks until nothing new is seen, and prints that.
async fn once(args: &RoomArgs, watch: &Watch, signals: &mut Signals) {
    let start = Instant::now();
    let within = args.within.unwrap_or(ONCE_WITHIN);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let (mut seen, mut new_at) = (None, start);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = signals.interrupted() => break,
        }
        let now = Instant::now();
        let room = lock(&watch.room).view(now);
        let known = (room.machines.len(), heard(&room), room.totals.unreached);
        if seen != Some(known) {
            (seen, new_at) = (Some(known), now);
        }
        let settled = heard(&room) > 0 && now.saturating_duration_since(new_at) >= SETTLED;
        if settled || now.saturating_duration_since(start) >= within {
            break;
        }
    }
    let now = Instant::now();
    if args.csv {
        let table = lock(&watch.room).csv(now);
        table.lines().for_each(output::line);
    } else if args.json {
        output::json(&tell::event(&lock(&watch.room).view(now)));
    } else {
        output::lines(&tell::table(&lock(&watch.room).view(now)));
    }
}

/// Machines that have told something.
fn heard(room: &RoomView) -> usize {
    room.machines.iter().filter(|it| it.heard.is_some()).count()
}

/// Serves the page until it is stopped.
async fn on(
    args: &RoomArgs,
    content: &Content,
    watch: &Watch,
    (signals, stop): (&mut Signals, &CancellationToken),
) -> Result<(), Error> {
    let server = bind(args.listen).await?;
    let addr = server.addr();
    let url = format!("http://{addr}/");
    if args.json {
        output::json(&tell::PageEvent::new(&url, content.name()));
    } else {
        output::line(&format!("the room of {} at {url}", content.name()));
        output::note("stop it with Ctrl-C");
    }
    if !addr.ip().is_loopback() {
        output::note("warning: everybody who reaches this address may read the page");
    }
    let serving = server.show(
        std::sync::Arc::clone(&watch.room),
        watch.details.clone(),
        stop.clone(),
    );
    let telling = async {
        if !args.json {
            return std::future::pending::<()>().await;
        }
        let mut every = tokio::time::interval(args.every.unwrap_or(EVERY).max(LOOK_EVERY));
        loop {
            every.tick().await;
            output::json(&tell::event(&lock(&watch.room).view(Instant::now())));
        }
    };
    tokio::select! {
        served = serving => served.map_err(|error| {
            Error::new(ErrorKind::Failed, format!("cannot serve the page: {error}"))
        }),
        () = telling => Ok(()),
        () = signals.interrupted() => Ok(()),
    }
}

pub(super) async fn bind(addr: Option<SocketAddr>) -> Result<Server, Error> {
    let bound = match addr {
        Some(addr) => Server::bind(addr).await,
        None => match Server::bind(PAGE).await {
            Ok(server) => Ok(server),
            Err(_) => Server::bind(SocketAddr::new(PAGE.ip(), 0)).await,
        },
    };
    let shown = addr.unwrap_or(PAGE);
    bound.map_err(|error| {
        let message = format!("cannot serve a page at {shown}: {error}");
        Error::new(ErrorKind::Failed, message).with_hint("choose another address with --listen")
    })
}
