"""Clients that mean harm, or are many, and what is left for honest ones."""
import random
import sys
import time
from pathlib import Path

import servers
from clients import PORT, make
from harness import Proc, Trial, run

LEN = 20 << 20
RATE = 4_000_000
DOWNLOADERS = 60
ANONYMOUS_MIB_MAX = 150


def a_tracker_with_slow_clients_answers_others(t: Trial) -> None:
    url = servers.our_tracker(t)
    host, port = url.split("/")[2].split(":")
    tracker = t.procs[-1]
    _attacker(t, f"{host}:{port}")
    time.sleep(2)
    start = time.monotonic()
    query = "info_hash=" + "%01" * 20 + "&peer_id=" + "a" * 20 + "&port=1&left=1"
    answer = t.dir / "answer"
    run("nsenter", f"--net=/run/netns/{t.host('asks').space}", "curl", "-sS", "--max-time", "5", "-o", answer, f"{url}?{query}")
    seconds = time.monotonic() - start
    print(f"        answered in {seconds:.2f} s; tracker: {_cost(tracker)}")
    t.check(b"8:interval" in answer.read_bytes(), str(answer.read_bytes()))
    t.check_measured(seconds < 2, f"{seconds:.1f} s")


def a_seed_with_sixty_downloaders_needs_little_memory(t: Trial) -> None:
    torrent, giver = _seeded(t, "--connections", str(DOWNLOADERS))
    host = t.host("takers")
    for number in range(DOWNLOADERS):
        t.start(host, f"taker-{number}", [
            t.bench.swarmcopy, "get", torrent, "--to", t.dir / f"to-{number}", "--listen", f"{host.address}:{7000 + number}", "--json",
            "--no-lsd", "--no-pex", "--peer", giver.address, "--limit-down", "400000"])
    def links() -> int:
        return max((event.get("peers", 0) for event in giver.proc.events("progress")[-3:]), default=0)
    t.wait("all are linked", lambda: links() >= DOWNLOADERS * 9 // 10)
    most = 0
    for _ in range(20):
        time.sleep(0.25)
        most = max(most, _anonymous_kib(giver.proc))
    print(f"        {links()} downloaders: {most / 1024:.0f} MiB of anonymous memory, {_cost(giver.proc)}")
    t.check(most <= ANONYMOUS_MIB_MAX * 1024, f"{most / 1024:.0f} MiB")


class Giver:
    """A seed of one file of noise, limited."""

    def __init__(self, proc: Proc, address: str):
        self.proc, self.address = proc, address


def _seeded(t: Trial, *flags: str) -> tuple[Path, Giver]:
    root = t.dir / "root"
    root.mkdir()
    (root / "big.bin").write_bytes(random.Random(1).randbytes(LEN))
    torrent = make(t, "--piece-length", "256KiB", top=root / "big.bin")
    host = t.host("giver")
    proc = t.start(host, "giver", [
        t.bench.swarmcopy, "seed", torrent, "--from", root, "--no-lsd", "--listen", f"{host.address}:{PORT}", "--json",
        "--limit-up", str(RATE), *flags])
    proc.serves = True
    t.wait("the giver serves", lambda: proc.events("started"))
    return torrent, Giver(proc, f"{host.address}:{PORT}")


def _attacker(t: Trial, target: str) -> None:
    proc = t.start(t.host("evil"), "evil", [sys.executable, "-B", Path(__file__).with_name("loris.py"), target])
    t.wait("the attack begins", lambda: "ready" in proc.out.read_text())


def _cost(proc: Proc) -> str:
    """Processor time and memory so far."""
    fields = Path(f"/proc/{_pid(proc)}/stat").read_text().rsplit(")", 1)[1].split()
    return f"{(int(fields[11]) + int(fields[12])) / 100:.1f} s of CPU, {_anonymous_kib(proc) / 1024:.0f} MiB"


def _anonymous_kib(proc: Proc) -> int:
    status = Path(f"/proc/{_pid(proc)}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


def _pid(proc: Proc) -> int:
    return proc.popen.pid
