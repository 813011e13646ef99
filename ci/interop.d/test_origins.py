"""Origins that are wrong, slow or gone, beside good sources: what a copy must not suffer from."""
import random
import time

import mirrors
import servers
from clients import Client, finished, get, make, report, seed
from harness import Trial

KIB, MIB = 1024, 1 << 20
PIECE_LEN = 256 * KIB
GONE_SECONDS = 20
STALL_SECONDS_MAX = 3


def a_mirror_with_every_third_piece_corrupt_wastes_little(t: Trial) -> None:
    root = t.dir / "root"
    root.mkdir()
    (root / "big.bin").write_bytes(random.Random(1).randbytes(48 * MIB))
    torrent = make(t, "--piece-length", "256KiB", top=root / "big.bin")
    good = servers.mirror(t, root)
    bad = mirrors.origin(t, root, "--piece-length", str(PIECE_LEN), "--bad-one-in", "3")
    ours = get(t, t.host("machine"), torrent, "--mirror", good.url, "--mirror", bad.url, "--seed-for", "0s")
    t.wait_exit(ours.proc)
    t.check((ours.to / "big.bin").read_bytes() == (root / "big.bin").read_bytes(), "the file differs")
    told = report(ours)
    t.check_measured(told["bad_pieces"] > 0, f"the corrupt mirror was not read at all: {told}")
    t.check_measured(told["wasted"] <= 0.05 * 48 * MIB, f"wasted too much: {told}")
    # a request may be called off before its bytes come, and be made again: so at most once each, of those asked for
    asked = {piece for start, size in bad.runs() for piece in range(start // PIECE_LEN, -(-(start + size) // PIECE_LEN))}
    sent = len([piece for piece in asked if piece % 3 == 0])
    t.check(told["bad_pieces"] <= sent, f"more bad pieces were told than there were: {told}, {sorted(asked)}")


def a_corrupt_mirror_alone_ends_with_what_differs(t: Trial) -> None:
    root = t.dir / "root"
    root.mkdir()
    (root / "big.bin").write_bytes(random.Random(1).randbytes(6 * MIB))
    torrent = make(t, "--piece-length", "256KiB", top=root / "big.bin")
    bad = mirrors.origin(t, root, "--piece-length", str(PIECE_LEN), "--bad-one-in", "3")
    ours = get(t, t.host("machine"), torrent, "--mirror", bad.url, "--timeout", "10s")
    t.wait_exit(ours.proc, 4, seconds=30)
    last = ours.proc.events("progress")[-1]
    t.check(last["verified"] == 16 * PIECE_LEN, f"the right pieces were not all kept: {last}")


def a_slow_mirror_beside_two_seeds_costs_nothing(t: Trial) -> None:
    torrent = make(t)
    seeds = [seed(t, torrent, "--limit-up", "5M", host=t.host(name)) for name in ("one", "two")]
    peers = [flag for one in seeds for flag in ("--peer", one.peer)]
    slow = mirrors.origin(t, t.tree.parent, "--rate", "2048")
    alone = get(t, t.host("alone"), torrent, *peers, "--seed-for", "0s")
    finished(t, alone)
    beside = get(t, t.host("beside"), torrent, *peers, "--mirror", slow.url, "--seed-for", "0s")
    finished(t, beside)
    ratio = _seconds(beside) / _seconds(alone)
    print(f"        seeds alone {_seconds(alone):.2f} s, with the slow mirror {_seconds(beside):.2f} s: {ratio:.2f} x")
    t.check_measured(ratio <= 1.1, f"{ratio:.2f} x the time of the seeds alone")


def seeds_that_come_late_take_over_from_a_slow_mirror(t: Trial) -> None:
    torrent = make(t)
    slow = mirrors.origin(t, t.tree.parent, "--rate", "2048")
    hosts = [t.host(name) for name in ("one", "two")]
    peers = [flag for host in hosts for flag in ("--peer", f"{host.address}:6881")]
    ours = get(t, t.host("machine"), torrent, *peers, "--mirror", slow.url, "--seed-for", "0s")
    t.wait("the mirror is read", lambda: slow.asked() > 0)
    seeds = [seed(t, torrent, "--limit-up", "5M", host=host) for host in hosts]
    link = [flag for one in seeds for flag in ("--peer", one.peer)]
    start = time.monotonic()
    alone = get(t, t.host("alone"), torrent, *link, "--seed-for", "0s")
    finished(t, ours)
    print(f"        complete {time.monotonic() - start:.1f} s after the seeds came, beside another that took {_seconds(alone):.1f} s")
    t.check_measured(time.monotonic() - start < 25, "the slow mirror held up the seeds")


def a_copy_goes_on_when_its_mirror_is_back(t: Trial) -> None:
    nginx = servers.mirror(t)
    torrent = make(t, "--mirror", nginx.url)
    ours = get(t, t.host("machine"), torrent, "--limit-down", "4M", "--seed-for", "0s")
    t.wait("a third is copied", lambda: _verified(ours) > t.tree.bytes // 3)
    _stop(nginx)
    gone_at = time.monotonic()
    t.wait("nothing comes any more", lambda: time.monotonic() > gone_at + GONE_SECONDS)
    before = _verified(ours)
    t.check_measured(before < t.tree.bytes, "it was complete before the mirror was gone")
    servers.start_nginx(t, t.hosts["mirror"], "nginx-again")
    back_at = time.monotonic()
    t.wait("bytes come again", lambda: _verified(ours) > before or ours.proc.code() is not None)
    stall = time.monotonic() - back_at
    print(f"        bytes came {stall:.2f} s after the mirror was back")
    t.check_measured(stall <= STALL_SECONDS_MAX, f"nothing came for {stall:.1f} s after the mirror was back")
    finished(t, ours)


def a_room_finishes_without_its_mirror_once_it_holds_all(t: Trial) -> None:
    nginx = servers.mirror(t)
    torrent = make(t, "--mirror", nginx.url)
    hosts = [t.host(name) for name in ("one", "two", "three")]
    peers = [flag for host in hosts for flag in ("--peer", f"{host.address}:6881")]
    rates = ("8M", "8M", "3M")
    room = [get(t, host, torrent, *peers, "--limit-down", rate, "--stay") for host, rate in zip(hosts, rates)]
    t.wait("the room holds all", lambda: sum(map(_from_mirror, room)) >= t.tree.bytes)
    t.check(not room[2].is_complete(), "all were complete before the mirror was gone")
    _stop(nginx)
    t.wait("all are complete", lambda: all(client.is_complete() for client in room), seconds=60)
    for client in room:
        client.proc.stop()
        t.check_copy(client.to / t.tree.name)


def _stop(mirror: servers.Mirror) -> None:
    """Ends nginx on purpose."""
    mirror.proc.serves = False
    mirror.proc.stop()


def _verified(client: Client) -> int:
    return max((event["verified"] for event in client.proc.events("progress")), default=0)


def _from_mirror(client: Client) -> int:
    events = client.proc.events("progress")
    sources = events[-1]["sources"] if events else []
    return sum(source["bytes"] for source in sources if source["kind"] == "mirror")


def _seconds(client: Client) -> float:
    return float(client.proc.events("complete")[0]["seconds"])
