"""A commit as a patch that `git apply --binary` takes: for what the contents API cannot write, file modes.

Every file is a literal binary hunk (git-apply(1)): the whole new content, compressed, in ASCII, and the blob
that has to stand there before. So no old content is needed, any content survives the JSON, and the patch does
not apply where somebody changed the file. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tamma.model.repository import ChangeKind, FileChange

_LINE = 52
"""Bytes that a line of a binary hunk encodes at most."""
_PLAIN = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&'()*+,-./:;<=>?@[]^_`{|}~"
)


@dataclass(frozen=True, slots=True)
class Blob:
    """A file as it stands in a tree."""

    sha: str
    mode: str


def patch_of(changes: Sequence[tuple[FileChange, Blob | None]], commit: str) -> str:
    """The patch that makes `changes` where these blobs stand (None: nothing). `commit` is what it is for, and
    shows by its length how the repository names its objects."""
    return "".join(_file(change, there, len(commit)) for change, there in changes)


def _file(change: FileChange, there: Blob | None, digits: int) -> str:
    deletes = change.kind is ChangeKind.DELETE
    if deletes and there is None:
        return ""
    if there is not None and not deletes and _kind(there.mode) != _kind(change.mode):
        # A file that becomes a link, or the other way round: to git that is one that goes and one that comes.
        gone = FileChange(change.path, ChangeKind.DELETE)
        return _file(gone, there, digits) + _file(change, None, digits)
    content = b"" if deletes else change.content
    nothing = "0" * digits
    new = nothing if deletes else _blob_sha(content, digits)
    old = there.sha if there else nothing
    lines = [f"diff --git {_quoted('a/' + change.path)} {_quoted('b/' + change.path)}"]
    if deletes and there is not None:
        lines.append(f"deleted file mode {there.mode}")
    elif there is None:
        lines.append(f"new file mode {change.mode}")
    elif there.mode != change.mode:
        lines += [f"old mode {there.mode}", f"new mode {change.mode}"]
    if new != old:
        lines += [
            f"index {old}..{new}",
            "GIT binary patch",
            f"literal {len(content)}",
            *_encoded(content),
            "",
        ]
    return "\n".join(lines) + "\n"


def _kind(mode: str) -> str:
    return mode[:3]


def _blob_sha(content: bytes, digits: int) -> str:
    algorithm = "sha256" if digits == 64 else "sha1"
    whole = b"blob %d\0" % len(content) + content
    return hashlib.new(algorithm, whole, usedforsecurity=False).hexdigest()


def _encoded(content: bytes) -> list[str]:
    packed = zlib.compress(content)
    return [_line(packed[at : at + _LINE]) for at in range(0, len(packed), _LINE)]


def _line(piece: bytes) -> str:
    """Its length (A-Z: 1 to 26, a-z: 27 to 52) and the bytes in base 85."""
    size = len(piece)
    length = chr(ord("A") + size - 1) if size <= 26 else chr(ord("a") + size - 27)
    return length + base64.b85encode(piece, pad=True).decode()


def _quoted(path: str) -> str:
    """As git quotes it: plain where it can be, else with octal escapes."""
    raw = path.encode()
    if all(byte in _PLAIN for byte in raw) and not path.endswith(" "):
        return path
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in raw) + '"'
