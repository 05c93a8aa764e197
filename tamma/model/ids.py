"""Identifiers and the names that are derived from them.

Deterministic names are what makes a write idempotent: the same run always asks for the same branch.
"""

from __future__ import annotations

import os
import re
import time
import unicodedata
import uuid
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from tamma.model.references import RepoRef

TaskId = NewType("TaskId", str)
"""A UUIDv7 in its canonical form; sorts by time of creation."""

WorkflowId = NewType("WorkflowId", str)
SessionId = NewType("SessionId", str)
"""One transcript, a conversation with a model: `<taskId>/agent`, `<taskId>/plan` or `<taskId>/review`."""

BlobId = NewType("BlobId", str)
"""`sha256:` and 64 hexadecimal digits."""

_SLUG_LENGTH = 40


def uuid7() -> str:
    """A new UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76
    value |= (random_bits >> 62 & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random_bits & (1 << 62) - 1
    return str(uuid.UUID(int=value))


def new_task_id() -> TaskId:
    """A fresh task id."""
    return TaskId(uuid7())


def workflow_id(platform_id: str, owner: str, repo: str, issue: str) -> WorkflowId:
    """`dev/<platformId>/<owner>/<repo>/<issue>`: one issue has one live run.

    On plain Git `owner` is empty and `repo` is a hash of the repository's real path.
    """
    return WorkflowId("/".join(part for part in ("dev", platform_id, owner, repo, issue) if part))


def forge_run_id(repo: RepoRef, issue: str) -> WorkflowId:
    """The id of the run of an issue on a forge.

    Services take the names of owners and repositories in any case: they are one issue, hence one run.
    """
    return workflow_id(repo.platform_id, repo.owner.lower(), repo.name.lower(), issue)


def slug(text: str, length: int = _SLUG_LENGTH) -> str:
    """Lower-case ASCII words joined by hyphens, cut at a word; `"change"` where nothing is left."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_text.lower())
    cut = ""
    for word in words:
        candidate = f"{cut}-{word}" if cut else word
        if len(candidate) > length:
            break
        cut = candidate
    return cut or (words[0][:length] if words else "change")


def branch_name(issue: str, title: str, suffix: str = "") -> str:
    """`tamma/<issue>-<slug>`: what a run's branch is called, always the same for the same issue."""
    return f"tamma/{slug(issue, 60)}-{slug(title)}" + (f"-{slug(suffix, 30)}" if suffix else "")
