"""Reviews and what they say about lines."""

from __future__ import annotations

from tamma.errors import Forbidden, NotFound, PlatformError
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitea.common import NOT_FOUND, ROUTES, R, date, page_of, pull_of, repo_of, user
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Pull, Review, Thread, Verdict

P = f"{R}/pulls/{{index}}"
_WORDS: dict[str, Verdict] = {
    "APPROVED": "approve",
    "REQUEST_CHANGES": "request_changes",
    "COMMENT": "comment",
}
_STATES = {verdict: word for word, verdict in _WORDS.items()}
_ASKED = 10_000_000
"""Ids of requests for a review, which are reviews too, begin here."""


def _review_json(call: Call, pull: Pull, review: Review) -> Json:
    threads = [thread for thread in pull.threads if thread.review == review.id]
    values = {
        "id": review.id,
        "body": review.body,
        "state": _STATES[review.verdict],
        "user": user(call, review.author),
        "commit_id": review.sha,
        "submitted_at": date(review.submitted),
        "comments_count": sum(len(thread.comments) for thread in threads),
        "official": True,
        "stale": review.sha != pull.head_sha,
        "dismissed": False,
    }
    return call.api.fill("PullReview", values)


@ROUTES(f"GET {P}/reviews")
def list_reviews(call: Call) -> Reply:
    """With those that were asked for; without a `Link`."""
    repo = repo_of(call)
    pull = pull_of(call, repo)
    found = [_review_json(call, pull, review) for review in pull.reviews]
    for login in pull.reviewers:
        number = _ASKED + call.world.account(login).id
        found.append({"id": number, "state": "REQUEST_REVIEW", "user": user(call, login), "body": ""})
    return Reply(200, page_of(call, found, link=False))


@ROUTES(f"POST {P}/reviews")
def create_review(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    verdict = _WORDS[call.body["event"]]
    remarks: list[Json] = call.body.get("comments") or []
    body = call.body.get("body") or ""
    if verdict != "approve" and not body and not (verdict == "comment" and remarks):
        raise ApiError(422, f"review event {call.body['event']} requires a body")
    touched = repo.changed_files(pull)
    if any(remark["path"] not in touched for remark in remarks):
        raise ApiError(422, "path is not part of the change")
    try:
        review = repo.review(pull, verdict, body, call.login, call.body.get("commit_id"))
    except (Forbidden, NotFound):
        raise
    except PlatformError as error:
        word = "approve" if verdict == "approve" else "reject"
        raise ApiError(422, f"{word} your own pull is not allowed") from error
    for remark in remarks:
        _remark(call, repo, pull, review, remark)
    return Reply(200, _review_json(call, pull, review))


def _remark(call: Call, repo: Repo, pull: Pull, review: Review, remark: Json) -> Thread:
    line, side = remark.get("new_position"), "new"
    if not line:
        line, side = remark["old_position"], "old"
    where = (remark["path"], line, remark["body"], call.login)
    return repo.remark(pull, *where, side="old" if side == "old" else "new", review=review)


# --- comments on lines ------------------------------------------------------------------------------------


def _comment_json(call: Call, thread: Thread, comment: Comment) -> Json:
    new = thread.side == "new"
    resolves = thread.resolved and comment is thread.comments[0]  # the first one says it of all
    values = {
        "id": comment.id,
        "body": comment.body,
        "user": user(call, comment.author),
        "path": thread.path,
        "position": thread.line if new else 0,
        "original_position": 0 if new else thread.line,
        "commit_id": thread.sha,
        "pull_request_review_id": thread.review,
        "resolver": user(call, thread.resolved_by) if resolves else None,
        "created_at": date(comment.created),
        "updated_at": date(comment.updated),
    }
    return call.api.fill("PullReviewComment", values)


def _review_of(call: Call, pull: Pull) -> Review:
    number = call.number("id")
    found = next((review for review in pull.reviews if review.id == number), None)
    if found is None:
        raise ApiError(404, NOT_FOUND)
    return found


@ROUTES(f"GET {P}/reviews/{{id}}/comments")
def list_remarks(call: Call) -> Reply:
    pull = pull_of(call, repo_of(call))
    review = _review_of(call, pull)
    threads = [thread for thread in pull.threads if thread.review == review.id]
    return Reply(200, [_comment_json(call, t, comment) for t in threads for comment in t.comments])


@ROUTES(f"POST {P}/reviews/{{id}}/comments")
def add_remark(call: Call) -> Reply:
    """Forgejo: on the line of another comment of that review it joins it."""
    repo = repo_of(call)
    pull = pull_of(call, repo)
    review = _review_of(call, pull)
    line = call.body.get("new_position") or call.body.get("old_position")
    side = "new" if call.body.get("new_position") else "old"
    place = (review.id, call.body["path"], line, side)
    for thread in pull.threads:
        if (thread.review, thread.path, thread.line, thread.side) == place:
            repo.reply(pull, thread, call.body["body"], call.login)
            return Reply(200, _comment_json(call, thread, thread.comments[-1]))
    thread = _remark(call, repo, pull, review, call.body)
    return Reply(200, _comment_json(call, thread, thread.comments[0]))


@ROUTES(f"POST {P}/comments/{{id}}/replies")
def reply(call: Call) -> Reply:
    """Gitea."""
    repo = repo_of(call)
    pull = pull_of(call, repo)
    thread = repo.thread(pull, call.number("id"))
    repo.reply(pull, thread, call.body["body"], call.login)
    return Reply(201, _comment_json(call, thread, thread.comments[-1]))


def _resolve(call: Call, resolved: bool) -> Reply:
    repo, number = repo_of(call), call.number("id")
    for pull in repo.pulls.values():
        for thread in pull.threads:
            if thread.comments[0].id == number:
                repo.resolve(pull, thread, resolved, call.login)
                return Reply(204)
    raise ApiError(404, NOT_FOUND)


@ROUTES(f"POST {R}/pulls/comments/{{id}}/resolve")
def resolve(call: Call) -> Reply:
    return _resolve(call, True)


@ROUTES(f"POST {R}/pulls/comments/{{id}}/unresolve")
def unresolve(call: Call) -> Reply:
    return _resolve(call, False)
