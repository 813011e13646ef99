"""The awkward tree: about 300 files and 40 MB with names that trip programs up, always the same.

What must stay true: the same seed gives the same bytes, and trees are compared by the SHA-256 of every file.
"""
import hashlib
import os
import random
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
SEED = 20_111
LEVELS = 40
NAME = "Studio CS5 #1 [64 Bit] & Größe + 日本語 100%"

FOLDERS = [
    "Über uns & Hilfe", "100% Quality [final]", "C# ~ Scripting", "日本語フォルダ", "Größe=XL; neu",
    "O'Reilly + Söhne", "a b  c", "%20 %41 %zz", "cafe\u0301 (combining)", "[1] {2} (3)", "plain",
]
STEMS = [
    "read me", "setup+extras", "Übersicht", "日本語", "50% off", "no. #7", "R&D", "a=b;c=d", "it's~here", "[x]",
    "e\u0301te\u0301", "comma, dash - and_underscore", "!important", "$HOME", "@2x", "`tick` ^caret",
]
SUFFIXES = [".dll", ".exe", ".xml", ".cab", ".tar.gz", ""]


@dataclass(frozen=True)
class Tree:
    """A tree on disk and what every file of it holds: path with '/' -> (bytes, SHA-256)."""

    top: Path
    files: dict[str, tuple[int, str]]

    @property
    def parent(self) -> Path:
        return self.top.parent

    @property
    def name(self) -> str:
        return self.top.name

    @property
    def bytes(self) -> int:
        return sum(size for size, _ in self.files.values())

    def differences(self, copy: Path, empty_files_too: bool = True) -> list[str]:
        """What a copy lacks, has too much or has wrong."""
        if not copy.is_dir():
            return [f"no folder {copy}"]
        wanted = {path: file for path, file in self.files.items() if file[0] or empty_files_too}
        found = read_tree(copy)
        if not empty_files_too:
            found = {path: file for path, file in found.items() if file[0]}
        out = [f"missing: {path}" for path in wanted.keys() - found.keys()]
        out += [f"extra: {path}" for path in found.keys() - wanted.keys()]
        out += [f"differs: {path}, {found[path][0]} bytes of {wanted[path][0]}"
                for path in wanted.keys() & found.keys() if wanted[path] != found[path]]
        return sorted(out)


def make_tree(parent: Path) -> Tree:
    """Writes the awkward tree below `parent`."""
    rng = random.Random(SEED)
    top = parent / NAME
    folders = make_folders(top, rng)
    deepest = top.joinpath(*(f"{level:02} {'ü#%'[level % 3]}" for level in range(1, LEVELS + 1)))
    folders += [deepest.parents[20], deepest]
    sizes = [20 * MIB + 4321] + [0] * 12 + [1, 16 * 1024, 256 * 1024, 256 * 1024 + 1]
    sizes += [min(2 * MIB, int(rng.lognormvariate(9.4, 1.8)) + 1) for _ in range(285)]
    rng.shuffle(sizes)
    for number, size in enumerate(sizes):
        # the deepest folder gets the first file, every other file a folder by chance
        folder = rng.choice(folders) if number else deepest
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{rng.choice(STEMS)} {number:03}{rng.choice(SUFFIXES)}"
        (folder / name).write_bytes(rng.randbytes(size))
    return Tree(top, read_tree(top))


def make_folders(top: Path, rng: random.Random) -> list[Path]:
    """Thirty folders, some in each other."""
    folders = [top]
    while len(folders) < 30:
        folders.append(rng.choice(folders) / f"{rng.choice(FOLDERS)} {len(folders)}")
    return folders


def read_tree(top: Path) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file."""
    out = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            out[path.relative_to(top).as_posix()] = (path.stat().st_size, digest)
    return out
