//! By which names this server may be asked.
//!
//! A page elsewhere can lead its own name to this machine's address and read what is answered there (DNS
//! rebinding). It can't make a browser name an address, `localhost` or this computer instead. What must stay true:
//! whatever else stands in `Host` is refused.

use std::net::IpAddr;

/// Names of this machine.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// `localhost` and what this computer is called.
    pub(super) fn of_this_machine() -> Self {
        let own = swarmcopy::host_name();
        Self::new(own.into_iter().collect())
    }

    fn new(mut names: Vec<String>) -> Self {
        names.push("localhost".to_owned());
        Self(names)
    }

    /// Whether a request may name this host.
    pub(super) fn allows(&self, host: &[u8]) -> bool {
        let Some(name) = std::str::from_utf8(host).ok().and_then(name_of) else {
            return false;
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        name.parse::<IpAddr>().is_ok() || self.0.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The host without its port, and without the brackets of an address of version 6.
fn name_of(host: &str) -> Option<&str> {
    if let Some(rest) = host.strip_prefix('[') {
        let (name, port) = rest.split_once(']')?;
        return (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(name);
    }
    match host.split_once(':') {
        Some((name, port)) => is_port(port).then_some(name),
        None => Some(host),
    }
}

fn is_port(port: &str) -> bool {
    port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_open_the_page() {
        let hosts = Hosts::new(vec!["Lab-07".to_owned()]);
        for good in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "192.0.2.7:1",
            "localhost:8080",
            "LOCALHOST",
            "lab-07:8080",
            "lab-07.",
        ] {
            assert!(hosts.allows(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:8080",
            "lab-07.evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1:x",
            "127.0.0.1@evil.example",
            "[::1",
            "[::1]x",
            "::1",
            "\u{feff}localhost",
        ] {
            assert!(!hosts.allows(bad.as_bytes()), "{bad}");
        }
        assert!(!hosts.allows(b"\xff"));
    }
}
