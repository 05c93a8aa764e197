"""Pull requests of the memory platform."""

from __future__ import annotations

from tamma.model.repository import (
    EnsuredPullRequest,
    MergeMethod,
    MergeResult,
    MergeState,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
)
from tamma.platforms.memory.account import MemoryAccount, paged
from tamma.platforms.memory.deeds import merging
from tamma.platforms.memory.deeds import pulls as deeds
from tamma.platforms.memory.scene import Scene


class MemoryPulls(MemoryAccount):
    """See `Forge`."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        def deed(scene: Scene) -> PullRequest | None:
            found = deeds.between(scene, head, base)
            return found[0].pull if found else None

        return await self._read("find_pr", repo, deed)

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        return await self._write(
            "ensure_pr", repo, spec.head, lambda scene: deeds.ensure_pr(scene, spec, op_id)
        )

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return await self._read("get_pr", repo, lambda scene: deeds.require_pull(scene, number).pull)

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        return await self._read("list_prs", repo, lambda scene: paged(deeds.matching(scene, query), cursor))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        return await self._write(
            "update_pr", repo, number, lambda scene: deeds.update_pr(scene, number, title, body)
        )

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        return await self._write(
            "set_draft", repo, number, lambda scene: deeds.set_draft(scene, number, draft)
        )

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        await self._write("close_pr", repo, number, lambda scene: (None, deeds.close_pr(scene, number)))

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        await self._write(
            "request_reviewers",
            repo,
            number,
            lambda scene: (None, deeds.request_reviewers(scene, number, add, remove)),
        )

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        return await self._read("get_diff", repo, lambda scene: deeds.get_diff(scene, number))

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        return await self._read("merge_readiness", repo, lambda scene: merging.readiness(scene, number))

    async def merge_pr(
        self,
        repo: RepoRef,
        number: str,
        method: MergeMethod,
        expected_head: str,
        message: str = "",
        *,
        when_ready: bool = False,
    ) -> MergeResult:
        return await self._write(
            "merge_pr",
            repo,
            number,
            lambda scene: merging.merge_pr(scene, number, method, expected_head, message, when_ready),
        )
