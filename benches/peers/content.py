"""The contents: one large file, two trees of all sizes, many small files. The same bytes for the same scale."""
import random
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
SEED = 5
CONTENTS = ["c1", "c2", "c3", "c4"]
FILES_PER_FOLDER = 100
BLOCK = MIB


@dataclass(frozen=True)
class Content:
    """A file or folder that is copied."""

    name: str
    top: Path
    bytes: int
    files: int

    @property
    def gib(self) -> float:
        return self.bytes / (1 << 30)


def sizes_of(name: str, scale: int) -> list[int]:
    """c1: one file of 512 MiB; c2: 2,000 files of 512 MiB together; c3: 50,000 files of 8 KiB; c4: 3,000 files of 128 MiB together."""
    rng = random.Random(SEED)
    if name == "c1":
        return [512 * MIB // scale]
    if name == "c3":
        return [8 * 1024] * (50_000 // scale)
    files, total = (2000, 512 * MIB) if name == "c2" else (3000, 128 * MIB)
    shares = [rng.lognormvariate(0, 2) for _ in range(files // scale)]
    total //= scale
    return [max(1, int(total * share / sum(shares))) for share in shares]


def make_content(parent: Path, name: str, scale: int) -> Content:
    """Writes the content below `parent`."""
    sizes = sizes_of(name, scale)
    rng = random.Random(SEED)
    noise = rng.randbytes(8 * MIB)
    parent.mkdir(exist_ok=True)
    if len(sizes) == 1:
        top = parent / f"{name}.bin"
        write(top, sizes[0], noise, rng)
    else:
        top = parent / name
        for number, size in enumerate(sizes):
            folder = top / f"folder {number // FILES_PER_FOLDER:03}"
            if number % FILES_PER_FOLDER == 0:
                folder.mkdir(parents=True)
            write(folder / f"file {number:05}.dat", size, noise, rng)
    return Content(name, top, sum(sizes), len(sizes))


def write(path: Path, size: int, noise: bytes, rng: random.Random) -> None:
    """A file of bytes that differ from those of every other file, piece and block."""
    with path.open("wb") as file:
        rest = size
        while rest:
            part = min(rest, BLOCK)
            start = rng.randrange(len(noise) - part)
            file.write(rng.randbytes(min(16, part)) + noise[start:start + max(0, part - 16)])
            rest -= part
