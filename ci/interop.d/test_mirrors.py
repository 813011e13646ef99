"""`swarmcopy get` from other people's web and FTP servers alone, by names that trip servers up."""
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mirrors
import servers
from clients import get, make, report
from harness import Trial
from tree import read_tree

# besides those of the tree: what no Windows program would write
LONG_BYTES = 96 << 20
NAMES = ["what? why?.txt", "a:b*c|d<e>\"f.bin", "semi;type=a", "?", "#", "%2e%2e", "+ plus", "~user", "a&b=c;d"]


def nginx_gives_every_name(t: Trial) -> None:
    root = _root(t)
    nginx = servers.mirror(t, root)
    _copies(t, root, nginx.url)
    t.check(nginx.statuses() <= {"200", "206"}, f"the mirror answered {nginx.statuses()}")


def lighttpd_gives_every_name(t: Trial) -> None:
    root = _root(t)
    _copies(t, root, mirrors.lighttpd(t, root))


def a_server_without_ranges_gives_every_name_and_a_long_file(t: Trial) -> None:
    root = _root(t)
    top = root / t.tree.name
    (top / "long").write_bytes(os.urandom(LONG_BYTES))
    told = _copies(t, root, mirrors.python(t, root))
    size = sum(path.stat().st_size for path in top.rglob("*") if path.is_file())
    t.check(told["from_mirror"] < size * 1.1, f"{told['from_mirror']} bytes came for {size}")


def a_server_without_ranges_helps_one_with_ranges(t: Trial) -> None:
    root = _root(t)
    (root / t.tree.name / "long").write_bytes(os.urandom(LONG_BYTES))
    nginx = servers.mirror(t, root)
    _copies(t, root, mirrors.python(t, root), "--mirror", nginx.url)


def a_room_copies_from_a_server_without_ranges(t: Trial) -> None:
    root = _root(t)
    top = root / t.tree.name
    (top / "long").write_bytes(os.urandom(LONG_BYTES))
    torrent = make(t, "--mirror", mirrors.python(t, root), "--tracker", servers.our_tracker(t), top=top)
    room = [get(t, t.host(name), torrent, "--stay") for name in ("one", "two", "three")]
    for machine in room:
        machine.proc.serves = True
    for machine in room:
        t.wait(f"{machine.host.name} is complete", machine.is_complete)
    for machine in room:
        t.check(not _wrong(top, machine.to / top.name), f"{machine.host.name} has wrong files")


def vsftpd_gives_every_name(t: Trial) -> None:
    root = _root(t)
    _copies(t, root, mirrors.vsftpd(t, root))


def vsftpd_with_tls_gives_every_name(t: Trial) -> None:
    root = _root(t)
    url, ca = mirrors.vsftpd_with_tls(t, root)
    _copies(t, root, url, "--ca-certificate", ca)


def vsftpd_gives_a_single_file_named_in_the_torrent(t: Trial) -> None:
    path = max(t.tree.files, key=lambda path: t.tree.files[path])
    url = mirrors.vsftpd(t, t.tree.parent) + quote(f"{t.tree.name}/{path}")
    torrent = make(t, "--mirror", url, top=t.tree.top / path)
    ours = get(t, t.host("machine"), torrent, "--seed-for", "0s")
    t.wait_exit(ours.proc)
    t.check((ours.to / Path(path).name).read_bytes() == (t.tree.top / path).read_bytes(), "the file differs")


def _root(t: Trial) -> Path:
    """A folder with the tree and more names in it."""
    top = t.copy_tree(t.dir / "root")
    for number, name in enumerate(NAMES):
        (top / name).write_bytes(f"{number} {name}".encode() * 1000)
    for folder in [top.parent, *(path for path in top.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    return top.parent


def _copies(t: Trial, root: Path, url: str, *flags: str | Path) -> dict[str, Any]:
    """Copies the tree from this mirror, and those of the flags; gives the report."""
    top = root / t.tree.name
    torrent = make(t, top=top)
    ours = get(t, t.host("machine"), torrent, "--mirror", url, "--seed-for", "0s", *flags)
    t.wait_exit(ours.proc)
    wrong = _wrong(top, ours.to / t.tree.name)
    t.check(not wrong, f"{len(wrong)} files differ or are not there: {wrong[:10]}")
    return report(ours)


def _wrong(top: Path, copy: Path) -> list[str]:
    """The files that differ or are not in both."""
    found, wanted = read_tree(copy), read_tree(top)
    return sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
