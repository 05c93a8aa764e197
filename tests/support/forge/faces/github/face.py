"""GitHub as a face: its description, credentials, errors and limits."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from tamma.errors import Forbidden, PlatformError
from tests.support.forge.calls import ApiError, Call, Reply, Request
from tests.support.forge.description import COMMON_ERRORS, Description, specs_folder
from tests.support.forge.face import Face, Tokens, worded
from tests.support.forge.faces.github import account, apps, checks, ci, git, graphql, issues, pulls, reviews
from tests.support.forge.faces.github.common import ROUTES, R, readdressed

_PARTS = (account, apps, checks, ci, git, graphql, issues, pulls, reviews)
"""Imported for the routes that they register."""
SPEC = "github/api.github.com.json"
_AMEND = {
    f"POST {R}/statuses/{{sha}}": ("the status 422 is not described",),
    f"GET {R}/commits/{{ref}}/check-runs": ("the status 422 is not described",),
    f"GET {R}/commits/{{ref}}/status": ("the status 422 is not described",),
    f"POST {R}/actions/workflows/{{workflow_id}}/dispatches": ("the status 422 is not described",),
    f"GET {R}/actions/jobs/{{job_id}}/logs": ("the status 410 is not described",),
    f"GET {R}/pulls/{{pull_number}}": ("the field 'errors' is not described",),
    "GET /app/installations": (r"^\d+\.account: ",),
    "GET /meta": ("the field 'installed_version' is not described",),
}
"""GitHub answers these and does not describe them: a commit that is not there, inputs that are not declared,
logs that were deleted, why a diff is not given, an Enterprise server's version. And it describes an
installation's account as a user and an enterprise at once."""


@cache
def github_face() -> Face | None:
    """None where the published description is not there."""
    path = specs_folder() / SPEC
    if not path.is_file():
        return None
    description = Description(
        path,
        slashes=("ref", "path", "branch"),
        error_schema="basic-error",
        # 301 and 307: a renamed repository, of which the description says nothing at most operations.
        common_errors=COMMON_ERRORS | {301, 307},
        amend=_AMEND,
    )
    return Face(
        "github",
        ROUTES,
        [description],
        authenticate=_authenticate,
        error=_error,
        headers=_headers,
        limited=_limited,
        translate=_translate,
        readdress=readdressed,
        etags=True,
    )


def _authenticate(request: Request, tokens: Tokens) -> str | None:
    """An App's own requests are checked by their routes, and the storage of logs belongs to somebody else."""
    own = ("/app/", ci.STORAGE)
    return "" if request.path.removeprefix("/api/v3").startswith(own) else tokens.bearer(request)


def _translate(error: PlatformError) -> ApiError:
    if not isinstance(error, Forbidden):
        return worded(error)
    archived = "archived" in error.message
    message = "Repository was archived so is read-only." if archived else "Resource not accessible"
    return ApiError(403, message, X_Accepted_GitHub_Permissions="contents=write")


def _error(error: ApiError) -> Reply:
    body: dict[str, Any] = {"message": error.message, "documentation_url": "https://docs.github.com/rest"}
    if error.details is not None:
        body["errors"] = error.details
    return Reply(error.status, body, dict(error.headers))


def _headers(call: Call) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": "4999",
        "X-RateLimit-Reset": str(int(time.time()) + 3600),
        "X-OAuth-Scopes": "repo, workflow",
    }


def _limited() -> ApiError:
    return ApiError(429, "API rate limit exceeded", X_RateLimit_Remaining="0")
