"""What GitHub means by its statuses, where that is its own. Pure.

Sources: docs.github.com/rest/using-the-rest-api (rate limits, troubleshooting, best practices).
"""

from __future__ import annotations

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError
from tamma.platforms.http.errors import Answer, Dialect, limited, said
from tamma.platforms.http.limits import clock, rate_limit, retry_after, seconds_left

SECONDARY_LIMIT_WAIT = 60.0
"""Seconds GitHub asks to wait at least where a secondary limit names no time."""
_SECONDARY_LIMIT_WORDS = ("secondary rate", "abuse detection", "submitted too quickly")
_PROTECTED_WORDS = (
    "protected branch",
    "rule violations",
    "must be made through a pull request",
    "cannot delete this branch",
)
"""Of branch protection and of rulesets, which come as 403, 409 or 422."""
WRITE_INTERVAL = 1.0
"""Seconds: "if you are making a large number of POST, PATCH, PUT, or DELETE requests, wait at least one
second between each request" (best practices)."""


def dialect(*, public: bool) -> Dialect:
    """`public`: github.com, whose limits servers of one's own do not have."""
    return Dialect(
        name="GitHub",
        token_hint="GITHUB_TOKEN, or the account's accessToken, is missing, expired or revoked",  # noqa: S106 - it is none
        permission_hint="the token lacks a permission: it needs contents, issues and pull requests "
        "(read and write)",
        base_url_hint="does baseUrl name GitHub's API (Enterprise: https://HOST/api/v3)?",
        judge=judge,
        write_interval=WRITE_INTERVAL if public else 0.0,
        one_write_at_once=True,
    )


def judge(answer: Answer) -> PlatformError | None:
    """Limits that come as 403, what is behind a permission that is missing, and what 404 to 422 may mean."""
    status, platform, what = answer.status, answer.platform, said(answer, _NAMED)
    message = answer.message.lower()
    if status in (403, 429) and (wait := limit_of(answer)) is not None:
        return limited(answer, _NAMED, wait)
    if status in (403, 409, 422) and any(words in message for words in _PROTECTED_WORDS):
        hint = "the branch is protected: the change has to come by a pull request, or by another account"
        return Forbidden(what, hint=hint, platform=platform, status=status)
    if status in (403, 451):
        return Forbidden(what, hint=_permission_hint(answer), platform=platform, status=status)
    if status == 404:
        hint = "check the spelling; GitHub also says this where the token may not see the repository"
        if not answer.has_token:
            hint = (
                "check the spelling; for a private repository set GITHUB_TOKEN, or the account's accessToken"
            )
        return NotFound(what, hint=hint, platform=platform, status=status)
    if status == 410:
        hint = "issues are switched off in this repository, or the item was deleted"
        if answer.doing.endswith("/logs"):
            hint = "GitHub deletes logs when the repository's retention time is over (90 days by default)"
        return NotFound(what, hint=hint, platform=platform, status=status)
    if status == 422 and "no commit found" in message:
        return NotFound(what, hint="was it pushed to this repository?", platform=platform, status=status)
    if status == 409 and "is empty" in message:
        hint = "the repository has no commit yet: push a first one"
        return Conflict(what, hint=hint, platform=platform, status=status)
    if status == 406:
        hint = "GitHub gives out no diff of more than 20,000 lines, 1 MB or 300 files: read it with git diff"
        return PlatformError(what, hint=hint, platform=platform, status=status)
    return None


def limit_of(answer: Answer) -> float | None:
    """Seconds to wait where the answer is a primary or secondary rate limit; None where it is not one."""
    now = clock(answer.headers)
    wait = retry_after(answer.headers, now)
    if wait is not None:
        return wait
    if any(words in answer.message.lower() for words in _SECONDARY_LIMIT_WORDS):
        return SECONDARY_LIMIT_WAIT
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return seconds_left(rate_limit(answer.headers, now), now) or SECONDARY_LIMIT_WAIT
    return SECONDARY_LIMIT_WAIT if answer.status == 429 else None


def _permission_hint(answer: Answer) -> str:
    if "archived" in answer.message.lower():
        return "the repository is archived: nothing can be written to it"
    if "locked" in answer.message.lower():
        return "the conversation is locked: only people with write access can write in it"
    needed = answer.headers.get("x-accepted-github-permissions") or answer.headers.get(
        "x-accepted-oauth-scopes"
    )
    if needed:
        return f"the token lacks a permission; GitHub accepts: {needed}"
    if "check-runs" in answer.doing:
        return "the token needs the permission Checks: read (classic tokens: the scope repo)"
    return dialect(public=True).permission_hint


_NAMED = Dialect("GitHub", "")
