"""Bytes that the crate `arbitrary` reads as given words, by the types that stand in the Rust source.

What must stay true: the words are those of the file itself, so that a variant that is added or moved changes no script.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INTEGERS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8}
SHORT_MAX = 256


class W:
    """A word: a variant with its fields, in order or by name; what is left out is nothing (0, none, empty)."""

    def __init__(self, variant: str, *values: Any, **named: Any):
        self.variant, self.values, self.named = variant, values, named


def split(text: str) -> list[str]:
    """The parts between the commas that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "([{<") - (char in ")]}>")
        if char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def body(text: str, start: int) -> str:
    """What stands in the braces that open at `start`."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start + 1:at]
    raise ValueError("a brace is not closed")


def fields_of(text: str) -> list[tuple[str, str]]:
    """Names and types of fields; those of a tuple have numbers for names."""
    named = [tuple(part.split(":", 1)) for part in split(text) if re.match(r"\w+\s*:[^:]", part)]
    if named:
        return [(name.strip(), kind.strip()) for name, kind in named]
    return [(str(at), part) for at, part in enumerate(split(text))]


class Types:
    """The enums and structs of a Rust file."""

    def __init__(self, path: Path):
        text = re.sub(r"//[^\n]*", "", path.read_text())
        self.enums: dict[str, list[tuple[str, list[tuple[str, str]]]]] = {}
        self.structs: dict[str, list[tuple[str, str]]] = {}
        for found in re.finditer(r"derive\([^)]*Arbitrary[^)]*\)\]\s*(enum|struct) (\w+) (?=\{)", text):
            inside = body(text, found.end())
            if found[1] == "struct":
                self.structs[found[2]] = fields_of(inside)
            else:
                self.enums[found[2]] = [self._variant(part) for part in split(inside)]

    @staticmethod
    def _variant(text: str) -> tuple[str, list[tuple[str, str]]]:
        name = re.match(r"\w+", text)
        assert name, text
        return name[0], fields_of(text[name.end():].strip().strip("(){}"))


@dataclass
class Encoder:
    """What was written: bytes, and lengths of texts with the place at which they are asked for."""

    types: Types
    front: bytearray = field(default_factory=bytearray)
    lengths: list[tuple[int, int]] = field(default_factory=list)

    def put(self, kind: str, value: Any, last: bool = False) -> None:
        """A value of this type; the last one takes all that is left."""
        kind = kind.strip()
        if kind in INTEGERS:
            self.front += int(value or 0).to_bytes(INTEGERS[kind], "little", signed=kind[0] == "i")
        elif kind == "bool":
            self.front.append(bool(value))
        elif kind == "String":
            self._text(value or "", last)
        elif kind.startswith("Box<"):
            self.put(kind[4:-1], value, last)
        elif kind.startswith("Option<"):
            self.front.append(value is not None)
            if value is not None:
                self.put(kind[7:-1], value)
        elif kind.startswith("Vec<"):
            for item in value or []:
                self.front.append(1)
                self.put(kind[4:-1], item)
            if not last:
                self.front.append(0)
        elif kind.startswith("["):
            item, count = kind[1:-1].split(";")
            for at in range(int(count)):
                self.put(item, (value or [0] * int(count))[at])
        elif kind.startswith("("):
            self._all([(str(at), part) for at, part in enumerate(split(kind[1:-1]))], list(value or []), {}, last)
        elif kind in self.types.structs:
            self._all(self.types.structs[kind], list(value.values), value.named, last)
        else:
            self._word(kind, W(value) if isinstance(value, str) else value, last)

    def _all(self, fields: list[tuple[str, str]], values: list[Any], named: dict[str, Any], last: bool) -> None:
        unknown = set(named) - {name for name, _ in fields}
        assert not unknown and len(values) <= len(fields), (fields, values, named)
        for at, (name, kind) in enumerate(fields):
            value = values[at] if at < len(values) else named.get(name)
            self.put(kind, value, last and at + 1 == len(fields))

    def _word(self, kind: str, word: W, last: bool) -> None:
        variants = self.types.enums[kind]
        index = [name for name, _ in variants].index(word.variant)
        self.front += (-(-(index << 32) // len(variants))).to_bytes(4, "little")
        self._all(variants[index][1], list(word.values), word.named, last)

    def _text(self, text: str, last: bool) -> None:
        data = text.encode()
        if not last:
            self.lengths.append((len(self.front), len(data)))
        self.front += data

    def bytes(self) -> bytes:
        """All of it: lengths stand at the end, the first one last, in as many bytes as what is left then needs."""
        sizes = [2] * len(self.lengths)
        while True:
            total, behind, again = len(self.front) + sum(sizes), 0, []
            for (at, _), size in zip(self.lengths, sizes):
                again.append(1 if total - at - behind <= SHORT_MAX else 2)
                behind += size
            if again == sizes:
                break
            sizes = again
        end, behind = b"", 0
        for (at, length), size in zip(self.lengths, sizes):
            most = total - at - behind - size
            wide = size == 2 and most >= SHORT_MAX
            end = (length.to_bytes(2, "big") if wide else bytes([length, 0][:size])) + end
            behind += size
        return bytes(self.front) + end


def encoded(path: Path, kind: str, value: Any) -> bytes:
    """The bytes of a fuzz target's input."""
    encoder = Encoder(Types(path))
    encoder.put(kind, value, last=True)
    return encoder.bytes()
