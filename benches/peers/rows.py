"""The rows: what is run, beside what, and which ratio is wanted.

What must stay true: a line's two sides get the same content, place and number of rounds, by turns; what one round
leaves is removed before the next.
"""
import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from content import Content
from run import Argv, Broken, Server, Used, measure, peak, serving

LT = Path(__file__).with_name("lt.py")
NGINX = """
daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  sendfile on; tcp_nopush on; keepalive_requests 100000; access_log off; default_type application/octet-stream;
  client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
  server {{ listen 127.0.0.1:{port}; root "{root}"; }}
}}
"""


@dataclass
class Line:
    """One line of the table. The ratio is how many times better ours is, or what part of theirs it uses."""

    what: str
    ours: str = "-"
    theirs: str = "-"
    ratio: float = 0
    bar: float | None = None
    at_most: bool = False
    skipped: str = ""

    def holds(self) -> bool:
        if self.bar is None:
            return True
        return self.ratio <= self.bar if self.at_most else self.ratio >= self.bar

    def bar_text(self) -> str:
        if self.bar is None:
            return "-"
        return f"{'<=' if self.at_most else '>='} {self.bar:g}"


@dataclass
class Bench:
    """What all rows share."""

    swarmcopy: Path
    make_with: Path | None
    python: Path
    work: Path
    rounds: int
    contents: dict[str, Content] = field(default_factory=dict)
    torrents: dict[str, Path] = field(default_factory=dict)

    def add(self, name: str, content: Content) -> None:
        """Takes a content and makes its .torrent."""
        self.contents[name] = content
        self.torrents[name] = self.work / f"{name}.torrent"
        measure([self.swarmcopy, "make", content.top, "-o", self.torrents[name]])

    def fresh(self) -> Path:
        """An empty folder, the one and only."""
        folder = self.work / "to"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def get(self, name: str, to: Path, *flags: str | Path) -> Argv:
        return [self.swarmcopy, "get", self.torrents[name], "--to", to, "--no-lsd", "--seed-for", "0", "--json", *flags]

    def source(self, name: str) -> Path:
        return self.contents[name].top.parent


Run = Callable[[], Used]


def by_turns(bench: Bench, *runs: Run) -> list[list[Used]]:
    """Every run once per round, in turn; what each of them used."""
    used: list[list[Used]] = [[] for _ in runs]
    for _ in range(bench.rounds):
        for run, into in zip(runs, used):
            into.append(run())
    bench.fresh()
    return used


def fastest(used: list[Used]) -> Used:
    return min(used, key=lambda one: one.seconds)


def thriftiest(used: list[Used]) -> Used:
    return min(used, key=lambda one: one.cpu)


def speed(content: Content, used: Used) -> str:
    return f"{used.seconds:.3f} s, {content.bytes / used.seconds / 1e9:.2f} GB/s"


def faster(what: str, content: Content, ours: list[Used], theirs: list[Used], bar: float | None) -> Line:
    """How many times faster ours is."""
    a, b = fastest(ours), fastest(theirs)
    return Line(what, speed(content, a), speed(content, b), b.seconds / a.seconds, bar)


def thriftier(what: str, content: Content, ours: list[Used], theirs: list[Used], bar: float) -> Line:
    """What part of their CPU-seconds per GiB ours takes."""
    a, b = thriftiest(ours).cpu / content.gib, thriftiest(theirs).cpu / content.gib
    return Line(what, f"{a:.2f} CPU-s/GiB", f"{b:.2f} CPU-s/GiB", a / b, bar, at_most=True)


def absent(*programs: str) -> str:
    """Which of the programs are not here, in words; empty if none."""
    missing = [program for program in programs if not shutil.which(program)]
    return f"no {', '.join(missing)} here" if missing else ""


def no_libtorrent(bench: Bench) -> str:
    try:
        measure([bench.python, "-c", "import libtorrent"])
    except (Broken, OSError):
        return "no libtorrent for Python here"
    return ""


def make(bench: Bench) -> list[Line]:
    """Hashing, beside mktorrent with as many threads and the same piece length."""
    whats = ["make c1 / mktorrent -t2", "make c2 / mktorrent -t2"]
    if reason := absent("mktorrent"):
        return [Line(what, skipped=reason) for what in whats]
    lines = []
    for name, what in zip(["c1", "c2"], whats):
        content, out = bench.contents[name], bench.work / "made.torrent"
        power = str(piece_power(bench, name))
        runs: dict[str, Run] = {"": lambda: measure([bench.swarmcopy, "make", content.top, "-o", out, "--force", "--threads", "2"])}
        for isa in weaker(bench):
            runs[isa] = lambda isa=isa: measure([bench.make_with, isa, content.top, out])

        def theirs() -> Used:
            out.unlink(missing_ok=True)
            return measure(["mktorrent", "-t", "2", "-l", power, "-a", "http://127.0.0.1/a", "-o", out, content.top])

        *ours, other = by_turns(bench, *runs.values(), theirs)
        for isa, used in zip(runs, ours):
            lines.append(faster(f"{what}{isa and f', {isa} forced'}", content, used, other, 0.97 if isa else 2))
    return lines


def piece_power(bench: Bench, name: str) -> int:
    shown = json.loads(measure([bench.swarmcopy, "show", bench.torrents[name], "--json"]).out)
    return int(shown["piece_length"]).bit_length() - 1


def weaker(bench: Bench) -> list[str]:
    """The instruction sets of this machine but the best."""
    if not bench.make_with:
        return []
    return measure([bench.make_with]).out.split()[:-1]


def verify(bench: Bench) -> list[Line]:
    """Hashing a copy, beside libtorrent with two hashing threads (its start not counted)."""
    whats = ["verify c1 / libtorrent", "verify c2 / libtorrent"]
    if reason := no_libtorrent(bench):
        return [Line(what, skipped=reason) for what in whats]
    lines = []
    for name, what in zip(["c1", "c2"], whats):
        at, torrent = bench.source(name), bench.torrents[name]
        ours, theirs = by_turns(
            bench, lambda: measure([bench.swarmcopy, "verify", torrent, "--at", at]),
            lambda: told(measure([bench.python, LT, "verify", torrent, at])))
        lines.append(faster(what, bench.contents[name], ours, theirs, 1.5))
    return lines


def told(used: Used) -> Used:
    """What the program measured itself."""
    done = json.loads(used.out.splitlines()[-1])
    return Used(done["seconds"], done["cpu"])


def share(bench: Bench) -> list[Line]:
    """One machine alone copies from a folder and verifies, beside programs that copy."""
    lines = []
    for name in ["c1", "c2", "c3"]:
        content = bench.contents[name]
        top = content.top
        others: dict[tuple[str, float], Callable[[Path], Argv]] = {
            ("cp -r", 0.75): lambda to: ["cp", "-r", top, to],
            ("rsync -a", 1.5): lambda to: ["rsync", "-a", top, to],
            ("rclone, its checksum", 3): lambda to: ["rclone", "copy", "--config", "/dev/null", top, to / top.name if top.is_dir() else to],
        }
        here = {key: argv for key, argv in others.items() if not absent(key[0].split(",")[0].split()[0])}
        runs = [lambda argv=argv: measure(argv(bench.fresh())) for argv in here.values()]
        ours, *theirs = by_turns(bench, lambda: measure(bench.get(name, bench.fresh(), "--share", bench.source(name))), *runs)
        used = dict(zip(here, theirs))
        for key in others:
            what = f"get {name} from a share / {key[0]}"
            lines.append(faster(what, content, ours, used[key], key[1]) if key in used else Line(what, skipped=absent(key[0].split()[0])))
    return lines


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_server(server: Server, run: Run) -> Used:
    """A run, with the CPU-seconds that the server spent on it."""
    before = server.cpu()
    used = run()
    return Used(used.seconds, used.cpu + server.cpu() - before, used.out)


def peer(bench: Bench) -> list[Line]:
    """One uploader, one downloader on loopback, beside libtorrent to libtorrent over TCP. Uploaders have been warmed."""
    lines = []
    reason = no_libtorrent(bench)
    for name in ["c1", "c2"]:
        what = f"peer to peer {name} / libtorrent"
        if reason:
            lines += [Line(what, skipped=reason), Line(f"{what}, CPU of both ends", skipped=reason)]
            continue
        content, torrent, at = bench.contents[name], bench.torrents[name], bench.source(name)
        port, lt_port = free_port(), free_port()
        seed: Argv = [bench.swarmcopy, "seed", torrent, "--from", at, "--listen", f"127.0.0.1:{port}", "--json", "--no-lsd"]
        with serving(seed) as mine, serving([bench.python, LT, "seed", torrent, at, str(lt_port)]) as other:
            mine.wait_line(lambda line: '"started"' in line)
            other.wait_line(lambda line: '"done"' in line)
            get = lambda: measure(bench.get(name, bench.fresh(), "--origin", "never", "--listen", "127.0.0.1:0", "--peer", f"127.0.0.1:{port}"))
            lt_get = lambda: told(measure([bench.python, LT, "get", torrent, bench.fresh(), "0", str(lt_port)]))
            get()
            ours, theirs = by_turns(bench, lambda: with_server(mine, get), lambda: with_server(other, lt_get))
        lines.append(faster(what, content, ours, theirs, 2))
        lines.append(thriftier(f"{what}, CPU of both ends", content, ours, theirs, 0.7))
    return lines


def mirror(bench: Bench) -> list[Line]:
    """One machine alone from nginx, beside aria2 with the same torrent."""
    what = "get c1 from nginx / aria2 -x16"
    if reason := absent("nginx", "aria2c"):
        return [Line(what, skipped=reason), Line(f"{what}, CPU", skipped=reason)]
    content, (nginx, port) = bench.contents["c1"], nginx_of(bench, "c1")
    url = f"http://127.0.0.1:{port}/"
    torrent = bench.work / "mirrored.torrent"
    measure([bench.swarmcopy, "make", content.top, "-o", torrent, "--mirror", url + content.top.name])
    with serving(nginx):
        wait_port(port)
        ours, theirs = by_turns(
            bench, lambda: measure(bench.get("c1", bench.fresh(), "--mirror", url)), lambda: aria2(bench, torrent))
    return [faster(what, content, ours, theirs, 2), thriftier(f"{what}, CPU", content, ours, theirs, 0.6)]


def nginx_of(bench: Bench, name: str) -> tuple[Argv, int]:
    """nginx with the folder of a content, and its port."""
    at, port = bench.work / f"nginx-{name}", free_port()
    at.mkdir()
    at.chmod(0o755)
    user = "user root;" if os.geteuid() == 0 else ""
    (at / "nginx.conf").write_text(NGINX.format(at=at, root=bench.source(name), port=port, user=user))
    return ["nginx", "-p", at, "-c", at / "nginx.conf"], port


def metalink(bench: Bench) -> list[Line]:
    """One machine alone from nginx by a metalink with no torrent behind it, beside aria2 with the same document."""
    what = "get c4 from nginx by metalink / aria2 -x16 -s16"
    if reason := absent("nginx", "aria2c"):
        return [Line(what, skipped=reason)]
    content, (nginx, port) = bench.contents["c4"], nginx_of(bench, "c4")
    document = bench.work / "c4.meta4"
    measure([bench.swarmcopy, "make", content.top, "-o", bench.work / "unused.torrent", "--metalink", document,
             "--mirror", f"http://127.0.0.1:{port}/"])
    document.write_text("".join(line for line in document.read_text().splitlines(True) if "<metaurl" not in line))

    def ours() -> Used:
        return measure([bench.swarmcopy, "get", document, "--to", bench.fresh(), "--no-lsd", "--seed-for", "0", "--json"])

    def theirs() -> Used:
        return measure(["aria2c", "--no-conf", f"--dir={bench.fresh()}", "-x16", "-s16", "--enable-dht=false",
                        "--file-allocation=none", f"--metalink-file={document}", "--quiet"])

    with serving(nginx):
        wait_port(port)
        used, other = by_turns(bench, ours, theirs)
    return [faster(what, content, used, other, 1.3)]


def aria2(bench: Bench, torrent: Path) -> Used:
    """A run of aria2; its time ends with the last verified piece, not with the seconds it takes to leave."""
    to, hook = bench.fresh(), bench.work / "complete.sh"
    stamp = bench.work / "complete"
    hook.write_text(f"#!/bin/sh\n: >'{stamp}'\n")
    hook.chmod(0o755)
    start = time.time()
    used = measure([
        "aria2c", "--no-conf", f"--dir={to}", "-x16", "-s16", "--seed-time=0", "--enable-dht=false", "--bt-enable-lpd=false",
        "--file-allocation=none", "--check-integrity=true", f"--on-bt-download-complete={hook}", f"--torrent-file={torrent}", "--quiet"])
    return Used(stamp.stat().st_mtime - start, used.cpu)


def wait_port(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise Broken("nginx does not answer")


def memory(bench: Bench) -> list[Line]:
    """The most that `get` holds; not beside anybody, the bar is a number."""
    lines = []
    for name in ["c1", "c2", "c3"]:
        most = peak(bench.get(name, bench.fresh(), "--share", bench.source(name)))
        held = most.anon_bytes / (1 << 20)
        lines.append(Line(f"get {name} from a share, peak anonymous MiB", f"{held:.0f} MiB", "-", held, 128, at_most=True))
        lines.append(Line(f"get {name} from a share, peak open files", str(most.files), "-", most.files, 300, at_most=True))
    bench.fresh()
    return lines


ROWS: dict[str, Callable[[Bench], list[Line]]] = {
    "make": make, "verify": verify, "share": share, "peer": peer, "mirror": mirror, "metalink": metalink, "memory": memory}
