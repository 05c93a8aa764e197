"""GitLab as a face: its paths, credentials, errors and limits.

The description that there is (of 2023, not GitLab's own) is believed in its paths alone.
"""

from __future__ import annotations

import time
from functools import cache

from tamma.errors import NotFound, PlatformError
from tests.support.forge.calls import ApiError, Call, Reply, Request
from tests.support.forge.description import Description, specs_folder
from tests.support.forge.face import Face, Tokens, worded
from tests.support.forge.faces.gitlab import account, ci, git, issues, pulls, reviews
from tests.support.forge.faces.gitlab.common import ROUTES, A

_PARTS = (account, ci, git, issues, pulls, reviews)
"""Imported for the routes that they register."""
SPEC = "gitlab/openapi-unofficial-2023.yaml"


@cache
def gitlab_face() -> Face | None:
    """None where the published description is not there."""
    path = specs_folder() / SPEC
    if not path.is_file():
        return None
    description = Description(path, base=A, paths_only=True)
    return Face(
        "gitlab",
        ROUTES,
        [description],
        authenticate=_authenticate,
        error=_error,
        headers=_headers,
        limited=lambda: ApiError(429, "Retry later"),
        etags=True,
        translate=_translated,
    )


def _authenticate(request: Request, tokens: Tokens) -> str | None:
    if "private-token" in request.headers:
        return tokens.header(request, "private-token")
    return tokens.bearer(request)


def _error(error: ApiError) -> Reply:
    if error.status == 429:  # the limits stand before the API
        return Reply(429, error.message + "\n", dict(error.headers), "text/plain")
    message = "401 Unauthorized" if error.status == 401 else error.message
    return Reply(error.status, {"message": message}, dict(error.headers))


def _translated(error: PlatformError) -> ApiError:
    made = worded(error)
    if isinstance(error, NotFound):
        return ApiError(404, "404 Not found")
    return ApiError(403, "403 Forbidden") if made.status == 403 else made


def _headers(call: Call) -> dict[str, str]:
    reset = str(int(time.time()) + 60)
    return {"RateLimit-Limit": "2000", "RateLimit-Remaining": "1999", "RateLimit-Reset": reset}
