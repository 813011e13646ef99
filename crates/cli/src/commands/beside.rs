//! What a command line asks for beside a copy: measurements over HTTP, a command at its end.
//!
//! What must stay true: neither holds the copy up, and a port that can't be had fails before anything is copied.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use swarmcopy::{Copy, Error, ErrorKind, Failure};
use swarmcopy_room::Server;
use swarmcopy_room::metrics::{CopyMeter, of_copy};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::exit::{self, Style};
use crate::output;

/// Time for the command to end when the copy has.
const COMMAND_TIME: Duration = Duration::from_mins(1);

/// What is asked for.
#[derive(Clone, Default)]
pub(super) struct Wishes {
    /// Where to serve measurements.
    pub(super) metrics: Option<SocketAddr>,
    /// What to run when the copy is complete, or has failed.
    pub(super) notify: Option<String>,
}

/// What runs beside a copy.
pub(super) struct Beside {
    server: Option<Server>,
    notify: Option<String>,
    name: String,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Beside {
    /// Takes the port.
    pub(super) async fn prepare(wishes: Wishes, style: Style) -> Result<Self, Error> {
        Ok(Self {
            server: match wishes.metrics {
                Some(addr) => Some(bind(addr, style).await?),
                None => None,
            },
            notify: wishes.notify,
            name: String::new(),
            stop: CancellationToken::new(),
            tasks: Vec::new(),
        })
    }

    /// The copy begins.
    pub(super) fn begin(&mut self, copy: &Copy) {
        self.name.clone_from(&copy.started().name);
        if let Some(server) = self.server.take() {
            let meter = CopyMeter::default();
            self.tasks
                .push(serve(server, of_copy(meter.clone()), self.stop.clone()));
            let mut looks = copy.looks();
            self.tasks.push(tokio::spawn(async move {
                while let Some(progress) = looks.next().await {
                    meter.look(&progress);
                }
            }));
        }
    }

    /// Every byte is verified and on disk.
    pub(super) fn complete(&mut self, elapsed: Duration) {
        self.run(
            "complete",
            &[("SECONDS", format!("{:.1}", elapsed.as_secs_f64()))],
        );
    }

    /// The copy has ended.
    pub(super) async fn end(&mut self, failure: Option<&Failure>) {
        if let Some(Failure { kind, cause, .. }) = failure {
            let told = [
                ("CODE", exit::code(*kind).to_string()),
                ("MESSAGE", output::clean(&cause.to_string()).into_owned()),
            ];
            self.run("failed", &told);
        }
        self.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            // a command that takes longer goes on without us
            let _ = tokio::time::timeout(COMMAND_TIME, task).await;
        }
    }

    /// Runs the command, by the shell of the system.
    fn run(&mut self, event: &str, told: &[(&str, String)]) {
        let Some(line) = &self.notify else { return };
        let mut command = shell(line);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.env("SWARMCOPY_EVENT", event);
        command.env("SWARMCOPY_NAME", &self.name);
        for (key, value) in told {
            command.env(format!("SWARMCOPY_{key}"), value);
        }
        self.tasks.push(tokio::task::spawn_blocking(move || {
            match command.status() {
                Ok(status) if status.success() => {}
                Ok(status) => {
                    output::note(&format!("warning: --notify-command ended with {status}"));
                }
                Err(error) => {
                    output::note(&format!("warning: cannot run --notify-command: {error}"));
                }
            }
        }));
    }
}

#[cfg(not(windows))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

#[cfg(windows)]
fn shell(line: &str) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut command = Command::new("cmd.exe");
    // its own rules of quoting: the line goes there as it is
    command.arg("/C").raw_arg(line);
    command
}

/// Where measurements are, as JSON.
#[derive(Serialize)]
struct MetricsEvent {
    event: &'static str,
    url: String,
}

/// A port for measurements; says where it is.
pub(super) async fn bind(addr: SocketAddr, style: Style) -> Result<Server, Error> {
    let server = Server::bind(addr).await.map_err(|error| {
        let message = format!("cannot serve measurements at {addr}: {error}");
        Error::new(ErrorKind::Failed, message).with_hint("choose another address with --metrics")
    })?;
    let url = format!("http://{}/metrics", server.addr());
    match style {
        Style::Human => output::note(&format!("measurements at {url}")),
        Style::Json => output::json(&MetricsEvent {
            event: "metrics",
            url,
        }),
    }
    Ok(server)
}

/// Serves measurements until it is stopped.
pub(super) fn serve(
    server: Server,
    registry: swarmcopy_room::metrics::Registry,
    stop: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = server.measure(registry, stop).await {
            output::note(&format!("warning: no measurements any more: {error}"));
        }
    })
}
