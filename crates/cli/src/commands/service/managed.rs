//! The life of a service of Windows.
//!
//! What must stay true: the manager hears Starting, Running, Stopping and Stopped in this order, whatever the work
//! does; who was asked to stop has not failed.

use std::io;
use std::sync::Arc;

use swarmcopy::ErrorKind;
use swarmcopy_sys::service::{self, OnStop, Report, State};
use tokio::sync::watch;

use crate::exit;
use crate::host::{Host, Watcher};
use crate::output;

/// Who starts and stops services: the system, or a test.
pub(super) trait Dispatcher {
    /// Takes requests to stop from now on.
    fn register(&self, on_stop: OnStop) -> io::Result<Box<dyn Report>>;
}

/// The system, for the service of this name.
#[derive(Debug)]
pub(super) struct System(pub(super) String);

impl Dispatcher for System {
    fn register(&self, on_stop: OnStop) -> io::Result<Box<dyn Report>> {
        service::register(&self.0, on_stop)
    }
}

/// Does `work` as a service; gives its exit code.
pub(super) fn serve(dispatcher: &dyn Dispatcher, work: impl FnOnce(&Host) -> u8) -> u8 {
    let (tell, stop) = watch::channel(false);
    let on_stop = move || {
        tell.send_replace(true);
    };
    let report = match dispatcher.register(Box::new(on_stop)) {
        Ok(report) => Arc::new(Managed(report)),
        Err(error) => {
            output::note(&format!("error: cannot be a service: {error}"));
            return exit::code(ErrorKind::Failed);
        }
    };
    report.state(State::Starting);
    let code = work(&Host::new(report.clone(), stop.clone()));
    let was_asked = *stop.borrow() && code == exit::code(ErrorKind::Interrupted);
    let code = if was_asked { exit::DONE } else { code };
    report.state(State::Stopped(code));
    code
}

#[derive(Debug)]
struct Managed(Box<dyn Report>);

impl Managed {
    fn state(&self, state: State) {
        if let Err(error) = self.0.state(state) {
            tracing::warn!(%error, ?state, "the service manager was not told");
        }
    }
}

impl Watcher for Managed {
    fn ready(&self) {
        self.state(State::Running);
    }

    fn stopping(&self) {
        self.state(State::Stopping);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A manager that notes what it hears, and stops the service as soon as that runs.
    #[derive(Debug, Clone, Default)]
    struct Manager {
        heard: Arc<Mutex<Vec<State>>>,
        stop: Arc<Mutex<Option<Stop>>>,
    }

    struct Stop(OnStop);

    impl std::fmt::Debug for Stop {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Stop")
        }
    }

    impl Dispatcher for Manager {
        fn register(&self, on_stop: OnStop) -> io::Result<Box<dyn Report>> {
            *self.stop.lock().unwrap() = Some(Stop(on_stop));
            Ok(Box::new(self.clone()))
        }
    }

    impl Report for Manager {
        fn state(&self, state: State) -> io::Result<()> {
            self.heard.lock().unwrap().push(state);
            if state == State::Running {
                (self.stop.lock().unwrap().as_ref().unwrap().0)();
            }
            Ok(())
        }
    }

    #[test]
    fn a_service_that_is_asked_to_stop_ends_in_order_and_has_not_failed() {
        use clap::Parser;

        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(dir.path().join("CS5"), [7; 100_000]).unwrap();
        let command = |args: &[&str]| {
            let line = ["swarmcopy"].iter().chain(args);
            crate::args::Cli::try_parse_from(line).unwrap().command
        };
        let made = command(&["make", &at("CS5"), "-o", &at("CS5.torrent")]);
        crate::commands::run(made).unwrap();
        let work = command(&[
            "seed",
            &at("CS5.torrent"),
            "--from",
            &at(""),
            "--listen",
            "127.0.0.1:0",
            "--no-lsd",
        ]);
        let manager = Manager::default();
        let code = serve(&manager, |host| {
            let done = crate::commands::run_for(work, host);
            done.unwrap_or_else(|error| exit::code(error.kind()))
        });
        assert_eq!(code, 0);
        let expected = [
            State::Starting,
            State::Running,
            State::Stopping,
            State::Stopped(0),
        ];
        assert_eq!(*manager.heard.lock().unwrap(), expected);
    }

    #[test]
    fn a_failure_is_told_as_one() {
        let manager = Manager::default();
        assert_eq!(serve(&manager, |_| 5), 5);
        let expected = [State::Starting, State::Stopped(5)];
        assert_eq!(*manager.heard.lock().unwrap(), expected);
    }
}
