"""Threads of pull requests: the conversation and remarks on lines are the same thing here."""

from __future__ import annotations

from tamma.errors import PlatformError
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.azure.common import ROUTES, R, date, listed, pull_of, repo_of, user
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Pull, Thread

_THREADS = f"{R}/pullRequests/{{pullRequestId}}/threads"
_LIMIT = 150_000


def _comment_json(call: Call, comment: Comment, number: int) -> Json:
    return {
        "id": number,
        "parentCommentId": 0 if number == 1 else 1,
        "author": user(call.world, comment.author),
        "content": comment.body,
        "publishedDate": date(comment.created),
        "lastUpdatedDate": date(comment.updated),
        "commentType": "text",
    }


def _talk_json(call: Call, comment: Comment) -> Json:
    """A comment of the conversation: a thread with one comment."""
    properties: Json = {}
    for name, value in comment.extra.get("properties", {}).items():
        text = value if isinstance(value, str) else value["value"]
        properties[name] = {"$type": "System.String", "$value": text}
    return {
        "id": comment.id,
        "status": "unknown",
        "isDeleted": False,
        "threadContext": None,
        "properties": properties,
        "comments": [_comment_json(call, comment, 1)],
        "publishedDate": date(comment.created),
    }


def _thread_json(call: Call, thread: Thread) -> Json:
    side = "left" if thread.side == "old" else "right"
    context: Json = {
        "filePath": f"/{thread.path}",
        f"{side}FileStart": {"line": thread.start_line or thread.line, "offset": 1},
        f"{side}FileEnd": {"line": thread.line, "offset": 1},
    }
    return {
        "id": thread.id,
        "status": "fixed" if thread.resolved else "active",
        "isDeleted": False,
        "threadContext": context,
        "properties": {},
        "comments": [_comment_json(call, one, at) for at, one in enumerate(thread.comments, start=1)],
        "publishedDate": date(thread.comments[0].created),
    }


def _votes_json(call: Call, pull: Pull) -> list[Json]:
    """The service's own notes of votes."""
    return [
        {
            "id": review.id,
            "isDeleted": False,
            "properties": {"CodeReviewVoteResult": {"$type": "System.String", "$value": "10"}},
            "comments": [
                {
                    "id": 1,
                    "parentCommentId": 0,
                    "author": user(call.world, review.author),
                    "content": f"{review.author} voted",
                    "publishedDate": date(review.submitted),
                    "commentType": "system",
                }
            ],
        }
        for review in pull.reviews
        if review.verdict != "comment"
    ]


@ROUTES(f"GET {_THREADS}")
def threads(call: Call) -> Reply:
    pull = pull_of(call, repo_of(call))
    talk = [_talk_json(call, comment) for comment in pull.comments]
    found = [*talk, *(_thread_json(call, thread) for thread in pull.threads), *_votes_json(call, pull)]
    return listed(sorted(found, key=lambda thread: thread["id"]))


@ROUTES(f"POST {_THREADS}")
def create_thread(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    pull, content = pull_of(call, repo), call.body["comments"][0]["content"]
    _allowed(content)
    context = body.get("threadContext")
    if context is None:
        made = repo.comment(pull, content, call.login)
        made.extra["properties"] = body.get("properties", {})
        return Reply(200, _talk_json(call, made))
    side = "old" if "leftFileEnd" in context else "new"
    start, end = (
        context[f"{'left' if side == 'old' else 'right'}File{which}"]["line"] for which in ("Start", "End")
    )
    tracking = body.get("pullRequestThreadContext")
    if tracking is None or tracking["changeTrackingId"] < 1:
        raise ApiError(400, "a remark on lines has to say of which change it is", "ArgumentException")
    try:
        thread = repo.remark(
            pull,
            context["filePath"].lstrip("/"),
            end,
            content,
            call.login,
            side=side,
            start_line=None if start == end else start,
        )
    except PlatformError as error:
        raise ApiError(400, error.message, "ArgumentException") from error
    return Reply(200, _thread_json(call, thread))


@ROUTES(f"GET {_THREADS}/{{threadId}}")
def get_thread(call: Call) -> Reply:
    repo = repo_of(call)
    found = _find(call, repo, pull_of(call, repo))
    return Reply(200, _thread_json(call, found) if isinstance(found, Thread) else _talk_json(call, found))


@ROUTES(f"PATCH {_THREADS}/{{threadId}}")
def patch_thread(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    found = _find(call, repo, pull)
    if not isinstance(found, Thread):
        raise ApiError(400, "only remarks on lines are resolved here", "ArgumentException")
    repo.resolve(pull, found, call.body["status"] in ("fixed", "closed"), call.login)
    return Reply(200, _thread_json(call, found))


@ROUTES(f"POST {_THREADS}/{{threadId}}/comments")
def create_comment(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    found = _find(call, repo, pull)
    if not isinstance(found, Thread) or call.body["parentCommentId"] != 1:
        raise ApiError(400, "an answer names the comment it answers", "ArgumentException")
    _allowed(call.body["content"])
    repo.reply(pull, found, call.body["content"], call.login)
    return Reply(200, _comment_json(call, found.comments[-1], len(found.comments)))


@ROUTES(f"PATCH {_THREADS}/{{threadId}}/comments/{{commentId}}")
def edit_comment(call: Call) -> Reply:
    repo = repo_of(call)
    found = _find(call, repo, pull_of(call, repo))
    number = call.number("commentId")
    comment = found.comments[number - 1] if isinstance(found, Thread) else found
    if comment.author != call.login:
        raise ApiError(403, "TF401027: only its author edits a comment.", "GitNeedsPermissionException")
    _allowed(call.body["content"])
    repo.edit_comment(comment, call.body["content"])
    return Reply(200, _comment_json(call, comment, number))


def _find(call: Call, repo: Repo, pull: Pull) -> Thread | Comment:
    number = call.number("threadId")
    for one in (*pull.threads, *pull.comments):
        if one.id == number:
            return one
    message = f"The discussion thread {number} does not exist."
    raise ApiError(404, message, "DiscussionThreadNotFoundException")


def _allowed(content: str) -> None:
    if not content or len(content.encode("utf-16-le")) // 2 > _LIMIT:
        raise ApiError(400, f"A comment has 1 to {_LIMIT} characters.", "ArgumentException")
