"""A peer that says that it has everything and serves everybody, and never answers a request.

    mute.py HOST:PORT INFO-HASH-HEX PIECES
"""
import asyncio
import sys


async def main() -> None:
    (host, port), info_hash, pieces = sys.argv[1].split(":"), bytes.fromhex(sys.argv[2]), int(sys.argv[3])
    bits = bytearray(b"\xff" * (-(-pieces // 8)))
    if pieces % 8:
        bits[-1] = 0xFF << (8 - pieces % 8) & 0xFF
    hello = bytes([19]) + b"BitTorrent protocol" + bytes(8) + info_hash + b"-MU0001-mute-mute-mu"
    bitfield = (1 + len(bits)).to_bytes(4, "big") + b"\x05" + bits
    unchoke = b"\0\0\0\1\1"

    async def meet(read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
        print("met", flush=True)
        try:
            await read.readexactly(68)
            write.write(hello + bitfield + unchoke)
            while await read.read(65536):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # it has had enough of us
        finally:
            write.close()

    server = await asyncio.start_server(meet, host, int(port))
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
