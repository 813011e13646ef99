"""Those beside us: users of the server."""
import random
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import servers
from clients import PORT, get, make
from harness import Host, Proc, Trial

MIB = 1 << 20
LEN = 96 * MIB
READ = 64 << 10
IDLE_SECONDS = 4
MACHINES = ("one", "two", "three")


def a_user_of_the_server_is_not_slowed_down(t: Trial) -> None:
    shares = _user_beside(t, 400, LEN)
    t.check(shares[0] >= 0.9, f"the user has {shares[0]:.2f} of his rate")
    t.check(shares[1] <= 1.5, f"his reads take {shares[1]:.2f} x as long")


def a_budget_leaves_the_user_his_part_of_a_small_line(t: Trial) -> None:
    rate, _ = _user_beside(t, 100, 32 * MIB, "--origin-rate", "30Mbit")
    t.check(rate >= 0.65, f"the user has {rate:.2f} of his rate")


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
