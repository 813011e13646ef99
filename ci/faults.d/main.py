"""Runs the parts, all or those that are named, and prints the counts of each."""
import argparse
import sys
import time
import traceback
from pathlib import Path

from bench import Absent, Bench, Wrong
from calls import calls
from disks import full_disk, locked, power_cuts
from kills import kills, switches

PARTS = [full_disk, locked, calls, switches, power_cuts, kills]


def main() -> int:
    """Exit code 0 only if every part ran and none went wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--swarmcopy", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--short", action="store_true", help="a part of each, for the gate")
    parser.add_argument("names", nargs="*", help=", ".join(part.__name__ for part in PARTS))
    args = parser.parse_args()
    bench = Bench(args.swarmcopy.resolve(), args.work, args.short)
    begun, wrong = time.monotonic(), 0
    for part in PARTS:
        if args.names and part.__name__ not in args.names:
            continue
        start = time.monotonic()
        try:
            told = f"ok      {part.__name__}: {part(bench)}"
        except Absent as why:
            wrong += 1
            told = f"WRONG   {part.__name__} cannot run here: {why}"
        except Wrong as what:
            wrong += 1
            told = f"WRONG   {part.__name__}: {what}"
        except Exception:  # a fault of the test itself
            wrong += 1
            told = f"WRONG   {part.__name__}: {traceback.format_exc()}"
        print(f"{told} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"all parts: {time.monotonic() - begun:.0f} s, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
