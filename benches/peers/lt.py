"""libtorrent, run by the interpreter that has it; prints one JSON object when it is done or ready.

lt.py verify TORRENT FOLDER            checks a copy with two hashing threads
lt.py seed TORRENT FOLDER PORT         checks a copy, then serves it until ended
lt.py get TORRENT FOLDER PORT PEERPORT gets it from the peer on loopback
"""
import json
import resource
import sys
import time

import libtorrent as lt


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def session(port: str) -> lt.session:
    """TCP alone, no discovery; two hashing threads, as the machine has cores."""
    return lt.session({
        "listen_interfaces": f"127.0.0.1:{port}", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
        "enable_natpmp": False, "enable_outgoing_utp": False, "enable_incoming_utp": False, "hashing_threads": 2,
        "allow_multiple_connections_per_ip": True, "alert_mask": lt.alert.category_t.status_notification,
        "connections_limit": 50, "unchoke_slots_limit": 50})


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(mode: str, torrent: str, folder: str, port: str = "0", peer: str = "") -> None:
    ses = session(port)
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    start, before = time.monotonic(), cpu()
    handle = ses.add_torrent(params)
    if peer:
        handle.connect_peer(("127.0.0.1", int(peer)))
    while not handle.status().is_seeding:
        ses.wait_for_alert(10)
        ses.pop_alerts()
        if mode != "get" and handle.status().state == lt.torrent_status.downloading:
            sys.exit("the copy is not complete")
    say("done", seconds=time.monotonic() - start, cpu=cpu() - before)
    while mode == "seed":
        ses.wait_for_alert(1000)
        ses.pop_alerts()


main(*sys.argv[1:])
