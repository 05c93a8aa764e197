"""A request to a platform's service and its answer, whichever client carries them."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tamma.model.foreign import mended

Query = Mapping[str, str | list[str]]
"""Names to values; a list is the name once for each of them."""
MOST = 128 * 1024 * 1024
"""Bytes of an answer that is read whole: the largest file that GitHub gives out is 100 MB."""
_LINK = re.compile(r"""\s*<([^<>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)\s*(?:,|$)""")
_PARAMETER = re.compile(r""";\s*([^\s=;,"]+)(?:\s*=\s*(?:"([^"]*)"|([^\s;,"]*)))?""")
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""Of a pair of surrogates, as JSON writes what UTF-8 cannot hold."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form: a field's value, or a file's content where there is a file name."""

    name: str
    content: bytes
    filename: str | None = None
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` begins with a slash, is escaped, and is below the account's base address."""

    method: str
    path: str
    query: Query = field(default_factory=dict[str, str | list[str]])
    json: object = None
    parts: tuple[Part, ...] = ()
    """Sent as multipart/form-data."""
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    reads: bool = False
    """A POST that only asks (GraphQL queries, WIQL): no place in the line of the writes."""
    cacheable: bool = False
    """Ask with the ETag of the last answer, and take that one again where nothing changed."""
    tail: int | None = None
    """Keep this many bytes of the answer's end alone."""

    @property
    def writes(self) -> bool:
        return not self.reads and self.method not in ("GET", "HEAD")

    @property
    def doing(self) -> str:
        """For messages: never with a query, which may hold what people wrote."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False
    """Whether `tail` cut the beginning off."""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Halves of characters are mended: nobody could store or send them. Raises ValueError, also for what
        is nested too deeply."""
        try:
            value: Any = json.loads(self.body)
            return mended(value) if _ESCAPED_HALF.search(self.body) else value
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error


class Body:
    """A body as it comes: kept whole, or its last `tail` bytes alone."""

    def __init__(self, tail: int | None) -> None:
        self._tail = tail
        self._kept = deque[bytes]()
        self._size = 0
        """Of what is kept."""
        self._whole = 0

    def add(self, piece: bytes) -> None:
        """Raises NoAnswer where it gets larger than what is read."""
        self._kept.append(piece)
        self._size += len(piece)
        self._whole += len(piece)
        if self._tail is None:
            if self._whole > MOST:
                raise NoAnswer(f"the answer is larger than {MOST} bytes")
            return
        while self._kept and self._size - len(self._kept[0]) >= self._tail:
            self._size -= len(self._kept.popleft())

    def end(self) -> tuple[bytes, bool]:
        """What was kept, and whether there was more before it."""
        body = b"".join(self._kept)
        if self._tail is None or self._whole <= self._tail:
            return body, False
        return body[-self._tail :] if self._tail else b"", True


class NoAnswer(Exception):
    """There is no answer: no connection, a timeout, a broken one. What was asked may have been done."""


def links(response: Response) -> dict[str, str]:
    """The `Link` header (RFC 8288): relation to address, which may have commas and semicolons in it."""
    found: dict[str, str] = {}
    for address, parameters in _LINK.findall(response.headers.get("link", "")):
        for name, quoted, bare in _PARAMETER.findall(parameters):
            if name.lower() == "rel":
                found[quoted or bare] = address.strip()
    return found
