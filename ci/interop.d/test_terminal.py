"""The terminal: what is drawn in windows of any size, and what is written where nothing can be drawn. By tmux, which knows what stands on a screen."""
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from clients import make
from harness import Argv, Host, Trial, run

COPY_MB = 24
SLOW = "1M"
ROWS = 8
MACHINES = 10


class Screen:
    """A window with a program in it."""

    def __init__(self, t: Trial, host: Host, argv: Argv, columns: int, rows: int):
        self.tmux = ("tmux", "-S", str(t.dir / "tmux"), "-f", "/dev/null")
        inside = ["nsenter", f"--net=/run/netns/{host.space}", *map(str, argv)]
        env = {**os.environ, "XDG_STATE_HOME": str(t.dir / "state"), "LC_ALL": "C.UTF-8"}
        subprocess.run([*self.tmux, "new-session", "-d", "-x", str(columns), "-y", str(rows), *inside], check=True, env=env, cwd=t.dir)

    def size(self, columns: int, rows: int) -> None:
        """Makes the window so wide and so high."""
        run(*self.tmux, "resize-window", "-x", str(columns), "-y", str(rows))

    def lines(self) -> list[str]:
        """What stands there, without the empty rows below."""
        return run(*self.tmux, "capture-pane", "-p").rstrip().split("\n")

    def history(self) -> list[str]:
        """That, and what has left the window above."""
        return run(*self.tmux, "capture-pane", "-p", "-S", "-").rstrip().split("\n")


@contextlib.contextmanager
def _screen(t: Trial, host: Host, argv: Argv, columns: int, rows: int) -> Iterator[Screen]:
    screen = Screen(t, host, argv, columns, rows)
    try:
        yield screen
    finally:
        subprocess.run([*screen.tmux, "kill-server"], check=False, capture_output=True)


def a_copy_fits_a_terminal_of_any_width(t: Trial) -> None:
    """The numbers stand on the screen at 100, 40 and 120 columns, while the window changes; and so does a source in trouble."""
    torrent, host = _content(t), t.host("lab")
    argv = [t.bench.swarmcopy, "get", torrent, "--to", t.dir / "to", "--share", t.dir / "origin", "--limit-down", SLOW, "--no-lsd",
            "--mirror", "http://127.0.0.1:1/", "--listen", f"{host.address}:6881"]
    with _screen(t, host, argv, 100, 20) as screen:
        for columns, said in ((100, " MB of "), (40, " %, "), (120, " MB of ")):
            screen.size(columns, 20)

            def fits(said: str = said, columns: int = columns) -> bool:
                *_, bar, below, trouble = ["", "", "", *screen.lines()]
                return (bar.startswith("CS5") and said in bar and "MB of" * (columns > 72) in bar and len(bar) <= columns
                        and below.startswith("  share ") and "127.0.0.1:1 down" in trouble)

            t.wait(f"all fits {columns} columns", fits)


def a_window_that_shrinks_keeps_nothing_of_what_was_drawn_for_it_before(t: Trial) -> None:
    """Nothing of the old width stands in the window above what is drawn for the new one, and what was printed is still there. (What tmux
    moves out of the window when it folds rows nobody can draw over.)"""
    torrent, host = _content(t), t.host("lab")
    argv = [t.bench.swarmcopy, "get", torrent, "--to", t.dir / "to", "--share", t.dir / "origin", "--limit-down", "300K", "--no-lsd",
            "--mirror", "http://127.0.0.1:1/", "--listen", f"{host.address}:6881"]
    with _screen(t, host, argv, 120, 24) as screen:
        widths = (120, 60, 110, 40, 30, 90, 50, 120)
        for columns in widths:
            screen.size(columns, 24)

            def clean(columns: int = columns) -> bool:
                lines = screen.lines()
                drawn = [at for at, line in enumerate(lines) if "━" in line or "─" in line]
                # the bar, what comes from where, the mirror that is down
                return drawn == [len(lines) - 3] and lines[-3].startswith("CS5 ") and all(len(line) < columns for line in lines[-3:])

            t.wait(f"only what fits {columns} columns stands there", clean)
        bars = sum("━" in line or "─" in line for line in screen.history())
        t.check(bars <= 2 * len(widths), f"{bars} rows of bars have left the window")
        printed = [line for line in screen.history() if line.startswith(("CS5: ", "mirror "))]
        t.check(len(printed) == 2 and " in 1 file" in printed[0] and " is down" in printed[1], f"what was printed is {printed}")


def more_machines_than_rows_are_a_total_and_the_slowest(t: Trial) -> None:
    """In a window of eight rows ten machines are one line for all and those that are slowest; in a higher one each has its own."""
    _content(t)
    host = t.host("desk")
    argv = [t.bench.swarmcopy, "rehearse", t.dir / "origin" / "CS5", "--machines", str(MACHINES), "--origin-rate", SLOW, "--link-rate", SLOW]
    with _screen(t, host, argv, 60, ROWS) as screen:
        def total(columns: int) -> bool:
            lines = screen.lines()
            return (lines[0].startswith("all ") and f"/{MACHINES}, " in lines[0] and lines[0].endswith("slowest:") and 3 <= len(lines) <= ROWS
                    and all(len(line) <= columns and line.startswith("machine ") for line in lines[1:]))

        t.wait("the total and the slowest fit 60 columns", lambda: total(60))
        screen.size(40, ROWS)
        t.wait("they fit 40 columns", lambda: total(40))
        screen.size(100, 20)
        t.wait("each machine has its row", lambda: [line[:12].split()[1] for line in screen.lines() if line.startswith("machine ")]
               == [str(number + 1) for number in range(MACHINES)])


def a_dumb_terminal_gets_plain_lines(t: Trial) -> None:
    """Nothing is drawn where TERM is dumb: no bar, no command to the terminal."""
    torrent, host = _content(t), t.host("lab")
    argv = ["env", "TERM=dumb", t.bench.swarmcopy, "get", torrent, "--to", t.dir / "to", "--share", t.dir / "origin", "--no-lsd",
            "--limit-down", "8M", "--every", "1s", "--seed-for", "0", "--listen", f"{host.address}:6881"]
    written = t.dir / "written"
    proc = t.start(host, "script", ["script", "-qec", " ".join(map(str, argv)), written])
    t.wait_exit(proc)
    text = written.read_text(errors="replace").split("\n", 1)[1].rsplit("\nScript done", 1)[0]
    t.check("\x1b" not in text and "━" not in text, f"it draws: {text!r}")
    t.check(text.count("CS5: ") >= 2 and "complete and verified" in text, f"it says {text!r}")


def _content(t: Trial) -> Path:
    origin = t.dir / "origin"
    (origin / "CS5").mkdir(parents=True)
    (origin / "CS5" / "data.bin").write_bytes(os.urandom(1 << 20) * COPY_MB)
    return make(t, top=origin / "CS5", to="CS5.torrent")
