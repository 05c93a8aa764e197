"""Bitbucket Cloud as a face: its paths, credentials, errors and limits."""

from __future__ import annotations

import base64
from functools import cache

from tamma.errors import Forbidden, NotFound, PlatformError, StaleHead
from tests.support.forge.calls import ApiError, Call, Reply, Request
from tests.support.forge.description import COMMON_ERRORS, Description, specs_folder
from tests.support.forge.face import Face, Tokens
from tests.support.forge.faces.bitbucket_cloud import account, ci, git, pulls, talk
from tests.support.forge.faces.bitbucket_cloud.common import BASE, PR, ROUTES, R

_PARTS = (account, ci, git, pulls, talk)
"""Imported for the routes that they register."""
SPEC = "bitbucket-cloud/swagger.v3.json"
EMAIL = "bot@example.test"
SCOPES = "repository:write, pullrequest:write, pipeline:write"
_AMEND = {
    # The introduction to the API has these for every list; moved repositories are left out.
    "*": (
        "the query parameter '(page|pagelen|q|sort|fields)' is not described",
        "the status 301 is not described",
        # A refusal names the missing scopes: {"required": […], "granted": […]}.
        r"error\.detail: \{'required'.* is not of type 'string'",
    ),
    # Prose alone tells of some bodies, of descending order, and of what is answered for `format=meta`.
    f"POST {R}/src": ("a body is not described",),
    f"POST {R}/refs/branches": ("a body is not described",),
    f"GET {R}/pipelines": ("'-created_on' is not one of",),
    f"GET {R}/src/{{commit}}/{{path}}": (r"the field '\w+' is not described", r"\(all\): .* unexpected\)"),
    f"GET {PR}/merge/task-status/{{task_id}}": ("a body with status 200 is not described",),
    f"GET {R}/diff/{{spec}}": ("a body with status 200 is not described",),
    f"GET {R}/pipelines/{{pipeline_uuid}}/steps/{{step_uuid}}/log": (
        "the status 206 is",
        "a body with status 200 is",
    ),
    # Bitbucket writes null for what is not there.
    f"GET {R}": ("mainbranch: None is not of type 'object'",),
}
_NULL = r"merge_commit: None is not of type 'object'"


@cache
def bitbucket_cloud_face() -> Face | None:
    """None where the published description is not there."""
    path = specs_folder() / SPEC
    if not path.is_file():
        return None
    description = Description(
        path,
        base=BASE,
        slashes=("path", "name"),
        error_schema="error",
        common_errors=COMMON_ERRORS | {400, 409, 410},  # the first two in prose, where they are at all
        amend={**_AMEND, "*": (*_AMEND["*"], _NULL)},
    )
    return Face(
        "bitbucket",
        ROUTES,
        [description],
        authenticate=_authenticate,
        error=_error,
        headers=_headers,
        limited=lambda: ApiError(429, "Rate limit for this resource has been exceeded"),
        translate=_translated,
        slashes=("path", "name"),
    )


def _authenticate(request: Request, tokens: Tokens) -> str | None:
    """The storage of logs takes no credentials, and none may come there."""
    given = request.headers.get("authorization", "")
    if request.path.startswith("/storage/"):
        return None if given else ""
    if not given.lower().startswith("basic "):
        return tokens.bearer(request)
    name = base64.b64decode(given.split(" ", 1)[1]).decode().partition(":")[0]
    return tokens.basic(request) if name == EMAIL else None


def _error(error: ApiError) -> Reply:
    said = {"message": error.message, **({"detail": error.details} if error.details is not None else {})}
    return Reply(error.status, {"type": "error", "error": said}, dict(error.headers))


def _translated(error: PlatformError) -> ApiError:
    statuses: tuple[tuple[type[PlatformError], int], ...] = (
        (NotFound, 404),
        (StaleHead, 409),
        (Forbidden, 403),
    )
    status = next((status for kind, status in statuses if isinstance(error, kind)), 400)
    return ApiError(status, error.message)


def _headers(call: Call) -> dict[str, str]:
    return {"X-RateLimit-Limit": "1000", "X-RateLimit-NearLimit": "false", "X-OAuth-Scopes": SCOPES}
