"""Discussions, draft notes and approvals."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tamma.errors import PlatformError
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.gitlab.common import (
    LEFT_OUT,
    MR,
    ROUTES,
    A,
    date,
    note_json,
    page_of,
    project_of,
    request_of,
    user,
)
from tests.support.forge.faces.gitlab.issues import text_of
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Pull, Thread

RESOLVED = "resolved"
_NO_LINE = '400 Bad request - Note {:line_code=>["can\'t be blank"], :position=>["is incomplete"]}'


def _thread_json(call: Call, repo: Repo, pull: Pull, thread: Thread) -> Json:
    sides = {"new_line": thread.line} if thread.side == "new" else {"old_line": thread.line}
    place = {
        "base_sha": pull.base_sha,
        "start_sha": pull.base_sha,
        "head_sha": thread.sha,
        "position_type": "text",
        "old_path": thread.path,
        "new_path": thread.path,
        "old_line": None,
        "new_line": None,
        **sides,
    }
    state = {"position": place, RESOLVED: thread.resolved}
    notes = [{**note_json(call, comment, pull, "DiffNote"), **state} for comment in thread.comments]
    return {"id": f"{thread.id:040x}", "individual_note": False, "notes": notes}


@ROUTES(f"GET {MR}/discussions")
def list_discussions(call: Call) -> Reply:
    """Conversations on lines, and each note that stands alone."""
    repo = project_of(call)
    pull = request_of(call, repo)
    found: list[tuple[datetime, Json]] = []
    for comment in pull.comments:
        alone = {
            "id": f"{comment.id:040x}",
            "individual_note": True,
            "notes": [note_json(call, comment, pull)],
        }
        found.append((comment.created, alone))
    found += [(thread.comments[0].created, _thread_json(call, repo, pull, thread)) for thread in pull.threads]
    found.sort(key=lambda entry: entry[0])
    return Reply(200, [discussion for _, discussion in page_of(call, found)])


@ROUTES(f"POST {MR}/discussions")
def create_discussion(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    thread = _remark(call, repo, pull, call.body["body"], call.body["position"])
    return Reply(201, _thread_json(call, repo, pull, thread))


def _remark(call: Call, repo: Repo, pull: Pull, text: str, place: Json) -> Thread:
    old, new = place.get("old_line"), place.get("new_line")
    line = new if new is not None else old
    if line is None or place.get("head_sha") != pull.head_sha:
        raise ApiError(400, _NO_LINE)
    edge = place.get("line_range", {}).get("start", {})
    start = edge.get("new_line") if new is not None else edge.get("old_line")
    try:
        return repo.remark(
            pull,
            place["new_path"],
            line,
            text_of(text),
            call.login,
            side="old" if new is None else "new",
            start_line=start,
        )
    except PlatformError as error:
        raise ApiError(400, _NO_LINE) from error


def _thread_of(call: Call, pull: Pull, repo: Repo) -> Thread:
    name = call.at["discussion_id"]
    try:
        return repo.thread(pull, int(name, 16))
    except ValueError as error:
        raise ApiError(404, "404 Discussion Not Found") from error


@ROUTES(f"GET {MR}/discussions/{{discussion_id}}")
def get_discussion(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    return Reply(200, _thread_json(call, repo, pull, _thread_of(call, pull, repo)))


@ROUTES(f"PUT {MR}/discussions/{{discussion_id}}")
def resolve_discussion(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    thread = _thread_of(call, pull, repo)
    repo.resolve(pull, thread, call.body[RESOLVED] is True, call.login)
    return Reply(200, _thread_json(call, repo, pull, thread))


@ROUTES(f"POST {MR}/discussions/{{discussion_id}}/notes")
def reply(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    thread = _thread_of(call, pull, repo)
    made = repo.reply(pull, thread, text_of(call.body["body"]), call.login)
    comment = next(comment for comment in thread.comments if comment.id == made)
    return Reply(201, note_json(call, comment, pull, "DiffNote"))


@ROUTES(f"PUT {MR}/discussions/{{discussion_id}}/notes/{{note_id}}")
def edit_reply(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    number = call.number("note_id")
    found = next((one for one in _thread_of(call, pull, repo).comments if one.id == number), None)
    if found is None:
        raise ApiError(404, "404 Note Not Found")
    repo.edit_comment(found, text_of(call.body["body"]))
    return Reply(200, note_json(call, found, pull, "DiffNote"))


# --- drafts -------------------------------------------------------------------------------------------------


def _drafts(pull: Pull) -> list[Json]:
    return pull.extra.setdefault("drafts", [])


def _own(call: Call, pull: Pull) -> list[Json]:
    return [draft for draft in _drafts(pull) if draft["login"] == call.login]


def _shown(draft: Json) -> Json:
    return {
        "id": draft["id"],
        "note": draft["note"],
        "position": draft["position"],
        "resolve_discussion": False,
    }


@ROUTES(f"GET {A}{MR}/draft_notes", undescribed=LEFT_OUT)
def list_drafts(call: Call) -> Reply:
    pull = request_of(call, project_of(call))
    return Reply(200, [_shown(draft) for draft in page_of(call, _own(call, pull))])


@ROUTES(f"POST {A}{MR}/draft_notes", undescribed=LEFT_OUT)
def create_draft(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    repo.allow(call.login, "read")
    place: Any = call.body.get("position")
    if place is not None and place["new_path"] not in repo.changed_files(pull):
        raise ApiError(400, _NO_LINE)
    number = call.world.new_id()
    made = {"id": number, "login": call.login, "note": text_of(call.body["note"]), "position": place}
    _drafts(pull).append(made)
    call.world.did("draft_note")
    return Reply(201, _shown(made))


@ROUTES(f"DELETE {A}{MR}/draft_notes/{{draft_note_id}}", undescribed=LEFT_OUT)
def delete_draft(call: Call) -> Reply:
    pull = request_of(call, project_of(call))
    _drafts(pull).remove(_draft_of(call, pull))
    call.world.did("draft_note_deleted")
    return Reply(204)


def _draft_of(call: Call, pull: Pull) -> Json:
    number = call.number("draft_note_id")
    found = next((draft for draft in _own(call, pull) if draft["id"] == number), None)
    if found is None:
        raise ApiError(404, "404 Draft Note Not Found")
    return found


@ROUTES(f"PUT {A}{MR}/draft_notes/{{draft_note_id}}/publish", undescribed=LEFT_OUT)
def publish_draft(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    _publish(call, repo, pull, _draft_of(call, pull))
    return Reply(204)


@ROUTES(f"POST {A}{MR}/draft_notes/bulk_publish", undescribed=LEFT_OUT)
def publish_drafts(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    for draft in _own(call, pull):
        _publish(call, repo, pull, draft)
    if call.body.get("reviewer_state") == "requested_changes" and call.login != pull.author:
        repo.review(pull, "request_changes", "", call.login)
    return Reply(204)


def _publish(call: Call, repo: Repo, pull: Pull, draft: Json) -> None:
    if draft["position"] is None:
        repo.comment(pull, draft["note"], call.login)
    else:
        _remark(call, repo, pull, draft["note"], draft["position"])
    _drafts(pull).remove(draft)


# --- approvals ----------------------------------------------------------------------------------------------


@ROUTES(f"GET {MR}/approvals")
def approvals(call: Call) -> Reply:
    return Reply(200, _approvals_json(call, request_of(call, project_of(call)), project_of(call)))


def _approvals_json(call: Call, pull: Pull, repo: Repo) -> Json:
    found: list[Json] = []
    for login in repo.approvals(pull):
        when = max(review.submitted for review in pull.reviews if review.author == login)
        found.append({"user": user(call, login), "approved_at": date(when)})
    me = call.login in repo.approvals(pull)
    return {"approved": bool(found), "approved_by": found, "user_has_approved": me}


@ROUTES(f"POST {A}{MR}/approve", undescribed=LEFT_OUT)
def approve(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    if call.body.get("sha") not in (None, pull.head_sha):
        raise ApiError(409, f"SHA does not match HEAD of source branch: {pull.head_sha}")
    if call.login in repo.approvals(pull) or call.login == pull.author:
        raise ApiError(401, "401 Unauthorized")
    repo.review(pull, "approve", "", call.login)
    return Reply(201, _approvals_json(call, pull, repo))


@ROUTES(f"POST {A}{MR}/unapprove", undescribed=LEFT_OUT)
def unapprove(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    if call.login not in repo.approvals(pull):
        raise ApiError(404, "404 Not Found")
    repo.review(pull, "request_changes", "", call.login)
    return Reply(201, _approvals_json(call, pull, repo))


@ROUTES(f"GET {A}{MR}/reviewers", undescribed=LEFT_OUT)
def reviewers(call: Call) -> Reply:
    repo = project_of(call)
    pull = request_of(call, repo)
    states: dict[str, tuple[str, datetime]] = dict.fromkeys(pull.reviewers, ("unreviewed", pull.created))
    words = {"approve": "approved", "request_changes": "requested_changes", "comment": "reviewed"}
    for review in pull.reviews:
        states[review.author] = (words[review.verdict], review.submitted)
    shown = [
        {"user": user(call, login), "state": state, "created_at": date(when)}
        for login, (state, when) in states.items()
    ]
    return Reply(200, page_of(call, shown))
