"""A crowd: many machines of one process that have nothing and only say how they do, as a copy says it to an onlooker.

Each listens on an address of the loopback network of its own, greets as BEP 3 and BEP 10 want, and answers `sc_status`. A tracker of the same process
names them all. Progress is a rule of machine and time, so that whoever looks on sees every machine change all the time.
"""
import argparse
import asyncio
import math
import os
import struct
import time
from urllib.parse import unquote_to_bytes

import bencode

PROTOCOL = b"\x13BitTorrent protocol"
EXTENDED, HANDSHAKE, STATUS_ID = 20, 0, 7
MACHINE, SOURCES, DECISIONS = 1, 2, 3
STUCK_EVERY = 250
GROUPS = 20
SLOTS = 3
FRAME_MAX = 1 << 20


class Machine:
    """One of the crowd."""

    def __init__(self, number: int, size: int):
        self.number, self.size, self.node = number, size, os.urandom(8)
        self.peer_id = b"-SC0100-" + os.urandom(12)
        self.born = time.monotonic()
        # a room that takes one to five minutes
        self.rate = size / (60 + number * 7919 % 240)

    def answer(self, question: int) -> dict[str, object]:
        seconds = time.monotonic() - self.born
        if question == SOURCES:
            return {"sources": [{"kind": "peer", "name": "10.0.0.1:6881", "state": "up", "rate": int(self.rate), "bytes": 1000}]}
        if question == DECISIONS:
            return {"decisions": [{"code": "origin:slot-held", "n": 12}]}
        stuck = self.number % STUCK_EVERY == STUCK_EVERY - 1
        have = int(min(self.size, self.rate * seconds)) if not stuck else self.size // 3
        done = have >= self.size
        rate = 0 if done or stuck else int(self.rate * (1 + 0.3 * math.sin(seconds + self.number)))
        reads = self.number < SLOTS and not done
        told: dict[str, object] = {
            "name": f"pc-{self.number:04}", "v": "0.2.0", "sys": "windows x86_64", "node": self.node,
            "phase": "serving" if done else "copying", "ms": int(seconds * 1000) + 1, "bytes": self.size, "have": have,
            "peers": 30, "k": SLOTS, "group": f"room {self.number % GROUPS}", "class": "wired", "free": 10 ** 12}
        counts = {"rate": rate, "peer": have * 9 // 10, "share": have // 10, "up": have // 2}
        told |= {name: count for name, count in counts.items() if count}
        if reads:
            told["slots"] = [self.number]
        if stuck:
            told |= {"wait": "no-source", "why": "a share or mirror to answer", "since": int(seconds * 1000) + 60_000}
        return {"m": told}


async def frame(reader: asyncio.StreamReader) -> bytes:
    size = struct.unpack(">I", await reader.readexactly(4))[0]
    if size > FRAME_MAX:
        raise ConnectionError("a frame too long")
    return await reader.readexactly(size)


def extended(number: int, payload: bytes) -> bytes:
    return struct.pack(">IBB", len(payload) + 2, EXTENDED, number) + payload


async def talk(machine: Machine, info_hash: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One onlooker at one machine."""
    try:
        await reader.readexactly(68)
        writer.write(PROTOCOL + b"\0\0\0\0\0\x10\0\0" + info_hash + machine.peer_id)
        words = {"m": {"sc_status": STATUS_ID}, "v": "swarmcopy 0.2.0"}
        writer.write(extended(HANDSHAKE, bencode.encode(words)))
        theirs = 0
        while True:
            message = await frame(reader)
            if len(message) < 2 or message[0] != EXTENDED:
                continue
            said = bencode.decode(message[2:])
            if message[1] == HANDSHAKE:
                theirs = said[b"m"].get(b"sc_status", 0)
            elif message[1] == STATUS_ID and theirs:
                writer.write(extended(theirs, bencode.encode(machine.answer(said[b"q"]))))
                await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def name_all(peers: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The tracker: whoever asks hears of everybody."""
    await reader.readuntil(b"\r\n\r\n")
    body = bencode.encode({"interval": 60, "peers": peers})
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tracker-port", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--machines", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--info-hash", required=True, help="percent-encoded")
    args = parser.parse_args()
    info_hash = unquote_to_bytes(args.info_hash)
    peers = b""
    for number in range(args.machines):
        machine = Machine(number, args.bytes)
        address = f"127.1.{number // 250}.{number % 250 + 1}"

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, machine: Machine = machine) -> object:
            return talk(machine, info_hash, reader, writer)

        await asyncio.start_server(begin, address, args.port)
        peers += bytes(map(int, address.split("."))) + struct.pack(">H", args.port)
    tracker = await asyncio.start_server(lambda r, w: name_all(peers, r, w), "127.0.0.1", args.tracker_port)
    print('{"event":"crowd"}', flush=True)
    await tracker.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
