//! What a tracker knows, as a file that outlives it: bencode, written as a whole and read with limits.
//!
//! What must stay true: a file that was not written whole takes nobody's place, and one that says
//! what can't be is refused as a whole.

use std::fs;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use swarmcopy_bt_wire::bencode::{self, Item, Limits};
use swarmcopy_sys::held;
use tokio::time::Instant;

use crate::table::Table;
use crate::torrent::Peer;

/// Longest file that is read.
const STATE_LEN_MAX: usize = 256 * 1024 * 1024;
/// Most values in it: four for each content, and some.
const NODE_MAX: usize = 1_000_000;
const VERSION: i64 = 1;
/// Length of a peer: complete, address, port, peer id, seconds since it was heard.
const PEER_LEN: usize = 1 + 16 + 2 + 20 + 4;

/// All of a table as it is now.
pub(crate) fn encode(table: &Table, now: Instant, date: SystemTime) -> Vec<u8> {
    let mut torrents = Item::dict();
    for (info_hash, torrent) in table.torrents() {
        let mut peers = Vec::with_capacity(torrent.len().saturating_mul(PEER_LEN));
        torrent
            .peers()
            .for_each(|peer| put_peer(peer, now, &mut peers));
        let entry = Item::dict()
            .with("downloaded", torrent.downloaded)
            .with("peers", peers);
        torrents = torrents.with(info_hash, entry);
    }
    let seconds = date
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Item::dict()
        .with("date", i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX))
        .with("torrents", torrents)
        .with("version", VERSION)
        .encode()
}

/// Fills a table with what a file says; peers are as old as they were, and older by the time since.
pub(crate) fn decode(
    bytes: &[u8],
    table: &mut Table,
    now: Instant,
    date: SystemTime,
) -> Result<(), String> {
    let limits = Limits::message(STATE_LEN_MAX).with_node_max(NODE_MAX);
    let document = bencode::parse(bytes, &limits).map_err(|error| error.to_string())?;
    let root = document.root();
    if root.find(b"version").and_then(|version| version.as_int()) != Some(VERSION) {
        return Err("it is no state of a tracker of this version".to_owned());
    }
    let seconds = root.find(b"date").and_then(|date| date.as_uint::<u64>());
    let written =
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.ok_or("bad date")?.min(1 << 40));
    let off = date.duration_since(written).unwrap_or_default();
    let torrents = root
        .find(b"torrents")
        .and_then(|torrents| torrents.as_dict());
    let mut read = Vec::new();
    for (info_hash, entry) in torrents.ok_or("bad torrents")? {
        let info_hash = <[u8; 20]>::try_from(info_hash).map_err(|_| "bad info-hash")?;
        let downloaded = entry
            .find(b"downloaded")
            .and_then(|count| count.as_uint::<u32>());
        let peers = entry.find(b"peers").and_then(|peers| peers.as_bytes());
        let (peers, rest) = peers.ok_or("bad peers")?.as_chunks::<PEER_LEN>();
        if !rest.is_empty() {
            return Err("bad peers".to_owned());
        }
        read.push((info_hash, downloaded.ok_or("bad downloads")?, peers));
    }
    for (info_hash, downloaded, peers) in read {
        let peers = peers.iter().filter_map(|peer| take_peer(peer, off, now));
        table.restore(info_hash, downloaded, peers, now);
    }
    Ok(())
}

/// Reads the file; `None` if there is none yet.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(STATE_LEN_MAX).unwrap_or(u64::MAX);
    match fs::File::open(path) {
        Ok(file) => file.take(limit.saturating_add(1)).read_to_end(&mut bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }?;
    Ok(Some(bytes))
}

/// Writes the file beside its place and moves it there once it is safe.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = fs::File::create(&beside)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    held::rename(Path::new(&beside), path)
}

fn put_peer(peer: &Peer, now: Instant, out: &mut Vec<u8>) {
    let ip = match peer.addr.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let age = now.saturating_duration_since(peer.heard).as_secs();
    out.push(u8::from(peer.complete));
    out.extend(ip.octets());
    out.extend(peer.addr.port().to_be_bytes());
    out.extend(peer.id);
    out.extend(u32::try_from(age).unwrap_or(u32::MAX).to_be_bytes());
}

/// A peer; `None` where it was heard before this machine's clock began.
fn take_peer(bytes: &[u8; PEER_LEN], off: Duration, now: Instant) -> Option<Peer> {
    let (complete, bytes) = bytes.split_first_chunk::<1>()?;
    let (ip, bytes) = bytes.split_first_chunk::<16>()?;
    let (port, bytes) = bytes.split_first_chunk::<2>()?;
    let (id, age) = bytes.split_first_chunk::<20>()?;
    let age = u32::from_be_bytes(*age.first_chunk::<4>()?);
    let age = Duration::from_secs(u64::from(age)).saturating_add(off);
    let port = u16::from_be_bytes(*port);
    (port != 0).then_some(Peer {
        addr: SocketAddr::new(Ipv6Addr::from(*ip).to_canonical(), port),
        id: *id,
        complete: *complete == [1],
        heard: now.checked_sub(age)?,
    })
}

#[cfg(test)]
mod tests;
