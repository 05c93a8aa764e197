"""What a server can do, by its type and version. Pure.

Gitea and Forgejo speak one API and have drifted apart since Forgejo 7 (April 2024). The versions are those in
whose published description (`/swagger.v1.json`) or release notes an endpoint stands first:

* Gitea: blog.gitea.com, github.com/go-gitea/gitea/releases, pull requests #33545 (dispatch), #34337 (runs and
  jobs), #33858 (logs), #36441 (resolve), #35382 (cancel).
* Forgejo: codeberg.org/forgejo/forgejo/src/branch/forgejo/release-notes-published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tamma.platforms.interface import (
    CAPABILITIES,
    CI_CANCEL,
    CI_LOGS,
    CI_RERUN,
    CI_RUNS,
    CI_TRIGGER,
    LOCAL_MERGE,
    RESOLVE_THREADS,
)

Kind = Literal["gitea", "forgejo"]
Version = tuple[int, int]

RUN_NAMED = "run_named"
"""A dispatch can answer with the run that it began."""
RUN_JOBS = "run_jobs"
"""A run's jobs can be listed; before that Forgejo has a list of all tasks alone."""
RERUN_FAILED = "rerun_failed"
REPLIES = "replies"
"""A review comment can be answered; before that another review on the same line joins its conversation."""

NEVER: Version = (1_000_000, 0)
NEWEST: Version = (999_999, 0)
_SINCE: Mapping[str, tuple[Version, Version]] = {
    # Gitea's logs and dispatch are of 1.24, but without the runs nobody knows which job or run is meant.
    CI_RUNS: ((1, 25), (12, 0)),
    CI_TRIGGER: ((1, 25), (12, 0)),
    CI_LOGS: ((1, 25), (16, 0)),
    CI_RERUN: ((1, 26), (17, 0)),
    CI_CANCEL: ((1, 28), (16, 0)),
    RESOLVE_THREADS: ((1, 26), NEVER),
    RUN_NAMED: ((1, 26), (11, 0)),
    RUN_JOBS: ((1, 25), (16, 0)),
    RERUN_FAILED: ((1, 27), NEVER),
    REPLIES: ((1, 27), (7, 0)),
}
"""Gitea's and Forgejo's first version of each."""
_HINTS: Mapping[str, str] = {
    RESOLVE_THREADS: "answer in the thread, and have a person resolve it in the browser",
    CI_TRIGGER: "push a commit: that starts the workflows too",
    CI_RUNS: "read the checks of the commit: jobs report there",
    CI_LOGS: "open the check's address in a browser",
    CI_RERUN: "push a commit, or run it again in a browser",
    CI_CANCEL: "cancel it in a browser",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One server. `said`: the version in its own words; empty where it does not say."""

    kind: Kind
    version: Version
    said: str

    @property
    def name(self) -> str:
        return "Forgejo" if self.kind == "forgejo" else "Gitea"

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset(name for name in CAPABILITIES - {LOCAL_MERGE} if self.has(name))

    def has(self, feature: str) -> bool:
        """A capability of the interface, or one of this module's features."""
        since = self.since(feature)
        return since is None or self.version >= since

    def since(self, feature: str) -> Version | None:
        """The first version with it; None: every one that we speak to."""
        both = _SINCE.get(feature)
        return None if both is None else both[self.kind == "forgejo"]

    def lack(self, feature: str) -> str:
        """What to do without it."""
        since = self.since(feature)
        instead = _HINTS[feature]
        if since is None or since == NEVER:
            return instead
        needed = f"{since[0]}" if self.kind == "forgejo" else f"{since[0]}.{since[1]}"
        here = self.said or "a server that does not tell its version"
        return f"it needs {self.name} {needed}, this is {here}; {instead}"


def profile_of(kind: Kind, said: str) -> Profile:
    """`said` is `1.26.4`, `1.27.0+dev-123-gabc`, or Forgejo's `16.0.1+gitea-1.22.0`, whose end names the
    Gitea that it grew from, and gives away a Forgejo that was configured as a Gitea.

    Builds without a number (`development`) are taken for the newest, servers that say nothing for the oldest.
    """
    is_forgejo = "+gitea-" in said
    number = re.match(r"v?(\d+)\.(\d+)", said)
    version = (int(number[1]), int(number[2])) if number else NEWEST if said else (0, 0)
    if kind == "forgejo" and not is_forgejo and number and version[0] == 1:
        return Profile("gitea", version, said)  # Forgejo 1.18 to 1.21 counted as Gitea did
    return Profile("forgejo" if is_forgejo else kind, version, said)
