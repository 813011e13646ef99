"""A web server that misbehaves as told: late, slow, with wrong bytes, or in the mood that a file names. It serves a folder to
whoever asks.

Prints a line once it listens. Keeps one line per request in the log: target, range, bytes.
"""
import argparse
import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote

REASONS = {
    200: "OK", 206: "Partial Content", 403: "Forbidden", 404: "Not Found", 416: "Range Not Satisfiable", 503: "Service Unavailable"}
LOGIN = b"<!DOCTYPE html><title>Log in</title>"


class Origin(asyncio.Protocol):
    """One connection: answers each request after the delay, in order."""

    def __init__(self, read: Callable[[str, int, int | None], tuple[int, bytes] | None], args: argparse.Namespace, log: TextIO):
        self.read, self.args, self.log = read, args, log
        self.pending = b""
        self.transport: asyncio.Transport | None = None
        self.free_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self.pending += data
        while (end := self.pending.find(b"\r\n\r\n")) >= 0:
            head, self.pending = self.pending[:end].decode("latin-1"), self.pending[end + 4:]
            loop = asyncio.get_running_loop()
            loop.call_later(self.args.delay_ms / 1000, self.answer, head)

    def answer(self, head: str) -> None:
        mood = self.args.mood.read_text().strip() if self.args.mood else "well"
        if mood == "silent":
            return
        if mood.isdigit():
            self.send(int(mood), b"", "")
            return
        if mood == "login":
            self.send(200, LOGIN, "Content-Type: text/html\r\n")
            return
        lines = head.split("\r\n")
        target = unquote(lines[0].split(" ")[1])
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        wanted = fields.get("range", "").removeprefix("bytes=").split(",")[0]
        first, _, last = wanted.partition("-")
        start = int(first) if first else 0
        found = self.read(target, start, int(last) + 1 if last else None)
        if found is None:
            self.send(404, b"", "")
            return
        size, body = found
        told = start + 1 if mood == "range" else start
        ranged = f"Content-Range: bytes {told}-{told + len(body) - 1}/{size}\r\n" if wanted else ""
        self.log.write(f"{target} {start} {len(body)}\n")  # before the answer, so that whoever has the answer finds the line
        self.send(206 if wanted else 200, body, ranged)

    def send(self, status: int, body: bytes, more: str) -> None:
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Length: {len(body)}\r\nETag: \"1\"\r\n{more}\r\n".encode()
        if not self.args.rate:
            self.write(head + body)
            return
        # in steps of a tenth of a second, one answer after the other
        loop = asyncio.get_running_loop()
        step = max(1, self.args.rate // 10)
        at = max(loop.time(), self.free_at)
        loop.call_at(at, self.write, head)
        for offset in range(0, len(body), step):
            at += 0.1
            loop.call_at(at, self.write, body[offset:offset + step])
        self.free_at = at

    def write(self, data: bytes) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.write(data)


def reader(root: Path, piece_len: int, bad_one_in: int) -> Callable[[str, int, int | None], tuple[int, bytes] | None]:
    """Reads files below the root; with a piece length, every so many-th piece of a file comes with wrong bytes."""
    kept: dict[str, bytes] = {}

    def read(target: str, start: int, end: int | None) -> tuple[int, bytes] | None:
        if target not in kept:
            path = root / target.lstrip("/")
            if not path.is_file():
                return None
            data = bytearray(path.read_bytes())
            for at in range(0, len(data), piece_len * bad_one_in) if bad_one_in else ():
                data[at] ^= 1
            kept[target] = bytes(data)
        whole = kept[target]
        return len(whole), whole[start:end]

    return read


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before each answer")
    parser.add_argument("--rate", type=int, default=0, help="bytes a second for each connection")
    parser.add_argument("--piece-length", type=int, default=1)
    parser.add_argument("--bad-one-in", type=int, default=0, help="one in so many pieces has a wrong byte")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--mood", type=Path, help="a file that says: well, silent, login, range, or a status")
    args = parser.parse_args()
    read = reader(args.root, args.piece_length, args.bad_one_in)
    loop = asyncio.get_running_loop()
    with (args.log or Path(os.devnull)).open("a", buffering=1) as log:
        server = await loop.create_server(lambda: Origin(read, args, log), args.address, args.port, backlog=1024)
        print('{"event":"listens"}', flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
