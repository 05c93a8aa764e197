"""How Bitbucket Cloud says no. Pure.

Sources: developer.atlassian.com/cloud/bitbucket/rest/intro ("Standardized error responses") and the statuses
of each operation in the published description. What the usual table does not know is here.
"""

from __future__ import annotations

from typing import Any, cast

from tamma.errors import Forbidden, NotFound, PlatformError
from tamma.platforms.http.errors import Answer, Dialect, reason, said
from tamma.platforms.http.messages import Response

SCOPES = (
    "read:user:bitbucket, read:workspace:bitbucket, read:repository:bitbucket, write:repository:bitbucket, "
    "read:pullrequest:bitbucket, write:pullrequest:bitbucket, read:pipeline:bitbucket and "
    "write:pipeline:bitbucket"
)
_NAME = "Bitbucket"


def _reason(response: Response) -> str:
    """The usual places, and the scopes that are missing: `error.detail` is an object where they are."""
    words = reason(response)
    try:
        body: object = response.json()
    except ValueError:
        return words
    found = _at(_at(body, "error"), "detail")
    required, granted = _at(found, "required"), _at(found, "granted")
    if not isinstance(required, list):
        return words
    needed = ", ".join(map(str, cast("list[object]", required)))
    has = ", ".join(map(str, cast("list[object]", granted))) if isinstance(granted, list) else "others"
    return f"{words} (it needs {needed}; the token has {has})"


def _at(value: object, name: str) -> Any:
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None


def _judge(answer: Answer) -> PlatformError | None:
    """402: the workspace's plan is exceeded, and its repositories are read-only. 410: a part of the API that
    was removed. 555, Bitbucket's own word for a timeout, is one of the failures that may pass."""
    what = said(answer, DIALECT)
    if answer.status == 402:
        hint = "the workspace has more users than its plan allows, or its build minutes are used up"
        return Forbidden(what, hint=hint, platform=answer.platform, status=402)
    if answer.status == 410:
        hint = "Bitbucket has removed this part of its API: is Tamma up to date?"
        return NotFound(what, hint=hint, platform=answer.platform, status=410)
    return None


DIALECT = Dialect(
    _NAME,
    "make a new API token with scopes (id.atlassian.com, Security, API tokens) and set username to the "
    f"account's e-mail address; its scopes: {SCOPES}. An access token of a repository has no username",
    f"the token needs the scopes {SCOPES}, and its user write access to the repository",
    "check the platform's baseUrl: https://api.bitbucket.org/2.0, or nothing",
    judge=_judge,
    reason=_reason,
)
