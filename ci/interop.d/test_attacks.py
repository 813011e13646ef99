"""Clients that mean harm, or are many, and what is left for honest ones."""
import random
import sys
import time
from pathlib import Path

import servers
from clients import PORT, make
from harness import Host, Proc, Trial, run

LEN = 20 << 20
PIECE_LEN = 256 << 10
RATE = 4_000_000
DOWNLOADERS = 60
ANONYMOUS_MIB_MAX = 150
# what is done to the machine that gives, and what waits for the one that takes
TO_GIVER = ["idle", "links", "greetings", "crowds", "requests"]
TO_TAKER = ["mute", "liar"]
DELAY_TIMES, DELAY_SECONDS = 1.5, 2
HERE = Path(__file__).parent


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


def nothing_hostile_delays_an_honest_copy(t: Trial) -> None:
    torrent, giver, taker, evil = _content(t), t.host("giver"), t.host("taker"), t.host("evil")
    alone = 0.0
    for number, kind in enumerate(["nobody", *TO_GIVER, *TO_TAKER]):
        seed = _give(t, giver, torrent, PORT + number)
        place = f"{giver.address}:{PORT + number}"
        peers = ["--peer", place]
        if kind in TO_GIVER:
            _harm(t, evil, kind, place, torrent)
            time.sleep(1)
        elif kind in TO_TAKER:
            peers += ["--peer", f"{evil.address}:{PORT + number}"]
            _harm(t, evil, kind, peers[-1], torrent)
        start = time.monotonic()
        copy = t.start(taker, f"taker-{kind}", [
            t.bench.swarmcopy, "get", torrent, "--to", t.dir / f"to-{kind}", "--listen", f"{taker.address}:{PORT + number}", "--json",
            "--no-lsd", *peers])
        t.wait_exit(copy)
        seconds = time.monotonic() - start
        alone = alone or seconds
        print(f"        {kind:10} {seconds:5.1f} s; who gives: {_cost(seed)}")
        t.check((t.dir / f"to-{kind}" / "big.bin").read_bytes() == (t.dir / "root" / "big.bin").read_bytes(), "another copy")
        t.check_measured(seconds <= DELAY_TIMES * alone + DELAY_SECONDS, f"{kind}: {seconds:.1f} s where {alone:.1f} s are needed alone")
        seed.serves = False
        for proc in t.procs:
            proc.stop()


def _harm(t: Trial, host: Host, kind: str, place: str, torrent: Path) -> None:
    """Starts somebody who means harm: against the machine at this place, or waiting there."""
    script = "mute.py" if kind == "mute" else "evil.py"
    what = [] if kind == "mute" else [kind]
    proc = t.start(host, f"evil-{kind}", [
        sys.executable, "-B", HERE / script, *what, place, servers.info_hash(torrent).hex(), str(LEN // PIECE_LEN)])
    t.wait("the attack begins", lambda: "ready" in proc.out.read_text())


class Giver:
    """A seed of one file of noise, limited."""

    def __init__(self, proc: Proc, address: str):
        self.proc, self.address = proc, address


def _seeded(t: Trial, *flags: str) -> tuple[Path, Giver]:
    torrent, host = _content(t), t.host("giver")
    return torrent, Giver(_give(t, host, torrent, PORT, *flags), f"{host.address}:{PORT}")


def _content(t: Trial) -> Path:
    root = t.dir / "root"
    root.mkdir()
    (root / "big.bin").write_bytes(random.Random(1).randbytes(LEN))
    return make(t, "--piece-length", str(PIECE_LEN), top=root / "big.bin")


def _give(t: Trial, host: Host, torrent: Path, port: int, *flags: str) -> Proc:
    proc = t.start(host, f"giver-{port}", [
        t.bench.swarmcopy, "seed", torrent, "--from", t.dir / "root", "--no-lsd", "--listen", f"{host.address}:{port}", "--json",
        "--limit-up", str(RATE), *flags])
    proc.serves = True
    t.wait("the giver serves", lambda: proc.events("started"))
    return proc


def _attacker(t: Trial, target: str) -> None:
    proc = t.start(t.host("evil"), "evil", [sys.executable, "-B", HERE / "loris.py", target])
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
