"""Our metalinks in other people's hands, and a room that copies by one from other people's server."""
from pathlib import Path
from urllib.parse import quote

import servers
from clients import finished, get
from harness import Host, Proc, Trial, run
from tree import read_tree

PLAIN = "suite"


def aria2_copies_by_our_metalink_alone(t: Trial) -> None:
    metalink, _ = _served(t, PLAIN)
    plain = t.dir / "plain.meta4"
    lines = metalink.read_text().splitlines(keepends=True)
    plain.write_text("".join(line for line in lines if "<metaurl" not in line))
    _aria2(t, t.host("machine"), plain)


def aria2_copies_by_our_metalink_and_the_torrent_behind_it(t: Trial) -> None:
    metalink, _ = _served(t, PLAIN)
    _aria2(t, t.host("machine"), metalink)


def a_room_copies_by_the_address_of_a_metalink(t: Trial) -> None:
    _, url = _served(t)
    _room(t, url)


def a_room_copies_by_a_metalink_without_a_torrent(t: Trial) -> None:
    metalink, url = _served(t)
    metalink.with_suffix(".torrent").unlink()
    _room(t, url)


def _served(t: Trial, name: str = "") -> tuple[Path, str]:
    """The tree with its torrent and its metalink at nginx: the metalink, and its address.

    Under another name, files whose paths hold an ampersand are left out: aria2 reads it as `&#38;`.
    """
    top = t.copy_tree(t.dir / "root")
    root = top.parent
    if name:
        top = top.rename(root / name)
        for path in [path for path in top.rglob("*") if "&" in str(path) and path.is_file()]:
            path.unlink()
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    nginx = servers.mirror(t, root)
    metalink = root / f"{top.name}.meta4"
    run(t.bench.swarmcopy, "make", top, "--mirror", nginx.url, "--metalink", metalink)
    return metalink, f"{nginx.url}{quote(metalink.name)}"


def _aria2(t: Trial, host: Host, metalink: Path) -> None:
    to = t.dir / "to-aria2"
    proc: Proc = t.start(host, "aria2", [
        "aria2c", "--no-conf", f"--dir={to}", "--enable-dht=false", "--file-allocation=none", "--seed-time=0",
        "--summary-interval=5", f"--metalink-file={metalink}"])
    t.wait_exit(proc)
    found, wanted = read_tree(to / PLAIN), read_tree(t.dir / "root" / PLAIN)
    # aria2 makes no empty files of a torrent
    wrong = sorted(path for path, what in wanted.items() if found.get(path) != what and t.tree.files[path])
    t.check(found and not wrong, f"{len(wrong)} files differ or are not there: {wrong[:10]}")


def _room(t: Trial, url: str) -> None:
    """One machine copies from the server, the next one from that machine alone."""
    first = get(t, t.host("first"), url, "--stay")
    first.proc.serves = True
    t.wait("the first machine is complete", first.is_complete)
    second = get(t, t.host("second"), url, "--seed-for", "0s", "--origin", "never", "--peer", first.peer)
    told = finished(t, second)
    t.check(told["from_peers"] == t.tree.bytes, f"the second machine asked somebody else: {told}")
    t.check_copy(first.to / t.tree.name)
