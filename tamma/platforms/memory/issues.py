"""The tracker's part of the memory platform."""

from __future__ import annotations

from tamma.model.repository import Comment, Issue, IssueFilter, Page, RepoRef, Target
from tamma.platforms.memory.account import MemoryAccount, paged
from tamma.platforms.memory.deeds import issues as deeds


class MemoryIssues(MemoryAccount):
    """See `IssueTracker`."""

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        return await self._read(
            "list_issues", repo, lambda scene: paged(deeds.matching(scene.state, query), cursor)
        )

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        return await self._read("get_issue", repo, lambda scene: deeds.require_issue(scene.state, number))

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        return await self._read("list_comments", repo, lambda scene: deeds.comments_on(scene, target))

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        return await self._write(
            "ensure_comment",
            repo,
            target.number,
            lambda scene: deeds.ensure_comment(scene, target, body, op_id, link),
        )

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        await self._write(
            "set_labels",
            repo,
            target.number,
            lambda scene: (None, deeds.set_labels(scene, target, add, remove)),
        )

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        await self._write(
            "set_assignees",
            repo,
            number,
            lambda scene: (None, deeds.set_assignees(scene, number, add, remove)),
        )

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        await self._write(
            "close_issue", repo, number, lambda scene: (None, deeds.set_state(scene, number, "closed"))
        )

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        await self._write(
            "reopen_issue", repo, number, lambda scene: (None, deeds.set_state(scene, number, "open"))
        )
