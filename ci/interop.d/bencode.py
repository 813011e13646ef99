"""Bencode, as little as the tests need, apart from our own crates so that a mistake there is seen here."""
from typing import Any, TypeAlias

Value: TypeAlias = Any


def encode(value: Value) -> bytes:
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    items = sorted((key.encode() if isinstance(key, str) else key, item) for key, item in value.items())
    return b"d" + b"".join(encode(key) + encode(item) for key, item in items) + b"e"


def decode(text: bytes) -> Value:
    value, end = parse(text, 0)
    if end != len(text):
        raise ValueError(f"{len(text) - end} bytes behind the value")
    return value


def raw_value(text: bytes, key: bytes) -> bytes:
    """The bytes of one value of the outermost dictionary."""
    at = 1
    while text[at:at + 1] != b"e":
        name, start = parse(text, at)
        _, at = parse(text, start)
        if name == key:
            return text[start:at]
    raise ValueError(f"no {key!r}")


def parse(text: bytes, at: int) -> tuple[Value, int]:
    """The value that begins at `at`, and where it ends."""
    kind = text[at:at + 1]
    if kind == b"i":
        end = text.index(b"e", at)
        return int(text[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        values, at = [], at + 1
        while text[at:at + 1] != b"e":
            value, at = parse(text, at)
            values.append(value)
        return (values if kind == b"l" else dict(zip(values[::2], values[1::2]))), at + 1
    colon = text.index(b":", at)
    end = colon + 1 + int(text[at:colon])
    return text[colon + 1:end], end
