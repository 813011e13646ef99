"""`swarmcopy get` by itself: resuming, shares, mirrors, and what it must leave alone."""
import signal
from pathlib import Path
from urllib.parse import quote

import servers
from clients import finished, get, make, seed
from harness import Trial


def a_killed_copy_goes_on(t: Trial) -> None:
    torrent = make(t)
    ours = seed(t, torrent, "--limit-up", "7M")
    host = t.host("machine")
    first = get(t, host, torrent, "--peer", ours.peer, "--seed-for", "0s", name="first")
    half = t.tree.bytes // 2
    t.wait("half is copied", lambda: any(event["verified"] > half for event in first.proc.events("progress")))
    first.proc.stop(signal.SIGKILL)
    t.check((first.to / f"{t.tree.name}.swarmcopy").exists(), "nothing marks the incomplete copy")
    told = finished(t, get(t, host, torrent, "--peer", ours.peer, "--seed-for", "0s", name="second"))
    t.check(told["reused"] > 0, f"nothing was used of what was copied already: {told}")
    t.check(told["reused"] + told["from_peers"] == t.tree.bytes, f"the second run does not add up: {told}")


def a_share_beside_the_torrent_is_found(t: Trial) -> None:
    t.copy_tree(t.dir / "share")
    torrent = make(t, top=t.dir / "share" / t.tree.name, to="share/it.torrent")
    told = finished(t, get(t, t.host("machine"), torrent, "--seed-for", "0s"))
    t.check(told["from_share"] == t.tree.bytes, f"not all came from the share: {told}")


def a_mirror_alone_gives_the_tree(t: Trial) -> None:
    nginx = servers.mirror(t)
    torrent = make(t, "--mirror", nginx.url)
    told = finished(t, get(t, t.host("machine"), torrent, "--seed-for", "0s"))
    t.check(told["from_mirror"] == t.tree.bytes, f"not all came from the mirror: {told}")
    sent = nginx.bytes_sent()
    t.check(sent <= t.tree.bytes * 1.05, f"the mirror sent {sent} bytes for {t.tree.bytes}")
    t.check(nginx.statuses() <= {"200", "206"}, f"the mirror answered {nginx.statuses()}")


def a_mirror_alone_gives_a_single_file(t: Trial) -> None:
    path = max(t.tree.files, key=lambda path: t.tree.files[path])
    nginx = servers.mirror(t)
    torrent = make(t, "--mirror", nginx.url + quote(f"{t.tree.name}/{path}"), top=t.tree.top / path)
    ours = get(t, t.host("machine"), torrent, "--seed-for", "0s")
    t.wait_exit(ours.proc)
    t.check((ours.to / Path(path).name).read_bytes() == (t.tree.top / path).read_bytes(), "the file differs")


def origin_never_reads_nothing_from_the_mirror(t: Trial) -> None:
    nginx = servers.mirror(t)
    torrent = make(t, "--mirror", nginx.url)
    # a seed needs no origin either
    ours = seed(t, torrent)
    told = finished(t, get(t, t.host("machine"), torrent, "--peer", ours.peer, "--origin", "never", "--seed-for", "0s"))
    t.check(told["from_peers"] == t.tree.bytes and told["origin_bytes"] == 0, f"not all came from the peer: {told}")
    t.check(nginx.bytes_sent() == 0, f"the mirror sent {nginx.bytes_sent()} bytes")


def what_lies_at_the_target_is_used(t: Trial) -> None:
    torrent = make(t)
    host = t.host("machine")
    t.copy_tree(t.dir / f"to-{host.name}")
    told = finished(t, get(t, host, torrent, "--seed-for", "0s", "--timeout", "20s"))
    t.check(told["reused"] == t.tree.bytes, f"not all was used: {told}")


def a_damaged_copy_is_found_and_mended(t: Trial) -> None:
    torrent = make(t)
    host = t.host("machine")
    copy = t.copy_tree(t.dir / f"to-{host.name}")
    big = max(t.tree.files, key=lambda path: t.tree.files[path])
    with (copy / big).open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"damage")
    checked = t.start(host, "verify", [t.bench.swarmcopy, "verify", torrent, "--at", copy.parent])
    t.wait_exit(checked, 4)
    t.check(Path(big).name in checked.out.read_text(), "verify does not name the damaged file")
    told = finished(t, get(t, host, torrent, "--share", t.tree.parent, "--seed-for", "0s"))
    t.check(0 < told["from_share"] < t.tree.bytes // 2, f"more was copied than the damage needs: {told}")


def two_copies_at_once_share_one_machine(t: Trial) -> None:
    torrent = make(t)
    host = t.host("machine")
    argv = [t.bench.swarmcopy, "get", torrent, "--share", t.tree.parent, "--seed-for", "0s", "--json"]
    both = [t.start(host, name, [*argv, "--to", t.dir / name]) for name in ("one", "two")]
    for proc in both:
        t.wait_exit(proc)
        t.check_copy(t.dir / proc.name / t.tree.name)
