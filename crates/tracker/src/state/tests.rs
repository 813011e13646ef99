//! What a state file brings back, and what it does not.

use swarmcopy_bt_wire::tracker::AnnounceRequest;

use super::*;
use crate::TrackerOptions;
use crate::torrent::Families;

fn date(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn request(left: u64) -> AnnounceRequest {
    let mut request = AnnounceRequest::new([7; 20], [1; 20], 6881);
    request.left = left;
    request
}

fn table(now: Instant) -> Table {
    Table::new(TrackerOptions::default(), now)
}

/// A table with a seed of IPv4 and a leech of IPv6.
fn filled(now: Instant) -> Table {
    let mut table = table(now);
    for (addr, left) in [("10.0.0.1:6881", 0), ("[fd00::1]:6882", 5)] {
        let addr = addr.parse().unwrap();
        table
            .announce(&request(left), addr, Families::Both, now)
            .unwrap();
    }
    table
}

#[test]
fn peers_are_known_again_and_as_old_as_they_are() {
    let now = Instant::now() + Duration::from_secs(1000);
    let bytes = encode(&filled(now), now, date(0));
    let mut later = table(now);
    decode(&bytes, &mut later, now, date(100)).unwrap();
    assert_eq!(later.count(), (1, 2));
    let asking = "10.0.0.9:1".parse().unwrap();
    let mut reply = later
        .announce(&request(9), asking, Families::Both, now)
        .unwrap();
    reply.peers.sort_unstable_by_key(|peer| peer.addr);
    assert_eq!(reply.peers[0].addr, "10.0.0.1:6881".parse().unwrap());
    assert_eq!(reply.peers[1].addr, "[fd00::1]:6882".parse().unwrap());
    assert_eq!((reply.complete, reply.incomplete), (Some(1), Some(2)));
    // two intervals of two minutes and the grace, less the hundred seconds that it was off
    let soon = now + Duration::from_secs(171);
    later
        .announce(&request(9), asking, Families::Both, soon)
        .unwrap();
    assert_eq!(later.count(), (1, 1));
}

#[test]
fn a_file_that_says_what_can_not_be_is_refused_and_changes_nothing() {
    let now = Instant::now();
    let good = encode(&filled(now), now, date(0));
    let text = |from: &str, to: &str| {
        let at = good
            .windows(from.len())
            .position(|there| there == from.as_bytes());
        let (at, mut bytes) = (at.unwrap(), good.clone());
        bytes.splice(at..at + from.len(), to.bytes());
        bytes
    };
    let bad = [
        Vec::new(),
        b"le".to_vec(),
        good[..good.len() - 1].to_vec(),
        text("7:versioni1e", "7:versioni2e"),
        text("4:datei1700000000e", "4:datei-1e"),
        text("10:downloadedi0e", "10:downloadedi-1e"),
        text("5:peers86:", "5:peers85:"),
    ];
    for bytes in bad {
        let mut table = table(now);
        assert!(
            decode(&bytes, &mut table, now, date(0)).is_err(),
            "{bytes:?}"
        );
        assert_eq!(table.count(), (0, 0));
    }
}

#[test]
fn a_file_is_replaced_as_a_whole_and_missing_at_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    assert_eq!(read(&path).unwrap(), None);
    write(&path, b"one").unwrap();
    write(&path, b"two").unwrap();
    assert_eq!(read(&path).unwrap().unwrap(), b"two");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(write(&dir.path().join("none/state"), b"x").is_err());
}
