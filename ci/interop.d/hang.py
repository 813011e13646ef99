"""A file system that shows a folder and hangs as told: requests of the kinds that a file names are never answered.

It speaks the kernel's FUSE protocol itself (linux/fuse.h, 7.31), without caches, so that each call comes here. A call that is
interrupted ends with EINTR, as on NFS for a process that is killed. Needs root. Prints a line once it is mounted.
"""
import argparse
import ctypes
import errno
import os
import stat
import struct
from pathlib import Path

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH = 1, 2, 3, 14, 15, 17, 18, 25
INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET = 26, 27, 28, 29, 36, 38, 42
KINDS = {LOOKUP: "lookup", GETATTR: "lookup", OPEN: "open", READ: "read", OPENDIR: "readdir", READDIR: "readdir"}
ROOT, DIRECT_IO, REQUEST_LEN_MAX = 1, 1, 1 << 20
IN_HEADER, OUT_HEADER, ATTRIBUTES = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ"), struct.Struct("<6Q10I")
MS_RDONLY, MS_NOSUID, MS_NODEV = 1, 2, 4


class Hanging:
    """The file system: nodes by number, and what is not answered."""

    def __init__(self, top: Path, mood: Path, device: int):
        self.paths, self.numbers = {ROOT: top}, {top: ROOT}
        self.mood, self.device = mood, device
        self.silent: set[int] = set()

    def serve(self) -> None:
        """Answers until it is unmounted."""
        while True:
            try:
                request = os.read(self.device, REQUEST_LEN_MAX)
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno == errno.ENOENT:  # called off before it was read
                    continue
                raise
            _, kind, unique, node, *_ = IN_HEADER.unpack_from(request)
            self.handle(kind, unique, node, request[IN_HEADER.size:])

    def handle(self, kind: int, unique: int, node: int, body: bytes) -> None:
        """One request."""
        if kind in (FORGET, BATCH_FORGET):
            return
        if kind == INTERRUPT:
            called_off, = struct.unpack_from("<Q", body)
            if called_off in self.silent:
                self.silent.remove(called_off)
                self.reply(called_off, error=errno.EINTR)
            return
        if KINDS.get(kind) in self.mood.read_text().split():
            self.silent.add(unique)
            return
        try:
            self.reply(unique, self.answer(kind, node, body))
        except OSError as error:
            self.reply(unique, error=error.errno or errno.EIO)

    def reply(self, unique: int, body: bytes = b"", error: int = 0) -> None:
        """Answers a request, which may have been called off meanwhile."""
        try:
            os.write(self.device, OUT_HEADER.pack(OUT_HEADER.size + len(body), -error, unique) + body)
        except FileNotFoundError:
            pass

    def answer(self, kind: int, node: int, body: bytes) -> bytes:
        """The body of an answer."""
        if kind == INIT:
            return struct.pack("<4I2H2I2H8I", 7, 31, 1 << 17, 0, 64, 48, 1 << 17, 1, 0, 0, *[0] * 8)
        path = self.paths[node]
        if kind == LOOKUP:
            child = path / os.fsdecode(body.rstrip(b"\0"))
            attributes = self.attributes(child)
            return struct.pack("<4Q2I", self.number(child), 0, 0, 0, 0, 0) + attributes
        if kind == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(path)
        if kind in (OPEN, OPENDIR):
            path.stat()
            return struct.pack("<QII", 0, DIRECT_IO if kind == OPEN else 0, 0)
        if kind in (READ, READDIR):
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.read(path, offset, size) if kind == READ else self.list(path, offset, size)
        if kind == STATFS:
            return struct.pack("<5Q10I", 1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19, 4096, 255, 4096, *[0] * 7)
        if kind in (RELEASE, RELEASEDIR, FLUSH, DESTROY):
            return b""
        raise OSError(errno.ENOSYS, "not here")

    def number(self, path: Path) -> int:
        """The number of a node."""
        number = self.numbers.setdefault(path, len(self.numbers) + 1)
        self.paths[number] = path
        return number

    def attributes(self, path: Path) -> bytes:
        """What is known of a file or folder."""
        told = path.lstat()
        times = [int(when) for when in (told.st_atime, told.st_mtime, told.st_ctime)]
        parts = [when_ns % 10**9 for when_ns in (told.st_atime_ns, told.st_mtime_ns, told.st_ctime_ns)]
        return ATTRIBUTES.pack(self.number(path), told.st_size, told.st_blocks, *times, *parts, told.st_mode, told.st_nlink,
                               told.st_uid, told.st_gid, 0, 4096, 0)

    def read(self, path: Path, offset: int, size: int) -> bytes:
        """Bytes of a file."""
        with path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), size, offset)

    def list(self, path: Path, offset: int, size: int) -> bytes:
        """Entries of a folder, from the one with this number on."""
        out = b""
        for at, name in enumerate(sorted(os.listdir(path))[offset:], offset + 1):
            child, encoded = path / name, os.fsencode(name)
            kind = stat.S_IFMT(child.lstat().st_mode) >> 12
            entry = struct.pack("<QQII", self.number(child), at, len(encoded), kind) + encoded
            entry += b"\0" * (-len(entry) % 8)
            if len(out) + len(entry) > size:
                break
            out += entry
        return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("top", type=Path, help="the folder that is shown")
    parser.add_argument("at", type=Path, help="where")
    parser.add_argument("mood", type=Path, help="a file that names what hangs: lookup, open, read, readdir, or nothing")
    args = parser.parse_args()
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hang", os.fsencode(args.at), b"fuse", MS_RDONLY | MS_NOSUID | MS_NODEV, options):
        raise OSError(ctypes.get_errno(), "cannot mount")
    print('{"event":"mounted"}', flush=True)
    Hanging(args.top, args.mood, device).serve()


if __name__ == "__main__":
    main()
