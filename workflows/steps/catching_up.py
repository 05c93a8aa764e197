"""A published change that its base has left behind: put onto the base as it is now."""

from __future__ import annotations

from dataclasses import replace

from activities.interface.catching_up import REPLAY_CHANGE, ReplayChange, Replayed
from tamma.model.origin import REPLAYED
from tamma.model.task import Phase
from workflows.options import PREPARE
from workflows.steps.monitoring import Monitoring

MOST_CATCH_UPS = 10
"""In a row. Each costs a run of the checks: a base that always moves faster wants a merge queue."""


class CatchingUp(Monitoring):
    """Keeps the published change on its base."""

    _replayed: Replayed | None = None
    """What the workspace holds since the last replay, until it is looked at and published."""
    _published_on = ""
    """The commit that the published change was made on."""
    _hindrance = ""
    """Why it was not put onto its base, when that was tried last."""
    _catch_ups = 0

    async def _catch_up(self) -> bool:
        """Put the published change onto its base as it is now. False where it cannot be; see `_hindrance`.

        It begins from what is published: what an agent tried to solve before, and could not, is left behind.
        """
        base = self._issue.base_branch
        if self._catch_ups >= MOST_CATCH_UPS:
            return self._hindered_by(f"{base!r} moved {self._catch_ups} times before it could be merged")
        await self._enter(Phase.IMPLEMENT)
        replayed = await self._replay()
        if replayed.refused:
            return self._hindered_by(replayed.refused)
        if replayed.base_sha == self._published_on:
            return self._hindered_by(f"the branch is on the newest commit of {base!r} already")
        self._hindrance = ""
        await self._stand_on(replayed)
        return True

    def _hindered_by(self, reason: str) -> bool:
        """A person is asked; whatever comes of that begins anew."""
        self._hindrance, self._catch_ups = reason, 0
        return False

    async def _replay(self) -> Replayed:
        published = self._state.published
        assert published is not None
        given = ReplayChange(
            self._workspace.ref.id,
            self._request.repo,
            self._issue.branch,
            published.sha,
            self._published_on,
        )
        return await self._workspace.call(
            REPLAY_CHANGE, given, PREPARE, summary=f"put the change onto {self._issue.base_branch}"
        )

    async def _stand_on(self, replayed: Replayed) -> None:
        """From here on the run works on the new base: all that compares with the base takes it from here."""
        self._catch_ups += 1
        self._state.issue = issue = replace(self._issue, base_sha=replayed.base_sha)
        self._replayed, self._unsettled = replayed, True
        await self._workspace.stand_on(self._order(issue), replayed.checkpoint)
        where = f"{issue.base_branch} at {replayed.base_sha[:12]}"
        how = (
            f"conflicts in {', '.join(replayed.conflicts)}" if replayed.conflicts else "no conflicts in text"
        )
        self._state.note(f"the change was put onto {where}: {how}")
        # Whoever goes on from here has to know on what commit the work is from here on.
        await self._record(REPLAYED, base=replayed.base_sha)
