//! Interruptions: the first asks for a clean end, the second ends at once.

use std::process;

use swarmcopy::{Error, ErrorKind};
use tokio::sync::watch;

use crate::exit;
use crate::host::Host;

/// Hears the first interruption.
#[derive(Debug, Clone)]
pub(crate) struct Signals(watch::Receiver<bool>);

impl Signals {
    /// Listens from now on. Must be called in a tokio runtime.
    pub(crate) fn listen(host: &Host) -> Result<Self, Error> {
        let failed = |error: std::io::Error| {
            Error::new(
                ErrorKind::Failed,
                format!("cannot listen to signals: {error}"),
            )
        };
        let mut interrupts = platform::Interrupts::listen().map_err(failed)?;
        let (tell, told) = watch::channel(false);
        let mut host = host.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = interrupts.next() => {}
                () = host.stopped() => {}
            }
            host.stopping();
            tell.send_replace(true);
            interrupts.next().await;
            process::exit(i32::from(exit::code(ErrorKind::Interrupted)));
        });
        Ok(Self(told))
    }

    /// Waits for the first interruption. May be dropped at any await.
    pub(crate) async fn interrupted(&mut self) {
        if self.0.wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether there was one.
    pub(crate) fn was_interrupted(&self) -> bool {
        *self.0.borrow()
    }
}

#[cfg(unix)]
mod platform {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// SIGINT and SIGTERM.
    pub(super) struct Interrupts {
        int: Signal,
        term: Signal,
    }

    impl Interrupts {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                int: signal(SignalKind::interrupt())?,
                term: signal(SignalKind::terminate())?,
            })
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.int.recv() => {}
                _ = self.term.recv() => {}
            }
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::io;

    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
        ctrl_logoff, ctrl_shutdown,
    };

    /// Ctrl-C, Ctrl-Break, the closing of the window, the end of the session and of the system. After the last
    /// three Windows waits for the process some seconds, then ends it.
    pub(super) struct Interrupts {
        c: CtrlC,
        stop: CtrlBreak,
        close: CtrlClose,
        logoff: CtrlLogoff,
        shutdown: CtrlShutdown,
    }

    impl Interrupts {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                c: ctrl_c()?,
                stop: ctrl_break()?,
                close: ctrl_close()?,
                logoff: ctrl_logoff()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.c.recv() => {}
                _ = self.stop.recv() => {}
                _ = self.close.recv() => {}
                _ = self.logoff.recv() => {}
                _ = self.shutdown.recv() => {}
            }
        }
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use std::io;

    /// Ctrl-C.
    pub(super) struct Interrupts;

    impl Interrupts {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
