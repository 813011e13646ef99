"""A way to a peer that is long: each byte takes its time, and each connection has a window.

    far.py LISTEN-PORT HOST:PORT --delay SECONDS --window BYTES [--one]

Prints a line for each connection that comes. With --one only the first is let through.
"""
import argparse
import asyncio
import socket

PART = 16 * 1024
# what lies in the kernel is no part of the window
KERNEL = 32 * 1024


async def pump(read: socket.socket, write: socket.socket, delay: float, window: int) -> None:
    """Moves bytes one way; their room is free again when they and the answer have made their ways."""
    loop = asyncio.get_running_loop()
    room = asyncio.Semaphore(window // PART)
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def reading() -> None:
        part = b"more"
        while part:
            await room.acquire()
            part = await loop.sock_recv(read, PART)
            parts.put_nowait((loop.time() + delay, part))

    async def writing() -> None:
        while True:
            due, part = await parts.get()
            await asyncio.sleep(due - loop.time())
            if not part:
                write.shutdown(socket.SHUT_WR)
                return
            await loop.sock_sendall(write, part)
            loop.call_later(delay, room.release)

    await asyncio.gather(reading(), writing())


async def carry(near: socket.socket, args: argparse.Namespace) -> None:
    host, port = args.to.split(":")
    with near, socket.socket() as far:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
        far.setblocking(False)
        await asyncio.get_running_loop().sock_connect(far, (host, int(port)))
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await asyncio.gather(pump(near, far, args.delay, args.window), pump(far, near, args.delay, args.window))
        except OSError:
            pass  # one side is gone, so the other is let go


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("to")
    parser.add_argument("--delay", type=float, required=True)
    parser.add_argument("--window", type=int, required=True)
    parser.add_argument("--one", action="store_true")
    args = parser.parse_args()
    running = set()
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
        door.setblocking(False)
        door.bind(("", args.port))
        door.listen(64)
        print("ready", flush=True)
        while True:
            near, _ = await asyncio.get_running_loop().sock_accept(door)
            print("connection", flush=True)
            if args.one and running:
                near.close()
                continue
            near.setblocking(False)
            running.add(asyncio.create_task(carry(near, args)))


if __name__ == "__main__":
    asyncio.run(main())
