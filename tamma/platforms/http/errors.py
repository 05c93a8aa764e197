"""What a failed answer means, in one place for all platforms; each adds what is its own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)
from tamma.platforms.http.limits import DEFAULT_WAIT, clock, rate_limit, retry_after, seconds_left
from tamma.platforms.http.messages import Response

_LONGEST_REASON = 500
_RECOVERS = (408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a failed request. `headers` has lower-case names."""

    status: int
    message: str
    """The service's own reason, one line."""
    headers: Mapping[str, str]
    doing: str
    """`GET /repos/o/r/issues/1`: never with a query or a credential."""
    platform: str
    """The account's id."""
    has_token: bool


Judge = Callable[[Answer], PlatformError | None]


def _nothing(_: Answer) -> PlatformError | None:
    return None


def reason(response: Response) -> str:
    """Why, in the service's words, from the usual places of a JSON body; else the text's beginning."""
    try:
        body = response.json()
    except ValueError:
        return one_line(response.text) if "html" not in response.headers.get("content-type", "") else ""
    return one_line("; ".join(_reasons(body)))


def _refuses(response: Response) -> bool:
    return response.status >= 300


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a platform's service says no."""

    name: str
    """`GitLab`: for messages."""
    token_hint: str
    """What to do about a token that is refused."""
    permission_hint: str = "the token lacks a permission"
    base_url_hint: str = "check the platform's baseUrl"
    judge: Judge = _nothing
    """Asked first: the error where the service means something of its own by that status."""
    reason: Callable[[Response], str] = reason
    refuses: Callable[[Response], bool] = _refuses
    """Whether an answer, redirects followed, is a failure."""
    write_interval: float = 0.0
    """Seconds between the beginnings of two writes, where the service asks for that."""
    one_write_at_once: bool = False


def error_for(answer: Answer, dialect: Dialect) -> PlatformError:
    """The error that a failed answer stands for."""
    return dialect.judge(answer) or _usual(answer, dialect)


def said(answer: Answer, dialect: Dialect) -> str:
    """The sentence that every such error begins with."""
    return f"{dialect.name} answered {answer.status} to {answer.doing}: {answer.message or 'no reason given'}"


def limited(answer: Answer, dialect: Dialect, wait: float) -> PlatformRateLimited:
    """A rate limit that ends in `wait` seconds."""
    hint = "the run waits and goes on by itself"
    return PlatformRateLimited(
        said(answer, dialect), hint=hint, retry_after=wait, platform=answer.platform, status=answer.status
    )


def _usual(answer: Answer, dialect: Dialect) -> PlatformError:
    what, status, platform = said(answer, dialect), answer.status, answer.platform
    if status == 401:
        hint = dialect.token_hint if answer.has_token else f"no token is configured: {dialect.token_hint}"
        return BadCredentials(what, hint=hint, platform=platform, status=status)
    if status == 429:
        return limited(answer, dialect, wait_of(answer) or DEFAULT_WAIT)
    if status in (403, 451):
        return Forbidden(what, hint=dialect.permission_hint, platform=platform, status=status)
    if status in (404, 410):
        hint = "check the spelling, and whether the token may see it"
        if not answer.has_token:
            hint = f"check the spelling; private ones need a token: {dialect.token_hint}"
        return NotFound(what, hint=hint, platform=platform, status=status)
    if status in (409, 412):
        return Conflict(what, platform=platform, status=status)
    if status in _RECOVERS or status >= 500:
        after = retry_after(answer.headers, clock(answer.headers))
        hint = "the service is in trouble, or something before it is; it is tried again"
        return Transient(what, hint=hint, platform=platform, status=status, retry_after=after)
    if 300 <= status < 400:
        return PlatformError(what, hint=dialect.base_url_hint, platform=platform, status=status)
    return PlatformError(what, platform=platform, status=status)


def wait_of(answer: Answer) -> float | None:
    """Seconds until it is worth asking again, by Retry-After or by the budget's end; None: nobody says."""
    now = clock(answer.headers)
    after = retry_after(answer.headers, now)
    return after if after is not None else seconds_left(rate_limit(answer.headers, now), now)


def _reasons(body: Any) -> list[str]:
    """GitHub, Gitea: message, errors[]. GitLab: message (text or object), error. Bitbucket: error.message,
    errors[].message. Azure: message. Jira: errorMessages[], errors{}."""
    if isinstance(body, str):
        return [body]
    if isinstance(body, list):
        return [text for item in cast("list[Any]", body) for text in _reasons(item)]
    if not isinstance(body, dict):
        return []
    fields = cast("dict[str, Any]", body)
    found: list[str] = []
    for name in ("message", "error_description", "detail", "errorMessages", "errors", "error"):
        value = fields.get(name)
        if isinstance(value, dict) and name in ("message", "errors"):
            items = cast("dict[str, Any]", value).items()
            found += [f"{key} {text}" for key, inner in items for text in _reasons(inner) or [""]]
        elif value:
            found += _reasons(value)
    if not found and "code" in fields:  # GitHub's errors[] without words
        found = [f"{fields.get('field', '')} {fields['code']}"]
    return list(dict.fromkeys(text.strip() for text in found if text.strip()))


def one_line(text: str) -> str:
    """What a service wrote as one line for people, of bounded length: whatever moves a cursor, changes
    colours or turns the direction of writing is left out of it."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 8 * _LONGEST_REASON])
    return " ".join(shown.split())[:_LONGEST_REASON]
