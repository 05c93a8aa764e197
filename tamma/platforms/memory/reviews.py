"""Reviews of the memory platform."""

from __future__ import annotations

from tamma.model.repository import Comment, RepoRef, Review, ReviewSpec, ReviewThread
from tamma.platforms.memory.account import MemoryAccount
from tamma.platforms.memory.deeds import reviews as deeds


class MemoryReviews(MemoryAccount):
    """See `Forge`."""

    async def submit_review(self, repo: RepoRef, number: str, review: ReviewSpec, op_id: str) -> Review:
        return await self._write(
            "submit_review", repo, number, lambda scene: deeds.submit(scene, number, review, op_id)
        )

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        return await self._read("list_reviews", repo, lambda scene: deeds.reviews_of(scene, number))

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        return await self._read("list_threads", repo, lambda scene: deeds.threads_of(scene, number))

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        return await self._write(
            "reply", repo, number, lambda scene: deeds.reply(scene, number, thread_id, body, op_id)
        )

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        await self._write(
            "resolve_thread",
            repo,
            number,
            lambda scene: (None, deeds.resolve(scene, number, thread_id, resolved)),
        )
