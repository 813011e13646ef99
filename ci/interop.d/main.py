"""Runs the tests, all or those that are named, and tells what came of each."""
import argparse
import importlib
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from harness import Bench, Failed, OutOfBounds, Skipped, Trial, make_hub
from tree import make_tree

MODULES = [
    "test_clients", "test_swarms", "test_make", "test_copies", "test_mirrors", "test_origins", "test_metalinks", "test_slots",
    "test_refusals", "test_rooms", "test_rates", "test_others", "test_matrix", "test_tree", "test_versions", "test_room",
    "test_attacks", "test_hangs", "test_terminal"]
Test = Callable[[Trial], None]
RUNS = 3


def tests() -> dict[str, Test]:
    """Every public function whose only argument is a trial, in the order of the files."""
    found: dict[str, Test] = {}
    for module in map(importlib.import_module, MODULES):
        for name, value in vars(module).items():
            if getattr(value, "__annotations__", None) == {"t": Trial, "return": None} and not name.startswith("_"):
                found[name] = value
    return found


def run_test(bench: Bench, name: str, test: Test, logs: bool) -> bool:
    """Runs one test. One that is out of a measured bound is run again, because machines pause: it holds if it does so in
    two of three runs. Everything else must hold in each run."""
    out_of_bounds = 0
    for run in range(RUNS):
        try:
            run_once(bench, name, test, logs)
        except Skipped as reason:
            print(f"skipped: {name}: {reason}", flush=True)
            return False
        except OutOfBounds:
            out_of_bounds += 1
        except Exception:  # whatever it is: it is this test's failure, and the others shall still run
            return False
        if not out_of_bounds or run > out_of_bounds:
            return True
        if out_of_bounds == 2:
            break
    return False


def run_once(bench: Bench, name: str, test: Test, logs: bool) -> None:
    """Prints the line of one run; the logs follow if it failed or if they are asked for."""
    start = time.monotonic()
    with Trial(bench, name) as trial:
        try:
            test(trial)
        except Skipped:
            raise
        except Exception as error:
            word = "bounds " if isinstance(error, OutOfBounds) else "FAILED "
            reason = str(error) if isinstance(error, Failed) else traceback.format_exc()
            print(f"{word} {name}  {time.monotonic() - start:.1f} s\n  {reason}\n{trial.logs()}", flush=True)
            raise
        print(f"ok      {name}  {time.monotonic() - start:.1f} s", flush=True)
        if logs:
            print(trial.logs(), flush=True)


def main() -> int:
    """Exit code 0 only if every test ran and passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--swarmcopy", type=Path, required=True)
    parser.add_argument("--libtorrent-python", type=Path, required=True)
    parser.add_argument("--webtorrent", type=Path, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--list", action="store_true", help="print the names of the tests")
    parser.add_argument("--logs", action="store_true", help="print the logs of tests that pass, too")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    known = tests()
    if args.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in args.names if name not in known]
    if unknown:
        print(f"no such test: {', '.join(unknown)} (see ci/interop --list)")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    make_hub()
    tree = make_tree(args.work / "source")
    bench = Bench(args.swarmcopy.resolve(), args.libtorrent_python, args.webtorrent, args.prefix, args.work, tree)
    start = time.monotonic()
    results = [run_test(bench, name, known[name], args.logs) for name in args.names or known]
    passed = sum(results)
    print(f"all tests: {time.monotonic() - start:.0f} s")
    failed = [name for name, holds in zip(args.names or known, results) if not holds]
    print(f"{passed} passed, {len(failed)} failed: {', '.join(failed)}" if failed else f"{passed} passed, 0 failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
