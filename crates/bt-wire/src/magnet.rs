//! Magnet links (BEP 9, BEP 53): an info-hash, a name and where to ask.
//!
//! What must stay true: a link has at least one info-hash; formatting and parsing are inverse; what
//! is not understood is left out, and addresses that are none are told as unusable.

use std::net::SocketAddr;

use swarmcopy_address::{ShownAll, debug_shown};
use thiserror::Error;

use crate::address::has_scheme;
use crate::percent::{self, decode_hex, encode_hex};

/// Longest link that is read.
const LINK_LEN_MAX: usize = 64 * 1024;
/// Most trackers, mirrors or peers that are kept.
const ENTRIES_MAX: usize = 100;
/// Longest name of a host (RFC 1035).
const HOST_LEN_MAX: usize = 253;
/// SHA-256 and its length, as the multihash of a version 2 info-hash begins.
const MULTIHASH_SHA256: &str = "1220";

/// Says why a link can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MagnetError {
    /// Not `magnet:?`, or too long.
    #[error("cannot read link: not a magnet link")]
    NotMagnet,
    /// No `xt` with a well-formed BitTorrent info-hash.
    #[error("cannot read magnet link: no usable info-hash")]
    InfoHash,
}

/// A parsed magnet link.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Magnet {
    /// `xt=urn:btih:`, in hexadecimal or base32 digits.
    pub info_hash_v1: Option<[u8; 20]>,
    /// `xt=urn:btmh:`, a SHA-256 multihash (BEP 52).
    pub info_hash_v2: Option<[u8; 32]>,
    /// `dn`: what to call the content until its metadata is known. Not a safe file name.
    pub name: Option<String>,
    /// `tr`: trackers.
    pub trackers: Vec<String>,
    /// `ws` and `as`: mirrors.
    pub mirrors: Vec<String>,
    /// `xs`: addresses of the .torrent.
    pub sources: Vec<String>,
    /// `x.pe`: peers as HOST:PORT; addresses of IPv6 stand in brackets.
    pub peers: Vec<String>,
    /// Trackers, mirrors, addresses and peers that are none, or one too many, as `tr=ADDRESS`.
    pub unusable: Vec<String>,
}

debug_shown!(Magnet {
    info_hash_v1, info_hash_v2, name, peers;
    trackers: ShownAll(trackers),
    mirrors: ShownAll(mirrors),
    sources: ShownAll(sources),
    unusable: ShownAll(unusable),
});

impl Magnet {
    /// Reads a link.
    pub fn parse(link: &str) -> Result<Self, MagnetError> {
        let query = link
            .trim()
            .get(..8)
            .filter(|head| head.eq_ignore_ascii_case("magnet:?"));
        let query = query
            .and_then(|_| link.trim().get(8..))
            .ok_or(MagnetError::NotMagnet)?;
        if link.len() > LINK_LEN_MAX {
            return Err(MagnetError::NotMagnet);
        }
        let mut magnet = Self::default();
        for (name, value) in percent::pairs(query) {
            // numbered parameters (`tr.1`) stand for several of one kind
            let kind = name.split_once('.').map_or(name, |(kind, _)| kind);
            let text = String::from_utf8_lossy(&percent::decode(value)).into_owned();
            match kind {
                "xt" => magnet.add_topic(&text),
                "dn" => magnet.name = Some(text),
                "tr" => {
                    magnet.add_url(kind, text, |it| &mut it.trackers, &["http", "https", "udp"]);
                }
                "xs" => {
                    magnet.add_url(kind, text, |it| &mut it.sources, &["http", "https"]);
                }
                "ws" | "as" => {
                    magnet.add_url(kind, text, |it| &mut it.mirrors, &["http", "https", "ftp"]);
                }
                "x" if name == "x.pe" => match peer(&text) {
                    Some(peer) if magnet.peers.len() < ENTRIES_MAX => magnet.peers.push(peer),
                    _ => magnet.cannot_use(name, &text),
                },
                _ => {}
            }
        }
        if magnet.info_hash_v1.is_none() && magnet.info_hash_v2.is_none() {
            return Err(MagnetError::InfoHash);
        }
        Ok(magnet)
    }

    fn add_url(
        &mut self,
        kind: &str,
        text: String,
        list: fn(&mut Self) -> &mut Vec<String>,
        schemes: &[&str],
    ) {
        let urls = list(self);
        if urls.contains(&text) {
            return;
        }
        if has_scheme(&text, schemes) && urls.len() < ENTRIES_MAX {
            urls.push(text);
        } else {
            self.cannot_use(kind, &text);
        }
    }

    fn cannot_use(&mut self, kind: &str, text: &str) {
        if self.unusable.len() < ENTRIES_MAX {
            self.unusable.push(format!("{kind}={text}"));
        }
    }

    fn add_topic(&mut self, topic: &str) {
        if let Some(digits) = topic.strip_prefix("urn:btih:") {
            let hash = decode_hex(digits.as_bytes()).or_else(|| decode_base32(digits));
            self.info_hash_v1 = self.info_hash_v1.or(hash);
        } else if let Some(digits) = topic.strip_prefix("urn:btmh:") {
            let digits = digits.strip_prefix(MULTIHASH_SHA256).unwrap_or_default();
            self.info_hash_v2 = self.info_hash_v2.or_else(|| decode_hex(digits.as_bytes()));
        }
    }
}

impl std::fmt::Display for Magnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let v1 = self
            .info_hash_v1
            .map(|hash| format!("xt=urn:btih:{}", encode_hex(&hash)));
        let v2 = self
            .info_hash_v2
            .map(|hash| format!("xt=urn:btmh:{MULTIHASH_SHA256}{}", encode_hex(&hash)));
        let encoded = |key: &str, value: &str| {
            let mut part = format!("{key}=");
            percent::encode_into(value.as_bytes(), &mut part);
            part
        };
        let name = self.name.iter().map(|name| encoded("dn", name));
        let trackers = self.trackers.iter().map(|url| encoded("tr", url));
        let mirrors = self.mirrors.iter().map(|url| encoded("ws", url));
        let sources = self.sources.iter().map(|url| encoded("xs", url));
        // colons and brackets stay: not every client decodes them here
        let peers = self.peers.iter().map(|addr| format!("x.pe={addr}"));
        let unusable = self.unusable.iter().filter_map(|one| one.split_once('='));
        let unusable = unusable.map(|(kind, text)| encoded(kind, text));
        let parts = v1
            .into_iter()
            .chain(v2)
            .chain(name)
            .chain(trackers)
            .chain(mirrors)
            .chain(sources)
            .chain(peers)
            .chain(unusable);
        write!(f, "magnet:?{}", parts.collect::<Vec<_>>().join("&"))
    }
}

impl std::str::FromStr for Magnet {
    type Err = MagnetError;

    fn from_str(link: &str) -> Result<Self, Self::Err> {
        Self::parse(link)
    }
}

/// A peer's address or name with its port, in one way of writing.
fn peer(text: &str) -> Option<String> {
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return (addr.port() != 0).then(|| addr.to_string());
    }
    let (host, port) = text.rsplit_once(':')?;
    // addresses of IPv6 without brackets could be read in two ways
    let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let host = Some(host).filter(|host| !host.is_empty() && host.len() <= HOST_LEN_MAX);
    let host = host.filter(|host| host.chars().all(good))?;
    let port = port.parse::<u16>().ok().filter(|port| *port != 0)?;
    Some(format!("{}:{port}", host.to_ascii_lowercase()))
}

/// Reads 32 base32 digits (RFC 4648 section 6) of either case.
fn decode_base32(digits: &str) -> Option<[u8; 20]> {
    let (groups, rest) = digits.as_bytes().as_chunks::<8>();
    if groups.len() != 4 || !rest.is_empty() {
        return None;
    }
    let mut hash = Vec::with_capacity(20);
    for group in groups {
        let bits = group.iter().try_fold(0_u64, |bits, digit| {
            let value = match digit.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => letter - b'A',
                number @ b'2'..=b'7' => number - b'2' + 26,
                _ => return None,
            };
            Some(bits << 5 | u64::from(value))
        })?;
        let [_, _, _, bytes @ ..] = bits.to_be_bytes();
        hash.extend_from_slice(&bytes);
    }
    hash.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_addresses_and_names_with_a_port() {
        let link = "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a\
            &x.pe=10.0.0.1:6881&x.pe=%5B2001:db8::1%5D%3A6881&x.pe=[::1]:1&x.pe=Seed.example:6882\
            &x.pe=host&x.pe=h:0&x.pe=h:99999&x.pe=2001:db8::1:6881&x.pe=a/b:1&x.pe=:1&x.pe=[::1]";
        let magnet = Magnet::parse(link).unwrap();
        let peers = [
            "10.0.0.1:6881",
            "[2001:db8::1]:6881",
            "[::1]:1",
            "seed.example:6882",
        ];
        assert_eq!(magnet.peers, peers);
        assert_eq!(magnet.unusable.len(), 7);
        assert_eq!(magnet.unusable[0], "x.pe=host");
        assert_eq!(Magnet::parse(&magnet.to_string()), Ok(magnet));
    }

    #[test]
    fn mirrors_and_addresses_of_the_torrent_are_kept() {
        let link = "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a\
            &ws=http://h/a%20b&as.1=ftp://h/c&xs=https://h/t.torrent&xs=dchub://h/x&as=file:///etc";
        let magnet = Magnet::parse(link).unwrap();
        assert_eq!(magnet.mirrors, ["http://h/a b", "ftp://h/c"]);
        assert_eq!(magnet.sources, ["https://h/t.torrent"]);
        assert_eq!(Magnet::parse(&magnet.to_string()), Ok(magnet));
    }
}
