"""How fast: far peers that need several connections, and limits that hold."""
import random
import sys
from pathlib import Path

import servers
from clients import PORT, Client, get, make, report
from harness import Failed, Trial

MIB = 1 << 20
DELAY_SECONDS = 0.02
WINDOW = 256 << 10
FAR_LEN = 160 * MIB
# six seeds at 2.5 MB/s each brought 1.3 MB/s together while requests did not last for the way there and back
FURTHER_DELAY_SECONDS = 0.15
FURTHER_WINDOW = 4 << 20
FURTHER_SEEDS = 6
FURTHER_LIMIT = 2_500_000
FURTHER_LEN = 60 * MIB
LIMIT = 4_000_000
LIMITED_LEN = 60 * MIB
WINDOW_SECONDS = 5
WINDOWS = 2


def several_connections_bring_three_times_what_one_brings(t: Trial) -> None:
    torrent, giver = _seeded(t, FAR_LEN)
    alone, alone_log = _far(t, torrent, giver, "alone", "--one")
    t.wait("one connection has shown its rate", lambda: _come(alone)[-1:] and _come(alone)[-1][0] >= 8)
    alone.proc.stop()
    one = _rate(_come(alone), 2, 8)
    t.check(alone_log.read_text().count("connection") > 1, "no second connection was tried")
    beside, beside_log = _far(t, torrent, giver, "beside")
    t.wait_exit(beside.proc)
    t.check((beside.to / "big.bin").stat().st_size == FAR_LEN, "the copy is not complete")
    seconds = float(beside.proc.events("complete")[0]["seconds"])
    connections = beside_log.read_text().count("connection")
    several = FAR_LEN / seconds
    print(f"        one connection {one / 1e6:.1f} MB/s, {connections} connections {several / 1e6:.1f} MB/s from the start to "
          f"the end: {several / one:.1f} x")
    t.check_measured(several >= 3 * one, f"{several / one:.1f} x")
    t.check_measured(connections <= 12, f"{connections} connections, trials included")
    peers = {len([s for s in event["sources"] if s["kind"] == "peer"]) for event in beside.proc.events("progress")}
    t.check(max(peers) == 1, f"the peer is not one source: {peers}")


def far_seeds_bring_together_a_third_of_what_they_can_at_least(t: Trial) -> None:
    limit = ("--limit-up", str(FURTHER_LIMIT))
    torrent, giver = _seeded(t, FURTHER_LEN, *limit)
    givers = [giver] + [_seed(t, torrent, f"giver-{at}", *limit) for at in range(1, FURTHER_SEEDS)]
    ways = [_way(t, f"way-{at}", peer, FURTHER_DELAY_SECONDS, FURTHER_WINDOW)[0] for at, peer in enumerate(givers)]
    peers = [flag for way in ways for flag in ("--peer", way)]
    taker = get(t, t.host("taker"), torrent, *peers, "--seed-for", "0s")
    t.wait_exit(taker.proc)
    seconds = float(taker.proc.events("complete")[0]["seconds"])
    share = FURTHER_LEN / seconds / (FURTHER_SEEDS * FURTHER_LIMIT)
    print(f"        {FURTHER_LEN / seconds / 1e6:.1f} MB/s from the start to the end: {share:.2f} of what they can")
    t.check_measured(share >= 1 / 3, f"{share:.2f} of what the seeds can")


def limits_hold_within_5_percent_over_5_seconds(t: Trial) -> None:
    torrent, giver = _seeded(t, LIMITED_LEN, "--limit-up", str(LIMIT))
    root = t.dir / "root"
    nginx = servers.mirror(t, root)
    free = _seed(t, torrent, "free")
    down = ("--limit-down", str(LIMIT))
    clients = {
        "limit-down, a mirror": get(t, t.host("down"), torrent, "--mirror", nginx.url, *down),
        "limit-down, a peer": get(t, t.host("asks"), torrent, "--peer", free, *down),
        "limit-up": get(t, t.host("served"), torrent, "--peer", giver),
        "no-limit for another network": get(t, t.host("held"), torrent, "--mirror", nginx.url, *down, "--no-limit", "192.0.2.0/24"),
        "origin-rate": get(t, t.host("reads"), torrent, "--mirror", nginx.url, "--origin-rate", str(LIMIT)),
    }
    end = 1 + WINDOWS * WINDOW_SECONDS
    for name, client in clients.items():
        t.wait(f"{name}: enough is seen", lambda: _come(client)[-1:] and _come(client)[-1][0] >= end + 0.5)
    lan = get(t, t.host("lan"), torrent, "--mirror", nginx.url, "--peer", free, *down, "--no-limit", "lan", "--seed-for", "0s")
    t.wait_exit(lan.proc, seconds=LIMITED_LEN / LIMIT / 2)
    worst = {}
    for name, client in clients.items():
        starts = [1 + at * WINDOW_SECONDS for at in range(WINDOWS)]
        shares = [_rate(_come(client), start, start + WINDOW_SECONDS) / LIMIT for start in starts]
        worst[name] = max(shares, key=lambda share: abs(share - 1))
        client.proc.stop()
    print("        " + ", ".join(f"{name} {share:.3f}" for name, share in worst.items()))
    t.check_measured(all(abs(share - 1) <= 0.05 for share in worst.values()), f"parts of the limit, at worst: {worst}")


def _seeded(t: Trial, size: int, *flags: str) -> tuple[Path, str]:
    """A torrent of one file, and a seed of it that is given these flags."""
    root = t.dir / "root"
    root.mkdir()
    (root / "big.bin").write_bytes(random.Random(1).randbytes(size))
    torrent = make(t, top=root / "big.bin")
    return torrent, _seed(t, torrent, "giver", *flags)


def _seed(t: Trial, torrent: Path, name: str, *flags: str) -> str:
    host = t.host(name)
    proc = t.start(host, name, [t.bench.swarmcopy, "seed", torrent, "--from", t.dir / "root", "--no-lsd",
                                "--listen", f"{host.address}:{PORT}", "--json", *flags])
    proc.serves = True
    t.wait(f"{name} serves", lambda: proc.events("started"))
    return f"{host.address}:{PORT}"


def _way(t: Trial, name: str, peer: str, delay: float, window: int, *flags: str) -> tuple[str, Path]:
    """The near end of a long way to a peer, and what the way prints."""
    host = t.host(name[:12])
    way = t.start(host, name, [sys.executable, "-B", Path(__file__).with_name("far.py"), str(PORT), peer,
                               "--delay", str(delay), "--window", str(window), *flags])
    way.serves = True
    t.wait("the way is open", lambda: "ready" in way.out.read_text())
    return f"{host.address}:{PORT}", way.out


def _far(t: Trial, torrent: Path, peer: str, name: str, *flags: str) -> tuple[Client, Path]:
    """A copy from a peer that is far away, and what the way there printed."""
    way, log = _way(t, f"way-{name}", peer, DELAY_SECONDS, WINDOW, *flags)
    return get(t, t.host(name), torrent, "--peer", way, "--seed-for", "0s"), log


def _come(client: Client) -> list[tuple[float, int]]:
    """Seconds, and the bytes that all sources had brought by then."""
    return [(event["seconds"], sum(source["bytes"] for source in event["sources"])) for event in client.proc.events("progress")]


def _rate(come: list[tuple[float, int]], start: float, end: float) -> float:
    """Bytes a second between the looks nearest to these seconds."""
    if not come or come[-1][0] < end - 0.5:
        raise Failed(f"nothing was told of second {end}")
    first, last = (min(come, key=lambda look: abs(look[0] - at)) for at in (start, end))
    return (last[1] - first[1]) / (last[0] - first[0])
