"""Reviews and the conversations on lines of a change. Blocking."""

from __future__ import annotations

import pygit2

from tamma.errors import NotFound
from tamma.model.repository import Comment, InlineComment, Review, ReviewSpec, ReviewThread
from tamma.platforms.common.branches import stale
from tamma.platforms.memory.deeds.issues import write_once
from tamma.platforms.memory.deeds.pulls import require_pull
from tamma.platforms.memory.scene import AUTHOR, Scene, now
from tamma.platforms.memory.state import StoredComment, StoredReview, StoredThread


def submit(scene: Scene, number: str, asked: ReviewSpec, op_id: str) -> tuple[Review, bool]:
    pull = require_pull(scene, number).pull
    reviews = scene.state.reviews.setdefault(number, [])
    for stored in reviews:
        if stored.op_id == op_id:
            return stored.review, False
    if pull.head_sha != asked.head_sha:
        raise stale(f"the head of #{number}", pull.head_sha, asked.head_sha, scene.repo.platform_id)
    body = scene.fitted(asked.body, asked.link)
    review = Review(scene.state.new_id(), AUTHOR, asked.event, body, asked.head_sha, now(), trusted=True)
    reviews.append(StoredReview(review, op_id))
    for remark in asked.comments:
        comment = Comment(scene.state.new_id(), AUTHOR, scene.fitted(remark.body), now(), trusted=True)
        begin_thread(scene, number, remark, comment)
    return review, True


def begin_thread(scene: Scene, number: str, remark: InlineComment, comment: Comment) -> str:
    """Its id."""
    head = require_pull(scene, number).pull.head_sha
    thread = StoredThread(scene.state.new_id(), remark.path, remark.line, head, [StoredComment(comment)])
    scene.state.threads.setdefault(number, []).append(thread)
    return thread.id


def reviews_of(scene: Scene, number: str) -> tuple[Review, ...]:
    require_pull(scene, number)
    return tuple(stored.review for stored in scene.state.reviews.get(number, []))


def threads_of(scene: Scene, number: str) -> tuple[ReviewThread, ...]:
    head, git = require_pull(scene, number).pull.head_sha, scene.git
    return tuple(
        ReviewThread(
            stored.id,
            stored.path,
            stored.line,
            tuple(there.comment for there in stored.comments),
            stored.resolved,
            outdated=_blob(git, stored.sha, stored.path) != _blob(git, head, stored.path),
        )
        for stored in scene.state.threads.get(number, [])
    )


def reply(scene: Scene, number: str, thread_id: str, body: str, op_id: str) -> tuple[Comment, bool]:
    thread = require_thread(scene, number, thread_id)
    return write_once(scene, thread.comments, scene.fitted(body), op_id)


def resolve(scene: Scene, number: str, thread_id: str, resolved: bool) -> bool:
    thread = require_thread(scene, number, thread_id)
    changed = thread.resolved != resolved
    thread.resolved = resolved
    return changed


def require_thread(scene: Scene, number: str, thread_id: str) -> StoredThread:
    """Raises NotFound."""
    require_pull(scene, number)
    for stored in scene.state.threads.get(number, []):
        if stored.id == thread_id:
            return stored
    raise NotFound(
        f"#{number} has no thread {thread_id!r}", hint="list_threads names those there are", status=404
    )


def _blob(git: pygit2.Repository, sha: str, path: str) -> str | None:
    try:
        return str(git[sha].peel(pygit2.Commit).tree[path].id)
    except KeyError:
        return None
