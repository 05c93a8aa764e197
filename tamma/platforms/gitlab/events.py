"""What each kind of GitLab's webhook events says. Pure; lenient, for fields came and went over the years."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tamma.model.repository import EventKind
from tamma.platforms.common.deliveries import at, push_action, text
from tamma.platforms.common.marks import without_mark

_HEADS = "refs/heads/"
_STATE_ACTIONS = {"open": "opened", "close": "closed", "reopen": "reopened", "merge": "merged"}
_REVIEW_ACTIONS = {"approved": "submitted", "approval": "submitted"}
_NOTE_ACTIONS = {"": "created", "create": "created", "update": "edited"}
_OVER = ("success", "failed", "canceled", "skipped")


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, without where it comes from."""

    kind: EventKind
    action: str
    number: str | None = None
    branch: str = ""
    sha: str = ""
    label: str = ""
    text: str = ""
    comment_id: str | None = None


Fields = Mapping[str, Any]


def read(kind: str, fields: Fields) -> Seen | str:
    """The event, or why it means nothing to us."""
    reader = _READERS.get(kind)
    return reader(fields) if reader is not None else f"{kind} events mean nothing to us"


def _iid(about: object) -> str | None:
    return text(about, "iid") or None


def _branch(ref: str) -> str:
    return ref.removeprefix(_HEADS)


def _push(fields: Fields) -> Seen | str:
    ref, before, after = (text(fields, name) for name in ("ref", "before", "after"))
    if not ref.startswith(_HEADS):
        return f"a push to {ref!r}, which is no branch"
    action = push_action(before, after)
    return Seen(EventKind.PUSH, action, branch=_branch(ref), sha="" if action == "deleted" else after)


def _issue(fields: Fields) -> Seen | str:
    about = at(fields, "object_attributes")
    action, label = _changed(fields, text(about, "action"))
    return Seen(EventKind.ISSUE, action, _iid(about), label=label)


def _merge_request(fields: Fields) -> Seen | str:
    about = at(fields, "object_attributes")
    word = text(about, "action")
    sha, branch = text(about, "last_commit", "id"), text(about, "source_branch")
    if word in ("approved", "approval", "unapproved", "unapproval"):
        action = _REVIEW_ACTIONS.get(word, word)
        return Seen(EventKind.REVIEW, action, _iid(about), branch, sha)
    action, label = _changed(fields, word)
    if word == "update" and at(about, "oldrev"):
        action = "updated"
    return Seen(EventKind.PULL_REQUEST, action, _iid(about), branch, sha, label)


def _note(fields: Fields) -> Seen | str:
    about = at(fields, "object_attributes")
    if at(about, "system") is True:
        return "a note that GitLab wrote itself"
    word = text(about, "action")
    action = _NOTE_ACTIONS.get(word, word)
    words, comment = without_mark(text(about, "note")), text(about, "id") or None
    kind = text(about, "noteable_type")
    if kind == "Issue" and (number := _iid(at(fields, "issue"))):
        return Seen(EventKind.ISSUE_COMMENT, action, number, text=words, comment_id=comment)
    request = at(fields, "merge_request")
    if kind == "MergeRequest" and (number := _iid(request)):
        sha = text(request, "last_commit", "id")
        branch = text(request, "source_branch")
        return Seen(EventKind.PULL_REQUEST_COMMENT, action, number, branch, sha, "", words, comment)
    return f"a note on a {kind or 'thing without a name'}"


def _pipeline(fields: Fields) -> Seen | str:
    about = at(fields, "object_attributes")
    number = _iid(at(fields, "merge_request"))
    return Seen(
        EventKind.CHECKS,
        _progress(text(about, "status")),
        number,
        "" if at(about, "tag") is True else _branch(text(about, "ref")),
        text(about, "sha"),
    )


def _job(fields: Fields) -> Seen | str:
    branch = "" if at(fields, "tag") is True else _branch(text(fields, "ref"))
    return Seen(EventKind.CHECKS, _progress(text(fields, "build_status")), None, branch, text(fields, "sha"))


def _progress(status: str) -> str:
    return "completed" if status in _OVER else status


def _changed(fields: Fields, word: str) -> tuple[str, str]:
    """The action, and the label or person that came or went."""
    if word in _STATE_ACTIONS:
        return _STATE_ACTIONS[word], ""
    if word != "update":
        return word or "edited", ""
    changes = at(fields, "changes")
    for field, key, came, went in (
        ("labels", "title", "labeled", "unlabeled"),
        ("assignees", "username", "assigned", "unassigned"),
        ("reviewers", "username", "review_requested", "review_request_removed"),
    ):
        change = at(changes, field)
        before, after = _names(at(change, "previous"), key), _names(at(change, "current"), key)
        if new := [name for name in after if name not in before]:
            return came, new[0]
        if gone := [name for name in before if name not in after]:
            return went, gone[0]
    return "edited", ""


def _names(items: object, key: str) -> list[str]:
    found = cast("list[object]", items) if isinstance(items, list) else []
    return [text(entry, key) for entry in found if at(entry, key) is not None]


_READERS: Mapping[str, Callable[[Fields], Seen | str]] = {
    "push": _push,
    "issue": _issue,
    "work_item": _issue,
    "merge_request": _merge_request,
    "note": _note,
    "pipeline": _pipeline,
    "build": _job,
}
