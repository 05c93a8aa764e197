"""How every call to the memory platform runs: faults, one transaction, a line of the ledger for a write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tamma.errors import Forbidden, NotFound
from tamma.model.repository import Page, RepoRef
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.memory.deeds.merging import settle
from tamma.platforms.memory.faults import faults_from, strike, take
from tamma.platforms.memory.options import options_from
from tamma.platforms.memory.scene import PAGE, Scene, now, web_url
from tamma.platforms.memory.state import MemoryState, RepoState, StateStore
from tamma.platforms.plain.markdown_issue import issue_from_markdown

T = TypeVar("T")


class MemoryAccount:
    """Runs deeds: functions of a Scene that return their result and whether they changed anything."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._options = options_from(settings.options)
        self._faults = faults_from(settings.options)
        self._store = StateStore(self._options.state, self._options.ledger)

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    async def _read(self, op: str, repo: RepoRef, deed: Callable[[Scene], T]) -> T:
        """What somebody else does runs so too: it changes the state, and is no write of ours."""
        return await self._run(op, repo, None, lambda scene: (deed(scene), False))

    async def _write(self, op: str, repo: RepoRef, detail: str, deed: Callable[[Scene], tuple[T, bool]]) -> T:
        """`detail` says in the ledger what it was done to."""
        return await self._run(op, repo, detail, deed)

    async def _run(
        self, op: str, repo: RepoRef, detail: str | None, deed: Callable[[Scene], tuple[T, bool]]
    ) -> T:
        await self._strike(op, "before")

        def act() -> T:
            with self._store.transaction() as state:
                scene = self._scene(repo, state)
                if detail is not None:
                    self._refuse_archived(repo)
                settle(scene)
                result, effect = deed(scene)
                if detail is not None:
                    state.record(op, repo.full_name, effect=effect, detail=detail)
                return result

        result = await asyncio.to_thread(act)
        await self._strike(op, "after")
        return result

    async def _strike(self, op: str, when: str) -> None:
        if any((fault.on, fault.when) == (op, when) for fault in self._faults):
            with self._store.transaction() as state:
                fault = take(self._faults, state, op, when)
            if fault is not None:
                await strike(fault)

    def _scene(self, repo: RepoRef, state: MemoryState) -> Scene:
        """The repository's state is seeded with the configured issues when it is first asked for."""
        name = repo.full_name
        path = self._path(repo)
        if name not in state.repos:
            at = now()
            seeded = {
                number: replace(
                    issue_from_markdown(text, number),
                    url=f"{web_url(repo)}/issues/{number}",
                    created_at=at,
                    updated_at=at,
                )
                for number, text in self._options.issues.get(name, {}).items()
            }
            state.repos[name] = RepoState(issues=seeded, last_number=max(map(int, seeded), default=0))
        return Scene(repo, path, state.repos[name], self._options, lambda: self._store.checkpoint(state))

    def _path(self, repo: RepoRef) -> str:
        path = self._options.repositories.get(repo.full_name)
        if path is None:
            there = ", ".join(sorted(self._options.repositories)) or "none"
            raise NotFound(
                f"there is no repository {repo.full_name!r}", hint=f"repositories: {there}", status=404
            )
        return path

    def _refuse_archived(self, repo: RepoRef) -> None:
        if repo.full_name in self._options.archived:
            raise Forbidden(
                f"{repo.full_name} is archived: it is read-only", hint="unarchive it first", status=403
            )


def paged(found: list[T], cursor: str | None) -> Page[T]:
    """One page of `found`."""
    start = int(cursor or 0)
    following = str(start + PAGE) if len(found) > start + PAGE else None
    return Page(tuple(found[start : start + PAGE]), following)
