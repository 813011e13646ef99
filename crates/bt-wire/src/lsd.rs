//! Local service discovery (BEP 14): the multicast announcement.
//!
//! What must stay true: whatever is not a whole, well-formed announcement is an error that the
//! caller ignores; nothing here answers or allocates beyond the datagram.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

use crate::percent::{decode_hex, encode_hex};

/// The IPv4 group and port.
pub const GROUP_V4: (Ipv4Addr, u16) = (Ipv4Addr::new(239, 192, 152, 143), 6771);
/// The IPv6 group and port.
pub const GROUP_V6: (Ipv6Addr, u16) = (Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0xefc0, 0x988f), 6771);
/// Longest datagram that is read or written.
pub const DATAGRAM_LEN_MAX: usize = 1400;
/// Most info-hashes in one announcement.
pub const INFO_HASHES_MAX: usize = 20;
/// Longest cookie that is kept.
pub const COOKIE_LEN_MAX: usize = 64;

/// Says why a datagram is no announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LsdError {
    /// Too long, not text, or another request line.
    #[error("cannot read announcement: not a BT-SEARCH datagram")]
    NotSearch,
    /// No port, or port 0.
    #[error("cannot read announcement: no usable port")]
    Port,
    /// No well-formed info-hash.
    #[error("cannot read announcement: no usable info-hash")]
    InfoHash,
}

/// One announcement: these contents can be had at this port of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announce {
    /// TCP port of the sender.
    pub port: u16,
    /// What the sender has or wants, at most [`INFO_HASHES_MAX`].
    pub info_hashes: Vec<[u8; 20]>,
    /// An opaque word by which a sender knows its own announcements.
    pub cookie: Option<String>,
}

impl Announce {
    /// An announcement without a cookie.
    pub fn new(port: u16, info_hashes: Vec<[u8; 20]>) -> Self {
        Self {
            port,
            info_hashes,
            cookie: None,
        }
    }

    /// The same announcement with a cookie of letters and digits (other characters are left out).
    #[must_use]
    pub fn with_cookie(self, cookie: &str) -> Self {
        let clean = cookie.chars().filter(char::is_ascii_alphanumeric);
        Self {
            cookie: Some(clean.take(COOKIE_LEN_MAX).collect()),
            ..self
        }
    }

    /// Writes the datagram for one of the two groups; info-hashes above the limit are left out.
    pub fn encode(&self, group: SocketAddr) -> Vec<u8> {
        let mut text = format!(
            "BT-SEARCH * HTTP/1.1\r\nHost: {group}\r\nPort: {}\r\n",
            self.port
        );
        for info_hash in self.info_hashes.iter().take(INFO_HASHES_MAX) {
            text.push_str("Infohash: ");
            text.push_str(&encode_hex(info_hash));
            text.push_str("\r\n");
        }
        if let Some(cookie) = &self.cookie {
            text.push_str("cookie: ");
            text.push_str(cookie);
            text.push_str("\r\n");
        }
        text.push_str("\r\n\r\n");
        text.into_bytes()
    }

    /// Reads a datagram. Malformed info-hashes are left out; one good one must remain.
    pub fn parse(datagram: &[u8]) -> Result<Self, LsdError> {
        if datagram.len() > DATAGRAM_LEN_MAX {
            return Err(LsdError::NotSearch);
        }
        let text = std::str::from_utf8(datagram).map_err(|_| LsdError::NotSearch)?;
        let mut lines = text.split("\r\n");
        if !lines
            .next()
            .is_some_and(|line| line.starts_with("BT-SEARCH "))
        {
            return Err(LsdError::NotSearch);
        }
        let (mut port, mut info_hashes, mut cookie) = (None, Vec::new(), None);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("port") {
                port = value.parse::<u16>().ok().filter(|port| *port != 0);
            } else if name.eq_ignore_ascii_case("infohash") {
                info_hashes.extend(decode_hex::<20>(value.as_bytes()));
            } else if name.eq_ignore_ascii_case("cookie") && value.len() <= COOKIE_LEN_MAX {
                cookie = Some(value.to_owned());
            }
        }
        info_hashes.truncate(INFO_HASHES_MAX);
        if info_hashes.is_empty() {
            return Err(LsdError::InfoHash);
        }
        Ok(Self {
            port: port.ok_or(LsdError::Port)?,
            info_hashes,
            cookie,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn announcements_round_trip(
            port in 1..=u16::MAX,
            info_hashes in prop::collection::vec(any::<[u8; 20]>(), 1..=INFO_HASHES_MAX),
            cookie in prop::option::of("[a-z0-9]{1,16}"),
        ) {
            let mut announce = Announce::new(port, info_hashes);
            announce.cookie = cookie;
            let wire = announce.encode(SocketAddr::from(GROUP_V6));
            prop_assert!(wire.len() <= DATAGRAM_LEN_MAX);
            prop_assert_eq!(Announce::parse(&wire), Ok(announce));
        }

        #[test]
        fn any_datagram_is_judged(bytes: Vec<u8>, tail: String) {
            let _ = Announce::parse(&bytes);
            let _ = Announce::parse(format!("BT-SEARCH * HTTP/1.1\r\n{tail}").as_bytes());
        }
    }

    #[test]
    fn cookies_cannot_break_the_datagram() {
        let announce = Announce::new(1, vec![[7; 20]]).with_cookie("a\r\nPort: 9");
        assert_eq!(announce.cookie.as_deref(), Some("aPort9"));
    }
}
