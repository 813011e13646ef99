"""What all parts share: a tree with its torrent, runs of `get`, and the oracle.

What must stay true after every fault: the exit code tells what happened, nothing panicked, no byte at the target is
one that the content does not have there, and the same command finishes afterwards.
"""
import os
import random
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 4096
RUN_SECONDS = 60
DONE, FAILED, DISK, KILLED = 0, 1, 5, -signal.SIGKILL


class Wrong(Exception):
    """The oracle was not pleased."""


class Absent(Exception):
    """This part can't run here."""


@dataclass
class Ran:
    """How a run ended."""

    code: int
    out: str
    err: str


@dataclass
class Bench:
    """The binary, a folder to work in, chance, and how much of each part is wanted."""

    swarmcopy: Path
    work: Path
    short: bool
    rng: random.Random = field(default_factory=lambda: random.Random(20_111))

    def count(self, whole: int, part: int) -> int:
        """So many rounds of a part."""
        return part if self.short else whole

    def folder(self, name: str) -> Path:
        """A new, empty folder."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def env(self) -> dict[str, str]:
        """Records of complete copies are kept for the runs alone."""
        return {**os.environ, "XDG_STATE_HOME": str(self.work / "state")}

    def run(self, *argv: str | Path, before: tuple[str | Path, ...] = ()) -> Ran:
        """Runs the binary, below another program if one is given."""
        command = [*map(str, before), str(self.swarmcopy), *map(str, argv)]
        # in a group of its own, so that one that hangs ends with what it runs
        with subprocess.Popen(command, env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              start_new_session=True) as process:
            try:
                out, err = process.communicate(timeout=RUN_SECONDS)
            except subprocess.TimeoutExpired as late:
                os.killpg(process.pid, signal.SIGKILL)
                raise Wrong(f"it does not end within {RUN_SECONDS} s") from late
        ran = Ran(process.returncode, out, err)
        if "panicked" in ran.err:
            raise Wrong(f"a panic: {ran.err}")
        return ran

    def start(self, *argv: str | Path) -> subprocess.Popen[bytes]:
        """Starts the binary, to be killed."""
        command = [str(self.swarmcopy), *map(str, argv)]
        return subprocess.Popen(command, env=self.env(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@dataclass
class Content:
    """A tree on a share, and its torrent."""

    bench: Bench
    top: Path
    torrent: Path

    @classmethod
    def make(cls, bench: Bench, name: str, sizes: list[int], seed: int = 1) -> "Content":
        """Plants a tree of files of these sizes."""
        rng = random.Random(seed)
        top = bench.folder(f"share-{name}") / "CS5"
        for number, size in enumerate(sizes):
            path = top / f"folder {number % 4}" / f"file {number:03}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rng.randbytes(size))
        torrent = bench.work / f"{name}.torrent"
        made = bench.run("make", top, "--force", "-o", torrent, "--piece-length", "64KiB")
        if made.code:
            raise Wrong(f"make failed: {made.err}")
        return cls(bench, top, torrent)

    def command(self, to: Path, *more: str | Path) -> tuple[str | Path, ...]:
        """The command that copies it."""
        return ("get", self.torrent, "--to", to, "--share", self.top.parent, "--no-lsd", "--seed-for", "0s",
                "--listen", "127.0.0.1:0", *more)

    def files(self) -> list[Path]:
        """Its files, relative."""
        return sorted(path.relative_to(self.top) for path in self.top.rglob("*") if path.is_file())

    def check_bytes(self, copy: Path) -> None:
        """Each block of a copy is that of the content, or nothing was written there."""
        for name in self.files():
            path = copy / name
            if not path.exists():
                continue
            wanted, found = (self.top / name).read_bytes(), path.read_bytes()
            if len(found) > len(wanted):
                raise Wrong(f"{path} is too long")
            for at in range(0, len(found), BLOCK):
                block = found[at:at + BLOCK]
                want = wanted[at:at + len(block)]
                # where two pieces meet in a block, it may be written in part
                if block != want and any(byte not in (0, right) for byte, right in zip(block, want)):
                    raise Wrong(f"{path}: a wrong byte in the block at {at}")

    def is_whole(self, copy: Path) -> bool:
        """Whether a copy holds every byte."""
        return all((copy / name).exists() and (copy / name).read_bytes() == (self.top / name).read_bytes()
                   for name in self.files())

    def finish(self, to: Path, *more: str | Path) -> None:
        """The same command finishes."""
        ran = self.bench.run(*self.command(to, *more))
        if ran.code:
            raise Wrong(f"the same command ended with {ran.code}: {ran.err}")
        if not self.is_whole(to / "CS5"):
            raise Wrong("the finished copy is not whole")
        left = sorted(path.name for path in to.iterdir())
        if left != ["CS5"]:
            raise Wrong(f"something was left beside the copy: {left}")
