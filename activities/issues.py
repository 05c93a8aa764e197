"""Issues that others name: they may be gone, or not for us."""

from __future__ import annotations

from tamma.errors import Forbidden, NotFound
from tamma.model.references import RepoRef
from tamma.model.repository import Issue
from tamma.platforms.interface import Platform


async def find_issue(platform: Platform, repo: RepoRef, number: str) -> Issue | None:
    """None where there is none, or where we may not read it. Raises what else the platform raises."""
    try:
        return await platform.get_issue(repo, number)
    except (NotFound, Forbidden):
        return None
