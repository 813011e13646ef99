//! Whether options can be right: looked at where they are given, before anything begins.
//!
//! What must stay true: an option that can't be right is an error that names it; none is dropped in silence.

use std::path::PathBuf;

use swarmcopy_address::Shown;
use swarmcopy_swarm::PeerName;
use url::Url;

use crate::errors::{OptionError, OptionName};
use crate::{Config, CopyOptions, Encryption, GROUP_LEN_MAX, Stay, select};

impl CopyOptions {
    /// Adds a share: the folder that contains NAME, or NAME itself.
    #[must_use]
    pub fn share(mut self, location: impl Into<PathBuf>) -> Self {
        self.shares.push(location.into());
        self
    }

    /// Adds a mirror (BEP 19).
    ///
    /// # Errors
    /// That is no address of an HTTP or FTP server, or one that this build can't use: https needs the feature `tls`, FTP
    /// the feature `ftp`.
    pub fn mirror(mut self, url: impl Into<String>) -> Result<Self, OptionError> {
        let url = url.into();
        mirror(&url)?;
        self.mirrors.push(url);
        Ok(self)
    }

    /// Adds a peer to connect to, as `HOST:PORT`.
    ///
    /// # Errors
    /// That is no such address.
    pub fn peer(mut self, addr: impl Into<String>) -> Result<Self, OptionError> {
        let addr = addr.into();
        peer(&addr)?;
        self.peers.push(addr);
        Ok(self)
    }

    /// Adds a tracker.
    ///
    /// # Errors
    /// That is no address of a tracker, or one of HTTP in a build without the feature `tracker`.
    pub fn tracker(mut self, url: impl Into<String>) -> Result<Self, OptionError> {
        let url = url.into();
        tracker(&url)?;
        self.trackers.push(url);
        Ok(self)
    }

    /// Adds a pattern of files to copy.
    ///
    /// # Errors
    /// That can't be read; whether it matches a file is seen when the copy is added.
    pub fn select(mut self, pattern: impl Into<String>) -> Result<Self, OptionError> {
        let pattern = pattern.into();
        patterns(std::slice::from_ref(&pattern))?;
        self.select.push(pattern);
        Ok(self)
    }

    /// Sets how long to serve after completion.
    #[must_use]
    pub fn stay(mut self, stay: Stay) -> Self {
        self.stay = stay;
        self
    }
}

/// Checks the settings of a session.
pub(crate) fn config(config: &Config) -> Result<(), OptionError> {
    for limit in [config.limit_down, config.limit_up] {
        rate(limit)?;
    }
    if config.encryption == Encryption::Prefer && cfg!(not(feature = "encryption")) {
        let why = "this build can't (feature `encryption`)";
        return wrong(OptionName::Encryption, "prefer", why);
    }
    let mut nodes = config.dht_nodes.iter();
    nodes.try_for_each(|node| host(OptionName::DhtNode, node).map(drop))
}

/// Checks the settings of a copy.
pub(crate) fn options(options: &CopyOptions) -> Result<(), OptionError> {
    for url in &options.mirrors {
        mirror(url)?;
    }
    for url in &options.trackers {
        tracker(url)?;
    }
    for addr in &options.peers {
        peer(addr)?;
    }
    for country in &options.locations {
        let is_code = country.len() == 2 && country.bytes().all(|it| it.is_ascii_alphabetic());
        if !is_code {
            return wrong(OptionName::Location, country, "two letters, as de");
        }
    }
    patterns(&options.select)?;
    rate(options.origin_rate)?;
    if options.readers_max == 0 {
        let why = "at least one machine reads; `OriginMode::Never` lets none read";
        return wrong(OptionName::ReadersMax, "0", why);
    }
    if options.connections == 0 {
        return wrong(OptionName::Connections, "0", "at least one");
    }
    if options.group.len() > GROUP_LEN_MAX {
        let why = format!("at most {GROUP_LEN_MAX} bytes are sent");
        return wrong(OptionName::Group, &options.group, &why);
    }
    Ok(())
}

/// Checks the address of a mirror.
pub(crate) fn mirror(text: &str) -> Result<Url, OptionError> {
    let tls = cfg!(feature = "tls").then_some("https");
    let ftp = cfg!(feature = "ftp").then_some(["ftp", "ftps"]);
    let schemes = std::iter::once("http").chain(tls);
    let schemes: Vec<_> = schemes.chain(ftp.into_iter().flatten()).collect();
    address(OptionName::Mirror, text, &schemes)
}

/// Checks the address of a tracker.
pub(crate) fn tracker(text: &str) -> Result<Url, OptionError> {
    let http = cfg!(feature = "tracker").then_some(["http", "https"]);
    let schemes = http.into_iter().flatten().chain(["udp"]);
    address(OptionName::Tracker, text, &schemes.collect::<Vec<_>>())
}

/// Checks the address of a peer.
pub(crate) fn peer(text: &str) -> Result<PeerName, OptionError> {
    host(OptionName::Peer, text)
}

/// Checks patterns, as far as that can be done without a content.
pub(crate) fn patterns(patterns: &[String]) -> Result<(), OptionError> {
    for pattern in patterns {
        if let Err(error) = select::patterns(std::slice::from_ref(pattern)) {
            return wrong(OptionName::Select, pattern, &error.to_string());
        }
    }
    Ok(())
}

/// Checks a limit.
pub(crate) fn rate(rate: Option<u64>) -> Result<(), OptionError> {
    if rate == Some(0) {
        let why = "at least one byte a second; `None` is no limit";
        return wrong(OptionName::Rate, "0", why);
    }
    Ok(())
}

fn host(option: OptionName, text: &str) -> Result<PeerName, OptionError> {
    let name = text.parse();
    name.map_err(|_| OptionError::new(option, text, "not HOST:PORT"))
}

fn address(option: OptionName, text: &str, schemes: &[&str]) -> Result<Url, OptionError> {
    let shown = || Shown(text).to_string();
    let url =
        Url::parse(text).map_err(|error| OptionError::new(option, shown(), error.to_string()))?;
    if schemes.contains(&url.scheme()) && url.has_host() {
        return Ok(url);
    }
    let why = format!("not an address of {} (in this build)", schemes.join(", "));
    Err(OptionError::new(option, shown(), why))
}

fn wrong<T>(option: OptionName, value: &str, why: &str) -> Result<T, OptionError> {
    Err(OptionError::new(option, value, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(set: impl FnOnce(&mut CopyOptions)) -> Option<OptionName> {
        let mut all = CopyOptions::new("to");
        set(&mut all);
        options(&all).err().map(|error| error.option())
    }

    #[test]
    fn an_international_name_is_told_as_it_stands_in_the_network() {
        let shown = |text: &str| mirror(text).map(|url| url.to_string());
        assert_eq!(
            shown("http://BÜCHER.example/ü").unwrap(),
            "http://xn--bcher-kva.example/%C3%BC"
        );
        assert_eq!(
            shown("http://xn--bcher-kva.example/").unwrap(),
            "http://xn--bcher-kva.example/"
        );
        // no name may be written like this, and one that seems empty stands for another
        assert!(shown("http://xn--a.example/").is_err());
        assert!(shown("http://\u{ad}/").is_err());
    }

    #[test]
    fn each_option_that_cannot_be_right_is_named() {
        assert_eq!(named(|_| ()), None);
        let text = |text: &str| vec![text.to_owned()];
        for url in ["nonsense", "gopher://h/x", "http://", "file:///x"] {
            assert_eq!(
                named(|it| it.mirrors = text(url)),
                Some(OptionName::Mirror),
                "{url}"
            );
            assert_eq!(
                named(|it| it.trackers = text(url)),
                Some(OptionName::Tracker),
                "{url}"
            );
        }
        for addr in ["pc", "pc:0", "pc:99999", ":1"] {
            assert_eq!(
                named(|it| it.peers = text(addr)),
                Some(OptionName::Peer),
                "{addr}"
            );
        }
        assert_eq!(named(|it| it.select = text("[a")), Some(OptionName::Select));
        assert_eq!(named(|it| it.readers_max = 0), Some(OptionName::ReadersMax));
        assert_eq!(
            named(|it| it.connections = 0),
            Some(OptionName::Connections)
        );
        assert_eq!(named(|it| it.origin_rate = Some(0)), Some(OptionName::Rate));
        assert_eq!(
            named(|it| it.locations = text("germany")),
            Some(OptionName::Location)
        );
        let long = "x".repeat(GROUP_LEN_MAX + 1);
        assert_eq!(named(|it| it.group = long), Some(OptionName::Group));
    }

    #[test]
    fn no_message_shows_a_login() {
        let error = mirror("gopher://me:secret@h/x").unwrap_err().to_string();
        assert!(
            error.contains("h/x") && !error.contains("secret"),
            "{error}"
        );
    }

    #[test]
    fn a_session_is_checked_too() {
        let mut all = Config::default();
        assert_eq!(config(&all), Ok(()));
        all.limit_up = Some(0);
        assert_eq!(config(&all).unwrap_err().option(), OptionName::Rate);
        all.limit_up = None;
        all.dht_nodes = vec!["node".to_owned()];
        assert_eq!(config(&all).unwrap_err().option(), OptionName::DhtNode);
    }
}
