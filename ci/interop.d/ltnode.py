"""A plain libtorrent client; runs in the interpreter that has libtorrent.

ltnode.py TORRENT|MAGNET FOLDER ADDRESS:PORT [--lsd] [--encrypt] [--super-seed] [--queue N] [--peer ADDRESS:PORT]... : prints one JSON object per event, runs until ended.
ltnode.py --hash LIST TOP PIECE_LENGTH : prints the info-hash for the files of LIST (JSON: [[path, bytes], ..]) below TOP.
"""
import argparse
import json
import sys
from pathlib import Path

import libtorrent as lt

STATUS_SECONDS = 1000


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def session(args: argparse.Namespace) -> lt.session:
    categories = lt.alert.category_t
    demands = {"in_enc_policy": 0, "out_enc_policy": 0, "allowed_enc_level": 2, "prefer_rc4": True} if args.encrypt else {}
    if args.queue:
        demands["max_out_request_queue"] = args.queue
    return lt.session({
        **demands,
        "listen_interfaces": args.listen, "enable_dht": False, "enable_upnp": False, "enable_natpmp": False,
        "enable_lsd": args.lsd, "announce_to_all_trackers": True,
        "alert_mask": categories.status_notification | categories.error_notification | categories.connect_notification
        | categories.tracker_notification | categories.storage_notification})


def serve(args: argparse.Namespace) -> None:
    ses = session(args)
    if args.torrent.startswith("magnet:"):
        params = lt.parse_magnet_uri(args.torrent)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(args.torrent)
    if args.super_seed:
        params.flags |= lt.torrent_flags.super_seeding
    params.save_path = args.folder
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    torrent = ses.add_torrent(params)
    if args.torrent.startswith("magnet:"):
        for address, port in args.peer:
            torrent.connect_peer((address, port))
    while True:
        ses.wait_for_alert(STATUS_SECONDS)
        for alert in ses.pop_alerts():
            name = type(alert).__name__
            if name == "torrent_checked_alert":
                for address, port in args.peer:
                    torrent.connect_peer((address, port))
                say("checked", seed=torrent.status().is_seeding)
            elif name == "torrent_finished_alert":
                # the alert comes before the last writes: the files are whole when the cache is flushed
                torrent.flush_cache()
            elif name == "cache_flushed_alert" and torrent.status().is_seeding:
                say("complete")
            elif not name.startswith("state_"):
                say("alert", name=name, message=alert.message())


def info_hash(listing: str, top: str, piece_len: int) -> str:
    """What libtorrent makes of the same files in the same order."""
    storage = lt.file_storage()
    name = Path(top).name
    for path, size in json.loads(Path(listing).read_text()):
        storage.add_file(f"{name}/{path}", size)
    torrent = lt.create_torrent(storage, piece_len, lt.create_torrent.v1_only)
    lt.set_piece_hashes(torrent, str(Path(top).parent))
    return str(lt.torrent_info(lt.bencode(torrent.generate())).info_hashes().v1)


def peer(text: str) -> tuple[str, int]:
    address, port = text.rsplit(":", 1)
    return address.strip("[]"), int(port)


def main() -> None:
    if sys.argv[1] == "--hash":
        print(info_hash(sys.argv[2], sys.argv[3], int(sys.argv[4])))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("torrent")
    parser.add_argument("folder")
    parser.add_argument("listen")
    parser.add_argument("--lsd", action="store_true")
    parser.add_argument("--encrypt", action="store_true")
    parser.add_argument("--super-seed", action="store_true")
    parser.add_argument("--queue", type=int, default=0)
    parser.add_argument("--peer", type=peer, action="append", default=[])
    serve(parser.parse_args())


if __name__ == "__main__":
    main()
