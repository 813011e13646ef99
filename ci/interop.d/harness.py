"""Trials: a test's own folder, machines (network namespaces), processes and deadlines.

What must stay true: every process, namespace and mount of a trial is gone when the trial is over, and nothing waits
without a deadline. The runner lives in the hub's namespace, on the bridge that joins the machines.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tree import Tree

T = TypeVar("T")
Argv = list[str | Path]

WAIT_SECONDS = 90
POLL_SECONDS = 0.05
STOP_SECONDS = 10
LOG_LINES = 60
LOG_STEPS = 10
QUEUE_MS = 20
NETWORK = "10.213.77."
HUB = NETWORK + "254"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """The rule does not hold."""


class OutOfBounds(Failed):
    """Something measured is out of its bound: the rule does not hold, or the machine paused."""


class Skipped(Exception):
    """The test cannot run here."""


@dataclass(frozen=True)
class Bench:
    """What all trials share."""

    swarmcopy: Path
    libtorrent_python: Path
    webtorrent: Path
    prefix: str
    work: Path
    tree: Tree


@dataclass(frozen=True)
class Host:
    """A machine: a namespace with one address."""

    name: str
    space: str
    address: str


class Proc:
    """A process on a machine, its output in files."""

    def __init__(
            self, host: Host, name: str, argv: Argv, folder: Path, cwd: Path | None, env: dict[str, str] | None = None):
        self.name, self.argv, self.space = name, [str(arg) for arg in argv], host.space
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        self.serves = False
        # what an account remembers of complete copies is each trial's own
        env = {**(env or os.environ), "XDG_STATE_HOME": str(folder / "state")}
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.popen = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{host.space}", *self.argv], cwd=cwd or folder, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, env=env, start_new_session=True, preexec_fn=die_with_parent)

    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return self.popen.poll()

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The complete lines of JSON on its stdout, all or those of one kind."""
        lines = self.out.read_text(errors="replace").split("\n")[:-1]
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in events if kind in (None, event.get("event"))]

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Ends it, by force if it does not obey; gives the exit code."""
        if self.code() is None:
            self.popen.send_signal(sig)
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait()


class Trial:
    """One run of one test."""

    def __init__(self, bench: Bench, name: str):
        self.bench, self.tree, self.name = bench, bench.tree, name
        self.dir = bench.work / name
        self.dir.mkdir()
        self.hosts: dict[str, Host] = {}
        self.procs: list[Proc] = []
        self.mounts: list[Path] = []

    def host(self, name: str) -> Host:
        """A new machine on the bridge."""
        number = len(self.hosts) + 1
        host = Host(name, f"{self.bench.prefix}-{name}", f"{NETWORK}{number}")
        self.hosts[name] = host
        run("ip", "netns", "add", host.space)
        run("ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", host.space)
        run("ip", "link", "set", f"v{number}", "master", "br0", "up")
        inside = ("ip", "-n", host.space)
        run(*inside, "addr", "add", f"{host.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "route", "add", "default", "via", HUB)
        return host

    def shape(self, host: Host, mbit: int, up: int | None = None) -> None:
        """Gives a machine's line this rate each way, or another for what it sends, over a queue of 20 ms at its end."""
        number = list(self.hosts).index(host.name) + 1
        for place, device, mbit in ((["-n", host.space], "eth0", up or mbit), ([], f"v{number}", mbit)):
            queue = str(max(150_000, mbit * 1_000_000 // 8 * QUEUE_MS // 1000))
            run("ip", *place, "link", "set", device, "gso_max_size", "16384")
            tc = ("tc", *place)
            run(*tc, "qdisc", "add", "dev", device, "root", "handle", "1:", "htb", "default", "1")
            run(*tc, "class", "add", "dev", device, "parent", "1:", "classid", "1:1", "htb", "rate", f"{mbit}mbit",
                "ceil", f"{mbit}mbit", "burst", "32k", "cburst", "32k", "quantum", "20000")
            run(*tc, "qdisc", "add", "dev", device, "parent", "1:1", "bfifo", "limit", queue)

    def start(
            self, host: Host, name: str, argv: Argv, cwd: Path | None = None, env: dict[str, str] | None = None) -> Proc:
        """Starts a process on a machine."""
        proc = Proc(host, name, argv, self.dir, cwd, env)
        self.procs.append(proc)
        return proc

    def wait(self, what: str, ready: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
        """Polls until `ready` gives something true; a server that ends meanwhile fails the trial."""
        end = time.monotonic() + seconds
        while not (result := ready()):
            gone = [proc for proc in self.procs if proc.serves and proc.code() is not None]
            if gone:
                raise Failed(f"{gone[0].name} ended with {gone[0].code()} while waiting: {what}")
            if time.monotonic() > end:
                kind = OutOfBounds if seconds < WAIT_SECONDS else Failed
                raise kind(f"not within {seconds:g} s: {what}")
            time.sleep(POLL_SECONDS)
        return result

    def wait_exit(self, proc: Proc, code: int = 0, seconds: float = WAIT_SECONDS) -> None:
        """Waits for a process to end with this exit code."""
        self.wait(f"{proc.name} ends", lambda: proc.code() is not None, seconds)
        self.check(proc.code() == code, f"{proc.name} ended with {proc.code()} instead of {code}")

    def check(self, holds: object, message: str) -> None:
        """Fails the trial if something does not hold."""
        if not holds:
            raise Failed(message)

    def check_measured(self, holds: object, message: str) -> None:
        """The same for what is measured in time: a pause of the machine is told apart by trying again."""
        if not holds:
            raise OutOfBounds(message)

    def check_copy(self, copy: Path, empty_files_too: bool = True) -> None:
        """Fails the trial unless every file is there and the same, and no other."""
        differences = self.tree.differences(copy, empty_files_too)
        if differences:
            first = "\n    ".join(differences[:10])
            raise Failed(f"{copy} is no true copy, {len(differences)} differences:\n    {first}")

    def copy_tree(self, parent: Path) -> Path:
        """A copy of the tree below `parent`, for those who may write into it."""
        return Path(shutil.copytree(self.tree.top, parent / self.tree.name))

    def mount_tmpfs(self, at: Path, options: str) -> None:
        """Mounts a memory disk until the trial is over."""
        at.mkdir(parents=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], check=False).returncode:
            raise Skipped("cannot mount a tmpfs")
        self.mounts.append(at)

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends and removes all that the trial made."""
        for proc in self.procs:
            if proc.code() is None:
                proc.popen.kill()
            proc.popen.wait()
        for mount in reversed(self.mounts):
            run("umount", mount)
        for host in self.hosts.values():
            run("ip", "netns", "delete", host.space)
        for number in range(1, len(self.hosts) + 1):
            # a namespace dies a moment after its name: its cable must not meet the next trial's
            subprocess.run(["ip", "link", "delete", f"v{number}"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir)

    def logs(self) -> str:
        """The end of what every process said."""
        parts = []
        for proc in self.procs:
            parts.append(f"--- {proc.name} (exit {proc.code()}): {' '.join(proc.argv)}")
            for path in (proc.out, proc.err):
                lines = path.read_text(errors="replace").splitlines()
                steps = [line for line in lines if '"progress"' in line]
                lines = [line for line in lines if line not in steps[:-LOG_STEPS]]
                parts += [f"{path.suffix[1:]}| {line[:400]}" for line in lines[-LOG_LINES:]]
        return "\n".join(parts)


def run(*argv: str | Path) -> str:
    """Runs a command that must work."""
    done = subprocess.run([str(arg) for arg in argv], check=False, capture_output=True, text=True, timeout=WAIT_SECONDS)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, argv))}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def make_hub() -> None:
    """Makes the bridge in the runner's own namespace."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "br0", "type", "bridge")
    run("ip", "addr", "add", f"{HUB}/24", "dev", "br0")
    run("ip", "link", "set", "br0", "up")


def die_with_parent() -> None:
    """Runs in the child: it ends when the runner does, whatever ends the runner."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
