"""The form in which Bitbucket takes the files of a commit. Pure.

Source: the published description of `POST /repositories/{workspace}/{repo_slug}/src`: a part for each file,
named by its path with a slash before it (`/message` is a file, `message` is the message); a field `files` for
each path that has no part, which deletes it; `x-attributes` for executables and links.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from secrets import token_hex

from tamma.errors import PlatformError
from tamma.model.repository import ChangeKind, FileChange

ATTRIBUTES = {"100644": "", "100755": "executable", "120000": "link"}
"""By Git's mode. Submodules cannot be written."""
_UNSAYABLE = '"\\'


def check(changes: Iterable[FileChange], platform: str) -> None:
    """Raises PlatformError for what cannot be said in such a form."""
    for change in changes:
        if any(ord(sign) < 32 or sign in _UNSAYABLE for sign in change.path):
            problem = f"the name {change.path!r} cannot be sent in a form"
        elif change.kind is ChangeKind.WRITE and change.mode not in ATTRIBUTES:
            problem = f"{change.path!r} has the mode {change.mode!r}, which it cannot write"
        else:
            continue
        raise PlatformError(
            f"Bitbucket's API cannot make this commit: {problem}",
            hint='deliver by git push ("delivery": "push")',
            platform=platform,
        )


def form(fields: Sequence[tuple[str, str]], changes: Iterable[FileChange]) -> tuple[bytes, str]:
    """The body (RFC 7578) and its media type. Written here, for `x-attributes` is in no client's forms."""
    boundary = f"tamma-{token_hex(16)}"
    pieces: list[bytes] = []
    texts = [*fields]
    for change in changes:
        if change.kind is ChangeKind.DELETE:
            texts.append(("files", f"/{change.path}"))
            continue
        attributes = ATTRIBUTES[change.mode]
        more = f'; x-attributes="{attributes}"' if attributes else ""
        name = change.path.rpartition("/")[2]
        head = f'name="/{change.path}"; filename="{name}"{more}\r\nContent-Type: application/octet-stream'
        pieces.append(_part(boundary, head, change.content))
    pieces[:0] = [_part(boundary, f'name="{name}"', text.encode()) for name, text in texts]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _part(boundary: str, head: str, content: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
