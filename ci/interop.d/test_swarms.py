"""Many programs at once: swarmcopy, aria2 and libtorrent with a mirror or a tracker; all end with the same tree."""
from pathlib import Path
from urllib.parse import quote_from_bytes

import servers
from clients import Client, aria2, complete, end, get, libtorrent, make, seed
from harness import Trial


def a_mixed_swarm_completes_from_one_mirror(t: Trial) -> None:
    nginx = servers.mirror(t)
    torrent = make(t, "--mirror", nginx.url, "--tracker", servers.our_tracker(t))
    swarm = [get(t, t.host("one"), torrent, "--stay"), get(t, t.host("two"), torrent, "--stay"),
             aria2(t, t.host("aria2"), torrent), libtorrent(t, t.host("libtorrent"), torrent)]
    _all_have_it(t, swarm)
    t.check(nginx.statuses() <= {"200", "206"}, f"the mirror answered {nginx.statuses()}")


def our_tracker_serves_a_mixed_swarm(t: Trial) -> None:
    _swarm_by_tracker(t, make(t, "--tracker", servers.our_tracker(t)))


def our_tracker_serves_libtorrent_and_us_by_udp(t: Trial) -> None:
    # aria2 asks trackers by UDP only with its DHT on, which would reach out of the bench
    torrent = make(t, "--tracker", servers.our_tracker(t).replace("http:", "udp:"))
    seed(t, torrent)
    _all_have_it(t, [libtorrent(t, t.host("libtorrent"), torrent), get(t, t.host("ours"), torrent, "--stay")])


def opentracker_serves_a_mixed_swarm(t: Trial) -> None:
    torrent = make(t, "--tracker", servers.announce_url(t.host("tracker")))
    servers.opentracker(t, torrent)
    _swarm_by_tracker(t, torrent)


def our_tracker_answers_with_and_without_compact(t: Trial) -> None:
    url = servers.our_tracker(t)
    torrent = make(t, "--tracker", url)
    ours = seed(t, torrent)
    word = quote_from_bytes(servers.info_hash(torrent), safe="")
    ask = f"{url}?info_hash={word}&peer_id=-XX0001-abcdefghijkl&port=7000&uploaded=0&downloaded=0&left=1&event=started"
    t.wait("the seed announces itself", lambda: servers.ask(f"{ask}&compact=1")[b"peers"])
    compact = servers.ask(f"{ask}&compact=1")
    address, port = ours.peer.split(":")
    packed = bytes(map(int, address.split("."))) + int(port).to_bytes(2, "big")
    t.check(packed in _sixes(compact[b"peers"]), f"the seed is not in the compact answer {compact}")
    t.check(0 < compact[b"interval"] <= 10, f"the interval is not what was asked for: {compact}")
    listed = servers.ask(f"{ask}&compact=0")[b"peers"]
    t.check(isinstance(listed, list), f"no list of dictionaries: {listed}")
    t.check((address.encode(), int(port)) in [(one[b"ip"], one[b"port"]) for one in listed], f"the seed is not in {listed}")
    scraped = servers.ask(f"{url.replace('announce', 'scrape')}?info_hash={word}")[b"files"]
    counts = scraped[servers.info_hash(torrent)]
    t.check(counts[b"complete"] == 1 and counts[b"incomplete"] == 1, f"the scrape counts {counts}")


def _sixes(packed: bytes) -> list[bytes]:
    return [packed[at:at + 6] for at in range(0, len(packed), 6)]


def _swarm_by_tracker(t: Trial, torrent: Path) -> None:
    """One seed, three others, and nothing but the tracker to find each other."""
    seed(t, torrent)
    _all_have_it(t, [aria2(t, t.host("aria2"), torrent), libtorrent(t, t.host("libtorrent"), torrent),
                     get(t, t.host("ours"), torrent, "--stay")])


def _all_have_it(t: Trial, swarm: list[Client]) -> None:
    complete(t, *swarm)
    end(*swarm)
    for client in swarm:
        t.check_copy(client.to / t.tree.name)
