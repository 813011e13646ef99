"""A user of the server beside us: reads a file over one connection, 64 KiB at a time, again and again.

    user.py HOST:PORT PATH SIZE

Prints a line for each read: when it began on the monotonic clock, and how many seconds it took.
"""
import http.client
import sys
import time

READ = 64 << 10


def main() -> None:
    host, path, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    server = http.client.HTTPConnection(host, timeout=30)
    while True:
        for start in range(0, size - READ + 1, READ):
            began = time.monotonic()
            server.request("GET", path, headers={"Range": f"bytes={start}-{start + READ - 1}"})
            with server.getresponse() as answer:
                got = len(answer.read())
            if got != READ:
                sys.exit(f"asked for {READ} bytes, got {got}")
            print(f"{began:.6f} {time.monotonic() - began:.6f}", flush=True)


if __name__ == "__main__":
    main()
