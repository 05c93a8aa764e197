"""Pull requests, but for their merge. Blocking."""

from __future__ import annotations

from dataclasses import replace

from tamma.errors import Conflict, NotFound, PlatformError
from tamma.model.repository import EnsuredPullRequest, PullRequest, PullRequestFilter, PullRequestSpec
from tamma.platforms.common.differences import difference
from tamma.platforms.common.filters import pull_fits
from tamma.platforms.git import objects as gitdb
from tamma.platforms.memory.scene import AUTHOR, Scene, now
from tamma.platforms.memory.state import StoredPull


def require_pull(scene: Scene, number: str) -> StoredPull:
    """While it is open its head is wherever the branch is now. Raises NotFound."""
    stored = scene.state.pulls.get(number)
    if stored is None:
        raise NotFound(f"there is no pull request {number!r}", hint="check the number", status=404)
    if stored.pull.state == "open":
        head = gitdb.branch_sha(scene.git, stored.pull.head)
        if head is not None and head != stored.pull.head_sha:
            stored.pull = replace(stored.pull, head_sha=head, updated_at=now())
    stored.pull = replace(stored.pull, labels=stored.labels)
    return stored


def matching(scene: Scene, query: PullRequestFilter) -> list[PullRequest]:
    """Newest first."""
    pulls = [require_pull(scene, number).pull for number in sorted(scene.state.pulls, key=int, reverse=True)]
    return [pull for pull in pulls if pull_fits(pull, query)]


def between(scene: Scene, head: str, base: str) -> list[StoredPull]:
    """Those for these branches, open ones first, then newest first."""
    found = matching(scene, PullRequestFilter("all", head, base))
    ordered = sorted(found, key=lambda pull: pull.state != "open")
    return [scene.state.pulls[pull.number] for pull in ordered]


def ensure_pr(scene: Scene, spec: PullRequestSpec, op_id: str) -> tuple[EnsuredPullRequest, bool]:
    for stored in between(scene, spec.head, spec.base):
        if stored.pull.state == "open" or stored.op_id == op_id:
            missing = difference(stored.labels, spec.labels).missing
            stored.labels += missing
            found = require_pull(scene, stored.pull.number).pull
            return EnsuredPullRequest(found, created=False), bool(missing)
    git = scene.git
    head, base = gitdb.require_branch(git, spec.head), gitdb.require_branch(git, spec.base)
    if gitdb.is_merged(git, base, head):
        raise PlatformError(
            f"no commits between {spec.base!r} and {spec.head!r}", hint="push the change first", status=422
        )
    number, at = scene.state.new_number(), now()
    pull = PullRequest(
        number=number,
        title=spec.title,
        body=scene.fitted(spec.body, spec.link),
        state="open",
        head=spec.head,
        base=spec.base,
        head_sha=head,
        url=f"{scene.url}/pull/{number}",
        draft=spec.draft,
        author=AUTHOR,
        labels=spec.labels,
        created_at=at,
        updated_at=at,
    )
    scene.state.pulls[number] = StoredPull(pull, op_id, labels=spec.labels)
    return EnsuredPullRequest(pull, created=True), True


def update_pr(scene: Scene, number: str, title: str | None, body: str | None) -> tuple[PullRequest, bool]:
    before = require_pull(scene, number).pull
    return change(
        scene,
        replace(
            before,
            title=before.title if title is None else title,
            body=before.body if body is None else scene.fitted(body),
        ),
    )


def set_draft(scene: Scene, number: str, draft: bool) -> tuple[PullRequest, bool]:
    pull = require_pull(scene, number).pull
    if pull.draft != draft and pull.state != "open":
        raise Conflict(f"#{number} is {pull.state}: it cannot become a draft or ready", status=422)
    return change(scene, replace(pull, draft=draft))


def close_pr(scene: Scene, number: str) -> bool:
    pull = require_pull(scene, number).pull
    if pull.state != "open":
        return False
    scene.state.pulls[number].scheduled = None
    return change(scene, replace(pull, state="closed"))[1]


def request_reviewers(scene: Scene, number: str, add: tuple[str, ...], remove: tuple[str, ...]) -> bool:
    scene.require_users(add)
    pull = require_pull(scene, number).pull
    wanted = difference(pull.reviewers, add, remove).applied(pull.reviewers)
    return change(scene, replace(pull, reviewers=wanted))[1]


def get_diff(scene: Scene, number: str) -> str:
    """Of a merged one, against the base as it was before."""
    stored, git = require_pull(scene, number), scene.git
    merged = stored.merging is not None and stored.pull.state == "merged"
    base = stored.merging.old if merged and stored.merging else gitdb.require_branch(git, stored.pull.base)
    return gitdb.diff(git, base, stored.pull.head_sha)


def change(scene: Scene, pull: PullRequest) -> tuple[PullRequest, bool]:
    """Keep `pull`; its date moves where it is another than before."""
    stored = scene.state.pulls[pull.number]
    if pull == stored.pull:
        return pull, False
    stored.pull = replace(pull, updated_at=now())
    return stored.pull, True
