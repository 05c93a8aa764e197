"""Azure DevOps as a face: its descriptions, credentials, errors and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead
from tests.support.forge.calls import ApiError, Reply, Request
from tests.support.forge.description import COMMON_ERRORS, Description, Matched, specs_folder
from tests.support.forge.face import Face, Tokens
from tests.support.forge.faces.azure import account, builds, git, pulls, threads, workitems
from tests.support.forge.faces.azure.common import ROUTES, R
from tests.support.forge.operations import Operation

_PARTS = (account, builds, git, pulls, threads, workitems)
"""Imported for the routes that they register."""
_FILES = ("git", "workItemTracking", "build", "policy", "core")
_OPTIONAL = (
    # Segments that may be left out, which Swagger 2.0 cannot say: the team, and which of several timelines.
    (re.compile(r"(/[^/]+/[^/]+)(/_apis/wit/wiql)"), r"\1/any-team\2"),
    (re.compile(r"(.+/timeline)"), r"\1/newest"),
)
_CHANGE = ("^(commits|changeEntries): ",)
_W = "/{organization}/{project}/_apis/wit"
_WRONG: Mapping[str, tuple[str, ...]] = {
    "*": (
        # What is created is answered with 201 (the published examples say so too).
        "the status 201 is not described",
        # Named by whoever sets them; the description has the fields of .NET's classes for such collections.
        r"the field '(.+\.)?(_links|properties|settings)\.",
        # Newer than the file: which fields are Markdown.
        r"the field '(.+\.)?multilineFieldsFormat",
    ),
    # Fields are described as objects; they are texts and numbers, and people are objects.
    f"GET {_W}/workitems/{{id}}": ("^fields: ",),
    # A JSON patch and its values are described as objects; it is a list (RFC 6902), and they are anything.
    f"PATCH {_W}/workitems/{{id}}": (
        "^fields: ",
        r"^\(all\): \[.* is not of type 'object'",
        r"^\d+\.value: ",
    ),
    f"POST {_W}/workitemsbatch": (r"^\d+\.fields: ",),
    # The item of a change is described as a text; it is an object, as in the published examples.
    f"POST {R}/pushes": _CHANGE,
    f"GET {R}/pullRequests/{{pullRequestId}}/iterations/{{iterationId}}/changes": _CHANGE,
}


class AzureDescription(Description):
    """Lists come as `{"count": n, "value": [...]}`; their description is of the list alone."""

    def match(self, method: str, path: str) -> Matched | None:
        for short, whole in _OPTIONAL:
            if found := short.fullmatch(path):
                path = found.expand(whole)
        return super().match(method, path)

    def answer_problems(self, operation: Operation, status: int, body: Any) -> list[str]:
        described = next(iter(operation.answers.get(str(status), {}).values()), None) or {}
        if described.get("type") == "array" and isinstance(body, dict):
            wrapped = cast("dict[str, Any]", body)
            if operation.name.endswith("/items"):  # one item where a path is asked for, not a list
                return super().answer_problems(operation, status, [wrapped])
            if set(wrapped) != {"count", "value"} or wrapped["count"] != len(wrapped["value"]):
                return ["a list is wrapped in count and value"]
            body = wrapped["value"]
        return super().answer_problems(operation, status, body)


@cache
def azure_face() -> Face | None:
    """None where the published descriptions are not there."""
    folder = specs_folder() / "azure"
    paths = [folder / f"{name}-7.1.json" for name in _FILES]
    if not all(path.is_file() for path in paths):
        return None
    return Face(
        "azure-devops",
        ROUTES,
        [_description(path) for path in paths],
        authenticate=_authenticate,
        error=_error,
        limited=_limited,
        translate=_translate,
    )


def _description(path: Path) -> Description:
    errors = COMMON_ERRORS | {400, 409, 412}
    return AzureDescription(path, base="", common_errors=errors, amend=_WRONG, optional_may_be_null=True)


def _authenticate(request: Request, tokens: Tokens) -> str | None:
    """A personal access token as the password of nobody, or a token of Entra."""
    return tokens.basic(request) or tokens.bearer(request)


def _error(error: ApiError) -> Reply:
    key = str(error.details or "VssServiceException")
    body = {
        "$id": "1",
        "innerException": None,
        "message": error.message,
        "typeName": f"Microsoft.TeamFoundation.{key}, Microsoft.TeamFoundation",
        "typeKey": key,
        "errorCode": 0,
        "eventId": 3000,
    }
    return Reply(error.status, body, dict(error.headers))


def _limited() -> ApiError:
    return ApiError(
        429, "TF400733: The request has been canceled: Request was blocked.", "RequestBlockedException"
    )


def _translate(error: PlatformError) -> ApiError:
    if isinstance(error, Forbidden):
        message = f"TF401027: You need the Git 'GenericContribute' permission: {error.message}"
        return ApiError(403, message, "GitNeedsPermissionException")
    statuses: tuple[tuple[type[PlatformError], int, str], ...] = (
        (NotFound, 404, "ObjectNotFoundException"),
        (StaleHead, 409, "GitReferenceStaleException"),
        (Conflict, 409, "InvalidOperationException"),
    )
    for kind, status, key in statuses:
        if isinstance(error, kind):
            return ApiError(status, error.message, key)
    return ApiError(400, error.message, "InvalidArgumentValueException")
