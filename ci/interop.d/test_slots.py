"""Who reads the origin, with real processes: alone, with comers and goers, when a holder dies, with lock files."""
import hashlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import servers
from clients import Client, end, get, make, report
from harness import Failed, Host, Proc, Trial, run

SLOW = "11mbit"
BRISK = "40mbit"
ALONE_RATIO = 0.98
ALONE_ATTEMPTS = 3
K = 4
MACHINES = 30
CONTENT_BYTES = 12_000_000
DONE_SECONDS = 240
OBSERVE_SECONDS = 0.01


def a_machine_alone_is_as_fast_as_without_protection(t: Trial) -> None:
    mirror = servers.mirror(t)
    torrent = make(t, "--mirror", mirror.url)
    # a busy computer costs one of the two its time, but not the same one each time
    ratios = []
    for attempt in range(ALONE_ATTEMPTS):
        ratios.append(_alone(t, torrent, attempt))
        if ratios[-1] >= ALONE_RATIO:
            return
    raise Failed(f"alone at {ratios} of the speed without protection")


def _alone(t: Trial, torrent: Path, attempt: int) -> float:
    """How fast a machine alone is, compared with one that copies at the same time without protection."""
    clients = []
    for mode in ("protect", "fast"):
        # its queue holds the first windows of all connections: in a shorter one some lose packet after packet, and it is
        # chance that decides which of the two copies waits for them
        host = _slow_host(t, f"{mode}{attempt}", SLOW, "300ms")
        # its cable leads to the mirror and to no other machine of that kind: both are alone
        run("ip", "link", "set", f"v{len(t.hosts)}", "type", "bridge_slave", "isolated", "on")
        clients.append(get(t, host, torrent, "--lsd", "--seed-for", "0", "--origin", mode))
    protect, fast = (_ended(t, client) for client in clients)
    held = [event["slots"] for event in clients[0].proc.events("progress") if event["slots"]]
    t.check(held and held[0] == [0, 1, 2], f"not all slots at once: {held[:3]}")
    t.check(protect["seconds"] >= 30, f"only {protect['seconds']} s: no copy of half a minute")
    t.check(protect["origin_reader_seconds"] <= protect["seconds"] + 0.1, f"read for longer than it ran: {protect}")
    ratio: float = fast["seconds"] / protect["seconds"]
    print(f"        alone: {protect['seconds']} s, fast {fast['seconds']} s, ratio {ratio:.3f}", flush=True)
    return ratio


def who_goes_and_comes_back_costs_no_second_copy(t: Trial) -> None:
    mirror = servers.mirror(t)
    torrent = make(t, "--mirror", mirror.url)
    first = get(t, _slow_host(t, "first", BRISK), torrent, "--lsd", "--stay")
    _until(t, first, 0.15)
    host = _slow_host(t, "second", BRISK)
    second = get(t, host, torrent, "--lsd", "--stay", name="killed")
    _until(t, second, 0.3)
    second.proc.stop(signal.SIGKILL)
    before = second.proc.events("progress")[-1]
    back = get(t, host, torrent, "--lsd", "--stay", name="back")
    for client in (first, back):
        _complete(t, client)
    end(first, back)
    for client in (first, back):
        t.check_copy(client.to / t.tree.name)
    # what the journal had not yet noted died, and what was on its way: half a second more than the last look tells
    died = max(0, before["verified"] + before["rate"] // 2 - report(back)["reused"])
    # until they find each other both may read the same
    apart = 2 * next(_from_mirror(event) for event in back.proc.events("progress") if event["peers"])
    copies = mirror.bytes_sent() / t.tree.bytes
    shown = f"{copies:.4f} copies, of which {died / t.tree.bytes:.4f} died and {apart / t.tree.bytes:.4f} were read apart"
    print(f"        {shown}", flush=True)
    t.check_measured(copies <= 1.02 + (died + apart) / t.tree.bytes, shown)


def a_holder_that_is_killed_is_replaced_within_six_seconds(t: Trial) -> None:
    mirror = servers.mirror(t)
    torrent = make(t, "--mirror", mirror.url)
    swarm = {name: get(t, _slow_host(t, name, "20mbit"), torrent, "--lsd", "--stay") for name in ("one", "two", "three")}
    for client in swarm.values():
        _until(t, client, 0.2)
    name, slots = t.wait("somebody holds a slot", lambda: next(
        ((name, held) for name, client in swarm.items() if (held := _slots(client))), None))
    swarm.pop(name).proc.stop(signal.SIGKILL)
    start = time.monotonic()
    t.wait("another goes on", lambda: any(set(slots) & set(_slots(client)) for client in swarm.values()), 12)
    took = time.monotonic() - start
    print(f"        slot {slots} taken over after {took:.2f} s", flush=True)
    t.check_measured(took <= 6, f"slot {slots} was taken over after {took:.2f} s only")
    swarm[name] = get(t, t.hosts[name], torrent, "--lsd", "--stay", name="again")
    for client in swarm.values():
        _complete(t, client)
    end(*swarm.values())
    for client in swarm.values():
        t.check_copy(client.to / t.tree.name)


def lock_files_count_the_readers_of_two_contents_together(t: Trial) -> None:
    share = t.dir / "share"
    contents = [_content(t, share, name) for name in ("CS5", "CS6")]
    locks = [(share / ".swarmcopy" / f"slot-{slot}").stat().st_ino for slot in range(K)]
    host = t.host("many")
    procs = []
    for number in range(MACHINES):
        content = contents[number % 2]
        to = t.dir / f"to-{number}"
        procs.append((content, to, t.start(host, f"get-{number}", [
            t.bench.swarmcopy, "get", f"{content}.torrent", "--to", to, "--json", "--stay", "--origin-rate", "2M"])))
    seen = Seen(share, {proc.popen.pid: proc for _, _, proc in procs}, locks)
    victims: list[Proc] = []
    for victim in range(3):
        seen.watch(t, "somebody holds a lock", lambda: seen.holders - {proc.popen.pid for proc in victims})
        seen.watch(t, "the swarm moves on", _passes(1.5))
        victims.append(_kill_a_holder(t, seen, locks))
    alive = [(content, to, proc) for content, to, proc in procs if proc not in victims]
    seen.watch(t, "all have it", lambda: all(proc.events("complete") for _, _, proc in alive), DONE_SECONDS)
    print(f"        at most {seen.holders_max} held locks and {seen.readers_max} had the content open, "
          f"{seen.looks} looks", flush=True)
    t.check(0 < seen.holders_max <= K, f"{seen.holders_max} machines held locks")
    t.check(0 < seen.readers_max <= K, f"{seen.readers_max} machines had the share's content open")
    for content, to, proc in alive:
        proc.stop()
        t.check(_digests(to / content.name) == _digests(content), f"{to} is no true copy")
        told = proc.events("report")[-1]
        t.check(told["guard"] == "local", f"guard {told['guard']} on one machine")
    sums = [sum(proc.events("report")[-1]["origin_bytes"] for of, _, proc in alive if of == content) for content in contents]
    print(f"        {[round(total / CONTENT_BYTES, 3) for total in sums]} copies read by those who lived", flush=True)


@dataclass
class Seen:
    """What an observer sees: who holds a lock, and who has a file of the share's content open."""

    share: Path
    procs: dict[int, Proc]
    locks: list[int]
    holders: set[int] = field(default_factory=set)
    holders_max: int = 0
    readers: set[int] = field(default_factory=set)
    readers_max: int = 0
    looks: int = 0

    def look(self) -> None:
        """Looks once."""
        held = [pid for pid, inode in _flocks() if inode in self.locks]
        self.holders = set(held) & self.procs.keys()
        self.holders_max = max(self.holders_max, len(held))
        # a look takes time: who reads in this one and in the last read between the two, together
        readers = set(filter(self._reads, self.procs))
        self.readers_max = max(self.readers_max, len(readers & self.readers))
        self.readers = readers
        self.looks += 1

    def _reads(self, pid: int) -> bool:
        top = f"{self.share}/CS"
        try:
            return any(os.readlink(fd).startswith(top) for fd in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return False

    def watch(self, t: Trial, what: str, ready: Callable[[], Any], seconds: float = 60) -> None:
        """Looks until `ready` gives something true."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise Failed(f"not within {seconds:g} s: {what}")
            self.look()
            time.sleep(OBSERVE_SECONDS)


def _kill_a_holder(t: Trial, seen: Seen, locks: list[int]) -> Proc:
    seen.watch(t, "a machine holds a lock", lambda: seen.holders)
    pid = min(seen.holders)
    seen.procs[pid].popen.send_signal(signal.SIGKILL)
    start = time.monotonic()
    while any(of == pid and inode in locks for of, inode in _flocks()):
        t.check_measured(time.monotonic() < start + 1, f"the lock of {pid} was not free within a second")
    return seen.procs[pid]


def _flocks() -> Iterator[tuple[int, int]]:
    """Process and inode of every lock that is held (those that wait have an arrow)."""
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK":
            yield int(fields[4]), int(fields[5].split(":")[2])


def _passes(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _content(t: Trial, share: Path, name: str) -> Path:
    """A content on the share with its .torrent and the lock files beside it."""
    top = share / name
    top.mkdir(parents=True)
    noise = random.Random(name)
    for number in range(4):
        (top / f"part {number}").write_bytes(noise.randbytes(CONTENT_BYTES // 4))
    run(t.bench.swarmcopy, "make", top, "--slots", str(K))
    return top


def _digests(top: Path) -> dict[str, str]:
    files = (path for path in top.rglob("*") if path.is_file())
    return {str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _slow_host(t: Trial, name: str, rate: str, queue: str = "40ms") -> Host:
    """A machine whose link takes that much and no more, behind a queue that lasts so long."""
    host = t.host(name)
    run("tc", "qdisc", "add", "dev", f"v{len(t.hosts)}", "root", "tbf", "rate", rate, "burst", "64kb", "latency", queue)
    return host


def _from_mirror(event: dict[str, Any]) -> int:
    return sum(source["bytes"] for source in event["sources"] if source["kind"] == "mirror")


def _slots(client: Client) -> list[int]:
    events = client.proc.events("progress")
    slots: list[int] = events[-1]["slots"] if events else []
    return slots


def _until(t: Trial, client: Client, part: float) -> None:
    def far_enough() -> bool:
        events = client.proc.events("progress")
        return bool(events) and events[-1]["phase"] != "checking" and events[-1]["verified"] >= part * t.tree.bytes
    t.wait(f"{client.proc.name} has {part:.0%}", far_enough)


def _complete(t: Trial, client: Client) -> None:
    t.wait(f"{client.proc.name} is complete", client.is_complete)


def _ended(t: Trial, client: Client) -> dict[str, Any]:
    t.wait_exit(client.proc)
    t.check_copy(client.to / t.tree.name)
    return report(client)
