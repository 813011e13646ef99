"""SIGKILL at any moment of a copy, and at the calls of the switch of `--staged`."""
import shutil
import time
from collections import Counter

from bench import DONE, KILLED, Bench, Content, Wrong

SIZES = [9_000_000, 3_000_000, 700_000, *range(1000, 120_000, 1700), 0]


def kills(bench: Bench) -> str:
    """A copy is killed again and again until it is complete."""
    content = Content.make(bench, "kills", SIZES)
    to = bench.folder("to-kills")
    begun = time.monotonic()
    content.finish(to)
    whole = time.monotonic() - begun
    wanted, killed, complete = bench.count(300, 40), 0, 0
    shutil.rmtree(to / "CS5")
    while killed < wanted:
        process = bench.start(*content.command(to))
        time.sleep(bench.rng.uniform(0, min(whole * 1.1, 1.0)))
        process.kill()
        _, err = process.communicate()
        if b"panicked" in err:
            raise Wrong(f"a panic: {err!r}")
        if process.returncode == KILLED:
            killed += 1
            content.check_bytes(to / "CS5")
        elif process.returncode != DONE:
            raise Wrong(f"ended with {process.returncode}: {err!r}")
        if process.returncode == DONE or killed % 25 == 0:
            content.finish(to)
            complete += 1
            shutil.rmtree(to / "CS5")
    return f"{killed} kills, {complete} copies finished afterwards, no wrong byte"


def switches(bench: Bench) -> str:
    """Killed at the calls that put a new version in the place of the old one, there is one version, whole."""
    sizes = [200_000, 50_000, *[3000] * 60]
    versions = [Content.make(bench, f"version{number}", sizes, seed=number) for number in range(2)]
    to = bench.folder("to-switch")
    versions[0].finish(to)
    seen: Counter[str] = Counter()
    wanted, killed, turn = bench.count(50, 10), 0, 1
    while killed < wanted:
        new, old = versions[turn], versions[1 - turn]
        call = bench.rng.choice(["rename", "renameat2", "unlink", "rmdir", "utimensat", "fdatasync", "openat", "statx"])
        when = bench.rng.choice([1, 2, 5, 30, 100]) if call in ("unlink", "openat", "statx") else bench.rng.choice([1, 2])
        inject = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={when}")
        ran = bench.run(*new.command(to, "--staged", "--delete-extra"), before=inject)
        if ran.code not in (DONE, KILLED, 128 - KILLED):
            raise Wrong(f"ended with {ran.code}: {ran.err}")
        if ran.code != DONE:
            killed += 1
        place = to / "CS5"
        if not place.exists():
            place = to / "CS5.swarmcopy-old"
        which = [name for name, content in (("new", new), ("old", old)) if content.is_whole(place)]
        if len(which) != 1:
            raise Wrong(f"killed at {call} number {when}: {which or 'no version'} is whole")
        seen[which[0]] += 1
        new.finish(to, "--staged", "--delete-extra")
        turn = 1 - turn
    return f"{killed} kills around the switch: {seen['old']} times the old version, {seen['new']} times the new one, whole"
