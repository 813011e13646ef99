"""Every client and every way in which it may be asked to work with us, as one table with seconds.

Each client has two machines of its own and goes through its cells one after another, all clients at the same time.
"""
import hashlib
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import bencode
import matrix
from clients import PORT
from harness import NETWORK, Failed, Host, Trial, run
from matrix import ROWS, Job, Row
from servers import info_hash, our_tracker

CELL_SECONDS = 45
GIVE_SECONDS = 60
BETWEEN = 100
TRACKER_IPV6 = "fd00:77::fe"
KIB = 1024
FILES = {"a.bin": 700 * KIB + 5, "folder/b.bin": 300 * KIB + 1, "folder/c.txt": 7, "folder/empty.bin": 0, "d.bin": 40 * KIB}
PIECE = "64KiB"
Cell = Callable[["Lane", str], None]


class Lane:
    """One client with its machines: ours and theirs."""

    def __init__(self, t: Trial, row: Row, number: int, tracker: str, top: Path):
        self.t, self.row, self.tracker, self.top = t, row, tracker, top
        self.ours, self.theirs = t.host(f"o{number}"), t.host(f"t{number}")
        self.tracker_ipv6 = f"http://[{TRACKER_IPV6}]:{urlsplit(tracker).port}/announce"
        self.number, self.told = number, 0
        self.dir = t.dir / f"lane{number}"
        self.dir.mkdir()

    def fresh(self, name: str) -> Path:
        """A folder that nobody used."""
        self.told += 1
        return self.dir / f"{self.told}-{name}"

    def torrent(self, *flags: str, tracker: str | None = None) -> Path:
        """A .torrent of the content, with names of its own, so that no two cells meet at the tracker."""
        to = self.fresh("it.torrent")
        tracked = ["--tracker", tracker or self.tracker] if tracker != "" else []
        run(self.t.bench.swarmcopy, "make", self.top, "-o", to, "--piece-length", PIECE, "--comment", str(to), *tracked, *flags)
        data = bencode.decode(to.read_bytes())
        data[b"info"][b"source"] = to.name.encode() + str(self.number).encode()
        to.write_bytes(bencode.encode(data))
        return to

    def seed(self, torrent: Path, *flags: str, listen: str = "") -> None:
        """Our seed, once it listens."""
        proc = self.t.start(self.ours, self.fresh("seed").name + f"-{self.number}", [
            self.t.bench.swarmcopy, "seed", torrent, "--from", self.top.parent, "--json",
            "--listen", listen or f"{self.ours.address}:{PORT}", *flags])
        self._wait("our seed listens", lambda: proc.events("started"))
        if b"8:announce" in torrent.read_bytes():
            self._wait("the tracker knows our seed", lambda: self._known(torrent))

    def take(self, what: str | Path, *flags: str, peer: str = "", ip: str = "") -> None:
        """The client takes the content."""
        folder = self.fresh("to")
        job = Job(str(what), folder, self.fresh("config"), False, frozenset(flags), peer, ip or self.theirs.address)
        self._start(job)
        self._wait("the client has all", lambda: same(self.top, folder / self.top.name))

    def give(self, torrent: Path, what: str | Path, *flags: str, ours: tuple[str, ...] = ("--no-lsd",)) -> None:
        """The client serves the content, and we take it from there."""
        folder = self.fresh("from")
        shutil.copytree(self.top, folder / self.top.name)
        write_pads(torrent, folder / self.top.name)
        self._start(Job(str(torrent), folder, self.fresh("config"), True, frozenset(flags), "", self.theirs.address))
        to = self.fresh("ours")
        proc = self.t.start(self.ours, to.name + f"-{self.number}", [
            self.t.bench.swarmcopy, "get", what, "--to", to, "--listen", f"{self.ours.address}:{PORT}", "--seed-for", "0s",
            "--deadline", f"{GIVE_SECONDS}s", "--json", "--peer", f"{self.theirs.address}:{PORT}", *ours])
        self._wait("we have all", lambda: proc.code() is not None, GIVE_SECONDS + 5)
        if proc.code() or not same(self.top, to / self.top.name):
            raise Failed(f"our copy ended with {proc.code()}")

    def own_address(self) -> str:
        """A second address of our machine, for another process."""
        address = f"{NETWORK}{BETWEEN + self.number}"
        run("ip", "-n", self.ours.space, "addr", "replace", f"{address}/24", "dev", "eth0")
        return address

    def stop(self) -> None:
        """Ends what the cell has started."""
        spaces = {self.ours.space, self.theirs.space}
        for proc in [proc for proc in self.t.procs if proc.space in spaces and proc.code() is None]:
            proc.popen.kill()
            proc.popen.wait()

    def _known(self, torrent: Path) -> bool:
        info = bencode.raw_value(torrent.read_bytes(), b"info")
        name = (hashlib.sha1 if b"6:pieces" in info else hashlib.sha256)(info).digest()[:20]
        url = self.tracker.replace("/announce", "/scrape") + "?info_hash=" + quote(name, safe="")
        with urllib.request.urlopen(url, timeout=5) as answer:
            return b"8:completei1e" in answer.read()

    def _start(self, job: Job) -> None:
        name = self.fresh("client").name + f"-{self.number}"
        matrix.start(self.t, self.theirs, name, self.row, job)

    def _wait(self, what: str, ready: Callable[[], object], seconds: float = CELL_SECONDS) -> None:
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise Failed(f"not within {seconds:g} s: {what}")
            time.sleep(0.1)


def same(one: Path, two: Path) -> bool:
    """Whether a copy is whole; empty files are made by some clients alone."""
    for path in FILES:
        if FILES[path] and (not (two / path).is_file() or (one / path).read_bytes() != (two / path).read_bytes()):
            return False
    return True


def write_pads(torrent: Path, folder: Path) -> None:
    """The pads of a hybrid as files: who doesn't know them reads them from the disk."""
    for file in bencode.decode(torrent.read_bytes())[b"info"].get(b"files", []):
        if b"p" in file.get(b"attr", b""):
            pad = folder.joinpath(*(part.decode() for part in file[b"path"]))
            pad.parent.mkdir(parents=True, exist_ok=True)
            pad.write_bytes(bytes(file[b"length"]))


def magnet(torrent: Path, tracker: str = "", peer: str = "") -> str:
    """The magnet link of a torrent of version 1."""
    parts = [f"magnet:?xt=urn:btih:{info_hash(torrent).hex()}"]
    parts += [f"tr={quote(tracker, safe='')}"] if tracker else []
    parts += [f"x.pe={peer}"] if peer else []
    return "&".join(parts)


def both_ways(lane: Lane, form: str) -> None:
    """The client takes a torrent of this form from us, and gives it to us."""
    torrent = lane.torrent("--format", form)
    lane.seed(torrent)
    lane.take(torrent, peer=f"{lane.ours.address}:{PORT}")
    lane.stop()
    again = lane.torrent("--format", form)
    lane.give(again, again)


def by_magnet(lane: Lane, _: str) -> None:
    torrent = lane.torrent("--format", "v1")
    lane.seed(torrent)
    lane.take(magnet(torrent, lane.tracker), peer=f"{lane.ours.address}:{PORT}")
    lane.stop()
    again = lane.torrent("--format", "v1")
    lane.give(again, magnet(again))


def by_lsd(lane: Lane, _: str) -> None:
    torrent = lane.torrent("--format", "v1", tracker="")
    lane.seed(torrent)
    lane.take(torrent, "lsd")


def by_pex(lane: Lane, _: str) -> None:
    """The tracker knows a machine of ours alone that has next to nothing: the client must hear of the seed from it."""
    torrent = lane.torrent("--format", "v1")
    secret = lane.fresh("secret.torrent")
    data = bencode.decode(torrent.read_bytes())
    del data[b"announce"]
    secret.write_bytes(bencode.encode(data))
    lane.seed(secret, "--no-lsd")
    between, address = lane.fresh("between"), lane.own_address()
    lane.t.start(lane.ours, between.name + f"-{lane.number}", [
        lane.t.bench.swarmcopy, "get", torrent, "--to", between, "--listen", f"{address}:{PORT}", "--no-lsd", "--json",
        "--peer", f"{lane.ours.address}:{PORT}", "--limit-down", "1K"])
    lane.take(torrent, peer=f"{address}:{PORT}")


def privately(lane: Lane, _: str) -> None:
    torrent = lane.torrent("--format", "v1", "--private")
    lane.seed(torrent)
    lane.take(torrent, peer=f"{lane.ours.address}:{PORT}")


def by_udp(lane: Lane, _: str) -> None:
    place = urlsplit(lane.tracker)
    torrent = lane.torrent("--format", "v1", tracker=f"udp://{place.hostname}:{place.port}/announce")
    lane.seed(torrent, "--no-lsd")
    lane.take(torrent, "udp")


def by_ipv6(lane: Lane, _: str) -> None:
    ours, theirs = (f"fd00:77::{lane.number}:{at}" for at in (1, 2))
    for host, ip in ((lane.ours, ours), (lane.theirs, theirs)):
        run("ip", "-n", host.space, "addr", "add", f"{ip}/64", "dev", "eth0", "nodad")
    by_tracker = matrix.X_PE in lane.row.cannot
    torrent = lane.torrent("--format", "v1", tracker=lane.tracker_ipv6 if by_tracker else "")
    lane.seed(torrent, "--no-lsd", listen=f"[{ours}]:{PORT}")
    lane.take(torrent if by_tracker else magnet(torrent, peer=f"[{ours}]:{PORT}"), peer=f"[{ours}]:{PORT}", ip=theirs)


def encrypted(lane: Lane, _: str) -> None:
    torrent = lane.torrent("--format", "v1")
    lane.seed(torrent)
    lane.take(torrent, "encryption", peer=f"{lane.ours.address}:{PORT}")
    lane.stop()
    again = lane.torrent("--format", "v1")
    lane.give(again, again, "encryption")


def super_seeding(lane: Lane, _: str) -> None:
    """Two of ours take it, which meet by the tracker: rtorrent gives a second piece to who has seen the first elsewhere."""
    torrent = lane.torrent("--format", "v1")
    other = lane.fresh("other")
    lane.t.start(lane.ours, other.name + f"-{lane.number}", [
        lane.t.bench.swarmcopy, "get", torrent, "--to", other, "--listen", f"{lane.own_address()}:{PORT}", "--no-lsd", "--json",
        "--peer", f"{lane.theirs.address}:{PORT}"])
    lane.give(torrent, torrent, "super-seeding")


def one_request(lane: Lane, _: str) -> None:
    torrent = lane.torrent("--format", "v1")
    lane.seed(torrent)
    lane.take(torrent, "one request", peer=f"{lane.ours.address}:{PORT}")


CELLS: dict[str, Cell] = {
    "v1": both_ways, "hybrid": both_ways, "v2": both_ways, "magnet": by_magnet, "lsd": by_lsd, "pex": by_pex, "private": privately, "udp": by_udp,
    "IPv6": by_ipv6, "encryption": encrypted, "super-seeding": super_seeding, "one request": one_request}


def every_client_works_with_us_in_every_way_that_it_can(t: Trial) -> None:
    top = t.dir / "source" / "small"
    for path, size in FILES.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(bytes((at * 7 + at // 251) % 256 for at in range(size)))
    tracker = our_tracker(t, TRACKER_IPV6)
    lanes = [Lane(t, row, number, tracker, top) for number, row in enumerate(ROWS)]
    table: dict[tuple[str, str], str] = {}
    threads = [threading.Thread(target=_go_through, args=(lane, table)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(_drawn(table), flush=True)
    failed = [f"{row}: {cell}: {told}" for (row, cell), told in table.items() if not told[0].isdigit() and told != "-"]
    t.check(not failed, "\n    ".join(["cells failed:", *failed]))


def _go_through(lane: Lane, table: dict[tuple[str, str], str]) -> None:
    for name, cell in CELLS.items():
        told = "-"
        if name not in lane.row.cannot:
            start = time.monotonic()
            try:
                cell(lane, name)
                told = f"{time.monotonic() - start:.1f}"
            except Exception as error:  # one cell's failure must not hide the others
                told = f"failed: {error}"
            lane.stop()
        table[lane.row.name, name] = told


def _drawn(table: dict[tuple[str, str], str]) -> str:
    """The table, and why cells are empty."""
    lines = ["        " + " ".join(f"{name:>13}" for name in ["", *CELLS])]
    for row in ROWS:
        cells = [table[row.name, name] for name in CELLS]
        cells = [cell if cell[0].isdigit() or cell == "-" else "FAILED" for cell in cells]
        lines.append("        " + " ".join(f"{cell:>13}" for cell in [row.name, *cells]))
    for row in ROWS:
        lines += [f"        {row.name}: {cell}: {why}" for cell, why in row.cannot.items() if cell in CELLS]
    return "\n".join(lines)
