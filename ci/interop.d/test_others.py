"""Those beside us: users of the server, and machines that are slow or answer nothing."""
import random
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import bencode
import servers
from clients import PORT, Client, get, make
from harness import Host, Proc, Trial

MIB = 1 << 20
LEN = 96 * MIB
READ = 64 << 10
IDLE_SECONDS = 4
# the first second, in which a peer may still begin to answer, is lost: so the copy is long
ROOM_LEN = 240 * MIB
# seen: 1.03 to 1.05 x; when the slow one may keep its place as a reader it is 4.6 x
HELD_UP_MAX = 1.15
# the budget is 0.30; without it he has 0.44, and half of his reads take twice as long
BUDGET_LEAVES_MIN = 0.65
MACHINES = ("one", "two", "three")
ROOM = ("one", "two", "three", "four")


def a_user_of_the_server_is_not_slowed_down(t: Trial) -> None:
    shares = _user_beside(t, 400, LEN)
    t.check_measured(shares[0] >= 0.9, f"the user has {shares[0]:.2f} of his rate")
    t.check_measured(shares[1] <= 1.5, f"his reads take {shares[1]:.2f} x as long")


def a_budget_leaves_the_user_his_part_of_a_small_line(t: Trial) -> None:
    shares = _user_beside(t, 100, 32 * MIB, "--origin-rate", "30Mbit")
    t.check_measured(shares[0] >= BUDGET_LEAVES_MIN, f"the user has {shares[0]:.2f} of his rate")
    t.check_measured(shares[1] <= 1.5, f"his reads take {shares[1]:.2f} x as long")


def a_mute_peer_and_a_slow_machine_do_not_set_the_pace(t: Trial) -> None:
    torrent, root = _content(t, ROOM_LEN)
    nginx = servers.mirror(t, root)
    t.shape(t.hosts["mirror"], 100)
    hosts = [_shaped(t, name, 100) for name in ROOM]
    slow, mute = _shaped(t, "slow", 5), t.host("mute")
    alone = _room(t, torrent, nginx.url, hosts, [])
    info = bencode.decode(torrent.read_bytes())[b"info"]
    where = f"{mute.address}:{PORT}"
    peer = t.start(mute, "mute", [sys.executable, "-B", Path(__file__).with_name("mute.py"), where,
                                  servers.info_hash(torrent).hex(), str(len(info[b"pieces"]) // 20)])
    peer.serves = True
    t.wait("the mute peer listens", lambda: "ready" in peer.out.read_text())
    beside = _room(t, torrent, nginx.url, hosts, [f"{slow.address}:{PORT}", where], slow)
    t.check(peer.out.read_text().count("met") >= len(ROOM), "the mute peer was not met by all")
    print(f"        alone {alone:.2f} s, beside them {beside:.2f} s: {beside / alone:.2f} x")
    t.check_measured(beside <= HELD_UP_MAX * alone, f"{beside / alone:.2f} x the time")


def _user_beside(t: Trial, origin_mbit: int, size: int, *flags: str) -> tuple[float, float]:
    """Three machines and a user at 100 Mbit/s read the same server: his rate and the median time of his reads as
    parts of what they were before the machines came."""
    torrent, root = _content(t, size)
    nginx = servers.mirror(t, root)
    t.shape(t.hosts["mirror"], origin_mbit)
    host = _shaped(t, "user", 100)
    machines = [_shaped(t, name, 100) for name in MACHINES]
    user = t.start(host, "user", [sys.executable, "-B", Path(__file__).with_name("user.py"), urlsplit(nginx.url).netloc,
                                  "/big.bin", str(size)])
    user.serves = True
    start = time.monotonic()
    t.wait("the user has read alone", lambda: time.monotonic() > start + IDLE_SECONDS)
    peers = [flag for machine in machines for flag in ("--peer", f"{machine.address}:{PORT}")]
    began = time.monotonic()
    room = [get(t, machine, torrent, "--mirror", nginx.url, *peers, *flags, "--stay") for machine in machines]
    t.wait("one machine is complete", lambda: any(client.is_complete() for client in room))
    ended = time.monotonic()
    t.wait("all are complete", lambda: all(client.is_complete() for client in room))
    idle, busy = _reads(user, start + 1, began), _reads(user, began + 0.5, ended)
    rate = (len(busy) / (ended - began - 0.5)) / (len(idle) / (began - start - 1))
    p50 = statistics.median(busy) / statistics.median(idle)
    print(f"        alone {len(idle) / (began - start - 1) * READ / 1e6:.1f} MB/s, p50 {statistics.median(idle) * 1000:.1f} ms; "
          f"beside them {rate:.2f} of the rate, p50 {p50:.2f} x; one complete after {ended - began:.1f} s")
    return rate, p50


def _reads(user: Proc, start: float, end: float) -> list[float]:
    """How long the reads took that began in this time."""
    lines = [line.split() for line in user.out.read_text().split("\n")[:-1]]
    return [float(took) for began, took in lines if start <= float(began) < end]


def _content(t: Trial, size: int) -> tuple[Path, Path]:
    root = t.dir / "root"
    root.mkdir()
    (root / "big.bin").write_bytes(random.Random(1).randbytes(size))
    return make(t, top=root / "big.bin"), root


def _shaped(t: Trial, name: str, mbit: int) -> Host:
    host = t.host(name)
    t.shape(host, mbit)
    return host


def _room(t: Trial, torrent: Path, url: str, hosts: list[Host], more: list[str], slow: Host | None = None) -> float:
    """A room copies from a mirror; the seconds of its last machine, a slow one left out."""
    addresses = [f"{host.address}:{PORT}" for host in hosts] + more
    peers = [flag for address in addresses for flag in ("--peer", address)]
    every = [*hosts, *([slow] if slow else [])]
    room: list[Client] = [get(t, host, torrent, "--mirror", url, *peers, "--stay", name=f"get-{host.name}-{len(more)}",
                              to=f"to-{host.name}-{len(more)}") for host in every]
    t.wait("the room is complete", lambda: all(client.is_complete() for client in room[:len(hosts)]))
    for client in room:
        client.proc.stop()
    return max(float(client.proc.events("complete")[0]["seconds"]) for client in room[:len(hosts)])
