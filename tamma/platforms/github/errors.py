"""What GitHub's status codes mean, in one place. Pure.

Sources: docs.github.com/rest/using-the-rest-api (rate limits, troubleshooting, best practices).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)

SECONDARY_LIMIT_WAIT = 60.0
"""Seconds GitHub asks to wait at least where a secondary limit names no time."""
_SECONDARY_LIMIT_WORDS = ("secondary rate", "abuse detection", "submitted too quickly")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a failed request. `headers` has lower-case names."""

    status: int
    message: str
    headers: Mapping[str, str]
    doing: str
    """`GET repos/o/r/issues/1`: never with a query or a credential."""


def error_for(answer: Answer, platform: str, *, has_token: bool) -> PlatformError:
    """The error that a failed answer stands for."""
    what = f"GitHub answered {answer.status} to {answer.doing}: {answer.message or 'no reason given'}"
    status = answer.status
    if status == 401:
        return BadCredentials(what, hint=_token_hint(has_token), platform=platform, status=status)
    if status in (403, 429) and (limit := _limit(answer)) is not None:
        return PlatformRateLimited(
            what,
            hint="the run waits and goes on by itself",
            retry_after=limit,
            platform=platform,
            status=status,
        )
    if status in (403, 451):
        return Forbidden(what, hint=_permission_hint(answer), platform=platform, status=status)
    if status == 404:
        hint = "check the spelling; GitHub also says this where the token may not see the repository"
        return NotFound(
            what, hint=hint if has_token else _token_hint(False), platform=platform, status=status
        )
    if status == 410:
        hint = "issues are switched off in this repository, or the item was deleted"
        return NotFound(what, hint=hint, platform=platform, status=status)
    if status == 409:
        return Conflict(what, platform=platform, status=status)
    if status in (408, 425) or status >= 500:
        return Transient(what, platform=platform, status=status, retry_after=_seconds(answer.headers))
    return PlatformError(what, platform=platform, status=status)


def _limit(answer: Answer) -> float | None:
    """Seconds to wait where the answer is a primary or secondary rate limit; None where it is not one."""
    headers, text = answer.headers, answer.message.lower()
    wait = _seconds(headers)
    if wait is not None:
        return wait
    if any(words in text for words in _SECONDARY_LIMIT_WORDS):
        return SECONDARY_LIMIT_WAIT
    if headers.get("x-ratelimit-remaining") == "0":
        try:
            return max(float(headers["x-ratelimit-reset"]) - time.time(), 1.0)
        except (KeyError, ValueError):
            return SECONDARY_LIMIT_WAIT
    return SECONDARY_LIMIT_WAIT if answer.status == 429 else None


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds, from either of its forms."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        try:
            return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
        except ValueError:
            return SECONDARY_LIMIT_WAIT


def _token_hint(has_token: bool) -> str:
    if has_token:
        return "GITHUB_TOKEN was refused: it may be expired or revoked; make a new one"
    return "no token is configured: set GITHUB_TOKEN"


def _permission_hint(answer: Answer) -> str:
    needed = answer.headers.get("x-accepted-github-permissions") or answer.headers.get(
        "x-accepted-oauth-scopes"
    )
    if needed:
        return f"the token lacks a permission; GitHub accepts: {needed}"
    if "check-runs" in answer.doing:
        return "the token needs the permission Checks: read (classic tokens: the scope repo)"
    return "the token lacks a permission: it needs contents, issues and pull requests (read and write)"
