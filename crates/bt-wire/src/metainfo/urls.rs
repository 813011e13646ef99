//! Addresses in a torrent: trackers, web seeds and DHT nodes.
//!
//! What must stay true: an address that passes has a scheme that we know and no blanks; a list has
//! no duplicates and at most [`URLS_MAX`] entries.

use crate::address::has_scheme;
use crate::bencode::Value;

/// Most trackers, web seeds or nodes that are kept.
const URLS_MAX: usize = 1000;
/// Longest address.
const URL_LEN_MAX: usize = 4096;

const TRACKER_SCHEMES: [&str; 3] = ["http", "https", "udp"];
const MIRROR_SCHEMES: [&str; 3] = ["http", "https", "ftp"];

/// Reads `announce-list` (BEP 12), or `announce` if the list has nothing usable.
pub(super) fn read_tiers(root: &Value<'_>) -> Vec<Vec<String>> {
    let mut seen = Vec::new();
    let lists = root
        .find(b"announce-list")
        .and_then(|tiers| tiers.as_list());
    let lists = lists
        .into_iter()
        .flatten()
        .filter_map(|tier| tier.as_list());
    let mut tiers: Vec<Vec<String>> = lists
        .map(|tier| {
            let mut urls = Vec::new();
            for url in tier.filter_map(|url| clean(&url, &TRACKER_SCHEMES)) {
                if seen.len() < URLS_MAX && !seen.contains(&url) {
                    seen.push(url.clone());
                    urls.push(url);
                }
            }
            urls
        })
        .filter(|tier| !tier.is_empty())
        .collect();
    if tiers.is_empty() {
        let url = root
            .find(b"announce")
            .and_then(|url| clean(&url, &TRACKER_SCHEMES));
        tiers.extend(url.map(|url| vec![url]));
    }
    tiers
}

/// Reads a list of mirrors (BEP 19), or a single one. Mirrors of a folder get a slash at the end.
pub(super) fn read_mirrors(value: Option<Value<'_>>, folder: bool) -> Vec<String> {
    let mut mirrors = Vec::new();
    for url in entries(value).filter_map(|url| clean(&url, &MIRROR_SCHEMES)) {
        let url = if folder && !url.ends_with('/') {
            format!("{url}/")
        } else {
            url
        };
        if mirrors.len() < URLS_MAX && !mirrors.contains(&url) {
            mirrors.push(url);
        }
    }
    mirrors
}

/// Reads a list of texts, or a single one, without judging them.
pub(super) fn read_texts(value: Option<Value<'_>>) -> Vec<String> {
    let mut texts = Vec::new();
    for text in entries(value).filter_map(|text| text.as_str().map(str::to_owned)) {
        if text.len() <= URL_LEN_MAX && texts.len() < URLS_MAX && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// Reads DHT nodes (BEP 5): pairs of host and port.
pub(super) fn read_nodes(value: Option<Value<'_>>) -> Vec<(String, u16)> {
    let node = |pair: Value<'_>| {
        let mut pair = pair.as_list()?;
        let host = pair.next()?.as_str()?.to_owned();
        Some((host, pair.next()?.as_uint().filter(|port| *port != 0)?))
    };
    let nodes = value
        .and_then(|nodes| nodes.as_list())
        .into_iter()
        .flatten();
    nodes.filter_map(node).take(URLS_MAX).collect()
}

fn entries(value: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    let list = value.and_then(|value| value.as_list());
    let single = value.filter(|value| value.as_bytes().is_some());
    list.into_iter().flatten().chain(single)
}

fn clean(value: &Value<'_>, schemes: &[&str]) -> Option<String> {
    let text = value.as_str()?.trim();
    let mut url = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c) {
            url.push(c);
        } else {
            crate::percent::encode_into(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut url);
        }
    }
    (url.len() <= URL_LEN_MAX && has_scheme(&url, schemes)).then_some(url)
}
