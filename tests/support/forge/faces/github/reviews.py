"""Reviews, the remarks that come with them, and who is asked for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pygit2

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import (
    ROUTES,
    R,
    date,
    limited_text,
    page_of,
    pull_json,
    pull_of,
    repo_of,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Pull, Review, Verdict

_VERDICTS: dict[str, Verdict] = {
    "APPROVE": "approve",
    "REQUEST_CHANGES": "request_changes",
    "COMMENT": "comment",
}
_STATES: dict[Verdict, str] = {
    "approve": "APPROVED",
    "request_changes": "CHANGES_REQUESTED",
    "comment": "COMMENTED",
}
_OWN = {
    "approve": "Review Can not approve your own pull request",
    "request_changes": "Review Can not request changes on your own pull request",
}
Side = Literal["new", "old"]
_SIDES: dict[str, Side] = {"LEFT": "old", "RIGHT": "new"}


@ROUTES(f"GET {R}/pulls/{{pull_number}}/reviews")
def list_reviews(call: Call) -> Reply:
    found = pull_of(call, repo_of(call)).reviews
    return Reply(200, [_review_json(call, review) for review in page_of(call, found)])


@ROUTES(f"POST {R}/pulls/{{pull_number}}/reviews")
def create_review(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    verdict, body = _VERDICTS[call.body["event"]], limited_text(call.body.get("body", ""), "body")
    if verdict != "approve" and not body:
        raise _unprocessable("Review body can't be blank")
    if verdict != "comment" and pull.author == call.login:
        raise _unprocessable(_OWN[verdict])
    shown = _lines(repo, pull)
    remarks = [_remark(given, shown) for given in call.body.get("comments", [])]
    review = repo.review(pull, verdict, body, call.login, call.body.get("commit_id"))
    for remark in remarks:
        remark(repo, pull, review)
    return Reply(200, _review_json(call, review))


def _remark(given: Json, shown: set[tuple[str, Side, int]]) -> Callable[[Repo, Pull, Review], None]:
    """What writes the remark, once all of them are known to be possible."""
    side, path, line, start = (
        _SIDES[given.get("side", "RIGHT")],
        given["path"],
        given["line"],
        given.get("start_line"),
    )
    if not {(path, side, line), (path, side, start or line)} <= shown:
        raise _unprocessable("Line could not be resolved")
    body = limited_text(given["body"], "body")

    def write(repo: Repo, pull: Pull, review: Review) -> None:
        repo.remark(pull, path, line, body, review.author, side=side, start_line=start, review=review)

    return write


def _lines(repo: Repo, pull: Pull) -> set[tuple[str, Side, int]]:
    """What the change shows: three lines around each difference."""
    git = repo.git
    base = git.merge_base(repo.branch(pull.base) or pull.base_sha, pull.head_sha)
    assert base is not None
    found: set[tuple[str, Side, int]] = set()
    for patch in git.diff(str(base), pull.head_sha, context_lines=3):
        if not isinstance(patch, pygit2.Patch):
            continue
        for line in [line for hunk in patch.hunks for line in hunk.lines]:
            found.add((patch.delta.new_file.path, "new", line.new_lineno))
            found.add((patch.delta.old_file.path, "old", line.old_lineno))
    return found


def _unprocessable(why: str) -> ApiError:
    return ApiError(422, "Unprocessable Entity", [why])


def _review_json(call: Call, review: Review) -> Json:
    values = {
        "id": review.id,
        "user": user(call, review.author),
        "body": review.body,
        "state": _STATES[review.verdict],
        "commit_id": review.sha,
        "submitted_at": date(review.submitted),
        "author_association": "NONE",
    }
    return call.api.fill("pull-request-review", values)


@ROUTES(f"POST {R}/pulls/{{pull_number}}/requested_reviewers")
def request_reviewers(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    asked: list[Any] = call.body["reviewers"]
    if pull.author in asked:
        raise ApiError(422, "Review cannot be requested from pull request author.")
    try:
        repo.set_reviewers(pull, list(dict.fromkeys([*pull.reviewers, *asked])), call.login)
    except NotFound as error:
        message = (
            "Reviews may only be requested from collaborators. One or more of the users or teams you "
            f"specified is not a collaborator of the {repo.full_name} repository."
        )
        raise ApiError(422, message) from error
    return Reply(201, pull_json(call, repo, pull, "pull-request-simple"))


@ROUTES(f"DELETE {R}/pulls/{{pull_number}}/requested_reviewers")
def remove_reviewers(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    left = [login for login in pull.reviewers if login not in call.body["reviewers"]]
    repo.set_reviewers(pull, left, call.login)
    return Reply(200, pull_json(call, repo, pull, "pull-request-simple"))
