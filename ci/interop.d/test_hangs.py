"""A share whose calls never return: it delays no other source, and nobody who wants to leave."""
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import servers
from clients import Client, finished, get, make
from harness import Trial

HANG = Path(__file__).with_name("hang.py")
LIMIT = ("--limit-down", "8M", "--seed-for", "0s")
INTERRUPTED = 130
LEAVES_WITHIN_SECONDS = 2
# it waits ten seconds for the share, and listens to the network
DOCTOR_WITHIN_SECONDS = 45


@dataclass(frozen=True)
class Share:
    """A mounted folder that holds the tree, and the file that says which of its calls hang."""

    at: Path
    mood: Path

    def hangs(self, kinds: str) -> None:
        """From now on."""
        self.mood.write_text(kinds)


def a_share_that_hangs_at_the_start_delays_no_mirror(t: Trial) -> None:
    share, mirror, torrent = _room(t)
    alone = _seconds_alone(t, torrent, mirror)
    for kinds in ("lookup", "open", "read", "readdir open"):
        share.hangs(kinds)
        begun = time.monotonic()
        ours = _get(t, torrent, f"hung-{kinds.replace(' ', '-')}", "--share", share.at, "--mirror", mirror.url)
        _in_its_own_time(t, ours, begun, alone, kinds)
        share.hangs("")


def a_share_that_hangs_in_the_middle_delays_no_mirror(t: Trial) -> None:
    share, mirror, torrent = _room(t)
    alone = _seconds_alone(t, torrent, mirror)
    for kinds in ("read", "open", "lookup open read readdir"):
        begun = time.monotonic()
        ours = _get(t, torrent, f"hung-{kinds.replace(' ', '-')}", "--share", share.at, "--mirror", mirror.url)
        t.wait("a third is copied", lambda: _verified(ours) > t.tree.bytes // 3)
        share.hangs(kinds)
        _in_its_own_time(t, ours, begun, alone, kinds)
        t.check_measured(_from_share(ours) > 0, f"nothing came from the share before it hung: {kinds}")
        share.hangs("")


def who_copies_from_a_share_that_hangs_can_leave_at_once(t: Trial) -> None:
    share, mirror, torrent = _room(t)
    for kinds, part in (("lookup", 0.0), ("open", 0.0), ("read", 0.0), ("read", 0.3), ("lookup open read readdir", 0.3)):
        name = f"left-{kinds.replace(' ', '-')}-{part}"
        share.hangs("" if part else kinds)
        ours = _get(t, torrent, name, "--share", share.at)
        if part:
            t.wait("a part is copied", lambda: _verified(ours) > t.tree.bytes * part)
            share.hangs(kinds)
        # a moment in which it waits for the share
        waits_at = time.monotonic() + 1
        t.wait("it waits for the share", lambda: time.monotonic() > waits_at)
        begun = time.monotonic()
        ours.proc.popen.send_signal(signal.SIGINT)
        t.wait_exit(ours.proc, INTERRUPTED, seconds=LEAVES_WITHIN_SECONDS)
        print(f"        {kinds} at {part}: left after {time.monotonic() - begun:.2f} s")
        # the target is free: the same command with another source goes on
        finished(t, _get(t, torrent, f"{name}-again", "--mirror", mirror.url, to=name))
        share.hangs("")


def the_doctor_tells_of_a_share_that_hangs(t: Trial) -> None:
    """Where the share of the .torrent hangs, too: that is ill, and all other looks are taken."""
    share, _, torrent = _room(t)
    (t.tree.parent / torrent.name).write_bytes(torrent.read_bytes())
    share.hangs("lookup open read")
    doctor = t.start(t.host("doctor"), "doctor", [t.bench.swarmcopy, "doctor", share.at / torrent.name, "--json"])
    t.wait_exit(doctor, 1, seconds=DOCTOR_WITHIN_SECONDS)
    found = {it["check"]: it["verdict"] for it in doctor.events("finding")}
    t.check(found["what"] == "ill" and "disk" in found and "multicast" in found, f"it found {found}")


def _room(t: Trial) -> tuple[Share, servers.Mirror, Path]:
    """A share that can hang, a mirror and a torrent."""
    at, mood = t.dir / "mount", t.dir / "mood"
    at.mkdir()
    mood.write_text("")
    proc = t.start(t.host("machine"), "share", [sys.executable, "-B", HANG, t.tree.parent, at, mood])
    t.wait("the share is mounted", lambda: proc.events("mounted"))
    t.mounts.append(at)
    proc.serves = True
    return Share(at, mood), servers.mirror(t), make(t)


def _get(t: Trial, torrent: Path, name: str, *flags: str | Path, to: str = "") -> Client:
    return get(t, t.hosts["machine"], torrent, *LIMIT, *flags, name=name, to=to or name)


def _seconds_alone(t: Trial, torrent: Path, mirror: servers.Mirror) -> float:
    """How long the mirror alone takes, from start to end."""
    begun = time.monotonic()
    finished(t, _get(t, torrent, "alone", "--mirror", mirror.url))
    return time.monotonic() - begun


def _in_its_own_time(t: Trial, ours: Client, begun: float, alone: float, kinds: str) -> None:
    """The copy ends, and so does the process, as if the mirror were alone."""
    finished(t, ours)
    took = time.monotonic() - begun
    print(f"        {kinds}: {took:.2f} s, the mirror alone {alone:.2f} s")
    t.check_measured(took <= 1.25 * alone + 3, f"{took:.1f} s where the mirror alone takes {alone:.1f} s: {kinds}")


def _verified(client: Client) -> int:
    return max((event["verified"] for event in client.proc.events("progress")), default=0)


def _from_share(client: Client) -> int:
    return int(client.proc.events("report")[0]["from_share"])
