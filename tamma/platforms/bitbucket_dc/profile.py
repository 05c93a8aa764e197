"""What a Bitbucket server can do, by its version. Pure.

Sources: developer.atlassian.com/server/bitbucket/reference/api-changelog (drafts), the feature comparison at
confluence.atlassian.com/bitbucketserver (automatic merges). Which version first resolves threads was
not found in writing: 8.9 is an assumption, and a server that cannot says so itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tamma.platforms.interface import (
    AUTO_MERGE,
    CHECKS,
    COMMENTS,
    DRAFTS,
    GIT_PUSH,
    PULL_REQUESTS,
    RESOLVE_THREADS,
    REVIEWERS,
    REVIEWS,
    STATUSES,
    WEBHOOKS,
)

_ALWAYS = frozenset({COMMENTS, PULL_REQUESTS, REVIEWERS, REVIEWS, CHECKS, STATUSES, WEBHOOKS, GIT_PUSH})
_SINCE: Mapping[str, tuple[int, int]] = {RESOLVE_THREADS: (8, 9), AUTO_MERGE: (8, 15), DRAFTS: (8, 18)}
_INSTEAD: Mapping[str, str] = {
    RESOLVE_THREADS: "answer in the thread, and have a person close it",
    AUTO_MERGE: "merge when the checks have passed",
    DRAFTS: "open the pull request when it is ready",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One server. `said`: the version in its own words."""

    said: str

    @property
    def version(self) -> tuple[int, int]:
        number = re.match(r"(\d+)\.(\d+)", self.said)
        return (int(number[1]), int(number[2])) if number else (0, 0)

    @property
    def capabilities(self) -> frozenset[str]:
        return _ALWAYS | {name for name in _SINCE if self.has(name)}

    def has(self, capability: str) -> bool:
        """Of those that came with a version."""
        return self.version >= _SINCE[capability]

    def lack(self, capability: str) -> str:
        """What to do without it."""
        major, minor = _SINCE[capability]
        here = self.said or "a server that does not tell its version"
        return f"it needs Bitbucket {major}.{minor}, this is {here}; {_INSTEAD[capability]}"
