"""What GitLab's routes share: which project, issue or merge request is meant, pages, and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from tests.support.forge.calls import ApiError, Call, Routes, paged
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Issue, Item, Mergeability, Pull

ROUTES = Routes()
P = "/projects/{id}"
ISSUE = f"{P}/issues/{{issue_iid}}"
MR = f"{P}/merge_requests/{{merge_request_iid}}"
A = "/api/v4"
LEFT_OUT = "the description of 2023 leaves it out"
VERSION = "19.2.1-ee"
_SETTINGS: WeakKeyDictionary[Repo, dict[str, str]] = WeakKeyDictionary()


def project_of(call: Call) -> Repo:
    """By number or path. A moved one: 301 for a read, 405 for anything else."""
    name = call.at["id"]
    owner, _, last = name.rpartition("/")
    found = next((repo for repo in call.world.repos if str(repo.id) == name), None)
    found = found or call.world.find(owner, last)
    if found is not None:
        return found
    moved = call.world.moved.get((owner, last))
    if moved is None:
        raise ApiError(404, "404 Project Not Found")
    if call.request.method != "GET":
        raise ApiError(405, "405 Method Not Allowed - Non GET methods are not allowed for moved projects")
    before, _, after = call.request.path.partition("/projects/")
    rest = after.partition("/")[2]
    here = f"{before}/projects/{moved.id}" + (f"/{rest}" if rest else "")
    query = "&".join(f"{key}={value}" for key, value in call.request.query)
    raise ApiError(301, "Moved", Location=f"{call.world.url}{here}" + (f"?{query}" if query else ""))


def issue_of(call: Call, repo: Repo) -> Issue:
    if not repo.issues_enabled:
        raise ApiError(403, "403 Forbidden")
    return repo.issue(call.number("issue_iid"))


def request_of(call: Call, repo: Repo) -> Pull:
    return repo.pull(call.number("merge_request_iid"))


def item_of(call: Call, repo: Repo) -> Item:
    return issue_of(call, repo) if "issue_iid" in call.at else request_of(call, repo)


def page_of(call: Call, items: Sequence[Any]) -> Sequence[Any]:
    """The page that was asked for. GitLab says where it is in headers of its own, and in `Link`."""
    page = paged(call, items, default=20, most=100)
    call.headers |= {"X-Page": str(page.page), "X-Per-Page": str(page.size), "X-Next-Page": ""}
    if page.more:
        call.headers["X-Next-Page"] = str(page.page + 1)
        call.headers["Link"] = f'<{call.with_query(page=page.page + 1)}>; rel="next"'
    return page.items


def date(value: datetime | None) -> str | None:
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%S.000Z")


# --- shapes -----------------------------------------------------------------------------------------------


def user(call: Call, login: str) -> Json:
    account = call.world.account(login)
    page = f"{call.world.url}/{login}"
    return {"id": account.id, "username": login, "name": account.name, "state": "active", "web_url": page}


def project_json(call: Call, repo: Repo) -> Json:
    return {
        "id": repo.id,
        "name": repo.name,
        "path_with_namespace": repo.full_name,
        "default_branch": None if repo.empty else repo.default_branch,
        "http_url_to_repo": f"{call.world.url}/{repo.full_name}.git",
        "ssh_url_to_repo": f"git@127.0.0.1:{repo.full_name}.git",
        "web_url": f"{call.world.url}/{repo.full_name}",
        "visibility": "private" if repo.private else "public",
        "archived": repo.archived,
        "empty_repo": repo.empty,
        "merge_method": settings(repo)["merge_method"],
        "squash_option": settings(repo)["squash_option"],
    }


def settings(repo: Repo) -> dict[str, str]:
    """How the project merges, which tests change."""
    return _SETTINGS.setdefault(repo, {"merge_method": "merge", "squash_option": "default_off"})


def item_values(call: Call, repo: Repo, item: Item) -> Json:
    """What issues and merge requests have in common."""
    kind = "merge_requests" if isinstance(item, Pull) else "issues"
    return {
        "id": item.id,
        "iid": item.number,
        "project_id": repo.id,
        "title": item.title,
        "description": item.body,
        "state": "opened" if item.state == "open" else "closed",
        "author": user(call, item.author),
        "labels": list(item.labels),
        "assignees": [user(call, login) for login in item.assignees],
        "created_at": date(item.created),
        "updated_at": date(item.updated),
        "closed_at": date(item.closed),
        "web_url": f"{call.world.url}/{repo.full_name}/-/{kind}/{item.number}",
        "user_notes_count": len(item.comments),
    }


def note_json(call: Call, comment: Comment, item: Item, kind: str | None = None) -> Json:
    return {
        "id": comment.id,
        "type": kind,
        "body": comment.body,
        "author": user(call, comment.author),
        "created_at": date(comment.created),
        "updated_at": date(comment.updated),
        "system": False,
        "internal": False,
        "resolvable": kind == "DiffNote",
        "noteable_id": item.id,
        "noteable_iid": item.number,
        "noteable_type": "MergeRequest" if isinstance(item, Pull) else "Issue",
    }


def system_note(call: Call, item: Item) -> Json:
    """What GitLab says itself, in the midst of what people say."""
    said = Comment(item.id, item.author, "changed the description", item.created, item.created)
    return {**note_json(call, said, item), "system": True}


WORDS: dict[Mergeability, str] = {
    "merged": "not_open",
    "closed": "not_open",
    "checking": "checking",
    "conflicts": "conflict",
    "draft": "draft_status",
    "checks_pending": "ci_still_running",
    "checks_failed": "ci_must_pass",
    "approvals": "not_approved",
    "blocked": "merge_request_blocked",
    "clean": "mergeable",
}
"""`detailed_merge_status`."""


def request_json(call: Call, repo: Repo, pull: Pull, *, single: bool = True) -> Json:
    """`single`: as it is given alone; lists say less, and compute nothing."""
    word = WORDS[repo.mergeability(pull)] if single else "unchecked"
    state = "merged" if pull.merge_sha else ("closed" if pull.state == "closed" else "opened")
    merging = pull.merging is not None and pull.merge_sha is None
    squashed = pull.extra.get("squash") is True
    values = {
        **item_values(call, repo, pull),
        "title": f"Draft: {pull.title}" if pull.draft else pull.title,
        "state": "locked" if merging else state,
        "source_branch": pull.head,
        "target_branch": pull.base,
        "sha": pull.head_sha,
        "source_project_id": repo.id,
        "target_project_id": repo.id,
        "draft": pull.draft,
        "work_in_progress": pull.draft,
        "reviewers": [user(call, login) for login in pull.reviewers],
        "merged_at": date(pull.merged),
        # The world's rebase writes new commits: it names the last. GitLab's own fast forward names none.
        "merge_commit_sha": None if squashed else pull.merge_sha,
        "squash_commit_sha": pull.merge_sha if squashed else None,
        "detailed_merge_status": word,
        "merge_status": "can_be_merged" if word == "mergeable" else "cannot_be_merged",
        "merge_when_pipeline_succeeds": pull.auto_merge is not None,
        "merge_error": None,
    }
    if single:
        tip = repo.branch(pull.base) or pull.base_sha
        base = str(repo.git.merge_base(tip, pull.head_sha))
        refs = {"base_sha": base, "start_sha": base, "head_sha": pull.head_sha}
        values |= {"has_conflicts": word == "conflict", "diff_refs": refs}
    return values
