"""Jira, Cloud and Data Center. No published description is at hand: described.json is what we use of it,
written down from Atlassian's documentation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tamma.errors import Forbidden, NotFound, PlatformError
from tests.support.forge.calls import ApiError, Reply, Request
from tests.support.forge.description import Description
from tests.support.forge.face import Face, Tokens
from tests.support.forge.faces.jira import routes
from tests.support.forge.faces.jira.common import ROUTES, refusal

_PARTS = (routes,)
"""Imported for the routes that it registers."""


@cache
def jira_face() -> Face:
    description = Description(Path(__file__).with_name("described.json"), error_schema="ErrorCollection")
    return Face(
        "jira",
        ROUTES,
        [description],
        authenticate=_authenticate,
        error=_error,
        limited=lambda: refusal(429, "Rate limit exceeded."),
        translate=_translated,
    )


def _authenticate(request: Request, tokens: Tokens) -> str | None:
    if request.path.endswith("/serverInfo"):
        return ""
    return tokens.bearer(request) or tokens.basic(request)


def _error(error: ApiError) -> Reply:
    told = error if error.details is not None else refusal(error.status, error.message)
    return Reply(error.status, told.details, dict(error.headers))


def _translated(error: PlatformError) -> ApiError:
    if isinstance(error, NotFound):
        return refusal(404, "Issue does not exist or you do not have permission to see it.")
    return refusal(403 if isinstance(error, Forbidden) else 400, error.message)
