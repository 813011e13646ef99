"""Rooms in which something happens, with real processes: each machine ends near its bound after the last change.

Each room prints the time that was left to do, what it took, the longest time without a byte, and the copies that were sent.
"""
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clients import PORT, Client, end, get, make, seed
from harness import Host, Proc, Trial
from servers import MIRROR_PORT

MBIT = 80
RATE = MBIT * 1_000_000 / 8
AWAY_SECONDS = 6
FREEZE_SECONDS = 15
FACTOR, MORE_SECONDS = 1.25, 3.0
STATUSES = ("404", "403", "login", "range", "416")


@dataclass
class Server:
    """A mirror in a mood that can be changed; it stands on a line of its own."""

    t: Trial
    host: Host
    mood: Path
    log: Path
    proc: Proc | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host.address}:{MIRROR_PORT}/"

    def start(self) -> None:
        """Starts it, once more after it was ended."""
        argv = [sys.executable, "-B", Path(__file__).with_name("origin.py"), self.t.tree.parent, self.host.address, str(MIRROR_PORT)]
        name = f"{self.host.name}-{len(self.t.procs)}"
        proc = self.t.start(self.host, name, [*argv, "--log", self.log, "--mood", self.mood])
        self.t.wait("origin.py listens", lambda: proc.events("listens"))
        self.proc = proc

    def becomes(self, mood: str) -> None:
        """Its mood from now on; `refusing` = it is gone."""
        if mood == "refusing" and self.proc:
            self.proc.stop(signal.SIGKILL)
            self.proc = None
            return
        self.mood.write_text(mood)
        if self.proc is None:
            self.start()

    def bytes_sent(self) -> int:
        """Bytes that it answered with."""
        return sum(int(line.split(" ")[-1]) for line in self.log.read_text().splitlines())


def _server(t: Trial, name: str, mood: str = "well") -> Server:
    host = t.host(name)
    t.shape(host, MBIT)
    at = t.dir / f"{name}.mood"
    at.write_text(mood)
    log = t.dir / f"{name}.log"
    log.touch()
    server = Server(t, host, at, log)
    server.start()
    return server


def _hosts(t: Trial, count: int) -> list[Host]:
    hosts = [t.host(f"m{number}") for number in range(count)]
    for host in hosts:
        t.shape(host, MBIT)
    return hosts


def _begin(t: Trial, hosts: list[Host], torrent: Path, room: str, *flags: str) -> list[Client]:
    """All machines begin a copy of their own for this room."""
    return [
        get(t, host, torrent, "--lsd", "--stay", *flags, name=f"{room}-{host.name}", to=f"{room}-{host.name}")
        for host in hosts]


def _verified(client: Client) -> int:
    events = client.proc.events("progress")
    return int(events[-1]["verified"]) if events else 0


def _all_have(t: Trial, clients: list[Client], part: float) -> None:
    t.wait(f"all have {part:.0%}", lambda: all(_verified(client) >= part * t.tree.bytes for client in clients))


def _ends_in_time(
        t: Trial, room: str, clients: list[Client], server: Server | None = None, sites: int = 1, more: float = MORE_SECONDS) -> None:
    """From now on all end near the time that their lines need for what is left, so many times over."""
    start = time.monotonic()
    bound = max(t.tree.bytes - _verified(client) for client in clients) / RATE * sites
    t.wait(f"{room}: all have it", lambda: all(client.is_complete() for client in clients))
    took = time.monotonic() - start
    end(*clients)
    stall = max(map(_stall, clients))
    copies = f", {server.bytes_sent() / t.tree.bytes:.2f} copies sent" if server else ""
    print(f"        {room}: bound {bound:.1f} s, took {took:.1f} s, longest wait {stall:.1f} s{copies}", flush=True)
    for client in clients:
        t.check_copy(client.to / t.tree.name)
    t.check_measured(took <= FACTOR * bound + more, f"{room}: {took:.1f} s for {bound:.1f} s")


def _stall(client: Client) -> float:
    """The longest time between two looks that showed more, as the program tells."""
    longest, at, seen = 0.0, 0.0, -1
    for event in client.proc.events("progress"):
        if event["verified"] != seen:
            longest = max(longest, event["seconds"] - at)
            at, seen = event["seconds"], event["verified"]
    return longest


def _after_a_mood(t: Trial, machines: int, moods: tuple[str, ...]) -> None:
    server = _server(t, "mirror")
    torrent = make(t, "--mirror", server.url)
    hosts = _hosts(t, machines)
    for mood in moods:
        clients = _begin(t, hosts, torrent, mood)
        _all_have(t, clients, 0.1)
        server.becomes(mood)
        time.sleep(AWAY_SECONDS)
        server.becomes("well")
        _ends_in_time(t, mood, clients)


def a_mirror_that_was_away_is_read_again_by_three_machines(t: Trial) -> None:
    _after_a_mood(t, 3, ("refusing", "silent", "503", "404"))


def a_mirror_that_was_away_is_read_again_by_eight_machines(t: Trial) -> None:
    _after_a_mood(t, 8, ("refusing",))


def a_bad_mirror_beside_a_good_one_costs_nothing(t: Trial) -> None:
    good, bad = _server(t, "good"), _server(t, "bad")
    torrent = make(t, "--mirror", bad.url, "--mirror", good.url)
    hosts = _hosts(t, 1)
    for mood in STATUSES:
        bad.becomes(mood)
        _ends_in_time(t, mood, _begin(t, hosts, torrent, mood))


def _leave(client: Client) -> None:
    client.proc.stop()


def _crash(client: Client) -> None:
    client.proc.stop(signal.SIGKILL)


def _freeze(client: Client) -> None:
    client.proc.popen.send_signal(signal.SIGSTOP)


def who_leaves_crashes_or_freezes_holds_nobody_up(t: Trial) -> None:
    server = _server(t, "mirror")
    torrent = make(t, "--mirror", server.url)
    hosts = _hosts(t, 3)
    faults: dict[str, Callable[[Client], None]] = {"leaves": _leave, "crashes": _crash, "freezes": _freeze}
    for room, fault in faults.items():
        clients = _begin(t, hosts, torrent, room)
        _all_have(t, clients, 0.1)
        fault(clients[0])
        _ends_in_time(t, room, clients[1:])
        if room == "freezes":
            time.sleep(FREEZE_SECONDS)
            clients[0].proc.popen.send_signal(signal.SIGCONT)
            _ends_in_time(t, "thaws", clients[:1])


def a_stranger_that_knocks_once_holds_nobody_up(t: Trial) -> None:
    server = _server(t, "mirror")
    torrent = make(t, "--mirror", server.url)
    clients = _begin(t, _hosts(t, 1), torrent, "stranger")
    _all_have(t, clients, 0.05)
    with socket.create_connection((clients[0].host.address, PORT)):
        pass
    _ends_in_time(t, "stranger", clients, server)


def a_slow_seed_that_has_everything_does_not_keep_the_mirror_unread(t: Trial) -> None:
    server = _server(t, "mirror")
    torrent = make(t, "--mirror", server.url)
    slow = t.host("slow")
    t.shape(slow, 1)
    peer = seed(t, torrent, host=slow).peer
    _ends_in_time(t, "slow seed", _begin(t, _hosts(t, 1), torrent, "slow-seed", "--peer", peer), server)


def a_dead_peer_holds_nobody_up(t: Trial) -> None:
    server = _server(t, "mirror")
    torrent = make(t, "--mirror", server.url)
    nobody = f"{t.host('nobody').address}:{PORT}"
    _ends_in_time(t, "dead peer", _begin(t, _hosts(t, 1), torrent, "dead-peer", "--peer", nobody), server)


def a_thin_uplink_holds_nobody_else_up(t: Trial) -> None:
    server = _server(t, "mirror")
    torrent = make(t, "--mirror", server.url)
    thin, *others = (t.host(f"m{number}") for number in range(3))
    t.shape(thin, MBIT, up=MBIT // 20)
    for host in others:
        t.shape(host, MBIT)
    clients = _begin(t, [thin, *others], torrent, "thin")
    # that it is thin shows late: when all else is there
    _ends_in_time(t, "beside a thin uplink", clients[1:], server, more=2 * MORE_SECONDS)
    # what the thin one sent delayed its own requests
    _ends_in_time(t, "the thin uplink", clients[:1], server)


def readers_and_groups_that_differ_hold_nobody_up(t: Trial) -> None:
    server = _server(t, "mirror")
    torrent = make(t, "--mirror", server.url)
    hosts = _hosts(t, 4)
    fewer = _begin(t, hosts[:1], torrent, "readers", "--origin-readers", "1") + _begin(t, hosts[1:], torrent, "readers", "--origin-readers", "4")
    _ends_in_time(t, "readers that differ", fewer, server)
    groups = _begin(t, hosts[:2], torrent, "groups", "--group", "east") + _begin(t, hosts[2:], torrent, "groups", "--group", "west")
    sites = 2  # each reads a copy, and the mirror's line is as fast as one machine's
    _ends_in_time(t, "groups that differ", groups, server, sites)
