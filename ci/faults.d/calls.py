"""Each call of the local disk fails in each way, at several counts (strace's fault injection)."""
import re
import shutil
from collections import Counter
from pathlib import Path

from bench import DISK, DONE, FAILED, Bench, Content, Ran, Wrong

SIZES = [300_000, 120_000, *range(100, 6000, 700), 0]
CALLS = {
    "write": ["pwrite64", "write"],
    "pwritev": ["pwritev", "pwritev2"],
    "fallocate": ["fallocate", "ftruncate"],
    "fdatasync": ["fdatasync", "fsync", "syncfs"],
    "openat": ["openat"],
    "rename": ["rename", "renameat", "renameat2"],
    "mkdir": ["mkdir", "mkdirat"],
    "flock": ["flock"],
    "stat": ["statx", "newfstatat", "fstat"],
    "unlink": ["unlink", "unlinkat", "rmdir"],
}
ERRORS = ["EIO", "ENOSPC", "EINTR", "EAGAIN", "EROFS", "EDQUOT", "EACCES", "ENOLCK", "ENAMETOOLONG", "EMFILE"]
#: Where a fault happens: the first time, later, at each call from some on.
WHEN = ["1", "2", "4", "9", "3+"]
#: The same for a call that is interrupted: no system does that for ever, and Rust's library calls again until it ends.
INTERRUPTED_WHEN = ["1", "2", "4", "9", "3..12"]
#: What came of a case whose call is not made that often.
ABSENT = "without such a call"
#: What passes by itself, if it happens once.
PASSES = {"EINTR", "EAGAIN"}


def calls(bench: Bench) -> str:
    """All of it; the short part takes chance ones."""
    old = Content.make(bench, "calls-old", SIZES, seed=4)
    new = Content.make(bench, "calls", SIZES)
    cases = [(call, error, when, staged) for call in CALLS for error in ERRORS
             for when in (INTERRUPTED_WHEN if error == "EINTR" else WHEN) for staged in (False, True) if fits(call, error, staged)]
    bench.rng.shuffle(cases)
    # one of each call after the other, so that a part of all has some of each
    turn: Counter[str] = Counter()
    turns = []
    for call, *_ in cases:
        turn[call] += 1
        turns.append(turn[call])
    cases = [case for _, case in sorted(zip(turns, cases), key=lambda it: it[0])]
    wanted = bench.count(len(cases), 40)
    counts: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    wrong = []
    for case in cases:
        if hit.total() >= wanted:
            break
        try:
            came = one(bench, old, new, *case)
            counts[came] += 1
            hit[case[0]] += came != ABSENT
        except Wrong as what:
            wrong.append(str(what))
    if wrong:
        raise Wrong(f"{len(wrong)} of {len(wrong) + counts.total()} cases:\n" + "\n".join(wrong[:20]))
    never = sorted(call for call in CALLS if not hit[call])
    if never and not bench.short:
        raise Wrong(f"no fault ever hit {', '.join(never)}: nothing is known of them")
    told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    hits = ", ".join(f"{call} {count}" for call, count in sorted(hit.items()))
    return f"{counts.total()} cases: {told} (faults in {hits}); each copy finished afterwards"


def fits(call: str, error: str, staged: bool) -> bool:
    """Which faults a call can have, and where it is made at all."""
    if error == "ENOLCK":
        return call == "flock" and not staged
    if error in ("ENAMETOOLONG", "EMFILE"):
        return call == "openat" and not staged
    if call in ("rename", "unlink", "stat"):
        return staged or call == "stat"
    return not staged


def one(bench: Bench, old: Content, new: Content, call: str, error: str, when: str, staged: bool) -> str:
    """One case; gives what came of it."""
    name = f"{call} {error} at {when}{' --staged' if staged else ''}"
    to = bench.folder("to-calls")
    if staged:
        old.finish(to)
    log = bench.work / "strace.log"
    more = ("--staged", "--delete-extra") if staged else ()
    inject = [f"inject={','.join(CALLS[call])}:error={error}:when={when}"]
    paths = [argument for path in paths_of(new, to) for argument in ("-P", path)]
    strace = ("strace", "-f", "-qq", "-o", log, *paths, "-e", f"trace={','.join(CALLS[call])}", "-e", *inject)
    try:
        ran = bench.run(*new.command(to, *more), before=strace)
    except Wrong as wrong:
        raise Wrong(f"{name}: {wrong}") from wrong
    hits = log.read_text(errors="replace").count("(INJECTED)")
    judge(name, ran, to, error, when, hits, call)
    try:
        check(old, new, to, staged)
        new.finish(to, *more)
    except Wrong as wrong:
        raise Wrong(f"{name}: exit {ran.code}, {hits} faults: {wrong}\n{ran.err}") from wrong
    shutil.rmtree(to)
    if not hits:
        return ABSENT
    return "borne" if ran.code == DONE else "ended with the file and the reason"


def check(old: Content, new: Content, to: Path, staged: bool) -> None:
    """No wrong byte; with --staged the old tree or the new one stands there, whole."""
    if not staged:
        new.check_bytes(to / "CS5")
        return
    place = to / "CS5" if (to / "CS5").exists() else to / "CS5.swarmcopy-old"
    if not (old.is_whole(place) or new.is_whole(place)):
        raise Wrong("no version is whole")


def paths_of(content: Content, to: Path) -> list[Path]:
    """All that a copy touches at the target."""
    paths = [to]
    for suffix in ["", ".swarmcopy-staged", ".swarmcopy-old"]:
        top = to / f"CS5{suffix}"
        paths += [top, *(top / path.relative_to(content.top) for path in content.top.rglob("*"))]
    return paths + [to / f"CS5.swarmcopy{suffix}" for suffix in ["", "-held", "-holder", "-end"]]


def judge(name: str, ran: Ran, to: Path, error: str, when: str, hits: int, call: str) -> None:
    """The exit code is right, and the message names a file and the reason."""
    if ran.code == DONE:
        return
    if not hits:
        raise Wrong(f"{name}: ended with {ran.code} without a fault: {ran.err}")
    if call == "flock" and error == "EAGAIN" and ran.code == FAILED and "another process" in ran.err:
        # that is what this answer means
        return
    if error in PASSES and when.isdigit():
        raise Wrong(f"{name}: not tried again, ended with {ran.code}: {ran.err}")
    if ran.code != DISK:
        raise Wrong(f"{name}: ended with {ran.code} instead of {DISK}: {ran.err}")
    if not re.search(rf"error: .*{re.escape(str(to))}", ran.err):
        raise Wrong(f"{name}: no file is named: {ran.err}")
