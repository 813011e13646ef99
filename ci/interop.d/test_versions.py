"""The next version of 20,000 files: only what changed is fetched, once for all machines."""
import random
import shutil
from pathlib import Path

import bencode
import servers
from clients import get, make, report
from harness import Trial
from test_tree import differences

FILES = 20_000
FOLDERS = 100
PART = FILES // 20
MACHINES = 4


def plant(top: Path, rng: random.Random) -> None:
    """Many files of 1 to 20 KB."""
    for number in range(FILES):
        path = top / f"folder {number % FOLDERS:02}" / f"file {number:05}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(rng.randint(1000, 20_000)))


def change(top: Path, rng: random.Random) -> set[str]:
    """5 % of the files are changed, as many renamed, removed and added; gives those with new bytes."""
    files = sorted(path for path in top.rglob("file *"))
    chosen = rng.sample(files, 3 * PART)
    fresh = set()
    for path in chosen[:PART]:
        path.write_bytes(rng.randbytes(path.stat().st_size))
        fresh.add(path.relative_to(top).as_posix())
    for path in chosen[PART:2 * PART]:
        path.rename(path.with_name(f"renamed {path.name}"))
    for path in chosen[2 * PART:]:
        path.unlink()
    for number in range(PART):
        path = top / f"folder {number % FOLDERS:02}" / f"new {number:05}"
        path.write_bytes(rng.randbytes(rng.randint(1000, 20_000)))
        fresh.add(path.relative_to(top).as_posix())
    return fresh


def changed_bytes(torrent: Path, fresh: set[str]) -> int:
    """Bytes of files, without pads, in the pieces that hold new bytes."""
    info = bencode.decode(torrent.read_bytes())[b"info"]
    length, at, spans = info[b"piece length"], 0, []
    pieces = set()
    for file in info[b"files"]:
        path = "/".join(name.decode() for name in file[b"path"])
        end = at + file[b"length"]
        if b"p" not in file.get(b"attr", b""):
            spans.append((at, end))
            if path in fresh and end > at:
                pieces.update(range(at // length, (end - 1) // length + 1))
        at = end
    total = 0
    for start, end in spans:
        for piece in range(start // length, max(start, end - 1) // length + 1):
            if piece in pieces:
                total += max(0, min(end, (piece + 1) * length) - max(start, piece * length))
    return total


def a_new_version_of_many_files_moves_what_changed(t: Trial) -> None:
    tracker = servers.our_tracker(t)
    for form, bound in [("v1", 1.1), ("hybrid", 1.02)]:
        rng = random.Random(form)
        top = t.dir / form / "CS5"
        plant(top, rng)
        old = make(t, "--format", form, "--piece-length", "64KiB", top=top, to=f"old-{form}.torrent")
        hosts = [t.host(f"{form}{number}") for number in range(MACHINES)]
        for host in hosts:
            first = get(t, host, old, "--share", top.parent, "--seed-for", "0s", name=f"old-{host.name}")
            t.wait_exit(first.proc)
        # what lies there is that of the old version, whatever the share becomes
        fresh = change(top, rng)
        new = make(t, "--format", form, "--after", str(old), top=top, to=f"new-{form}.torrent")
        wanted = changed_bytes(new, fresh)
        flags = ("--share", top.parent, "--tracker", tracker, "--delete-extra", "--seed-for", "20s")
        runs = [get(t, host, new, *flags, name=f"new-{host.name}") for host in hosts]
        told = []
        for ran in runs:
            t.wait_exit(ran.proc)
            told.append(report(ran))
            found = differences(top, ran.to / "CS5")
            t.check(not found, f"rsync would still do: {found[:5]}")
        for one in told:
            fetched = one["from_share"] + one["from_mirror"] + one["from_peers"]
            t.check(fetched <= wanted * bound, f"{form}: {fetched} bytes fetched, {wanted} are in changed pieces")
        read = sum(one["origin_bytes"] for one in told)
        t.check(read <= wanted * bound, f"{form}: the server sent {read} for {MACHINES} machines, {wanted} are new")
        print(f"        {form}: {wanted} bytes in changed pieces; fetched {[o['from_share'] + o['from_peers'] for o in told]}, "
              f"the server sent {read}")
        shutil.rmtree(top)
