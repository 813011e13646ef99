"""What cannot work is refused with the right exit code, and a full disk is no dead end."""
import contextlib
import subprocess
from pathlib import Path

import bencode
from clients import Client, finished, get, make
from harness import WAIT_SECONDS, Trial, run

FAILED, INCOMPLETE, MISMATCH, DISK = 1, 3, 4, 5
CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "torrents" / "libtorrent"


def a_share_with_other_bytes_is_told(t: Trial) -> None:
    torrent = make(t)
    copy = t.copy_tree(t.dir / "share")
    for path, (size, _) in t.tree.files.items():
        (copy / path).write_bytes(bytes(size))
    ours = get(t, t.host("machine"), torrent, "--share", t.dir / "share", "--timeout", "20s")
    _ends_with(t, ours, MISMATCH)


def no_source_that_answers_ends_at_the_timeout(t: Trial) -> None:
    silent = t.host("silent")
    ours = get(t, t.host("machine"), make(t), "--peer", f"{silent.address}:6881", "--timeout", "3s")
    _ends_with(t, ours, INCOMPLETE, seconds=15)


def nothing_to_copy_from_is_told_at_once(t: Trial) -> None:
    ours = get(t, t.host("machine"), make(t))
    _ends_with(t, ours, 2, seconds=5)


def a_file_in_the_place_of_the_target_is_told(t: Trial) -> None:
    host = t.host("machine")
    (t.dir / f"to-{host.name}").write_text("in the way")
    ours = get(t, host, make(t), "--share", t.tree.parent, "--timeout", "20s")
    _ends_with(t, ours, DISK)


def a_target_that_is_read_only_is_told(t: Trial) -> None:
    host = t.host("machine")
    t.mount_tmpfs(t.dir / f"to-{host.name}", "ro,size=1m")
    ours = get(t, host, make(t), "--share", t.tree.parent, "--timeout", "20s")
    _ends_with(t, ours, DISK)


def too_little_room_is_told_before_the_first_byte(t: Trial) -> None:
    host = t.host("machine")
    torrent = make(t)
    at = t.dir / f"to-{host.name}"
    t.mount_tmpfs(at, "size=16m")
    ours = get(t, host, torrent, "--share", t.tree.parent, "--seed-for", "0s", "--timeout", "30s")
    _ends_with(t, ours, DISK)
    t.check(not list(at.iterdir()), f"something was written: {list(at.iterdir())}")


def a_disk_that_becomes_full_is_told_and_the_copy_goes_on_later(t: Trial) -> None:
    host = t.host("machine")
    torrent = make(t)
    at = t.dir / f"to-{host.name}"
    t.mount_tmpfs(at, "size=96m")
    flags = ("--share", t.tree.parent, "--seed-for", "0s", "--timeout", "30s")
    first = get(t, host, torrent, *flags, "--limit-down", "8MB/s", name="first")
    t.wait("something is there", lambda: any(event["verified"] for event in first.proc.events("progress")))
    rest = at / "what-somebody-else-writes"
    _fill(rest)
    _ends_with(t, first, DISK)
    rest.unlink()
    second = get(t, host, torrent, *flags, name="second")
    told = finished(t, second)
    t.check(told["reused"] > 0, f"nothing was used of what fitted on the disk: {told}")


def _fill(path: Path) -> None:
    """Writes until the disk is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(64 * 1024))


def malformed_torrents_get_one_line(t: Trial) -> None:
    own = _malformed(t.dir / "malformed")
    for torrent in [*own, *sorted(CORPUS.glob("*.torrent"))]:
        argv = [t.bench.swarmcopy, "show", torrent]
        show = subprocess.run(argv, check=False, capture_output=True, text=True, errors="replace", timeout=20)
        if torrent in own or show.returncode:
            t.check(show.returncode == FAILED, f"show {torrent.name}: exit {show.returncode}: {show.stderr}")
            _one_error(t, f"show {torrent.name}", show.stderr)


def a_malformed_torrent_leaves_the_target_alone(t: Trial) -> None:
    for torrent in _malformed(t.dir / "malformed"):
        host = t.host(torrent.stem)
        ours = get(t, host, torrent, "--timeout", "10s")
        _ends_with(t, ours, FAILED)
        t.check(not ours.to.exists() or not list(ours.to.iterdir()), f"{torrent.name} left something in the target")


def no_name_leads_out_of_the_target(t: Trial) -> None:
    host = t.host("machine")
    out = f"{t.bench.prefix}-out"
    for number, path in enumerate([["..", out], ["a", "..", "..", out], [f"/{out}"], [f"..\\{out}"], [f"../../{out}"]]):
        # an empty file needs no source, so it is made whatever else is missing
        files = [{"length": 0, "path": path}, {"length": 5, "path": ["lost"]}]
        info = {"name": "..", "piece length": 16384, "pieces": bytes(20), "files": files}
        torrent = t.dir / f"out-{number}.torrent"
        torrent.write_bytes(bencode.encode({"info": info}))
        ours = get(t, host, torrent, "--timeout", "1s", name=f"get-{number}")
        t.wait("get ends", lambda: ours.proc.code() is not None, 20)
        outside = [folder for folder in (t.dir, t.dir.parent, Path("/")) if (folder / out).exists()]
        t.check(not outside, f"{path} came to lie in {outside}")


def _malformed(folder: Path) -> list[Path]:
    """Torrents that nobody may accept."""
    folder.mkdir()
    sound = {"name": "it", "piece length": 16384, "pieces": bytes(20), "length": 5}
    texts = {
        "cut": bencode.encode({"info": sound})[:-9],
        "hashes": bencode.encode({"info": sound | {"pieces": bytes(19)}}),
        "negative": bencode.encode({"info": sound | {"length": -5}}),
        "nameless": bencode.encode({"info": {key: sound[key] for key in ("piece length", "pieces", "length")}}),
        "nested": b"d4:info" + b"l" * 100_000 + b"e" * 100_000 + b"e",
        "endless": b"d4:info99999999999:x",
        "empty": b"",
    }
    for name, text in texts.items():
        (folder / f"{name}.torrent").write_bytes(text)
    return sorted(folder.iterdir())


def _ends_with(t: Trial, ours: Client, code: int, seconds: float = WAIT_SECONDS) -> None:
    """Waits for a `get` to fail with this code and checks that it says why, once."""
    t.wait_exit(ours.proc, code, seconds)
    _one_error(t, ours.proc.name, ours.proc.err.read_text(errors="replace"))
    t.check([event["code"] for event in ours.proc.events("error")] == [code], "no error event with that code, or more than one")


def _one_error(t: Trial, who: str, err: str) -> None:
    """Checks that stderr holds exactly one line that begins with `error:`, and no crash."""
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    t.check(len(errors) == 1 and "panicked" not in err, f"{who}: one line of error wanted, got: {err}")
