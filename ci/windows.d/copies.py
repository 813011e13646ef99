"""Copies between swarmcopy on Linux and swarmcopy on Windows (by wine), by share, mirror and peer.

Usage: copies.py LINUX_PROGRAM WINE WINDOWS_PROGRAM
What must stay true: every copy is compared file by file with the tree it came from, and `verify` of both systems
finds it right; every process that was started is gone at the end.
"""

import functools
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

DEADLINE = 120
# names that Windows stores under others, and what they become
STORED = {"CON": "%43ON", "con.txt": "%63on.txt", "a?": "a%3F", "a:b": "a%3Ab", "trail.": "trail%2E",
          "end ": "end%20", "percent%20": "percent%2520",
          "aux.txt": "%61ux.txt", "nul": "%6Eul"}
# names that a Windows disk can have by their full path
BY_FULL_PATH = ["aux.txt", "trail.", "nul"]
DEEP = "/".join(f"a folder with a long name {at:02}" * 2 for at in range(8))


def contents(names):
    """Files of the tree: path to bytes."""
    sizes = [0, 1, 16384, 70_000, 300_001]
    files = {}
    for at, name in enumerate(names):
        size = sizes[at % len(sizes)]
        seed = hashlib.sha256(name.encode()).digest()
        files[name] = (seed * (size // 32 + 1))[:size]
    return files


def plain_names():
    return ["plain", "ü/Größe.txt", "日本/語", "emoji 🎉", "with space/and more", "empty", DEEP + "/deep", "big.bin", "x/y/z",
            "#hash & [brackets]"]


def write(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "an empty folder").mkdir()
    os.utime(root / "plain", ns=(10**18, 1_234_567_890_123_456_700))


def read(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def stored(files):
    """The files under the names that Windows gives them."""
    of = lambda name: "/".join(STORED.get(part, part) for part in name.split("/"))
    return {of(name): data for name, data in files.items()}


class System:
    """A way to run swarmcopy."""

    def __init__(self, name, command, path):
        self.name, self.command, self.path = name, command, path

    def start(self, *args):
        return subprocess.Popen([*self.command, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL)

    def run(self, *args):
        process = self.start(*args)
        try:
            output = process.communicate(timeout=DEADLINE)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            raise SystemExit(f"{self.name}: {args} did not end:\n{process.communicate()[0].decode(errors='replace')}")
        if process.returncode:
            raise SystemExit(f"{self.name}: {args} ended with {process.returncode}:\n{output}")
        return output


class Seed:
    """A seed that is stopped at the end."""

    def __init__(self, system, torrent, folder):
        self.process = system.start("seed", system.path(torrent), "--from", system.path(folder), "--listen",
                                    "127.0.0.1:0", "--no-lsd", "--json")
        for line in self.process.stdout:
            if line.startswith(b"{") and (event := json.loads(line))["event"] == "started":
                self.addr = event["listen"]
                return
        raise SystemExit(f"{system.name}: the seed did not start")

    def __enter__(self):
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(DEADLINE)


class Mirror:
    """A web server of Python's own."""

    def __init__(self, folder):
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *_):
        self.server.shutdown()


def check(what, found, expected):
    if found == expected:
        return
    names = sorted(set(found) ^ set(expected)) or [name for name in found if found[name] != expected[name]]
    raise SystemExit(f"{what}: the copy differs: {names}")


def copy(system, others, torrent, expected, to, *args):
    """Gets the content and compares it; every system verifies it."""
    name = torrent.stem
    start = time.monotonic()
    system.run("get", system.path(torrent), "--to", system.path(to), "--no-lsd", "--seed-for", "0s", "--listen",
               "127.0.0.1:0", *args)
    check(f"{system.name} {args[0]}", read(to / name), expected)
    if not (to / name / "an empty folder").is_dir():
        raise SystemExit(f"{system.name} {args[0]}: the empty folder is missing")
    if (to / name / "plain").stat().st_mtime_ns != 1_234_567_890_123_456_700:
        raise SystemExit(f"{system.name} {args[0]}: a time is wrong")
    for other in others:
        other.run("verify", other.path(torrent), "--at", other.path(to))
    print(f"ok {system.name:8} {args[0]} {time.monotonic() - start:.1f} s", flush=True)


def main():
    linux_program, wine, windows_program = sys.argv[1:4]
    linux = System("linux", [linux_program], str)
    windows = System("windows", [wine, windows_program], lambda path: "Z:" + str(path).replace("/", "\\"))
    both = [linux, windows]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        served = work / "served"
        shared, awkward = contents(plain_names() + BY_FULL_PATH), contents(plain_names() + [*STORED])
        write(served / "shared", shared)
        write(served / "awkward", awkward)
        torrents = {}
        for name in ["shared", "awkward"]:
            torrents[name] = work / f"{name}.torrent"
            linux.run("make", served / name, "-o", torrents[name], "--format", "hybrid", "--piece-length", "32KiB")
        hashes = [json.loads(system.run("make", system.path(served / "shared"), "-o", system.path(work / system.name),
                                        "--format", "hybrid", "--piece-length", "32KiB", "--json").splitlines()[-1])
                  for system in both]
        if hashes[0]["info_hash"] != hashes[1]["info_hash"]:
            raise SystemExit(f"the two systems make different torrents: {hashes}")
        print("ok both     make", flush=True)
        expected = {"linux": lambda files: files, "windows": stored}
        for system in both:
            copy(system, [system], torrents["shared"], expected[system.name](shared), work / f"share-{system.name}",
                 "--share", system.path(served))
        with Mirror(served) as url:
            for system in both:
                copy(system, [system], torrents["awkward"], expected[system.name](awkward),
                     work / f"mirror-{system.name}", "--mirror", url)
        with Seed(linux, torrents["awkward"], served) as seed:
            copy(windows, both[1:], torrents["awkward"], stored(awkward), work / "peer-windows", "--peer", seed.addr)
        with Seed(windows, torrents["awkward"], work / "peer-windows") as seed:
            copy(linux, both[:1], torrents["awkward"], awkward, work / "peer-linux", "--peer", seed.addr)


main()
