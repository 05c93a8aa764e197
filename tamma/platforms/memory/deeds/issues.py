"""Issues, comments, labels and assignees. Blocking."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tamma.errors import NotFound
from tamma.model.repository import Comment, Issue, IssueFilter, Target
from tamma.platforms.common.differences import difference
from tamma.platforms.common.filters import issue_fits
from tamma.platforms.memory.deeds.pulls import require_pull
from tamma.platforms.memory.scene import AUTHOR, Scene, now
from tamma.platforms.memory.state import RepoState, StoredComment


def require_issue(state: RepoState, number: str) -> Issue:
    """With its comments. Raises NotFound."""
    issue = state.issues.get(number)
    if issue is None:
        raise NotFound(f"there is no issue {number!r}", hint="check the number", status=404)
    comments = tuple(stored.comment for stored in state.comments.get(number, []))
    return replace(issue, comments=comments)


def matching(state: RepoState, query: IssueFilter) -> list[Issue]:
    """In the order of their numbers, without comments."""
    return [
        issue
        for _, issue in sorted(state.issues.items(), key=lambda entry: int(entry[0]))
        if issue_fits(issue, query)
    ]


def set_state(scene: Scene, number: str, wanted: Literal["open", "closed"]) -> bool:
    issue = require_issue(scene.state, number)
    if issue.state == wanted:
        return False
    scene.state.issues[number] = replace(issue, state=wanted, comments=(), updated_at=now())
    return True


def require_target(scene: Scene, target: Target) -> None:
    """Raises NotFound, also where the number is one of the other kind."""
    if target.kind == "issue":
        require_issue(scene.state, target.number)
    else:
        require_pull(scene, target.number)


def comments_on(scene: Scene, target: Target) -> tuple[Comment, ...]:
    require_target(scene, target)
    return tuple(stored.comment for stored in scene.state.comments.get(target.number, []))


def ensure_comment(scene: Scene, target: Target, body: str, op_id: str, link: str) -> tuple[Comment, bool]:
    require_target(scene, target)
    comments = scene.state.comments.setdefault(target.number, [])
    done, changed = write_once(scene, comments, scene.fitted(body, link), op_id)
    if changed:
        _touch(scene, target)
    return done, changed


def write_once(scene: Scene, comments: list[StoredComment], body: str, op_id: str) -> tuple[Comment, bool]:
    """The comment of `op_id` among `comments`, made or brought up to date."""
    for stored in comments:
        if stored.op_id == op_id:
            changed = stored.comment.body != body
            stored.comment = replace(stored.comment, body=body)
            return stored.comment, changed
    comment = Comment(scene.state.new_id(), AUTHOR, body, now(), trusted=True)
    comments.append(StoredComment(comment, op_id))
    return comment, True


def set_labels(scene: Scene, target: Target, add: tuple[str, ...], remove: tuple[str, ...]) -> bool:
    require_target(scene, target)
    state, number = scene.state, target.number
    before = state.issues[number].labels if target.kind == "issue" else state.pulls[number].labels
    change = difference(before, add, remove)
    if not change:
        return False
    after = change.applied(before)
    if target.kind == "issue":
        state.issues[number] = replace(state.issues[number], labels=after)
    else:
        stored = state.pulls[number]
        stored.labels, stored.pull = after, replace(stored.pull, labels=after)
    _touch(scene, target)
    return True


def set_assignees(scene: Scene, number: str, add: tuple[str, ...], remove: tuple[str, ...]) -> bool:
    scene.require_users(add)
    before = require_issue(scene.state, number).assignees
    change = difference(before, add, remove)
    if change:
        scene.state.issues[number] = replace(scene.state.issues[number], assignees=change.applied(before))
        _touch(scene, Target("issue", number))
    return bool(change)


def _touch(scene: Scene, target: Target) -> None:
    if target.kind == "issue":
        issue = scene.state.issues[target.number]
        scene.state.issues[target.number] = replace(issue, updated_at=now())
    else:
        stored = scene.state.pulls[target.number]
        stored.pull = replace(stored.pull, updated_at=now())
