"""Other people's clients as rows of a table: how each is started to take or to give one small content.

Whether a client is done is seen by its files alone, so that no interface of its own is needed.
"""
import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from clients import LTNODE, PORT
from harness import Argv, Failed, Host, Proc, Trial

WEB_PORT = 8085
WEB_SECONDS = 30


@dataclass(frozen=True)
class Job:
    """What a client is to do: take or give `what`, a .torrent or a magnet link."""

    what: str
    folder: Path
    config: Path
    seeds: bool = False
    flags: frozenset[str] = field(default_factory=frozenset)
    peer: str = ""
    ip: str = ""

    def has(self, flag: str) -> bool:
        """Whether a way of discovery or a demand is set."""
        return flag in self.flags


@dataclass(frozen=True)
class Row:
    """A client, and what it can't do with the reason."""

    name: str
    argv: Callable[[Trial, Job], Argv]
    cannot: dict[str, str]
    settle: Callable[[Host, Job], None] = lambda _host, _job: None


def start(t: Trial, host: Host, name: str, row: Row, job: Job) -> Proc:
    """Starts a client for a job."""
    job.config.mkdir(parents=True)
    job.folder.mkdir(parents=True, exist_ok=True)
    proc = t.start(host, name, row.argv(t, job), env={**os.environ, "HOME": str(job.config), "TERM": "xterm"})
    row.settle(host, job)
    return proc


def libtorrent(python: Callable[[Trial], str | Path]) -> Callable[[Trial, Job], Argv]:
    """libtorrent in the interpreter that has it."""
    def argv(t: Trial, job: Job) -> Argv:
        listen = f"[{job.ip}]:{PORT}" if ":" in job.ip else f"{job.ip}:{PORT}"
        flags: Argv = ["--lsd"] if job.has("lsd") else []
        flags += ["--encrypt"] if job.has("encryption") else []
        flags += ["--super-seed"] if job.has("super-seeding") else []
        flags += ["--queue", "1"] if job.has("one request") else []
        flags += ["--peer", job.peer] if job.peer else []
        return [python(t), LTNODE, job.what, job.folder, listen, *flags]
    return argv


def qbittorrent(_: Trial, job: Job) -> Argv:
    """qBittorrent without a window."""
    settings = job.config / "qBittorrent" / "config"
    settings.mkdir(parents=True)
    (settings / "qBittorrent.conf").write_text(f"""[LegalNotice]
Accepted=true
[BitTorrent]
Session\\DHTEnabled=false
Session\\LSDEnabled={str(job.has("lsd")).lower()}
Session\\PeXEnabled=true
Session\\Port={PORT}
Session\\Encryption={1 if job.has("encryption") else 0}
Session\\GlobalMaxRatio=-1
Session\\AddTorrentPaused=false
Session\\RequestQueueSize={1 if job.has("one request") else 500}
[Preferences]
WebUI\\Port={WEB_PORT}
WebUI\\AuthSubnetWhitelistEnabled=true
WebUI\\AuthSubnetWhitelist=0.0.0.0/0
WebUI\\HostHeaderValidation=false
WebUI\\CSRFProtection=false
""")
    return ["qbittorrent-nox", f"--profile={job.config}", f"--save-path={job.folder}", "--skip-dialog=true", "--add-paused=false", job.what]


def super_seeds(host: Host, job: Job) -> None:
    """Has qBittorrent super-seed what it has, by its web page: there is no setting for that."""
    if not job.has("super-seeding"):
        return
    page = f"http://{host.address}:{WEB_PORT}/api/v2/torrents"
    end = time.monotonic() + WEB_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{page}/info", timeout=5) as answer:
                seeds = [one["hash"] for one in json.load(answer) if one["progress"] == 1]
            if seeds:
                form = urllib.parse.urlencode({"hashes": seeds[0], "value": "true"}).encode()
                with urllib.request.urlopen(f"{page}/setSuperSeeding", form, timeout=5):
                    pass
            with urllib.request.urlopen(f"{page}/info", timeout=5) as answer:
                if any(one["super_seeding"] for one in json.load(answer)):
                    return
        except OSError:
            pass  # it is not up yet
        if time.monotonic() > end:
            raise Failed("qBittorrent does not super-seed")
        time.sleep(0.2)


def transmission(_: Trial, job: Job) -> Argv:
    """Transmission; its watched folder takes a torrent, the client without a daemon a magnet."""
    watch = job.config / "watch"
    watch.mkdir()
    magnet = job.what.startswith("magnet:")
    if not magnet:
        (watch / "it.torrent").write_bytes(Path(job.what).read_bytes())
    (job.config / "settings.json").write_text(json.dumps({
        "download-dir": str(job.folder), "peer-port": PORT, "dht-enabled": False, "lpd-enabled": job.has("lsd"),
        "port-forwarding-enabled": False, "rpc-enabled": False, "utp-enabled": False, "watch-dir": str(watch), "watch-dir-enabled": True,
        "encryption": 2 if job.has("encryption") else 1, "bind-address-ipv4": job.ip if "." in job.ip else "0.0.0.0"}))
    if magnet:
        return ["transmission-cli", "--config-dir", job.config, "--download-dir", job.folder, "--port", str(PORT), "--no-portmap", job.what]
    return ["transmission-daemon", "--foreground", "--config-dir", job.config, "--watch-dir", watch]


def rtorrent(_: Trial, job: Job) -> Argv:
    """rtorrent as a daemon."""
    encryption = "require,require_RC4" if job.has("encryption") else "allow_incoming"
    lines = [
        "system.daemon.set = true", f"directory.default.set = {job.folder}", f"session.path.set = {job.config}", "network.port_random.set = no",
        f"network.port_range.set = {PORT}-{PORT}", f"protocol.encryption.set = {encryption}", "dht.mode.set = disable", "protocol.pex.set = yes",
        "trackers.use_udp.set = yes", "pieces.hash.on_completion.set = no"]
    lines += ["protocol.connection.seed.set = initial_seed"] if job.has("super-seeding") else []
    (job.config / "rc").write_text("\n".join([*lines, f'load.start = "{job.what}"']) + "\n")
    return ["rtorrent", "-n", "-o", f"import={job.config / 'rc'}"]


def aria2(_: Trial, job: Job) -> Argv:
    """aria2."""
    what = [job.what] if job.what.startswith("magnet:") else [f"--torrent-file={job.what}"]
    flags: Argv = ["--bt-require-crypto=true", "--bt-min-crypto-level=arc4"] if job.has("encryption") else []
    flags += ["--bt-enable-lpd=true"] if job.has("lsd") else []
    # it asks UDP trackers only where the table is on; there is nobody in it here
    flags += ["--enable-dht=true", f"--dht-file-path={job.config / 'dht.dat'}"] if job.has("udp") else ["--enable-dht=false"]
    return ["aria2c", "--no-conf", f"--dir={job.folder}", f"--listen-port={PORT}", "--check-integrity=true",
            "--seed-ratio=0.0", "--file-allocation=none", *flags, *what]


def webtorrent(t: Trial, job: Job) -> Argv:
    """webtorrent in node, over TCP."""
    return ["node", LTNODE.with_name("webnode.mjs"), t.bench.webtorrent, job.what, job.folder, str(PORT), *(flag for flag in ("lsd", "encryption") if job.has(flag))]


# takes no peers from a magnet link
X_PE = "x.pe"
NO_V2 = {"v2": "knows version 1 alone"}
ROWS = [
    Row("libtorrent 2.1", libtorrent(lambda t: t.bench.libtorrent_python), {}),
    Row("libtorrent 2.0", libtorrent(lambda _: "/usr/bin/python3"), {}),
    Row("qBittorrent 4.5", qbittorrent, {}, super_seeds),
    Row("Transmission 3.00", transmission, {
        **NO_V2, "hybrid": "can't read hybrids of folders", "super-seeding": "has none", "one request": "no such setting",
        X_PE: "by a tracker"}),
    Row("rtorrent 0.9.8", rtorrent, {
        **NO_V2, "hybrid": "can't read hybrids of folders", "lsd": "has none", "IPv6": "no such setting", "one request": "no such setting"}),
    Row("aria2 1.36", aria2, {
        **NO_V2, "hybrid": "can't read hybrids of folders", "super-seeding": "has none", "one request": "no such setting",
        X_PE: "by a tracker"}),
    Row("webtorrent", webtorrent, {
        **NO_V2, "super-seeding": "has none", "one request": "no such setting"}),
]
