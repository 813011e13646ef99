"""How each program is started, watched and ended: swarmcopy, libtorrent, aria2, Transmission.

Defaults are kept wherever they don't reach out of the bench (DHT, port mapping), so that what is tested is what people run.
"""
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import WAIT_SECONDS, Argv, Failed, Host, Proc, Trial, run

PORT = 6881
ARIA2_RPC_PORT = 6800
TRANSMISSION_RPC_PORT = 9091
TRANSMISSION_SEEDS = 6
LTNODE = Path(__file__).with_name("ltnode.py")


@dataclass(frozen=True)
class Client:
    """A running program that takes or gives the content."""

    proc: Proc
    host: Host
    to: Path
    is_complete: Callable[[], bool]

    @property
    def peer(self) -> str:
        return f"{self.host.address}:{PORT}"


def make(t: Trial, *flags: str, top: Path | None = None, to: str = "it.torrent") -> Path:
    """A .torrent of the tree, by `swarmcopy make`, in the trial's folder."""
    torrent = t.dir / to
    run(t.bench.swarmcopy, "make", top or t.tree.top, "-o", torrent, *flags)
    return torrent


def get(t: Trial, host: Host, what: str | Path, *flags: str | Path, name: str = "", to: str = "") -> Client:
    """`swarmcopy get`, without local discovery unless asked for with `--lsd`."""
    name = name or f"get-{host.name}"
    folder = t.dir / (to or f"to-{host.name}")
    lsd: Argv = [] if "--lsd" in flags else ["--no-lsd"]
    rest = [flag for flag in flags if flag != "--lsd"]
    proc = t.start(host, name, [
        t.bench.swarmcopy, "get", what, "--to", folder, "--listen", f"{host.address}:{PORT}", "--json", *lsd, *rest])
    return Client(proc, host, folder, lambda: bool(proc.events("complete")))


def seed(t: Trial, torrent: Path, *flags: str, host: Host | None = None) -> Client:
    """`swarmcopy seed`, once it listens."""
    host = host or t.host("seed")
    proc = t.start(host, f"seed-{host.name}", [
        t.bench.swarmcopy, "seed", torrent, "--from", t.tree.parent, "--listen", f"{host.address}:{PORT}", "--json", *flags])
    proc.serves = True
    t.wait("swarmcopy seed starts", lambda: proc.events("started"))
    return Client(proc, host, t.tree.parent, lambda: True)


def report(client: Client) -> dict[str, Any]:
    """The last line of a `get`."""
    reports = client.proc.events("report")
    if len(reports) != 1:
        raise Failed(f"{client.proc.name} gave {len(reports)} reports instead of one")
    return reports[0]


def finished(t: Trial, client: Client, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
    """Waits for a `get` to end well and checks that it left the copy and nothing else; gives its report."""
    t.wait_exit(client.proc, seconds=seconds)
    t.check_copy(client.to / t.tree.name)
    left = sorted(path.name for path in client.to.iterdir())
    t.check(left == [t.tree.name], f"{client.to} holds {left}")
    told = report(client)
    t.check(told["complete"] and told["bytes"] == t.tree.bytes, f"the report does not tell of a whole copy: {told}")
    return told


def libtorrent(t: Trial, host: Host, torrent: Path, *flags: str, folder: Path | None = None) -> Client:
    """libtorrent, complete already when `folder` holds the tree."""
    to = folder or t.dir / f"to-{host.name}"
    proc = t.start(host, f"libtorrent-{host.name}", [
        t.bench.libtorrent_python, LTNODE, torrent, to, f"{host.address}:{PORT}", *flags])
    proc.serves = True
    t.wait("libtorrent checks its files", lambda: proc.events("checked"))
    if folder:
        t.check(proc.events("checked")[0]["seed"], "libtorrent does not take the folder for complete")
    return Client(proc, host, to, lambda: bool(proc.events("complete")))


def aria2(t: Trial, host: Host, torrent: Path, *flags: str, folder: Path | None = None) -> Client:
    """aria2, serving on after completion; complete already when `folder` holds the tree."""
    to = folder or t.dir / f"to-{host.name}"
    proc = t.start(host, f"aria2-{host.name}", [
        "aria2c", "--no-conf", f"--dir={to}", f"--torrent-file={torrent}", f"--listen-port={PORT}", "--enable-dht=false",
        "--check-integrity=true", "--seed-ratio=0.0", "--file-allocation=none", "--summary-interval=5",
        "--enable-rpc", f"--rpc-listen-port={ARIA2_RPC_PORT}", "--rpc-listen-all", *flags])
    proc.serves = True
    client = Client(proc, host, to, lambda: aria2_seeds(host))
    if folder:
        t.wait("aria2 checks its files", client.is_complete)
    return client


def aria2_seeds(host: Host) -> bool:
    """Whether aria2 says that it has all and serves."""
    body = {"jsonrpc": "2.0", "id": "1", "method": "aria2.tellActive", "params": [["seeder", "totalLength", "completedLength"]]}
    answer = post(f"http://{host.address}:{ARIA2_RPC_PORT}/jsonrpc", body, {})
    downloads = answer["result"] if answer else []
    return any(one.get("seeder") == "true" and one["totalLength"] == one["completedLength"] for one in downloads)


def transmission(t: Trial, host: Host, torrent: Path, folder: Path | None = None) -> Client:
    """Transmission, complete already when `folder` holds the tree."""
    to = folder or t.dir / f"to-{host.name}"
    config = t.dir / f"config-{host.name}"
    config.mkdir()
    settings = {
        "download-dir": str(to), "peer-port": PORT, "rpc-port": TRANSMISSION_RPC_PORT, "rpc-bind-address": "0.0.0.0",
        "rpc-whitelist-enabled": False, "rpc-host-whitelist-enabled": False, "dht-enabled": False,
        "port-forwarding-enabled": False, "message-level": 3}
    (config / "settings.json").write_text(json.dumps(settings))
    proc = t.start(host, f"transmission-{host.name}", ["transmission-daemon", "--foreground", "--config-dir", config])
    proc.serves = True
    added = {"metainfo": base64.b64encode(torrent.read_bytes()).decode()}
    t.wait("transmission takes the torrent", lambda: transmission_rpc(host, "torrent-add", added))
    client = Client(proc, host, to, lambda: transmission_seeds(host))
    if folder:
        t.wait("transmission checks its files", client.is_complete)
    return client


def transmission_seeds(host: Host) -> bool:
    """Whether Transmission says that it has all and serves."""
    answer = transmission_rpc(host, "torrent-get", {"fields": ["status", "percentDone", "errorString"]})
    torrents = answer["arguments"]["torrents"] if answer else []
    return any(one["status"] == TRANSMISSION_SEEDS and one["percentDone"] == 1 for one in torrents)


def transmission_rpc(host: Host, method: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """One call; None while nobody answers."""
    url = f"http://{host.address}:{TRANSMISSION_RPC_PORT}/transmission/rpc"
    body = {"method": method, "arguments": arguments}
    header = "X-Transmission-Session-Id"
    try:
        return post(url, body, {})
    except urllib.error.HTTPError as refused:  # the first call is refused and tells the word to say
        return post(url, body, {header: refused.headers[header]})


def post(url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any] | None:
    """The JSON answer to a JSON question; None while nobody listens."""
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        raise
    except OSError:
        return None


def complete(t: Trial, *clients: Client) -> None:
    """Waits until all are complete."""
    for client in clients:
        t.wait(f"{client.proc.name} has all", client.is_complete)


def end(*clients: Client) -> None:
    """Ends them in good order, so that all is on disk."""
    for client in clients:
        client.proc.serves = False
        client.proc.stop()
