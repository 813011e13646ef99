//! Scraping (BEP 48): how many peers a tracker knows, without announcing.
//!
//! What must stay true: a scrape names at most [`SCRAPE_MAX`] contents in either direction.

use std::collections::BTreeMap;

#[cfg(feature = "url")]
use url::Url;

use super::reply::check_refusal;
use super::{REPLY_LEN_MAX, SCRAPE_MAX, TrackerError};
use crate::bencode::{self, Item, Limits, Value};
use crate::percent;

/// What a tracker knows about one content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScrapeEntry {
    /// Peers that have everything.
    pub complete: u32,
    /// How often the content was completed.
    pub downloaded: u32,
    /// Peers that don't have everything.
    pub incomplete: u32,
}

/// The answer to a scrape.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ScrapeReply {
    /// One entry per known content.
    pub files: BTreeMap<[u8; 20], ScrapeEntry>,
}

impl ScrapeReply {
    /// Reads a reply; malformed entries are left out.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrackerError> {
        let document = bencode::parse(bytes, &Limits::message(REPLY_LEN_MAX))?;
        let root = document.root();
        check_refusal(&root)?;
        let files = root.find(b"files").ok_or(TrackerError::Field("files"))?;
        let files = files.as_dict().ok_or(TrackerError::Field("files"))?;
        let entry = |(key, value): (&[u8], Value<'_>)| Some((key.try_into().ok()?, read(&value)));
        Ok(Self {
            files: files.filter_map(entry).take(SCRAPE_MAX).collect(),
        })
    }

    /// Writes the reply.
    pub fn encode(&self) -> Vec<u8> {
        let files = self
            .files
            .iter()
            .fold(Item::dict(), |files, (info_hash, entry)| {
                let entry = Item::dict()
                    .with("complete", entry.complete)
                    .with("downloaded", entry.downloaded)
                    .with("incomplete", entry.incomplete);
                files.with(info_hash, entry)
            });
        Item::dict().with("files", files).encode()
    }
}

/// Makes the scrape URL of an announce URL; `None` if its last path segment doesn't begin with
/// `announce`, which means that the tracker can't be scraped.
#[cfg(feature = "url")]
pub fn scrape_url(announce: &Url, info_hashes: &[[u8; 20]]) -> Option<Url> {
    let (folder, last) = announce.path().rsplit_once('/')?;
    let path = format!("{folder}/scrape{}", last.strip_prefix("announce")?);
    let mut query = announce
        .query()
        .map_or_else(String::new, |query| format!("{query}&"));
    for info_hash in info_hashes.iter().take(SCRAPE_MAX) {
        query.push_str("info_hash=");
        percent::encode_into(info_hash, &mut query);
        query.push('&');
    }
    let mut url = announce.clone();
    url.set_path(&path);
    url.set_query(Some(query.trim_end_matches('&')).filter(|query| !query.is_empty()));
    Some(url)
}

/// Reads the query of a scrape, as a tracker gets it: no info-hash means all contents.
pub fn parse_scrape_query(query: &str) -> Result<Vec<[u8; 20]>, TrackerError> {
    let wanted = percent::pairs(query).filter(|(name, _)| *name == "info_hash");
    let hashes = wanted
        .take(SCRAPE_MAX)
        .map(|(_, value)| percent::decode(value).try_into());
    hashes
        .collect::<Result<_, _>>()
        .map_err(|_| TrackerError::Field("info_hash"))
}

fn read(value: &Value<'_>) -> ScrapeEntry {
    let number = |key: &[u8]| {
        value
            .find(key)
            .and_then(|v| v.as_uint())
            .unwrap_or_default()
    };
    ScrapeEntry {
        complete: number(b"complete"),
        downloaded: number(b"downloaded"),
        incomplete: number(b"incomplete"),
    }
}
