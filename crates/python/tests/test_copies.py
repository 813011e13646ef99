"""Copies by Python: from a share, from a source in Python, their events and failures."""

import datetime
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
import swarmcopy

NOW = datetime.timedelta(0)
MINUTE = datetime.timedelta(minutes=1)


class Room:
    def __init__(self, folder):
        self.folder = folder
        self.tree = folder / "share" / "tree"
        self.tree.mkdir(parents=True)
        self.bytes = {"a.bin": os.urandom(2_000_000), "b.bin": os.urandom(100_000)}
        for name, data in self.bytes.items():
            (self.tree / name).write_bytes(data)
        self.torrent = pathlib.Path(swarmcopy.make(self.tree)).read_bytes()
        self.to = folder / "to"

    def is_copied(self):
        copied = {name: (self.to / "tree" / name).read_bytes() for name in self.bytes}
        return copied == self.bytes


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


@pytest.fixture
def session():
    with swarmcopy.Session(listen="127.0.0.1:0", lsd=False) as session:
        yield session


class Store:
    name = "store"

    def __init__(self, room, error=None, gate=None):
        self.room, self.error, self.gate, self.asked = room, error, gate, 0

    def read(self, path, at, length):
        self.asked += 1
        if self.gate:
            self.gate.wait(30)
        if self.error:
            raise self.error
        return self.room.bytes[path][at : at + length]


def test_a_copy_from_a_share(room, session):
    copy = session.add(room.torrent, room.to, shares=[room.folder / "share"], stay=NOW)
    report = copy.wait(MINUTE)
    assert report["complete"] and report["from_share"] == 2_100_000
    assert room.is_copied()
    assert re.fullmatch("[0-9a-f]{40}", copy.id) and copy.name == "tree"


def test_a_copy_from_a_source_in_python_with_its_events(room, session):
    store = Store(room)
    copy = session.add(room.torrent, room.to, sources=[store], stay=NOW)
    events = list(copy.events())
    assert copy.wait(MINUTE)["from_mirror"] == 2_100_000
    assert room.is_copied() and store.asked > 0
    files = sorted(event["path"] for event in events if event["event"] == "file")
    assert files == ["a.bin", "b.bin"]
    assert any(event["event"] == "complete" for event in events)
    assert list(copy.events()) == []


def test_what_a_source_raises_is_in_the_error(room, session):
    store = Store(room, error=PermissionError("ask the admin"))
    second = datetime.timedelta(seconds=1)
    copy = session.add(room.torrent, room.to, sources=[store], stay=NOW, refused_for=second)
    with pytest.raises(swarmcopy.IncompleteError) as raised:
        copy.wait(MINUTE)
    error = raised.value
    assert error.files == ["a.bin", "b.bin"]
    assert error.report["complete"] is False
    assert error.sources[0]["state"] == "refused" and "ask the admin" in error.sources[0]["why"]


def test_failures_have_classes(room, session):
    with pytest.raises(swarmcopy.UsageError):
        session.add(room.torrent, room.to, mirrors=["gopher://h/"])
    with pytest.raises(swarmcopy.Error):
        session.add(b"no torrent", room.to)
    with pytest.raises(ValueError):
        session.add(room.torrent, room.to, colour="red")
    gate = threading.Event()
    copy = session.add(room.torrent, room.to, sources=[Store(room, gate=gate)])
    with pytest.raises(swarmcopy.RunningError):
        session.add(room.torrent, room.to)
    gate.set()
    copy.stop()
    with pytest.raises(swarmcopy.UsageError):
        session.set_limits(down=0)


def test_pause_and_resume(room, session):
    gate = threading.Event()
    copy = session.add(room.torrent, room.to, sources=[Store(room, gate=gate)], stay=NOW)
    copy.pause()
    assert copy.status()["phase"] == "paused"
    gate.set()
    copy.resume()
    assert copy.wait(MINUTE)["complete"] and room.is_copied()


def test_other_threads_run_while_a_copy_is_waited_for(room, session):
    gate = threading.Event()
    copy = session.add(room.torrent, room.to, sources=[Store(room, gate=gate)], stay=NOW)
    ticks = []

    def work():
        # opens the gate that the main thread waits for: it could not, were the lock held
        for _ in range(3):
            ticks.append(time.monotonic())
        gate.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert copy.wait(MINUTE)["complete"] and len(ticks) == 3
    thread.join()


def test_a_wait_ends_with_its_time(room, session):
    gate = threading.Event()
    copy = session.add(room.torrent, room.to, sources=[Store(room, gate=gate)], stay=NOW)
    assert copy.wait(datetime.timedelta(milliseconds=10)) is None
    gate.set()


def test_ctrl_c_ends_a_wait(room):
    program = f"""
import os, signal, threading, swarmcopy
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told what it runs to ignore it
session = swarmcopy.Session(listen="127.0.0.1:0", lsd=False)
torrent = open({str(room.tree) + ".torrent"!r}, "rb").read()
copy = session.add(torrent, {str(room.to)!r}, peers=["127.0.0.1:1"])
threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
try:
    copy.wait()
except KeyboardInterrupt:
    print("interrupted")
session.shutdown()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "interrupted\n", ran.stderr


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch):
    readme = pathlib.Path(__file__).parents[1] / "README.md"
    example = re.search("```python\n(.*?)```", readme.read_text(), re.DOTALL).group(1)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})


def test_the_stubs_name_what_is_there():
    stubs = pathlib.Path(swarmcopy.__file__).with_suffix(".pyi").read_text()
    for cls in (swarmcopy.Session, swarmcopy.Copy):
        for name in vars(cls):
            assert name.startswith("__") or f"def {name}(" in stubs, name
    for name in swarmcopy.__all__:
        assert f"class {name}" in stubs or f"def {name}(" in stubs, name
