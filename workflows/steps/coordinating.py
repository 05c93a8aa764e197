"""What comes before this run: issues that its own depends on, and runs that change the same files.

It waits where it has nothing in hand: before anything is cloned, and between the plan and the first line of
code. It holds no money then and no workspace, and begins where the others have left the base.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from temporalio import workflow

from activities.interface import Activity, I, O
from activities.interface.coordination import (
    AWAIT_ISSUES,
    AWAIT_TURN,
    FIND_BASE,
    AwaitIssues,
    AwaitTurn,
    FindBase,
)
from tamma.model.coordination import Ahead
from tamma.model.task import Gate, Waiting
from tamma.selection.dependencies import depending
from tamma.selection.files import files_planned
from workflows.calls import call, start
from workflows.options import PLATFORM_CALL, ROOM_WATCH
from workflows.patience import Rejected
from workflows.steps.base import end
from workflows.steps.continuing import Continuing

COORDINATED = "coordinated"
"""The change that runs claim the files of their plans: those from before it claim none, and wait for none."""
ISSUES_HINT = "it goes on by itself when that is closed; `tamma resume TASK` goes on at once"
LONGEST = 30 * 24 * 3600.0
"""Seconds of one wait: within the time that the looking lasts. Then it looks anew."""


class Coordinating(Continuing):
    """Lets go first what has to."""

    async def _await_issues(self) -> None:
        """Begin when the issues are closed that this one depends on, or when somebody says so."""
        request, issues = self._request, self._issue.depends_on
        given = AwaitIssues(request.repo, issues, request.limits.poll, issue=request.issue)
        # Whoever goes on from a run that had a plan has been through this.
        if not issues or request.unattended is not None or self._state.plan is not None:
            return
        waited = False
        while True:
            found = await self._patience.patiently(
                lambda: call(AWAIT_ISSUES, given, PLATFORM_CALL, summary="issues that come before")
            )
            if found.missing:
                self._state.note(f"it depends on {_listed(found.missing)}, which cannot be read")
            if not found.issues:
                break
            reason, hint = depending(found.issues), ISSUES_HINT
            if found.circle is not None:
                one, other = found.circle
                reason += f"; #{one} depends on #{other}, which depends on #{one}: a person has to look"
                hint = f"edit the others, so that one of them can be first; {hint}"
            waited = self._waits
            known = replace(given, known=found.issues, known_circle=found.circle)
            if await self._goes_on(reason, hint, AWAIT_ISSUES, known, person=found.circle is not None):
                break
        if waited:
            await self._stand_on_newest_base()

    async def _await_turn(self) -> None:
        """Claim the files of the plan; begin when the runs have ended that claimed some of them before.

        What pushes nothing never moves the base: nobody has to wait for it, nor it for anybody.
        """
        request, files = self._request, files_planned(self._state.plan_markdown)
        if request.unattended is not None or request.assists or not workflow.patched(COORDINATED):
            return
        if not files:
            return
        given = AwaitTurn(request.task_id, request.repo, request.issue, files, request.limits.poll)
        waited = False
        while True:
            turn = await self._patience.patiently(
                lambda: call(AWAIT_TURN, given, PLATFORM_CALL, summary="claim the files of the plan")
            )
            if turn.note:
                self._state.note(turn.note)
            if not turn.ahead:
                break
            if self._waits and not waited:
                await self._stand_aside()
                waited = True
            hint = "it goes on by itself when that run has ended; `tamma resume TASK` goes on at once"
            if await self._goes_on(_behind(turn.ahead), hint, AWAIT_TURN, replace(given, known=turn.ahead)):
                break
        if waited:
            await self._take_up_again()

    async def _goes_on(
        self, reason: str, hint: str, activity: Activity[I, O], given: I, *, person: bool = False
    ) -> bool:
        """Wait for news of what comes before. True where it goes on whatever comes before: it only tells, or
        somebody has said so."""
        if not self._waits:
            self._state.note(reason)
            return True
        self._woken = paused = False
        looking = start(activity, given, ROOM_WATCH, summary=reason[:100])
        waiting = Waiting(Gate.ORDER, reason, hint, person)

        def disturbed() -> bool:
            nonlocal paused
            paused = paused or self._paused
            return looking.done() or self._woken

        try:
            told = await self._patience.wait(waiting, seconds=LONGEST, unless=disturbed)
        except (Rejected, asyncio.CancelledError):
            await end(looking)
            raise
        await end(looking)  # also where it has failed: whoever looks again says why
        told = told and not paused  # who has paused it lets it go on as it was: it waits
        self._state.note(f"somebody let it go on, although {reason}" if told else f"it waited: {reason}")
        return told

    @property
    def _waits(self) -> bool:
        """What is solved already has to be merged and nothing more: that shows who was first."""
        return self._request.coordination == "wait" and not self._state.solved

    async def _stand_aside(self) -> None:
        """Others may need the money and the room, and the clone will be old."""
        await self._put_back()
        await self._release()
        self._link = self._new_link()

    async def _take_up_again(self) -> None:
        before = self._issue.base_sha
        await self._stand_on_newest_base()
        await self._read_project()
        if self._issue.base_sha != before:
            self._state.words.append(
                "While this run waited for others that change the same files, "
                f"{self._issue.base_branch} moved from {before[:12]} to {self._issue.base_sha[:12]}. "
                "The plan was made before that: look at the files as they are now, do what is still needed."
            )

    async def _stand_on_newest_base(self) -> None:
        """Begin where the base is now. What another run has begun stays on its own base until the merge."""
        if self._request.continues is not None:
            return
        given = FindBase(self._request.repo, self._issue.base_branch)
        found = await self._patience.patiently(
            lambda: call(FIND_BASE, given, PLATFORM_CALL, summary=f"where {given.branch} is now")
        )
        self._state.issue = replace(self._issue, base_sha=found.sha)
        self._link = self._new_link()


def _behind(ahead: Sequence[Ahead]) -> str:
    """Why it is not its turn."""
    first = ahead[0]
    more = f"; {len(ahead)} runs are ahead in all" if len(ahead) > 1 else ""
    return f"the run of #{first.issue} (task {first.task_id}) changes {first.path} first{more}"


def _listed(issues: Sequence[str]) -> str:
    return ", ".join(f"#{each}" for each in issues)
