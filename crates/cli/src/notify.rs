//! What systemd is told by a service of `Type=notify`: datagrams to the socket that it names (`sd_notify(3)`).
//!
//! What must stay true: a socket that is not there or full does no harm.

use std::sync::Arc;

use crate::host::Watcher;

/// systemd, where it has started this process and listens.
pub(crate) fn from_environment() -> Option<Arc<dyn Watcher>> {
    platform::from_environment()
}

#[cfg(not(unix))]
mod platform {
    use std::sync::Arc;

    use crate::host::Watcher;

    pub(super) fn from_environment() -> Option<Arc<dyn Watcher>> {
        None
    }
}

#[cfg(unix)]
mod platform {
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::sync::Arc;
    use std::time::Duration;

    use crate::host::Watcher;

    #[derive(Debug)]
    struct Systemd {
        socket: UnixDatagram,
        addr: SocketAddr,
        every: Option<Duration>,
    }

    pub(super) fn from_environment() -> Option<Arc<dyn Watcher>> {
        let name = std::env::var_os("NOTIFY_SOCKET")?;
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        // twice as often as is asked for
        let every = number("WATCHDOG_USEC").filter(|_| is_ours);
        let every = every.map(|micros| Duration::from_micros((micros / 2).max(1000)));
        let systemd = open(&name, every).ok()?;
        Some(Arc::new(systemd))
    }

    fn open(name: &OsStr, every: Option<Duration>) -> io::Result<Systemd> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let addr = addr_of(name)?;
        Ok(Systemd {
            socket,
            addr,
            every,
        })
    }

    fn addr_of(name: &OsStr) -> io::Result<SocketAddr> {
        #[cfg(target_os = "linux")]
        if let Some(name) = name.as_bytes().strip_prefix(b"@") {
            use std::os::linux::net::SocketAddrExt;
            return SocketAddr::from_abstract_name(name);
        }
        SocketAddr::from_pathname(name)
    }

    impl Systemd {
        fn tell(&self, words: &str) {
            let _not_heard = self.socket.send_to_addr(words.as_bytes(), &self.addr);
        }
    }

    impl Watcher for Systemd {
        fn ready(&self) {
            self.tell("READY=1");
        }

        fn alive(&self) {
            self.tell("WATCHDOG=1");
        }

        fn every(&self) -> Option<Duration> {
            self.every
        }

        fn status(&self, words: &str) {
            self.tell(&format!("STATUS={}", words.replace('\n', " ")));
        }

        fn stopping(&self) {
            self.tell("STOPPING=1");
        }
    }
}
