//! The announce request as the query of a URL, written by a client and read by a tracker.
//!
//! What must stay true: every byte of info-hash and peer id survives, and a query that the announce
//! URL already has (a passkey) is kept in front.

use std::net::IpAddr;

#[cfg(feature = "url")]
use url::Url;

use super::TrackerError;
use crate::percent;

/// Most peers that a query may ask for; larger numbers are cut to it.
const NUMWANT_MAX: u32 = 200;
/// Longest query that is read.
const QUERY_LEN_MAX: usize = 4096;

/// Why a client announces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Event {
    /// The interval has passed.
    #[default]
    Interval,
    /// The transfer begins.
    Started,
    /// The last piece has arrived.
    Completed,
    /// The client leaves.
    Stopped,
}

impl Event {
    /// The word in a query; `None` for a regular announce.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Interval => None,
            Self::Started => Some("started"),
            Self::Completed => Some("completed"),
            Self::Stopped => Some("stopped"),
        }
    }

    fn from_word(word: &str) -> Self {
        let known = [Self::Started, Self::Completed, Self::Stopped];
        known
            .into_iter()
            .find(|event| event.word() == Some(word))
            .unwrap_or_default()
    }
}

/// How peers are written in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerForm {
    /// 6 or 18 bytes each (BEP 23, BEP 7).
    Compact,
    /// A dictionary each (BEP 3).
    Dictionary,
}

/// What a client tells a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnnounceRequest {
    /// Which content.
    pub info_hash: [u8; 20],
    /// Who asks.
    pub peer_id: [u8; 20],
    /// TCP port it listens on.
    pub port: u16,
    /// Bytes sent to peers since it started.
    pub uploaded: u64,
    /// Bytes received since it started.
    pub downloaded: u64,
    /// Bytes still missing.
    pub left: u64,
    /// Why it announces.
    pub event: Event,
    /// How many peers it wants; `None` leaves that to the tracker.
    pub numwant: Option<u32>,
    /// A word by which a tracker knows the client again when its address changes.
    pub key: Option<u32>,
    /// The form of the reply; clients ask for the compact one.
    pub form: PeerForm,
    /// The address that the client claims. A tracker should trust it only from loopback.
    pub ip: Option<IpAddr>,
    /// What the tracker told the client to send back.
    pub tracker_id: Option<Vec<u8>>,
}

impl AnnounceRequest {
    /// A request with zero counters and no wishes.
    pub fn new(info_hash: [u8; 20], peer_id: [u8; 20], port: u16) -> Self {
        Self {
            info_hash,
            peer_id,
            port,
            uploaded: 0,
            downloaded: 0,
            left: 0,
            event: Event::Interval,
            numwant: None,
            key: None,
            form: PeerForm::Compact,
            ip: None,
            tracker_id: None,
        }
    }

    /// Adds the request to a tracker's announce URL.
    #[cfg(feature = "url")]
    pub fn url(&self, announce: &Url) -> Url {
        let kept = announce.query().unwrap_or_default().trim_end_matches('&');
        let mut query = kept.to_owned();
        let mut put = |name: &str, value: &[u8]| {
            query.push_str(if query.is_empty() { "" } else { "&" });
            query.push_str(name);
            query.push('=');
            percent::encode_into(value, &mut query);
        };
        put("info_hash", &self.info_hash);
        put("peer_id", &self.peer_id);
        put("port", self.port.to_string().as_bytes());
        put("uploaded", self.uploaded.to_string().as_bytes());
        put("downloaded", self.downloaded.to_string().as_bytes());
        put("left", self.left.to_string().as_bytes());
        put(
            "compact",
            if self.form == PeerForm::Compact {
                b"1"
            } else {
                b"0"
            },
        );
        if let Some(word) = self.event.word() {
            put("event", word.as_bytes());
        }
        if let Some(numwant) = self.numwant {
            put("numwant", numwant.to_string().as_bytes());
        }
        if let Some(key) = self.key {
            put("key", format!("{key:08X}").as_bytes());
        }
        if let Some(ip) = self.ip {
            put("ip", ip.to_string().as_bytes());
        }
        if let Some(id) = &self.tracker_id {
            put("trackerid", id);
        }
        let mut url = announce.clone();
        url.set_query(Some(&query));
        url.set_fragment(None);
        url
    }

    /// Reads the query of an announce, as a tracker gets it (without the `?`). Unknown parameters
    /// are ignored, of repeated ones the last counts; `numwant` is cut to 200 and a negative one
    /// means none was given; who does not say how much is `left`, or says
    /// no number, is taken to lack all of it.
    pub fn parse_query(query: &str) -> Result<Self, TrackerError> {
        if query.len() > QUERY_LEN_MAX {
            return Err(TrackerError::Field("query length"));
        }
        let (mut info_hash, mut peer_id, mut port) = (None, None, None);
        let mut request = Self::new([0; 20], [0; 20], 0);
        request.form = PeerForm::Dictionary;
        request.left = u64::MAX;
        for (name, value) in percent::pairs(query) {
            match name {
                "info_hash" => info_hash = percent::decode(value).try_into().ok(),
                "peer_id" => peer_id = percent::decode(value).try_into().ok(),
                "port" => port = value.parse().ok().filter(|port| *port != 0),
                _ => request.set(name, value)?,
            }
        }
        Ok(Self {
            info_hash: info_hash.ok_or(TrackerError::Field("info_hash"))?,
            peer_id: peer_id.ok_or(TrackerError::Field("peer_id"))?,
            port: port.ok_or(TrackerError::Field("port"))?,
            ..request
        })
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), TrackerError> {
        let number = |field| value.parse::<u64>().map_err(|_| TrackerError::Field(field));
        match name {
            "uploaded" => self.uploaded = number("uploaded")?,
            "downloaded" => self.downloaded = number("downloaded")?,
            // webtorrent says NaN of a magnet link whose length it does not know
            "left" => self.left = number("left").unwrap_or(u64::MAX),
            "event" => self.event = Event::from_word(value),
            "compact" if value == "1" => self.form = PeerForm::Compact,
            "compact" => self.form = PeerForm::Dictionary,
            "numwant" => self.numwant = value.parse::<u32>().ok().map(|n| n.min(NUMWANT_MAX)),
            "key" => self.key = u32::from_str_radix(value, 16).ok(),
            "ip" => {
                let text = percent::decode(value);
                self.ip = std::str::from_utf8(&text)
                    .ok()
                    .and_then(|text| text.parse().ok());
            }
            "trackerid" => self.tracker_id = Some(percent::decode(value)),
            _ => {}
        }
        Ok(())
    }
}
