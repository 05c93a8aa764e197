"""Merge requests, and how they are merged."""

from __future__ import annotations

import re

from tamma.errors import Conflict, PlatformError, StaleHead
from tamma.model.repository import MergeMethod
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitlab.common import (
    LEFT_OUT,
    MR,
    ROUTES,
    A,
    P,
    page_of,
    project_of,
    request_json,
    request_of,
    settings,
)
from tests.support.forge.faces.gitlab.issues import people, text_of, update_item
from tests.support.forge.repository import Repo
from tests.support.forge.things import LEVELS, Merging, Pull

_DRAFT = "Draft: "


@ROUTES(f"GET {A}{P}/merge_requests", undescribed=LEFT_OUT)
def list_requests(call: Call) -> Reply:
    repo = project_of(call)
    found = [pull for pull in repo.list_pulls() if _wanted(call.query, pull)]
    if call.query.get("sort") == "asc":
        found.reverse()
    return Reply(200, [request_json(call, repo, pull, single=False) for pull in page_of(call, found)])


def _wanted(query: dict[str, str], pull: Pull) -> bool:
    state = "merged" if pull.merge_sha else ("opened" if pull.state == "open" else "closed")
    return (
        query.get("state", "all") in ("all", state)
        and query.get("source_branch", pull.head) == pull.head
        and query.get("target_branch", pull.base) == pull.base
    )


@ROUTES(f"POST {A}{P}/merge_requests", undescribed=LEFT_OUT)
def create_request(call: Call) -> Reply:
    repo, body = project_of(call), call.body
    head, base, title = body["source_branch"], body["target_branch"], body["title"]
    for side, name in (("Source", head), ("Target", base)):
        if repo.branch(name) is None:
            raise ApiError(422, f'{side} branch "{name}" does not exist')
    there = repo.open_between(head, base)
    if there is not None:
        raise ApiError(
            409, f"Another open merge request already exists for this source branch: !{there.number}"
        )
    text = text_of(body.get("description") or "")
    try:
        pull = repo.open_pull(head, base, _plain(title), text, call.login, draft=title.startswith(_DRAFT))
    except PlatformError as error:
        raise ApiError(400, error.message) from error
    for name in filter(None, body.get("labels", "").split(",")):
        repo.add_label(pull, name, call.login)
    return Reply(201, request_json(call, repo, pull))


def _plain(title: str) -> str:
    return title.removeprefix(_DRAFT)


@ROUTES(f"GET {A}{MR}", undescribed=LEFT_OUT)
def get_request(call: Call) -> Reply:
    repo = project_of(call)
    return Reply(200, request_json(call, repo, request_of(call, repo)))


@ROUTES(f"PUT {A}{MR}", undescribed=LEFT_OUT)
def update_request(call: Call) -> Reply:
    repo, body = project_of(call), dict(call.body)
    pull = request_of(call, repo)
    if "title" in body:
        repo.set_draft(pull, body["title"].startswith(_DRAFT), call.login)
        body["title"] = _plain(body["title"])
    if "description" in body:
        text_of(body["description"])
    if "reviewer_ids" in body:
        asked = [login for login in people(call, repo, body["reviewer_ids"]) if login != pull.author]
        repo.set_reviewers(pull, asked, call.login)
    update_item(call, repo, pull, body)
    return Reply(200, request_json(call, repo, pull))


@ROUTES(f"GET {A}{MR}/raw_diffs", undescribed=LEFT_OUT)
def raw_diffs(call: Call) -> Reply:
    repo = project_of(call)
    return Reply(200, repo.diff(request_of(call, repo)), media="text/plain")


@ROUTES(f"GET {A}{MR}/diffs", undescribed=LEFT_OUT)
def diffs(call: Call) -> Reply:
    repo = project_of(call)
    whole = repo.diff(request_of(call, repo))
    files = [_file(part) for part in re.split(r"^(?=diff --git )", whole, flags=re.MULTILINE) if part]
    return Reply(200, page_of(call, files))


def _file(part: str) -> dict[str, object]:
    """One file, as GitLab lists it: its hunks alone."""
    names = re.match(r"diff --git a/(.*) b/(.*)\n", part)
    assert names is not None
    _, at, hunks = part.partition("\n@@ ")
    mode = re.search(r"^(?:new file mode|deleted file mode|index \S+) ?(\d{6})?$", part, re.MULTILINE)
    shown = (mode and mode[1]) or "100644"
    added, deleted = "\nnew file mode" in part, "\ndeleted file mode" in part
    return {
        "old_path": names[1],
        "new_path": names[2],
        "a_mode": "0" if added else shown,
        "b_mode": "0" if deleted else shown,
        "diff": f"@@ {hunks}" if at else "",
        "new_file": added,
        "renamed_file": names[1] != names[2],
        "deleted_file": deleted,
        "too_large": False,
        "collapsed": False,
    }


# --- merging ----------------------------------------------------------------------------------------------


@ROUTES(f"PUT {A}{MR}/merge", undescribed=LEFT_OUT)
def merge_request(call: Call) -> Reply:
    """401 for those who may not; 409 for another head; 405 and 422 for what cannot be merged now."""
    repo, body = project_of(call), call.body
    pull = request_of(call, repo)
    if LEVELS.index(repo.level(call.login)) < LEVELS.index("write"):
        raise ApiError(401, "401 Unauthorized")
    squash = body.get("squash") is True or settings(repo)["squash_option"] == "always"
    method: MergeMethod = (
        "squash" if squash else ("rebase" if settings(repo)["merge_method"] == "ff" else "merge")
    )
    message = body.get("squash_commit_message" if squash else "merge_commit_message") or ""
    expected = body.get("sha")
    waits = body.get("auto_merge") is True and repo.standing(pull) in (
        "checks_pending",
        "approvals",
        "blocked",
    )
    if expected is not None and expected != pull.head_sha:
        raise ApiError(409, f"SHA does not match HEAD of source branch: {pull.head_sha}")
    pull.extra["squash"] = squash
    if waits:
        repo.set_auto_merge(pull, Merging(method, message, call.login), call.login)
        return Reply(200, request_json(call, repo, pull))
    _merge(repo, pull, method, message, call.login)
    return Reply(200, request_json(call, repo, pull))


def _merge(repo: Repo, pull: Pull, method: MergeMethod, message: str, by: str) -> None:
    try:
        repo.merge(pull, method, message, by)
    except StaleHead as error:
        raise ApiError(409, error.message) from error
    except Conflict as error:
        if error.message == "conflicts":
            raise ApiError(422, "Branch cannot be merged") from error
        raise ApiError(405, "405 Method Not Allowed") from error
