"""The copy is the tree: what `rsync -aHn --delete` would still do after a copy by share, by peer and by mirror."""
import os
import random
import shutil
import subprocess
from pathlib import Path

import servers
from clients import PORT, Client, get, make, report
from harness import Trial, run

STAMP = 1_500_000_000
# no network of its own is needed to compare two folders
RSYNC = ["rsync", "-aHn", "--delete", "--itemize-changes"]


def plant(top: Path, rng: random.Random) -> Path:
    """A tree with everything that rsync looks at."""
    for folder in ["bin", "docs/Größe #1 100%", "empty", "deep/" + "/".join("abcdefgh"), "locked", "-odd", "sticky"]:
        (top / folder).mkdir(parents=True)
    for number, (name, mode) in enumerate([
            ("bin/tool", 0o755), ("bin/tool.cfg", 0o444), ("docs/Größe #1 100%/[a]{b} ?*.txt", 0o640), ("zero", 0o644),
            ("-odd/--help", 0o664), ("locked/inside", 0o600), ("old", 0o555), ("a\\'b\"c $HOME", 0o604)]):
        name = name.replace("\\", "")
        (top / name).write_bytes(b"" if name == "zero" else rng.randbytes(50_000 * (number + 1)))
        (top / name).chmod(mode)
    with (top / "holes").open("wb") as file:
        file.truncate(3_000_000)
        file.seek(1_500_000)
        file.write(b"island")
    os.link(top / "bin/tool", top / "a second name")
    os.link(top / "bin/tool", top / "deep/a/third name")
    for name, target in [("bin/link", "tool"), ("up", "deep/../bin/./tool"), ("folder link", "docs"),
                         ("deep/dangles", "../nothing/here"), ("chain", "folder link"), ("deep/top", "..")]:
        (top / name).symlink_to(target)
    (top / "locked").chmod(0o555)
    (top / "sticky").chmod(0o1777)
    paths = sorted((path for path in top.rglob("*")), key=lambda path: -len(path.parts))
    for number, path in enumerate([*paths, top]):
        os.utime(path, ns=(0, (STAMP + number * 86_400) * 10**9 + number * 123_456_700), follow_symlinks=False)
    return top


def differences(top: Path, copy: Path) -> list[str]:
    """What rsync would still do."""
    return run(*RSYNC, f"{top}/", f"{copy}/").splitlines()


def ended(t: Trial, client: Client, top: Path) -> dict[str, object]:
    """Waits for a `get` to end well and leave the tree and nothing else; gives its report."""
    t.wait_exit(client.proc)
    left = sorted(path.name for path in client.to.iterdir())
    t.check(left == [top.name], f"{client.to} holds {left}")
    found = differences(top, client.to / top.name)
    t.check(not found, f"rsync would still do: {found}")
    return report(client)


def a_copy_from_a_share_leaves_rsync_nothing_to_do(t: Trial) -> None:
    for form in ["v1", "v2", "hybrid"]:
        top = plant(t.dir / f"share-{form}" / "CS5", random.Random(form))
        torrent = make(t, "--format", form, top=top, to=f"{form}.torrent")
        ours = get(t, t.host(f"m{form}"), torrent, "--share", top.parent, "--seed-for", "0s")
        told = ended(t, ours, top)
        t.check(told["undone"] == [], f"not all could be done: {told}")


def a_copy_from_a_peer_leaves_rsync_nothing_to_do(t: Trial) -> None:
    top = plant(t.dir / "share" / "CS5", random.Random(1))
    torrent = make(t, top=top)
    host = t.host("seed")
    served = t.start(host, "seed", [t.bench.swarmcopy, "seed", torrent, "--from", top.parent, "--listen",
                                    f"{host.address}:{PORT}", "--json"])
    served.serves = True
    t.wait("the seed starts", lambda: served.events("started"))
    ours = get(t, t.host("machine"), torrent, "--peer", f"{host.address}:{PORT}", "--seed-for", "0s")
    told = ended(t, ours, top)
    t.check(told["from_share"] == 0 and told["from_peers"], f"not all came from the peer: {told}")


def a_copy_from_a_mirror_leaves_rsync_nothing_to_do(t: Trial) -> None:
    top = plant(t.dir / "share" / "CS5", random.Random(2))
    # the server runs as a user of its own
    for path in [*top.rglob("*")]:
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o444)
    nginx = servers.mirror(t, top.parent)
    torrent = make(t, "--mirror", nginx.url, top=top)
    told = ended(t, get(t, t.host("machine"), torrent, "--seed-for", "0s"), top)
    t.check(told["from_mirror"], f"nothing came from the mirror: {told}")


def access_lists_are_those_of_the_source(t: Trial) -> None:
    top = plant(t.dir / "share" / "CS5", random.Random(4))
    run("setfacl", "-m", "u:1001:rw-,g:1002:r--", top / "bin/tool.cfg")
    run("setfacl", "-m", "u:1001:r-x,d:u:1003:rwx,d:g:1002:r-x", top / "docs")
    run("setfacl", "-m", "d:u:1003:r-x", top)
    for path, name, value in [("bin/tool.cfg", "origin, or so", b"http://server/\0\xff"), ("docs", "kind", b""), ("zero", "kind", b"x")]:
        os.setxattr(top / path, f"user.{name}", value)
    (top / "zero").chmod(0o444)
    torrent, host = make(t, "--acl", top=top), t.host("machine")
    ended(t, get(t, host, torrent, "--share", top.parent, "--seed-for", "0s", "--acl", name="with"), top)
    copy = t.dir / f"to-{host.name}" / "CS5"
    listed = lists(top)
    t.check(sum("1003" in line for line in listed) >= 2, f"the source has no lists: {listed}")
    t.check(lists(copy) == listed, f"getfacl tells {lists(copy)} instead of {listed}")
    t.check(extended(copy) == extended(top) and len(extended(top)) == 3, f"{extended(copy)} instead of {extended(top)}")
    # one that is changed is told, and mended
    run("setfacl", "-x", "u:1001", copy / "bin/tool.cfg")
    run("setfacl", "-m", "u:77:r--", copy / "zero")
    os.removexattr(copy / "docs", "user.kind")
    os.setxattr(copy / "bin", "user.more", b"1")
    told = run(t.bench.swarmcopy, "verify", torrent, "--at", copy, "--attributes")
    t.check("bin/tool.cfg: access list" in told and "zero: access list" in told, f"not told: {told}")
    t.check("docs: extended attributes" in told and "bin: extended attributes" in told, f"not told: {told}")
    ended(t, get(t, host, torrent, "--share", top.parent, "--seed-for", "0s", "--acl", name="again"), top)
    t.check(lists(copy) == listed and extended(copy) == extended(top), "the lists were not mended")
    # without the flag nothing of that is done
    other = t.host("other")
    ended(t, get(t, other, torrent, "--share", top.parent, "--seed-for", "0s", name="without"), top)
    plain = t.dir / f"to-{other.name}" / "CS5"
    t.check(not any("1003" in line for line in lists(plain)) and not extended(plain), "lists nobody asked for")


def extended(top: Path) -> dict[tuple[str, str], bytes]:
    """The extended attributes of all files and folders of a tree that users give."""
    paths = [path for path in [top, *top.rglob("*")] if not path.is_symlink()]
    return {(str(path.relative_to(top)), name): os.getxattr(path, name)
            for path in paths for name in os.listxattr(path) if name.startswith("user.")}


def lists(top: Path) -> list[str]:
    """What getfacl says of a tree."""
    done = subprocess.run(["getfacl", "-R", "-n", "-p", "."], cwd=top, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def a_new_version_over_the_old_one_leaves_rsync_nothing_to_do(t: Trial) -> None:
    rng = random.Random(3)
    top = plant(t.dir / "share" / "CS5", rng)
    old = make(t, top=top, to="old.torrent")
    host = t.host("machine")
    ended(t, get(t, host, old, "--share", top.parent, "--seed-for", "0s", name="old"), top)
    (top / "old").unlink()
    (top / "bin/tool.cfg").chmod(0o600)
    (top / "bin/tool.cfg").write_bytes(rng.randbytes(99_999))
    (top / "a second name").unlink()
    (top / "a second name").write_bytes(rng.randbytes(50_000))
    (top / "chain").unlink()
    (top / "chain").mkdir()
    (top / "docs").rename(top / "papers")
    (top / "new").mkdir()
    (top / "new/file").write_bytes(rng.randbytes(400_000))
    new = make(t, "--after", str(old), top=top, to="new.torrent")
    for flags in [["--delete-extra"], ["--delete-extra", "--staged"]]:
        ours = get(t, host, new, "--share", top.parent, "--seed-for", "0s", *flags, name=f"new{len(flags)}")
        ended(t, ours, top)


def a_reader_sees_one_version_during_the_switch(t: Trial) -> None:
    top = t.dir / "share" / "CS5"
    top.mkdir(parents=True)
    host = t.host("machine")
    torrents = []
    for version in range(2):
        for number in range(300):
            (top / f"f{number}").write_text(f"{version}\n")
        torrents.append(make(t, "--force", top=top, to=f"v{version}.torrent"))
        shutil.copytree(top, t.dir / f"v{version}" / "CS5")
    copy = t.dir / f"to-{host.name}" / "CS5"
    for version in [0, 1, 0, 1]:
        ours = get(t, host, torrents[version], "--share", t.dir / f"v{version}", "--seed-for", "0s", "--staged",
                   "--delete-extra", name=f"turn{version}-{len(t.hosts)}-{random.random()}")
        seen: set[str] = set()
        while ours.proc.code() is None:
            if copy.exists():
                seen.add(read_version(copy))
        t.wait_exit(ours.proc)
        t.check(seen <= {"0", "1"}, f"a reader saw {seen}")
        t.check(read_version(copy) == str(version), "the switch did not happen")


def read_version(copy: Path) -> str:
    """Which version all files of a folder are of, read below one open folder as a careful reader would."""
    try:
        folder = os.open(copy, os.O_RDONLY)
    except FileNotFoundError:
        return "missing"
    try:
        found = set()
        for number in range(300):
            file = os.open(f"f{number}", os.O_RDONLY, dir_fd=folder)
            found.add(os.read(file, 10).decode().strip())
            os.close(file)
        return "".join(sorted(found))
    except FileNotFoundError:
        # the old tree is removed below an open folder: its reader sees no mixture, but an end
        return "0"
    finally:
        os.close(folder)
