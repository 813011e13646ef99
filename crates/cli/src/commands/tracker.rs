//! `tracker`: a small tracker for a site.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use swarmcopy::{Error, ErrorKind};
use swarmcopy_room::metrics::of_tracker;
use swarmcopy_tracker::{StartError, TrackerOptions, TrackerServer};
use tokio_util::sync::CancellationToken;

use super::beside;
use super::runtime::block_on;
use super::signals::Signals;
use crate::args::TrackerArgs;
use crate::exit::{self, Style};
use crate::host::Host;
use crate::output;

/// Where to listen unless told otherwise.
const PORT: u16 = 6969;
/// How often counters are told as JSON.
const STATS_EVERY: Duration = Duration::from_secs(10);

/// The start as JSON.
#[derive(Debug, Serialize)]
struct ListeningEvent {
    event: &'static str,
    listen: String,
    announce: String,
    interval: u64,
}

/// The counters as JSON.
#[derive(Debug, Serialize)]
struct StatsEvent {
    event: &'static str,
    torrents: usize,
    peers: usize,
    announces: u64,
    refused: u64,
}

/// Runs the command until it is stopped.
pub(super) fn run(args: &TrackerArgs) -> Result<u8, Error> {
    if args.interval < Duration::from_secs(1) {
        let message = "an interval below 1s would make clients ask all the time";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let style = Style::of(args.json);
    let mut options = TrackerOptions::default();
    options.interval = args.interval;
    options.state.clone_from(&args.state);
    block_on(async move {
        let mut signals = Signals::listen(&Host::nobody())?;
        let server = match args.listen.as_slice() {
            [] => TrackerServer::bind_everywhere(PORT, options),
            addrs => TrackerServer::bind_all(addrs, options),
        };
        let server = server.map_err(|error| {
            let hint = match error {
                StartError::State { .. } => "choose another file with --state",
                _ => "choose another address with --listen",
            };
            Error::new(ErrorKind::Failed, error.to_string()).with_hint(hint)
        })?;
        server
            .local_addrs()
            .for_each(|listen| tell_start(listen, args, style));
        if style == Style::Human {
            output::note("stop it with Ctrl-C");
        }
        let cancel = CancellationToken::new();
        let server = Arc::new(server);
        if let Some(addr) = args.metrics {
            let measured = of_tracker(Arc::clone(&server));
            beside::serve(beside::bind(addr, style).await?, measured, cancel.clone());
        }
        let stats = async {
            let mut every = tokio::time::interval(STATS_EVERY);
            loop {
                every.tick().await;
                tell_stats(&server, style);
            }
        };
        let serving = server.serve(cancel.clone());
        let until = async {
            tokio::select! {
                () = stats => {}
                () = signals.interrupted() => cancel.cancel(),
            }
        };
        // serving ends once the state is written
        tokio::join!(serving, until);
        tell_stats(&server, style);
        Ok(exit::DONE)
    })
}

fn tell_start(listen: SocketAddr, args: &TrackerArgs, style: Style) {
    let host = match listen.ip() {
        ip if ip.is_unspecified() => "THISHOST".to_owned(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(ip) => ip.to_string(),
    };
    let announce = format!("http://{host}:{}/announce", listen.port());
    match style {
        Style::Json => output::json(&ListeningEvent {
            event: "listening",
            listen: listen.to_string(),
            announce,
            interval: args.interval.as_secs(),
        }),
        Style::Human => {
            output::line(&format!("tracker at {announce} and udp://{listen}"));
        }
    }
}

fn tell_stats(server: &TrackerServer, style: Style) {
    let stats = server.stats();
    if style == Style::Json {
        output::json(&StatsEvent {
            event: "stats",
            torrents: stats.torrents,
            peers: stats.peers,
            announces: stats.announces,
            refused: stats.refused,
        });
    }
}
