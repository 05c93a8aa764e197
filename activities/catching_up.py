"""A published change put onto its base branch as it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import beating
from activities.interface.catching_up import (
    CHECK_REPLAY,
    REPLAY_CHANGE,
    CheckReplay,
    ReplayChange,
    ReplayChecked,
    Replayed,
)
from activities.pools import PlatformPool
from tamma.agents.prompting import visible
from tamma.model.ids import BlobId
from tamma.platforms.interface import API_COMMITS, Platform
from tamma.store.interface import BlobStore
from tamma.workspace.interface import Replay, ReplaySpec, Workspaces

PROBLEMS_LISTED = 20


class CatchUpActivities:
    """Holds this host's workspaces, the platforms, and the locks of those who work in workspaces."""

    def __init__(
        self,
        workspaces: Workspaces,
        platforms: PlatformPool,
        blobs: BlobStore,
        lock: Callable[[str], asyncio.Lock],
    ) -> None:
        self._workspaces = workspaces
        self._platforms = platforms
        self._blobs = blobs
        self._lock = lock

    @activity.defn(name=REPLAY_CHANGE.name)
    @failing_well
    async def replay_change(self, given: ReplayChange) -> Replayed:
        """Fetch the base branch and put the published change onto it, as one."""
        platform = await self._platforms.get(given.repo.platform_id)
        if not await _pushes(platform):
            return Replayed(
                given.base_sha,
                refused=f"commits are written through the API of {given.repo.platform_id!r}, which can put "
                f"the branch {given.branch!r} onto no other commit: bring it up to date by hand",
            )
        credentials = await platform.git_credentials(given.repo)
        spec = ReplaySpec(given.workspace_id, given.published_sha, given.base_sha, credentials)
        async with self._lock(given.workspace_id), beating() as pulse:
            replay = await self._workspaces.replay(spec, pulse.say)
        if replay.moved_to is not None:
            return Replayed(given.base_sha, refused=_moved(given, replay.moved_to))
        if replay.held:
            return Replayed(
                given.base_sha,
                refused="the base branch holds all of this change already: `tamma cancel TASK` ends the run",
            )
        return Replayed(
            replay.base_sha,
            conflicts=replay.marked,
            whole=replay.whole,
            told=await self._told(replay),
            expected=await self._blobs.put_blob(replay.expected, "application/json")
            if replay.expected
            else None,
            checkpoint=replay.checkpoint,
        )

    @activity.defn(name=CHECK_REPLAY.name)
    @failing_well
    async def check_replay(self, given: CheckReplay) -> ReplayChecked:
        """Look for markers that are left, and for what the base did and is gone."""
        expected = await self._blobs.get_blob(given.expected)
        async with self._lock(given.workspace_id), beating():
            workspace = await self._workspaces.open(given.workspace_id)
            problems = await workspace.unsettled(expected, strictly=given.strictly)
        return ReplayChecked(problems[:PROBLEMS_LISTED])

    async def _told(self, replay: Replay) -> BlobId | None:
        if not replay.marked and not replay.whole:
            return None
        return await self._blobs.put_blob(conflicts_markdown(replay).encode(), "text/markdown")


async def _pushes(platform: Platform) -> bool:
    return platform.settings.delivery == "push" or API_COMMITS not in await platform.capabilities()


def _moved(given: ReplayChange, to: str) -> str:
    where = f"is at {to[:12]}" if to else "is gone"
    return (
        f"the branch {given.branch!r} {where}, not at {given.published_sha[:12]} where this run left it: "
        "somebody else's commits are not overwritten"
    )


def conflicts_markdown(replay: Replay) -> str:
    """The conflicts for a model: files, what is no matter of lines, and what the base's commits say."""
    lines: list[str] = []
    if replay.marked:
        lines += ["Files with conflict markers:", "", *(f"- {path}" for path in replay.marked), ""]
    if replay.whole:
        lines += ["Conflicts of whole files:", "", *(f"- {words}" for words in replay.whole), ""]
    if replay.commits:
        lines += ["The newest commits on the other side to these files:", ""]
        lines += [f"- {subject}" for subject in replay.commits]
    return visible("\n".join(lines)).strip()
