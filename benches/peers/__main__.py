"""Measures swarmcopy beside other people's programs on one machine, in one run, in memory; prints a table of ratios.

    python3 benches/peers --swarmcopy target/release/swarmcopy [ROW...]

Ours and theirs take turns, each its best of some rounds, so that a machine that is busy with other things is busy for
both. Programs that are missing make their lines say "skipped". See benches/README.md.
"""
import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import rows
from content import CONTENTS, make_content
from rows import Bench, Line

SHM = Path("/dev/shm")
ROOM_MIN = 4 << 30


def machine() -> str:
    """What the figures were measured on."""
    models = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"{len(models)} x {models[0] if models else platform.machine()}, load {load:.1f}, {platform.release()}"


def verdict(line: Line) -> str:
    if line.skipped:
        return f"skipped: {line.skipped}"
    if line.bar is None:
        return "-"
    return "holds" if line.holds() else "falls short"


def show(line: Line) -> None:
    """One line of the table."""
    cells = [line.what, line.ours, line.theirs, "-" if line.skipped else f"{line.ratio:.2f}", line.bar_text(), verdict(line)]
    print(f"| {' | '.join(cells)} |", flush=True)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="peers")
    parser.add_argument("--swarmcopy", type=Path, required=True, help="the release build of the command line")
    parser.add_argument("--make-with", type=Path, help="the example `make_with`, for the rows that force an instruction set")
    parser.add_argument("--libtorrent-python", type=Path, default=Path(sys.executable), help="a Python that has libtorrent")
    parser.add_argument("--rounds", type=int, default=3, help="each takes its best of so many")
    parser.add_argument("--scale", type=int, default=1, help="divides the contents, for a try-out")
    parser.add_argument("--json", type=Path, help="writes the lines there, too")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(rows.ROWS)}")
    args = parser.parse_args(argv)
    unknown = [name for name in args.rows if name not in rows.ROWS]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}")
    return args


def main(argv: list[str]) -> int:
    """Exit code 0 if every row ran, whatever its ratio."""
    args = parse(argv)
    home = SHM if SHM.is_dir() else Path(tempfile.gettempdir())
    if shutil.disk_usage(home).free < ROOM_MIN:
        print(f"skipped: peers: less than {ROOM_MIN >> 30} GiB free in {home}")
        return 0
    print(f"machine: {machine()}; in {home}; best of {args.rounds}, by turns\n")
    print("| what | ours | theirs | ratio | bar | |\n|---|---|---|---|---|---|", flush=True)
    told = []
    with tempfile.TemporaryDirectory(prefix="swarmcopy-peers-", dir=home) as folder:
        bench = Bench(args.swarmcopy.resolve(), args.make_with, args.libtorrent_python, Path(folder), args.rounds)
        for name in CONTENTS:
            bench.add(name, make_content(bench.work / "source", name, args.scale))
        for name in args.rows or rows.ROWS:
            for line in rows.ROWS[name](bench):
                show(line)
                told.append({**vars(line), "verdict": verdict(line)})
    print(f"\nmachine afterwards: {machine()}")
    if args.json:
        args.json.write_text(json.dumps(told, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
