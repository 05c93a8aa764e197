"""Comments: on the conversation, on lines, and answers to both."""

from __future__ import annotations

from dataclasses import dataclass

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.bitbucket_cloud.common import (
    PR,
    ROUTES,
    date,
    page_of,
    pull_of,
    repo_of,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Pull, Thread

_LIMIT = 250_000
_COMMENT = f"{PR}/comments/{{comment_id}}"


@dataclass
class Said:
    """One comment and where it stands."""

    comment: Comment
    parent: int | None = None
    thread: Thread | None = None


def _all(pull: Pull) -> list[Said]:
    """Oldest first."""
    found = [Said(comment, comment.extra.get("parent")) for comment in pull.comments]
    for thread in pull.threads:
        first = thread.comments[0]
        found += [
            Said(comment, None if comment is first else first.id, thread) for comment in thread.comments
        ]
    return sorted(found, key=lambda said: said.comment.id)


def _find(call: Call, pull: Pull) -> Said:
    number = call.number("comment_id")
    for said in _all(pull):
        if said.comment.id == number:
            return said
    raise NotFound("no such comment")


def _json(call: Call, said: Said) -> Json:
    comment, thread = said.comment, said.thread
    values: Json = {
        "type": "pullrequest_comment",
        "id": comment.id,
        "content": {"raw": comment.body, "markup": "markdown"},
        "user": user(call, comment.author),
        "created_on": date(comment.created),
        "updated_on": date(comment.updated),
        "deleted": False,
        "pending": False,
    }
    if said.parent is not None:
        values["parent"] = {"type": "pullrequest_comment", "id": said.parent}
    if thread is not None:
        new = thread.side == "new"
        place: Json = {"path": thread.path, "to" if new else "from": thread.line}
        if thread.start_line is not None:
            place["start_to" if new else "start_from"] = thread.start_line
        values["inline"] = place
        if thread.resolved and said.parent is None:
            values["resolution"] = _resolution(call, thread)
    return values


def _resolution(call: Call, thread: Thread) -> Json:
    when = date(thread.comments[0].updated)
    return {"type": "comment_resolution", "user": user(call, thread.resolved_by), "created_on": when}


@ROUTES(f"GET {PR}/comments")
def list_comments(call: Call) -> Reply:
    pull = pull_of(call, repo_of(call))
    return page_of(call, _all(pull), lambda said: _json(call, said))


@ROUTES(f"POST {PR}/comments")
def create_comment(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    pull = pull_of(call, repo)
    text = body["content"]["raw"]
    if not text or len(text) > _LIMIT:
        raise ApiError(400, "content: too long, or empty")
    number = _made(call, repo, pull, text)
    return Reply(201, _json(call, next(said for said in _all(pull) if said.comment.id == number)))


def _made(call: Call, repo: Repo, pull: Pull, text: str) -> int:
    """The new comment's id."""
    inline, parent = call.body.get("inline"), call.body.get("parent")
    if parent is not None:
        said = next((each for each in _all(pull) if each.comment.id == parent["id"]), None)
        if said is None:
            raise ApiError(404, "The parent comment does not exist")
        if said.thread is not None:
            return repo.reply(pull, said.thread, text, call.login)
        comment = repo.comment(pull, text, call.login)
        comment.extra["parent"] = said.comment.id
        return comment.id
    if inline is None:
        return repo.comment(pull, text, call.login).id
    new = "to" in inline
    thread = repo.remark(
        pull,
        inline["path"],
        inline["to" if new else "from"],
        text,
        call.login,
        side="new" if new else "old",
        start_line=inline.get("start_to" if new else "start_from"),
    )
    return thread.comments[0].id


@ROUTES(f"PUT {_COMMENT}")
def edit_comment(call: Call) -> Reply:
    repo = repo_of(call)
    said = _find(call, pull_of(call, repo))
    if said.comment.author != call.login:
        raise ApiError(403, "You may edit your own comments alone")
    repo.edit_comment(said.comment, call.body["content"]["raw"])
    return Reply(200, _json(call, said))


def _first_of_thread(call: Call, pull: Pull) -> Thread:
    said = _find(call, pull)
    if said.thread is None or said.parent is not None:
        raise ApiError(403, "It is no top-level comment on the diff")
    return said.thread


@ROUTES(f"POST {_COMMENT}/resolve")
def resolve(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    thread = _first_of_thread(call, pull)
    if thread.resolved:
        raise ApiError(409, "The comment has already been resolved")
    repo.resolve(pull, thread, True, call.login)
    return Reply(200, _resolution(call, thread))


@ROUTES(f"DELETE {_COMMENT}/resolve")
def reopen(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    thread = _first_of_thread(call, pull)
    if not thread.resolved:
        raise ApiError(404, "The comment has not been resolved")
    repo.resolve(pull, thread, False, call.login)
    return Reply(204)
