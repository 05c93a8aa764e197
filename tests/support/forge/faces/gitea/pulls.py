"""Pull requests and merging."""

from __future__ import annotations

from typing import cast

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead
from tamma.model.repository import MergeMethod
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitea.common import (
    DRAFT,
    NOT_FOUND,
    ROUTES,
    R,
    date,
    is_forgejo,
    item_values,
    page_of,
    pull_of,
    repo_of,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Mergeability, Merging, Pull

P = f"{R}/pulls/{{index}}"
_STUCK = ("checking", "conflicts", "draft", "merged", "closed")
"""What protection asks for is another matter to `mergeable`."""


def pull_json(call: Call, repo: Repo, pull: Pull, standing: Mergeability | None = None) -> Json:
    merged = pull.merge_sha is not None
    there = repo.branch(pull.head)
    base_sha = repo.branch(pull.base) or pull.base_sha
    values = {
        **item_values(call, repo, pull),
        "draft": pull.draft,
        "merged": merged,
        "merged_at": date(pull.merged),
        "merge_commit_sha": pull.merge_sha,
        "mergeable": (standing or repo.standing(pull)) not in _STUCK,
        "merge_base": str(repo.git.merge_base(base_sha, pull.head_sha) or ""),
        "requested_reviewers": [user(call, login) for login in pull.reviewers],
        "head": {
            "label": pull.head,
            "ref": pull.head if there else f"refs/pull/{pull.number}/head",
            "sha": there or pull.head_sha,  # also when it went on after the merge
            "repo_id": repo.id,
        },
        "base": {"label": pull.base, "ref": pull.base, "sha": base_sha, "repo_id": repo.id},
    }
    return call.api.fill("PullRequest", values)


@ROUTES(f"GET {R}/pulls")
def list_pulls(call: Call) -> Reply:
    """Newest first. Each of the two services has a filter of its own for the base."""
    repo, query = repo_of(call), call.query
    base = query.get("base" if is_forgejo(call) else "base_branch")
    found = [
        pull
        for pull in repo.list_pulls()
        if query.get("state", "open") in ("all", pull.state)
        and base in (None, pull.base)
        and query.get("head") in (None, pull.head)
    ]
    return Reply(200, [pull_json(call, repo, pull) for pull in page_of(call, found)])


@ROUTES(f"GET {R}/pulls/{{base}}/{{head}}")
def find_pull(call: Call) -> Reply:
    """Any of them, open or not: this server takes the oldest."""
    repo = repo_of(call)
    wanted = (call.at["base"], call.at["head"])
    found = [pull for pull in repo.list_pulls() if (pull.base, pull.head) == wanted]
    if not found:
        raise ApiError(404, NOT_FOUND)
    return Reply(200, pull_json(call, repo, found[-1]))


@ROUTES(f"POST {R}/pulls")
def create_pull(call: Call) -> Reply:
    repo = repo_of(call)
    draft, title = _split(call.body["title"])
    head, base, body = call.body["head"], call.body["base"], call.body.get("body")
    try:
        pull = repo.open_pull(head, base, title, body, call.login, draft=draft)
    except Conflict as error:
        raise ApiError(409, "pull request already exists for these targets [id: 1]") from error
    except (NotFound, Forbidden):
        raise
    except PlatformError as error:
        raise ApiError(422, "Invalid PullRequest: There are no changes") from error
    return Reply(201, pull_json(call, repo, pull))


def _split(title: str) -> tuple[bool, str]:
    draft = title.upper().startswith(DRAFT.strip())
    return draft, title[len(DRAFT.strip()) :].strip() if draft else title


@ROUTES(f"GET {P}")
def get_pull(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    return Reply(200, pull_json(call, repo, pull, repo.mergeability(pull)))


@ROUTES(f"PATCH {P}")
def edit_pull(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    title = None
    if "title" in call.body:
        draft, title = _split(call.body["title"])
        repo.set_draft(pull, draft, call.login)
    repo.edit(pull, title, call.body.get("body"), call.login)
    if "state" in call.body:
        if pull.merge_sha is not None:
            raise ApiError(412, "cannot change state of this pull request, it was already merged")
        repo.set_state(pull, call.body["state"], call.login)
    return Reply(201, pull_json(call, repo, pull))


@ROUTES(f"GET {P}.{{diffType}}")
def get_diff(call: Call) -> Reply:
    repo = repo_of(call)
    diff = repo.diff(pull_of(call, repo))
    return Reply(200, diff.encode(errors="surrogateescape"), {}, "text/plain; charset=utf-8")


@ROUTES(f"POST {P}/requested_reviewers")
def request_reviewers(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    try:
        repo.set_reviewers(pull, [*pull.reviewers, *call.body["reviewers"]], call.login)
    except NotFound as error:
        raise ApiError(422, f"Reviewer can't be added: {error}") from error
    asked = [{"state": "REQUEST_REVIEW", "user": user(call, login)} for login in call.body["reviewers"]]
    return Reply(201, asked)


@ROUTES(f"DELETE {P}/requested_reviewers")
def remove_reviewers(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    gone = set(call.body["reviewers"])
    repo.set_reviewers(pull, [login for login in pull.reviewers if login not in gone], call.login)
    return Reply(204)


# --- merging ----------------------------------------------------------------------------------------------

_REASONS = {
    "merged": (405, ""),
    "closed": (404, NOT_FOUND),
    "draft": (405, "Work in progress PRs cannot be merged"),
    "conflicts": (405, "Please try again later"),
    "checks_pending": (405, "Not all required status checks successful"),
    "checks_failed": (405, "Not all required status checks successful"),
    "approvals": (405, "Does not have enough approvals"),
}
"""By what stands in the way."""


def _field(call: Call, old: str, new: str) -> str:
    """Old names and new ones are taken."""
    return call.body.get(old) or call.body.get(new) or ""


@ROUTES(f"POST {P}/merge")
def merge_pull(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    if repo.mergeability(pull) == "checking":
        raise ApiError(405, "Please try again later")
    method = cast("MergeMethod", _field(call, "Do", "do"))
    words = (
        _field(call, "MergeTitleField", "merge_title_field"),
        _field(call, "MergeMessageField", "merge_message_field"),
    )
    message = "\n\n".join(filter(None, words))
    later = call.body.get("merge_when_checks_succeed") and repo.standing(pull) not in (*_STUCK, "clean")
    if later:
        if pull.auto_merge is not None:
            raise ApiError(409, "pull request is already scheduled to auto merge when checks succeed")
        repo.set_auto_merge(pull, Merging(method, message, call.login), call.login)
        return Reply(201)
    try:
        repo.merge(pull, method, message, call.login, expected=call.body.get("head_commit_id"))
    except StaleHead as error:
        raise ApiError(409, "head out of date") from error
    except Conflict as error:
        raise ApiError(*_REASONS.get(error.message, (405, "branch protected"))) from error
    except Forbidden as error:
        raise ApiError(405, "User not allowed to merge PR") from error
    return Reply(200)
