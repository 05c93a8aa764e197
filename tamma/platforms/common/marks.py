"""The marks by which a write is recognised when it is tried again: in comments, descriptions and commits.

In a text the mark is its last line: an HTML comment, which nobody sees, or a small footer on platforms that
show such comments as text. Both are read everywhere, also as services give them back: with CRLF, with white
space behind, escaped for HTML, or turned into HTML. What stands elsewhere, e.g. in a quotation, is no mark.
"""

from __future__ import annotations

import re

_KEY = "tamma:op="
_OP = r"([^\s<>&]{1,256}?)"
_FORMS = (
    rf"<!-- {_KEY}{_OP} -->",
    rf"&lt;!-- {_KEY}{_OP} --&gt;",
    rf"\\?_{_KEY}{_OP}\\?_",
    rf"<(?:em|i)>{_KEY}{_OP}</(?:em|i)>",
)
_MARK = re.compile(
    r"(?:\A|\n|<(?:p|div|br)\b[^<>\n]{0,80}>)"  # alone on its line, or in an element of its own
    r"(?:[ \t]|<(?:p|div|span|br)\b[^<>\n]{0,80}>){0,3}"
    rf"(?:{'|'.join(_FORMS)})"
    r"(?:\s|&nbsp;|</?(?:p|div|span|br)\b[^<>\n]{0,80}>)*\Z",
    re.IGNORECASE,
)
_NEAR = 400
"""Characters before the key in which the mark begins. Strangers write texts too: reading one stays linear."""
_TRAILER = "Tamma-Op"


def mark_line(op_id: str) -> str:
    """The mark of an operation, for platforms that hide HTML comments."""
    return f"<!-- {_KEY}{op_id} -->"


def footer_line(op_id: str) -> str:
    """The mark of an operation, for platforms that show HTML comments as text."""
    return f"_{_KEY}{op_id}_"


def with_mark(body: str, op_id: str) -> str:
    """`body` with the operation's invisible mark as its last line."""
    return ending_in(body, mark_line(op_id))


def with_footer(body: str, op_id: str) -> str:
    """`body` with the operation's visible mark as its last line."""
    return ending_in(body, footer_line(op_id))


def ending_in(body: str, mark: str) -> str:
    """`body` with `mark` (see mark_line, footer_line) as its last line, in place of the one it has."""
    text = without_mark(body).rstrip()
    return f"{text}\n\n{mark}" if text else mark


def mark_of(body: str | None) -> str | None:
    """The operation that wrote `body`, or None."""
    found = _find(body or "")
    if found is None:
        return None
    op_id: str = next(filter(None, found.groups()))
    return op_id.replace("\\_", "_")  # some services escape what Markdown would read


def without_mark(body: str | None) -> str:
    """`body` as a person wrote or reads it."""
    return split_mark(body)[0]


def split_mark(body: str | None) -> tuple[str, str]:
    """`body` without its mark, and the mark as it stands there; empty where it has none."""
    text = body or ""
    found = _find(text)
    return (text[: found.start()].rstrip(), found[0].strip()) if found else (text, "")


def _find(text: str) -> re.Match[str] | None:
    at = text.rfind(_KEY)
    return _MARK.search(text, max(at - _NEAR, 0)) if at >= 0 else None


def with_trailer(message: str, op_id: str) -> str:
    """A commit message that ends in `Tamma-Op: <op_id>`, joined to the trailers that stand there."""
    lines = message.rstrip().splitlines()
    joined = len(lines) > 2 and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*: .+", lines[-1])
    return "\n".join(lines) + ("\n" if joined else "\n\n") + f"{_TRAILER}: {op_id}\n"


def has_trailer(message: str, op_id: str) -> bool:
    """Whether the commit with this message was made by operation `op_id`."""
    return f"{_TRAILER}: {op_id}" in message.splitlines()
