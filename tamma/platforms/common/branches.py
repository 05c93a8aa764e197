"""What can be wrong with a branch, in the same words on every platform. Pure.

`platform` is the account's id.
"""

from __future__ import annotations

from tamma.errors import Conflict, NotFound, StaleHead
from tamma.model.repository import Branch, RepoRef


def stale(what: str, now: str, expected: str, platform: str) -> StaleHead:
    """`what` is not at the commit that was read: `the branch 'fix'`, `the head of #12`."""
    return StaleHead(
        f"{what} is at {now[:12]}, not at {expected[:12]}: somebody pushed meanwhile", platform=platform
    )


def missing(repo: RepoRef, name: str, platform: str) -> NotFound:
    """There is no such branch."""
    return NotFound(f"{repo.full_name} has no branch {name!r}", platform=platform, status=404)


def ensured(repo: RepoRef, name: str, sha: str, wanted: str, platform: str) -> Branch:
    """The branch that was to be made at `wanted` and stands at `sha`. Raises Conflict where they differ."""
    if sha != wanted:
        raise Conflict(
            f"the branch {name!r} of {repo.full_name} exists at {sha[:12]}, not at {wanted[:12]}",
            hint="delete or rename it, or submit again with another branch",
            platform=platform,
        )
    return Branch(name, sha)
