"""Gitea and Forgejo as faces: the same routes, each checked against its own description."""

from __future__ import annotations

from functools import cache
from typing import Any

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead
from tests.support.forge.calls import ApiError, Reply, Routes
from tests.support.forge.description import COMMON_ERRORS, Description, specs_folder
from tests.support.forge.face import Face
from tests.support.forge.faces.gitea import account, actions, commits, git, issues, pulls, reviews
from tests.support.forge.faces.gitea.actions import LATER
from tests.support.forge.faces.gitea.common import NOT_FOUND, ROUTES, R

_PARTS = (account, actions, commits, git, issues, pulls, reviews)
"""Imported for the routes that they register."""
_AMENDED = {
    # For older clients it takes `Do` and MergeTitleField too: UnmarshalJSON in services/forms/repo_form.go.
    # 201 says that the merge is scheduled: routers/api/v1/repo/pull.go.
    f"POST {R}/pulls/{{index}}/merge": (
        "'do' is a required property",
        "'(Do|MergeTitleField|MergeMessageField)' is not described",
        "status 201 is not described",
    ),
    # routers/api/v1/repo/patch.go: it answers 201. A patch that does not apply is an internal error.
    f"POST {R}/diffpatch": ("status (201|422) is not described",),
    # routers/api/v1/repo/git_ref.go: "if single reference is found and it matches filter exactly".
    f"GET {R}/git/refs/{{ref}}": ("is not of type 'array'",),
    # routers/api/v1/repo/teams.go of both; Forgejo's description has it.
    f"GET {R}/teams": ("status 405 is not described",),
    # The log is text; nothing says so.
    f"GET {R}/actions/jobs/{{job_id}}/logs": ("a body with status 200 is not described",),
    # Workflows that are not there, and inputs that they do not have.
    f"POST {R}/actions/workflows/{{workflowfilename}}/dispatches": ("status 422 is not described",),
}


def gitea_face() -> Face | None:
    return _face("gitea")


def forgejo_face() -> Face | None:
    return _face("forgejo")


@cache
def _face(kind: str) -> Face | None:
    """None where the published description is not there."""
    path = specs_folder() / kind / "swagger.v1.json"
    if not path.is_file():
        return None
    description = Description(
        path,
        base="/api/v1",  # Gitea's description has a placeholder before it
        slashes=("filepath", "branch", "head", "ref"),
        # 307: a renamed repository, of which the descriptions say nothing.
        common_errors=COMMON_ERRORS | {307},
        amend=_AMENDED,
    )
    routes = Routes()
    routes.update(ROUTES)
    routes.undescribed = LATER[kind]
    return Face(kind, routes, [description], error=_error, translate=_translated)


def _error(error: ApiError) -> Reply:
    body: dict[str, Any] = {"message": error.message, "url": "http://127.0.0.1/api/swagger"}
    if error.status == 404:
        body["errors"] = None
    return Reply(error.status, error.details if error.details is not None else body, dict(error.headers))


def _translated(error: PlatformError) -> ApiError:
    if isinstance(error, NotFound):
        return ApiError(404, NOT_FOUND)
    if isinstance(error, Forbidden):
        return ApiError(403, error.message)
    return ApiError(409 if isinstance(error, Conflict | StaleHead) else 422, error.message)
