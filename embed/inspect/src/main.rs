//! Shows what a .torrent holds: `inspect TORRENT`.

use std::error::Error;

use swarmcopy_bt_wire::metainfo::Torrent;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: inspect TORRENT")?;
    let torrent = Torrent::parse(&std::fs::read(path)?)?;
    let info = &torrent.info;
    println!("{}, pieces of {} bytes", info.name, info.piece_length);
    for hash in [info.info_hash_v1.as_ref().map(|h| hex(h)), info.info_hash_v2.as_ref().map(|h| hex(h))] {
        println!("info-hash {}", hash.unwrap_or_else(|| "none".to_owned()));
    }
    for file in info.files.iter().filter(|file| !file.pad) {
        println!("{:>12} {}", file.len, file.path.join("/"));
    }
    for tracker in torrent.trackers.iter().flatten() {
        println!("tracker {tracker}");
    }
    Ok(())
}
