"""GitHub as a face: its description, credentials, errors and limits."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.description import COMMON_ERRORS, Description, specs_folder
from tests.support.forge.face import Face
from tests.support.forge.faces.github import account, checks, git, issues, pulls
from tests.support.forge.faces.github.common import ROUTES

_PARTS = (account, checks, git, issues, pulls)
"""Imported for the routes that they register."""
SPEC = "github/api.github.com.json"


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
    )
    return Face("github", ROUTES, [description], error=_error, headers=_headers, limited=_limited, etags=True)


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
