"""What GitHub's GraphQL interface means by its errors, which come with HTTP 200. Pure.

Source: docs.github.com/graphql (rate limits and query limits, resource limitations); the words of errors
without a type are those that GitHub answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from tamma.errors import Forbidden, NotFound, PlatformError, PlatformRateLimited, Transient
from tamma.platforms.github.errors import SECONDARY_LIMIT_WAIT, limit_of
from tamma.platforms.http.errors import Answer, one_line

_PASSING = ("something went wrong while executing your query", "timed out", "timedout")
"""GitHub gave up in the middle: a mutation may have been done."""
_FORBIDDEN = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})


class GraphqlError(BaseModel):
    message: str = ""
    type: str | None = None


def refusal(
    verb: str, errors: Sequence[GraphqlError], headers: Mapping[str, str], platform: str
) -> PlatformError:
    """The error that the `errors` of an answer stand for. `verb` names the query or mutation."""
    kinds = {error.type for error in errors}
    said = one_line("; ".join(dict.fromkeys(error.message for error in errors)))
    what = f"GitHub refused {verb}: {said}"
    # Limits are worded as in the other interface, where they come as 403.
    wait = limit_of(Answer(403, said, headers, verb, platform, has_token=True))
    if "RATE_LIMITED" in kinds or wait is not None:
        hint = "the run waits and goes on by itself"
        pause = wait or SECONDARY_LIMIT_WAIT
        return PlatformRateLimited(what, hint=hint, retry_after=pause, platform=platform, status=403)
    if "NOT_FOUND" in kinds:
        hint = "check the spelling; GitHub also says this where the token may not see it"
        return NotFound(what, hint=hint, platform=platform, status=404)
    if kinds & _FORBIDDEN:
        hint = "the token lacks a permission: it needs contents, issues and pull requests (read and write)"
        return Forbidden(what, hint=hint, platform=platform, status=403)
    if "SERVICE_UNAVAILABLE" in kinds or any(words in said.lower() for words in _PASSING):
        return Transient(what, hint="it is tried again", platform=platform, status=502)
    return PlatformError(what, platform=platform, status=422)
