"""Runs programs and measures them: seconds, CPU-seconds, anonymous memory, open files.

What must stay true: every program is ended, whatever happens; nothing waits without a deadline.
"""
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLINE_SECONDS = 180
SAMPLE_SECONDS = 0.005
TICKS = os.sysconf("SC_CLK_TCK")
Argv = list[str | Path]


class Broken(Exception):
    """A program failed, so there is nothing to compare."""


@dataclass(frozen=True)
class Used:
    """What one run of a program took."""

    seconds: float
    cpu: float
    out: str = ""


@dataclass(frozen=True)
class Peak:
    """The most that a program held at any time."""

    anon_bytes: int
    files: int


def measure(argv: Argv) -> Used:
    """Runs a program to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run([str(arg) for arg in argv], check=False, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise Broken(f"{argv[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(seconds, cpu, done.stdout)


def peak(argv: Argv) -> Peak:
    """Runs a program and looks at its memory and files all the time; not for timing."""
    started = subprocess.Popen([str(arg) for arg in argv], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    most = Peak(0, 0)
    end = time.monotonic() + DEADLINE_SECONDS
    while started.poll() is None:
        if time.monotonic() > end:
            started.kill()
            raise Broken(f"{argv[0]} did not end")
        now = look(started.pid)
        most = Peak(max(most.anon_bytes, now.anon_bytes), max(most.files, now.files))
        time.sleep(SAMPLE_SECONDS)
    if started.returncode:
        raise Broken(f"{argv[0]} ended with {started.returncode}: {started.stderr.read()[-800:] if started.stderr else ''}")
    return most


def look(pid: int) -> Peak:
    """What a program holds now; nothing once it ends."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return Peak(0, 0)
    anon = [int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")]
    return Peak(anon[0] << 10 if anon else 0, files)


class Server:
    """A program that runs beside others, with its lines of output."""

    def __init__(self, argv: Argv):
        self.popen = subprocess.Popen(
            [str(arg) for arg in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.popen.stdout or []:
            self.lines.append(line)

    def cpu(self) -> float:
        """CPU-seconds so far, those of its children that still run too."""
        return sum(cpu_of(pid) for pid in [self.popen.pid, *children(self.popen.pid)])

    def wait_line(self, wanted: Callable[[str], bool]) -> str:
        """Waits for a line of its output."""
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            for line in list(self.lines):
                if wanted(line):
                    return line
            if self.popen.poll() is not None:
                raise Broken(f"{self.popen.args[0]} ended with {self.popen.returncode}: {''.join(self.lines)[-400:]}")
            time.sleep(0.01)
        raise Broken(f"{self.popen.args[0]} does not start")


@contextmanager
def serving(argv: Argv) -> Iterator[Server]:
    """A server that is ended at the end."""
    server = Server(argv)
    try:
        yield server
    finally:
        server.popen.terminate()
        try:
            server.popen.wait(10)
        except subprocess.TimeoutExpired:
            server.popen.kill()
            server.popen.wait()


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS
