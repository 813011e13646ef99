"""What `swarmcopy make` writes: the same info-hash as others give the same tree, and a file that others read."""
import json

import servers
from clients import LTNODE, make
from harness import Trial, run

KIB = 1024


def the_info_hash_equals_that_of_mktorrent(t: Trial) -> None:
    for exponent in (15, 18, 20):
        ours = make(t, "--piece-length", f"{2 ** exponent // KIB}KiB", to=f"ours-{exponent}.torrent")
        theirs = t.dir / f"theirs-{exponent}.torrent"
        run("mktorrent", "-l", str(exponent), "-n", t.tree.name, "-a", "http://127.0.0.1/announce", "-o", theirs, t.tree.top)
        t.check(servers.info_hash(ours) == servers.info_hash(theirs), f"not the same with pieces of 2^{exponent} bytes")


def the_info_hash_equals_that_of_libtorrent(t: Trial) -> None:
    torrent = make(t, "--piece-length", "128KiB")
    shown = json.loads(run(t.bench.swarmcopy, "show", torrent, "--json"))
    listing = t.dir / "list.json"
    listing.write_text(json.dumps([[file["path"], file["bytes"]] for file in shown["files"]]))
    theirs = run(t.bench.libtorrent_python, LTNODE, "--hash", listing, t.tree.top, str(128 * KIB)).strip()
    t.check(servers.info_hash(torrent).hex() == theirs, f"libtorrent makes it {theirs}")
    t.check(shown["info_hash"] == theirs, f"show says {shown['info_hash']}, libtorrent {theirs}")


def others_read_our_torrent_alike(t: Trial) -> None:
    torrent = make(t, "--tracker", "http://127.0.0.1/announce", "--mirror", "http://127.0.0.1/a%20b/", "--private", "--comment", "Größe")
    ours = servers.info_hash(torrent).hex()
    for reader in (["transmission-show", torrent], ["aria2c", "--show-files", torrent]):
        told = run(*reader)
        t.check(ours in told, f"{reader[0]} does not say {ours}")
        files = sum(path.split("/")[-1] in told for path in t.tree.files)
        t.check(files == len(t.tree.files), f"{reader[0]} knows {files} of {len(t.tree.files)} files")
