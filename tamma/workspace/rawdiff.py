"""What git's diff commands print for programs. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawDelta:
    """One line of `git diff --raw`."""

    path: str
    old_path: str
    status: str
    old_mode: str
    mode: str
    old_blob: str
    blob: str


def parse_raw(output: bytes) -> list[RawDelta]:
    """The records of `git diff --raw -z --no-abbrev`."""
    fields = output.decode("utf-8", "surrogateescape").split("\0")
    deltas: list[RawDelta] = []
    at = 0
    while at + 1 < len(fields):
        old_mode, mode, old_blob, blob, status = fields[at].lstrip(":").split(" ")
        moved = status[0] in "RC"
        path = fields[at + 2] if moved else fields[at + 1]
        deltas.append(RawDelta(path, fields[at + 1], status[0], old_mode, mode, old_blob, blob))
        at += 3 if moved else 2
    return deltas


def parse_numstat(output: bytes) -> dict[str, tuple[int, int]]:
    """Added and removed lines by path, of `git diff --numstat -z`; binary files count as 0."""
    fields = output.decode("utf-8", "surrogateescape").split("\0")
    counts: dict[str, tuple[int, int]] = {}
    at = 0
    while at < len(fields) and fields[at]:
        added, removed, path = fields[at].split("\t", 2)
        if not path:  # a rename: the old and the new path follow
            path = fields[at + 2]
            at += 2
        counts[path] = (int(added), int(removed)) if added != "-" else (0, 0)
        at += 1
    return counts
