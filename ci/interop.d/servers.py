"""The servers of a bench: nginx as a mirror, opentracker and our own tracker."""
import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import bencode
from harness import HUB, Host, Proc, Trial, run

TRACKER_PORT = 6969
MIRROR_PORT = 8080

NGINX = """
daemon off; worker_processes 1; user root; pid {at}/pid; error_log {at}/error.log;
events {{ worker_connections 1024; }}
http {{
  default_type application/octet-stream;
  log_format plain '$status $body_bytes_sent $remote_addr $request_method $request_uri';
  access_log {at}/access.log plain;
  client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
  server {{ listen {port}; root "{root}"; }}
}}
"""


@dataclass(frozen=True)
class Mirror:
    """nginx with the folder that holds the tree as its root."""

    proc: Proc
    url: str
    log: Path

    def bytes_sent(self) -> int:
        """Bytes of content that left it so far."""
        return sum(int(size) for _, size, _ in self.requests())

    def statuses(self) -> set[str]:
        """What it answered so far."""
        return {status for status, _, _ in self.requests()}

    def requests(self) -> list[list[str]]:
        """Status, bytes and client of each request in its access log, without those of the runner."""
        lines = [line.split()[:3] for line in self.log.read_text().splitlines()]
        return [line for line in lines if line[2] != HUB]


def mirror(t: Trial, root: Path | None = None) -> Mirror:
    """Starts nginx."""
    host = t.host("mirror")
    at = t.dir / "nginx"
    at.mkdir()
    (at / "nginx.conf").write_text(NGINX.format(at=at, root=root or t.tree.parent, port=MIRROR_PORT))
    return start_nginx(t, host)


def start_nginx(t: Trial, host: Host, name: str = "nginx") -> Mirror:
    """Starts nginx, perhaps once more, with the configuration that its machine has."""
    at = t.dir / "nginx"
    proc = t.start(host, name, ["nginx", "-p", at, "-c", at / "nginx.conf"])
    proc.serves = True
    answers(t, host, MIRROR_PORT)
    return Mirror(proc, f"http://{host.address}:{MIRROR_PORT}/", at / "access.log")


def our_tracker(t: Trial, ipv6: str = "") -> str:
    """Starts `swarmcopy tracker`, also at an IPv6 address if there is one; gives its announce address."""
    host = t.host("tracker")
    listen = ["--listen", f"{host.address}:{TRACKER_PORT}"]
    if ipv6:
        run("ip", "-n", host.space, "addr", "add", f"{ipv6}/64", "dev", "eth0", "nodad")
        listen += ["--listen", f"[{ipv6}]:{TRACKER_PORT}"]
    proc = t.start(host, "tracker", [t.bench.swarmcopy, "tracker", *listen, "--interval", "10s", "--json"])
    proc.serves = True
    answers(t, host, TRACKER_PORT)
    return announce_url(host)


def opentracker(t: Trial, torrent: Path) -> None:
    """Starts opentracker at the machine `tracker`; Debian's serves only the info-hashes of a list."""
    host = t.hosts["tracker"]
    at = t.dir / "opentracker"
    at.mkdir()
    at.chmod(0o777)
    (at / "list").write_text(info_hash(torrent).hex() + "\n")
    proc = t.start(host, "opentracker", [
        "opentracker", "-i", host.address, "-p", str(TRACKER_PORT), "-P", str(TRACKER_PORT), "-d", at, "-w", "list"])
    proc.serves = True
    answers(t, host, TRACKER_PORT)


def announce_url(host: Host) -> str:
    return f"http://{host.address}:{TRACKER_PORT}/announce"


def answers(t: Trial, host: Host, port: int) -> None:
    """Waits until a server answers HTTP in any way."""
    def asked() -> bool:
        connection = http.client.HTTPConnection(host.address, port, timeout=5)
        try:
            connection.request("HEAD", "/")
            connection.getresponse()
        except http.client.HTTPException:
            pass
        except OSError:
            return False
        finally:
            connection.close()
        return True

    t.wait(f"{host.name} answers", asked)


def ask(url: str) -> dict[bytes, bencode.Value]:
    """What a tracker answers."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bencode.decode(answer.read())


def info_hash(torrent: Path) -> bytes:
    """SHA-1 of the info dictionary as it stands in the file."""
    return hashlib.sha1(bencode.raw_value(torrent.read_bytes(), b"info")).digest()
