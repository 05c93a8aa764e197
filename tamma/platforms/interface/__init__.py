"""The platform interface: one for all Git platforms, trackers apart from forges.

Rules every adapter keeps:

* **Writes are idempotent and named so** (`ensure_…`): the same call twice has one effect and the same
  result, also when the answer to the first one was lost. docs/extending/platforms.md has the table.
* What a platform lacks raises `Unsupported(capability)`, whose hint names what to use instead; nothing is
  silently left out.
* Adapters never retry and never sleep: `PlatformRateLimited(retry_after)` and `Transient` go to Temporal.
* Credentials appear in headers or the environment of a child process, never in a URL.
* A text that is longer than the platform takes is shortened and says so; it is never a failure.

`account` has what others hold, made of `tracker` and `forge`; `capabilities` and `settings` are data. Import
from here: the modules within are nobody else's business.
"""

from __future__ import annotations

from tamma.platforms.interface.account import Platform, PlatformPlugin, Tracker
from tamma.platforms.interface.capabilities import (
    API_COMMITS,
    ASSIGNEES,
    AUTO_MERGE,
    CAPABILITIES,
    CHECKS,
    CI_CANCEL,
    CI_LOGS,
    CI_RERUN,
    CI_RUNS,
    CI_TRIGGER,
    COMMENTS,
    DRAFTS,
    GIT_PUSH,
    ISSUES,
    LABELS,
    LOCAL_MERGE,
    PULL_REQUESTS,
    RESOLVE_THREADS,
    REVIEWERS,
    REVIEWS,
    STATUSES,
    WEBHOOKS,
)
from tamma.platforms.interface.forge import LOG_TAIL, Forge
from tamma.platforms.interface.settings import (
    AppSettings,
    GitCredentials,
    OAuthSettings,
    PlatformSettings,
    TokenSource,
)
from tamma.platforms.interface.tracker import IssueTracker

__all__ = [
    "API_COMMITS",
    "ASSIGNEES",
    "AUTO_MERGE",
    "CAPABILITIES",
    "CHECKS",
    "CI_CANCEL",
    "CI_LOGS",
    "CI_RERUN",
    "CI_RUNS",
    "CI_TRIGGER",
    "COMMENTS",
    "DRAFTS",
    "GIT_PUSH",
    "ISSUES",
    "LABELS",
    "LOCAL_MERGE",
    "LOG_TAIL",
    "PULL_REQUESTS",
    "RESOLVE_THREADS",
    "REVIEWERS",
    "REVIEWS",
    "STATUSES",
    "WEBHOOKS",
    "AppSettings",
    "Forge",
    "GitCredentials",
    "IssueTracker",
    "OAuthSettings",
    "Platform",
    "PlatformPlugin",
    "PlatformSettings",
    "TokenSource",
    "Tracker",
]
