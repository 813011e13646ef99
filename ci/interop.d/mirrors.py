"""Other people's servers as mirrors: lighttpd, Python's and vsftpd, and a server of our own that misbehaves on purpose."""
import sys
from dataclasses import dataclass
from pathlib import Path

import servers
from harness import Failed, Host, Proc, Trial, run

FTP_PORT = 2121

LIGHTTPD = """
server.document-root = "{root}"
server.port = {port}
server.bind = "{address}"
server.errorlog = "{at}/error.log"
server.upload-dirs = ("{at}")
server.modules = ("mod_accesslog")
accesslog.filename = "{at}/access.log"
accesslog.format = "%s %b %h %m %U"
mimetype.assign = ("" => "application/octet-stream")
"""

VSFTPD = """
listen=YES
listen_port={port}
background=NO
anonymous_enable=YES
anon_root={root}
secure_chroot_dir={at}/empty
utf8_filesystem=YES
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
xferlog_enable=YES
vsftpd_log_file={at}/ftp.log
"""

VSFTPD_TLS = """
ssl_enable=YES
ssl_tlsv1=YES
allow_anon_ssl=YES
force_anon_data_ssl=YES
force_anon_logins_ssl=YES
rsa_cert_file={at}/leaf.pem
rsa_private_key_file={at}/leaf.key
"""


def lighttpd(t: Trial, root: Path) -> str:
    """Starts lighttpd with `root` as its document root; gives its URL."""
    host = t.host("lighttpd")
    at = t.dir / "lighttpd"
    at.mkdir()
    conf = LIGHTTPD.format(at=at, root=root, address=host.address, port=servers.MIRROR_PORT)
    (at / "lighttpd.conf").write_text(conf)
    proc = t.start(host, "lighttpd", ["lighttpd", "-D", "-f", at / "lighttpd.conf"])
    proc.serves = True
    servers.answers(t, host, servers.MIRROR_PORT)
    return f"http://{host.address}:{servers.MIRROR_PORT}/"


def python(t: Trial, root: Path) -> str:
    """Starts Python's http.server, which speaks HTTP/1.0 and knows no ranges, for `root`; gives its URL."""
    host = t.host("python")
    argv = [sys.executable, "-m", "http.server", "--directory", root, "--bind", host.address, str(servers.MIRROR_PORT)]
    proc = t.start(host, "python", argv)
    proc.serves = True
    servers.answers(t, host, servers.MIRROR_PORT)
    return f"http://{host.address}:{servers.MIRROR_PORT}/"


@dataclass(frozen=True)
class Origin:
    """`origin.py` with the folder that it serves, and what it was asked for."""

    url: str
    log: Path

    def asked(self) -> int:
        """How many requests it got."""
        return len(self.runs())

    def runs(self) -> list[tuple[int, int]]:
        """First byte and length of each answer."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(int(line.split(" ")[-2]), int(line.split(" ")[-1])) for line in lines]


def origin(t: Trial, root: Path, *flags: str) -> Origin:
    """Starts the server that misbehaves as the flags say."""
    host = t.host("origin")
    log = t.dir / "origin.log"
    argv = [sys.executable, "-B", Path(__file__).with_name("origin.py"), root, host.address, str(servers.MIRROR_PORT)]
    proc = t.start(host, "origin", [*argv, "--log", log, *flags])
    proc.serves = True
    t.wait("origin.py listens", lambda: proc.events("listens"))
    return Origin(f"http://{host.address}:{servers.MIRROR_PORT}/", log)


def vsftpd(t: Trial, root: Path) -> str:
    """Starts vsftpd for anonymous users with `root` as their folder; gives its URL."""
    host = t.host("vsftpd")
    _start_vsftpd(t, host, root, "")
    return f"ftp://{host.address}:{FTP_PORT}/"


def vsftpd_with_tls(t: Trial, root: Path) -> tuple[str, Path]:
    """The same with TLS for everything; gives its URL and the certificate that signed its own."""
    host = t.host("vsftpd")
    at = t.dir / "vsftpd"
    at.mkdir()
    ca = _certificates(at, host.address)
    _start_vsftpd(t, host, root, VSFTPD_TLS.format(at=at))
    return f"ftps://{host.address}:{FTP_PORT}/", ca


def _start_vsftpd(t: Trial, host: Host, root: Path, more: str) -> Proc:
    at = t.dir / "vsftpd"
    (at / "empty").mkdir(parents=True)
    (at / "vsftpd.conf").write_text(VSFTPD.format(at=at, root=root, port=FTP_PORT).lstrip() + more.lstrip())
    proc = t.start(host, "vsftpd", ["vsftpd", at / "vsftpd.conf"])
    proc.serves = True
    t.wait("vsftpd listens", lambda: f":{FTP_PORT}" in run("ip", "netns", "exec", host.space, "ss", "-Hltn"))
    return proc


def _certificates(at: Path, address: str) -> Path:
    """Makes an authority and a certificate for `address`; gives the authority's."""
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    ca, leaf = at / "ca.pem", at / "leaf.pem"
    run(*new, "-subj", "/CN=bench", "-keyout", at / "ca.key", "-out", ca)
    run(*new, "-subj", "/CN=mirror", "-addext", f"subjectAltName=IP:{address}", "-addext", "basicConstraints=critical,CA:FALSE",
        "-CA", ca, "-CAkey", at / "ca.key", "-keyout", at / "leaf.key", "-out", leaf)
    if not leaf.stat().st_size:
        raise Failed("openssl made no certificate")
    return ca
