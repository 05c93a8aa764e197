"""Bitbucket Data Center as a face, checked against the description of 9.2."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead
from tests.support.forge.calls import ApiError, Call, Reply, Request
from tests.support.forge.description import Description, specs_folder
from tests.support.forge.face import Face, Tokens
from tests.support.forge.faces.bitbucket_dc import account, git, pulls, talk
from tests.support.forge.faces.bitbucket_dc.common import ROUTES, P, R, refusal, server_of

_PARTS = (account, git, pulls, talk)
"""Imported for the routes that they register."""
_PULL = (
    # recorded/stash/prs.json has both; the description has neither.
    r"the field '([\w.]*\.)?(author|properties)' is not described",
)
_AMENDED = {
    # What is beside a message depends on its exception: recorded/stash/error.json has the common part.
    "*": (
        r"the field 'errors\.(vetoes|reviewerErrors|validReviewers)' is not",
        r"the field 'errors\.(existingPullRequest|currentVersion)' is not",
        r"errors\.\d+\.context: None is not of type 'string'",
    ),
    # The prose of the operation describes `permission.N.projectKey`, and a page; the lists say one user.
    "GET /api/latest/users": (
        r"the query parameter '(permission\.1[.\w]*|start|limit)' is not described",
        r"the field '(size|limit|isLastPage|start|values|nextPageStart)' is not described",
    ),
    f"GET {R}/pull-requests": _PULL,
    f"POST {R}/pull-requests": _PULL,
    f"GET {P}": _PULL,
    f"PUT {P}": _PULL,
    f"POST {P}/decline": _PULL,
    # The example of its automatic twin, RestAutoMergeRequest, says that autoSubject is a boolean.
    f"POST {P}/merge": (*_PULL, "autoSubject: False is not of type 'string'"),
    # The prose of the API before 8: `canMerge` is the verdict.
    f"GET {P}/merge": ("the field 'canMerge' is not described",),
    # "clients should be flexible": what an activity has depends on its action.
    f"GET {P}/activities": (r"the field 'values\.(comment|commentAction|commentAnchor)' is not described",),
    # Recorded in recorded/stash/pr_file_diff.json: the description shows what is inside of `diffs`.
    f"GET {P}/diff/{{path}}": (r"the field '(fromHash|toHash|diffs)' is not described",),
    # BSERV-19336 and Atlassian's example: the path in an anchor is a text.
    f"POST {P}/comments": (r"anchor\.(path|srcPath): '.*' is not of type 'object'",),
}


@cache
def bitbucket_dc_face() -> Face | None:
    """None where the published description is not there."""
    path = specs_folder() / "bitbucket-dc" / "swagger.v3.json"
    if not path.is_file():
        return None
    description = Description(
        path,
        base="/rest",
        slashes=("path",),
        amend=_AMENDED,
    )
    return Face(
        "bitbucket-dc",
        ROUTES,
        [description],
        authenticate=_authenticate,
        error=_error,
        headers=_headers,
        limited=lambda: refusal(429, "You have been rate limited", "ratelimit.RateLimitedException"),
        translate=_translated,
    )


def _authenticate(request: Request, tokens: Tokens) -> str | None:
    if "authorization" not in request.headers and request.path.endswith("/application-properties"):
        return ""
    return tokens.bearer(request) or tokens.basic(request)


def _headers(call: Call) -> dict[str, str]:
    server = server_of(call.world)
    scheme, given, _ = call.request.headers.get("authorization", "").partition(" ")
    if not given or not call.login:
        return {}
    server.schemes.append(scheme)
    return {"X-AUSERNAME": quote(server.named or call.login, safe="")}


def _error(error: ApiError) -> Reply:
    if error.details is None:
        name = "auth.IncorrectPasswordAuthenticationException" if error.status == 401 else "ServiceException"
        error = refusal(error.status, error.message, name)
    return Reply(error.status, error.details, dict(error.headers))


def _translated(error: PlatformError) -> ApiError:
    if isinstance(error, NotFound):
        return refusal(404, error.message, "NoSuchEntityException")
    if isinstance(error, Forbidden) and "archived" in error.message:
        return refusal(409, error.message, "repository.RepositoryArchivedException")
    if isinstance(error, Forbidden):
        return refusal(401, "You are not permitted to access this resource", "AuthorisationException")
    status = 409 if isinstance(error, Conflict | StaleHead) else 400
    return refusal(status, error.message, "ArgumentValidationException")
