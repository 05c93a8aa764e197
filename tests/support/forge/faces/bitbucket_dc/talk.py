"""Activities and comments."""

from __future__ import annotations

from tests.support.forge.calls import Call, Reply
from tests.support.forge.faces.bitbucket_dc.common import (
    ROUTES,
    P,
    date,
    page_of,
    pull_of,
    refusal,
    repo_of,
    user,
)
from tests.support.forge.faces.bitbucket_dc.lines import diff_json
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Pull, Thread

_ACTIONS = {"approve": "APPROVED", "request_changes": "REVIEWED"}
_TEXTS_OF_REVIEWS = 1_000_000
"""What people say with a verdict is a comment here; its id begins here."""
_LONGEST = 32_768


def comment_json(call: Call, comment: Comment, answers: list[Comment], *, resolved: bool = False) -> Json:
    return {
        "id": comment.id,
        "version": comment.extra.get("version", 0),
        "text": comment.body,
        "author": user(call, comment.author),
        "createdDate": date(comment.created),
        "updatedDate": date(comment.updated),
        "comments": [comment_json(call, answer, []) for answer in answers],
        "severity": "NORMAL",
        "state": "OPEN",
        "threadResolved": resolved,
        "properties": {"repositoryId": 1},
    }


@ROUTES(f"GET {P}/activities")
def list_activities(call: Call) -> Reply:
    """Newest first. An answer is an activity, and inside of what it answers."""
    repo = repo_of(call)
    pull = pull_of(call, repo)
    found = [_said(call, comment, comment_json(call, comment, [])) for comment in pull.comments]
    for review in pull.reviews:
        if review.verdict != "comment":
            found.append(
                _activity(call, review.id, _ACTIONS[review.verdict], review.author, date(review.submitted))
            )
        if review.body:
            number = _TEXTS_OF_REVIEWS + review.id
            comment = Comment(number, review.author, review.body, review.submitted, review.submitted)
            found.append(_said(call, comment, comment_json(call, comment, [])))
    for thread in pull.threads:
        found += _of_thread(call, repo, pull, thread)
    opened = _activity(call, pull.id, "OPENED", pull.author, date(pull.created))
    newest = sorted([*found, opened], key=lambda each: (each["createdDate"], each["id"]), reverse=True)
    return page_of(call, newest)


def _activity(call: Call, number: int, action: str, by: str, when: int) -> Json:
    return {"id": number, "createdDate": when, "user": user(call, by), "action": action}


def _said(call: Call, comment: Comment, shown: Json, how: str = "ADDED") -> Json:
    told = _activity(call, comment.id, "COMMENTED", comment.author, date(comment.created))
    return {**told, "commentAction": how, "comment": shown}


def _of_thread(call: Call, repo: Repo, pull: Pull, thread: Thread) -> list[Json]:
    root, *answers = thread.comments
    anchor: Json = {
        "diffType": "EFFECTIVE",
        "fileType": "FROM" if thread.side == "old" else "TO",
        "fromHash": pull.base_sha,
        "toHash": thread.sha,
        "line": thread.line,
        "lineType": "REMOVED" if thread.side == "old" else "ADDED",
        "orphaned": repo.outdated(pull, thread),
        "path": thread.path,
    }
    shown = comment_json(call, root, answers, resolved=thread.resolved)
    opened = {**_said(call, root, shown), "commentAnchor": anchor}
    return [opened, *(_said(call, a, comment_json(call, a, []), "REPLIED") for a in answers)]


@ROUTES(f"POST {P}/comments")
def add_comment(call: Call) -> Reply:
    repo = repo_of(call)
    pull, body = pull_of(call, repo), call.body
    if len(body["text"]) > _LONGEST:
        raise refusal(400, f"The text is longer than {_LONGEST} characters", "ArgumentValidationException")
    if "parent" in body:
        thread = repo.thread(pull, body["parent"]["id"])
        repo.reply(pull, thread, body["text"], call.login)
        return Reply(201, comment_json(call, thread.comments[-1], []))
    if "anchor" in body:
        thread = _remark(call, repo, pull, body["anchor"], body["text"])
        return Reply(201, comment_json(call, thread.comments[0], []))
    return Reply(201, comment_json(call, repo.comment(pull, body["text"], call.login), []))


def _remark(call: Call, repo: Repo, pull: Pull, anchor: Json, text: str) -> Thread:
    """The anchor has to fit the diff."""
    diff = diff_json(repo, pull, anchor["path"])
    if not diff["diffs"]:
        raise refusal(400, f"{anchor['path']} is not part of the change", "ArgumentValidationException")
    kinds = {
        line["source" if kind == "REMOVED" else "destination"]: kind
        for hunk in diff["diffs"][0]["hunks"]
        for segment in hunk["segments"]
        for line in segment["lines"]
        if (kind := segment["type"]) == ("REMOVED" if anchor["fileType"] == "FROM" else "ADDED")
    }
    wanted = kinds.get(anchor["line"], "CONTEXT")
    given = (anchor["lineType"], anchor["fromHash"], anchor["toHash"])
    if given != (wanted, diff["fromHash"], diff["toHash"]):
        raise refusal(409, "The anchor is not of this diff", "comment.InvalidAnchorException")
    where = (anchor["path"], anchor["line"], text, call.login)
    return repo.remark(pull, *where, side="old" if anchor["fileType"] == "FROM" else "new")


@ROUTES(f"PUT {P}/comments/{{commentId}}")
def edit_comment(call: Call) -> Reply:
    """The text by its author alone; whether a thread is resolved, by its root."""
    repo = repo_of(call)
    pull, number, body = pull_of(call, repo), call.number("commentId"), call.body
    thread = next((t for t in pull.threads if any(c.id == number for c in t.comments)), None)
    every = [*pull.comments, *(thread.comments if thread else [])]
    comment = next((each for each in every if each.id == number), None)
    if comment is None:
        raise refusal(404, f"There is no comment {number}", "comment.NoSuchCommentException")
    if body.get("version") != comment.extra.get("version", 0):
        message = "You are attempting to modify a comment based on out-of-date information."
        raise refusal(409, message, "comment.CommentOutOfDateException")
    if "text" in body and comment.author != call.login:
        raise refusal(401, "Only its author may edit a comment", "AuthorisationException")
    comment.extra["version"] = comment.extra.get("version", 0) + 1
    if "text" in body:
        repo.edit_comment(comment, body["text"])
    if "threadResolved" in body and thread is not None:
        repo.resolve(pull, thread, body["threadResolved"], call.login)
    return Reply(200, comment_json(call, comment, [], resolved=bool(thread and thread.resolved)))
