"""What other people and services do on the memory platform: not part of the interface, not in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tamma.model.repository import (
    Check,
    CheckState,
    CiRun,
    Comment,
    InlineComment,
    Issue,
    MergeMethod,
    MergeResult,
    PullRequest,
    PullRequestSpec,
    RepoRef,
    Review,
)
from tamma.platforms.git import objects as gitdb
from tamma.platforms.memory.account import MemoryAccount
from tamma.platforms.memory.deeds import ci, merging, pulls, reviews
from tamma.platforms.memory.scene import Scene, now
from tamma.platforms.memory.state import StoredComment, StoredReview


class MemoryPeople(MemoryAccount):
    """Of tests and demonstrations."""

    async def add_issue(self, repo: RepoRef, issue: Issue) -> None:
        """Somebody writes an issue."""

        def deed(scene: Scene) -> None:
            created = issue.created_at or now()
            dated = replace(issue, created_at=created, updated_at=issue.updated_at or created)
            scene.state.issues[issue.number] = dated
            scene.state.last_number = max(scene.state.last_number, int(issue.number))

        await self._read("add_issue", repo, deed)

    async def add_comment(self, repo: RepoRef, number: str, comment: Comment) -> None:
        """Somebody else writes a comment, on an issue or a pull request."""

        def deed(scene: Scene) -> None:
            scene.state.comments.setdefault(number, []).append(StoredComment(comment))

        await self._read("add_comment", repo, deed)

    async def add_review(self, repo: RepoRef, number: str, review: Review) -> None:
        """Somebody else reviews."""

        def deed(scene: Scene) -> None:
            pulls.require_pull(scene, number)
            scene.state.reviews.setdefault(number, []).append(StoredReview(review))

        await self._read("add_review", repo, deed)

    async def add_thread(self, repo: RepoRef, number: str, remark: InlineComment, comment: Comment) -> str:
        """Somebody else begins a conversation on a line; its id."""
        return await self._read(
            "add_thread", repo, lambda scene: reviews.begin_thread(scene, number, remark, comment)
        )

    async def answer_thread(self, repo: RepoRef, number: str, thread_id: str, comment: Comment) -> None:
        """Somebody else answers in one."""

        def deed(scene: Scene) -> None:
            thread = reviews.require_thread(scene, number, thread_id)
            thread.comments.append(StoredComment(comment))

        await self._read("answer_thread", repo, deed)

    async def set_checks(self, repo: RepoRef, sha: str, checks: tuple[Check, ...]) -> None:
        """CI reports on a commit."""

        def deed(scene: Scene) -> None:
            scene.state.checks[sha] = list(checks)

        await self._read("set_checks", repo, deed)

    async def start_run(
        self, repo: RepoRef, name: str, branch: str, jobs: tuple[str, ...] = ("build",)
    ) -> CiRun:
        """CI begins a run by itself, as after a push."""

        def deed(scene: Scene) -> CiRun:
            head = gitdb.require_branch(scene.git, branch)
            return ci.add_run(scene, name, head, branch, "push", jobs)

        return await self._read("start_run", repo, deed)

    async def finish_run(
        self, repo: RepoRef, run_id: str, state: CheckState, logs: Mapping[str, str] | None = None
    ) -> CiRun:
        """CI ends a run; `logs` by the names of its jobs, which are added where they are new."""
        return await self._read(
            "finish_run", repo, lambda scene: ci.finish(scene, run_id, state, dict(logs or {}))
        )

    async def somebody_opens(self, repo: RepoRef, spec: PullRequestSpec, author: str) -> PullRequest:
        """A person opens a pull request."""

        def deed(scene: Scene) -> PullRequest:
            number = pulls.ensure_pr(scene, spec, "")[0].pull_request.number
            stored = scene.state.pulls[number]
            stored.op_id, stored.pull = None, replace(stored.pull, author=author)
            return stored.pull

        return await self._read("somebody_opens", repo, deed)

    async def somebody_closes(self, repo: RepoRef, number: str) -> None:
        """A person closes a pull request without a merge."""
        await self._read("somebody_closes", repo, lambda scene: pulls.close_pr(scene, number))

    async def somebody_merges(self, repo: RepoRef, number: str, method: MergeMethod = "merge") -> MergeResult:
        """A person merges a pull request, whatever its checks say."""
        return await self._read(
            "somebody_merges", repo, lambda scene: merging.merge_now(scene, number, method)
        )
