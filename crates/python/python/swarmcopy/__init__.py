"""Copies large trees to many machines from shares, mirrors and peers at once."""

from ._swarmcopy import (
    Copy,
    DiskError,
    Error,
    Events,
    IncompleteError,
    InterruptedCopyError,
    MismatchError,
    RunningError,
    Session,
    UsageError,
    make,
)

__all__ = [
    "Copy",
    "DiskError",
    "Error",
    "Events",
    "IncompleteError",
    "InterruptedCopyError",
    "MismatchError",
    "RunningError",
    "Session",
    "UsageError",
    "make",
]
