"""A disk that loses power, and one that is full."""
import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

from bench import DISK, DONE, Absent, Bench, Content, Wrong

#: _IOR('X', 125, __u32) of linux/fs.h; 2: nothing that is not on the disk gets there.
FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)
SIZES = [12_000_000, 2_000_000, *range(2000, 90_000, 1900), 0]


def sh(*argv: str | Path) -> None:
    """Runs a command that must work."""
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Wrong(f"{' '.join(map(str, argv))}: {done.stderr}")


class Ext4:
    """A file system on a loop device."""

    def __init__(self, bench: Bench, mib: int):
        self.image, self.at = bench.work / "disk.img", bench.folder("disk")
        with self.image.open("wb") as file:
            file.truncate(mib << 20)
        sh("mkfs.ext4", "-q", "-F", self.image)
        self.device = self.mount()

    def mount(self) -> str:
        """Mounts it; tells that there are no loop devices, if so."""
        done = subprocess.run(["mount", "-o", "loop", self.image, self.at], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Absent(f"no ext4 on a loop device: {done.stderr.strip()}")
        return str(self.at)

    def cut_power(self) -> None:
        """Nothing is written from now on."""
        folder = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, FS_IOC_SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(folder)

    def again(self) -> None:
        """As after the power is back."""
        sh("umount", self.at)
        self.mount()

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", self.at], capture_output=True, check=False)


def power_cuts(bench: Bench) -> str:
    """The power is cut in the middle of a copy, and comes back."""
    content = Content.make(bench, "power", SIZES)
    disk = Ext4(bench, 256)
    try:
        to = disk.at / "to"
        to.mkdir()
        begun = time.monotonic()
        content.finish(to)
        whole = time.monotonic() - begun
        shutil.rmtree(to / "CS5")
        os.sync()
        wanted, cuts, complete = bench.count(50, 6), 0, 0
        while cuts < wanted:
            process = bench.start(*content.command(to, "--limit-down", "8M"))
            time.sleep(bench.rng.uniform(0.05, max(2.5, whole)))
            disk.cut_power()
            _, err = process.communicate(timeout=60)
            if b"panicked" in err:
                raise Wrong(f"a panic: {err!r}")
            if process.returncode not in (DONE, DISK):
                raise Wrong(f"without power it ended with {process.returncode}: {err!r}")
            cuts += 1
            disk.again()
            to.mkdir(exist_ok=True)
            content.check_bytes(to / "CS5")
            if cuts % 3 == 0 or process.returncode == DONE:
                content.finish(to)
                complete += 1
                shutil.rmtree(to / "CS5")
                os.sync()
    finally:
        disk.close()
    return f"{cuts} power cuts on ext4, {complete} copies finished afterwards"


def full_disk(bench: Bench) -> str:
    """A disk without room is foreseen, or told when it is full; with room the same command goes on."""
    content = Content.make(bench, "full", [6_000_000, 3_000_000, 100_000])
    at = bench.folder("small")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", at], check=False).returncode:
        raise Absent("cannot mount a tmpfs")
    try:
        for more, word in [((), "there is room for"), (("--sparse",), "No space left")]:
            to = at / "to"
            to.mkdir()
            ran = bench.run(*content.command(to, *more))
            if ran.code != DISK or word not in ran.err:
                raise Wrong(f"a full disk ended with {ran.code}: {ran.err}")
            content.check_bytes(to / "CS5")
            sh("mount", "-o", "remount,size=40m", at)
            content.finish(to, *more)
            shutil.rmtree(to)
            sh("mount", "-o", "remount,size=4m", at)
    finally:
        sh("umount", at)
    return "a full disk was foreseen, and told where it can't be; with room both copies went on"


def locked(bench: Bench) -> str:
    """A target that this account may not write, and a path that is too long."""
    content = Content.make(bench, "locked", [100_000])
    cases = [Path("/proc/sys/none"), bench.folder("deep") / ("n" * 250) / ("n" * 300)]
    for to in cases:
        ran = bench.run(*content.command(to))
        if ran.code != DISK or str(to)[:40] not in ran.err:
            raise Wrong(f"{to} ended with {ran.code}: {ran.err}")
    return f"{len(cases)} targets that can't be written were named"


