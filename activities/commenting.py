"""The one way in which a run writes comments."""

from __future__ import annotations

from tamma.model.ids import TaskId
from tamma.model.references import RepoRef
from tamma.model.repository import Target
from tamma.platforms.interface import Platform
from tamma.telemetry.redaction import redact_text


async def write_comment(
    platform: Platform,
    repo: RepoRef,
    target: Target,
    body: str,
    *,
    task_id: TaskId,
    key: str,
    link: str = "",
) -> None:
    """Write, or rewrite, the run's comment of this key. What looks like a secret is left out: a comment may
    quote what tests printed, or what a model said, and many can read it. Raises what the platform raises."""
    await platform.ensure_comment(repo, target, redact_text(body), f"{task_id}/{key}", link=link)
