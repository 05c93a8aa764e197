"""The marks by which a write is recognised when it is tried again: in comments, descriptions and commits."""

from __future__ import annotations

import re

_MARK = re.compile(r"\n*<!-- tamma:op=([^\s>]+) -->\s*$")
_TRAILER = "Tamma-Op"


def with_mark(body: str, op_id: str) -> str:
    """`body` with the operation's invisible mark as its last line."""
    return f"{without_mark(body)}\n\n<!-- tamma:op={op_id} -->".lstrip("\n")


def mark_of(body: str | None) -> str | None:
    """The operation that wrote `body`, or None."""
    match = _MARK.search(body or "")
    return match[1] if match else None


def without_mark(body: str | None) -> str:
    """`body` as a person wrote or reads it."""
    return _MARK.sub("", body or "")


def with_trailer(message: str, op_id: str) -> str:
    """A commit message that ends in `Tamma-Op: <op_id>`, joined to the trailers that stand there."""
    lines = message.rstrip().splitlines()
    joined = len(lines) > 2 and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*: .+", lines[-1])
    return "\n".join(lines) + ("\n" if joined else "\n\n") + f"{_TRAILER}: {op_id}\n"


def has_trailer(message: str, op_id: str) -> bool:
    """Whether the commit with this message was made by operation `op_id`."""
    return f"{_TRAILER}: {op_id}" in message.splitlines()
