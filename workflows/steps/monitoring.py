"""The published change: its checks are waited for, run again, mended."""

from __future__ import annotations

from temporalio import workflow

from activities.interface import AWAIT_CHECKS, AwaitChecks
from activities.interface.monitoring import (
    CALL_PEOPLE,
    READ_FAILURES,
    RERUN_CHECKS,
    CallPeople,
    CheckFailures,
    ReadFailures,
    RerunChecks,
)
from tamma.model.repository import CheckState, CheckSummary, Rerun, Target
from tamma.model.session import Opening, Stage
from tamma.model.task import Gate, Phase, Waiting
from workflows.calls import answer_of, call, start
from workflows.options import PLATFORM_CALL, PLATFORM_WATCH
from workflows.steps.base import end
from workflows.steps.trying import Trying
from workflows.words import red_checks_comment

MENDED = "mend-checks"
"""The change that runs mend red checks: those from before it wait for a person at the first."""
PASSED_SINCE = "passed-since"
"""The change that runs look again where nothing is red any more: those from before it call a person."""


class Monitoring(Trying):
    """Watches a published change until its checks are green."""

    _check_rounds = 0
    _calls_for_people = 0

    async def _pass_checks(self) -> bool:
        """Wait for the checks. False where the change is another one now, or a person said something."""
        await self._enter(Phase.CHECKS)
        if "checks" not in self._issue.capabilities or not self._state.pull_request:
            return True
        reruns: tuple[Rerun, ...] = ()
        while not self._state.words:
            summary = await self._await_checks(reruns)
            if summary.state is not CheckState.FAILURE:
                if reruns:
                    self._state.note("checks failed once, and passed when they were run again")
                return True
            if not workflow.patched(MENDED):
                await self._ask_about_checks(_names(summary))
                continue
            if not reruns and (reruns := await self._rerun_checks(summary.sha)):
                continue
            reruns = ()
            failures = await self._read_failures(summary.sha)
            if not failures.names and workflow.patched(PASSED_SINCE):
                continue  # somebody ran them again since that look
            old = set(failures.names) <= set(failures.red_before)
            if not old and self._check_rounds < self._request.limits.rounds:
                await self._mend_checks(failures)
                return False
            await self._call_people(red_checks_comment(failures.names, self._check_rounds, old=old))
            await self._ask_about_checks(failures.names, old=old)
            self._check_rounds = 0
            if old and not self._state.words:
                self._state.note(f"a person let it go on with red checks: {', '.join(failures.names)}")
                return True
        return False

    async def _mend_checks(self, failures: CheckFailures) -> None:
        """Send the agent what the checks say."""
        self._check_rounds += 1
        words = {
            "checks": ", ".join(failures.names),
            "round": str(self._check_rounds),
            "rounds": str(self._request.limits.rounds),
        }
        await self._enter(Phase.IMPLEMENT)
        await self._session_stage(Stage.FIX, Opening("fix_checks", {"log": failures.log}, words))
        await self._get_green()
        await self._get_publishable()

    async def _read_failures(self, sha: str) -> CheckFailures:
        given = ReadFailures(self._request.repo, sha, self._issue.base_sha)
        return await self._patience.patiently(
            lambda: call(READ_FAILURES, given, PLATFORM_CALL, summary="read what failed")
        )

    async def _rerun_checks(self, sha: str) -> tuple[Rerun, ...]:
        """What was asked for again: once a commit, as a failure may be chance and a rerun costs no model."""
        given = RerunChecks(self._request.repo, sha)
        asked = await self._patience.patiently(
            lambda: call(RERUN_CHECKS, given, PLATFORM_CALL, summary="run what failed once more")
        )
        return asked.runs

    async def _call_people(self, body: str) -> None:
        """Write where people look: they may not watch the run."""
        self._calls_for_people += 1
        given = CallPeople(
            self._request.task_id,
            self._request.repo,
            Target("pull_request", self._state.pull_request),
            key=f"needs-a-person-{self._calls_for_people}",
            body=body,
        )
        done = await self._patience.patiently(
            lambda: call(CALL_PEOPLE, given, PLATFORM_CALL, summary="say that a person is needed")
        )
        for note in done.notes:
            self._state.note(note)

    async def _ask_about_checks(self, names: tuple[str, ...], *, old: bool = False) -> None:
        reason = f"checks failed on the pull request: {', '.join(names)}"
        if old:
            reason += "; they fail without this change, too"
        elif self._check_rounds:
            reason += f", after {self._check_rounds} attempts to mend them"
        hint = 'tell the agent with `tamma steer TASK "..."`, or rerun them and `tamma resume TASK`'
        await self._patience.wait(Waiting(Gate.CHECKS, reason, hint))

    async def _await_checks(self, reruns: tuple[Rerun, ...]) -> CheckSummary:
        return await self._patience.patiently(lambda: self._watch_checks(reruns))

    async def _watch_checks(self, reruns: tuple[Rerun, ...]) -> CheckSummary:
        """Polling, one look an attempt; an event from the platform makes it look at once."""
        published, limits = self._state.published, self._request.limits
        assert published is not None
        given = AwaitChecks(self._request.repo, published.sha, limits.checks_grace, limits.poll, reruns)
        while True:
            self._woken = False
            looking = start(AWAIT_CHECKS, given, PLATFORM_WATCH, summary="wait for checks")
            await workflow.wait_condition(lambda h=looking: h.done() or self._woken)
            if not looking.done():
                await end(looking)
            elif (summary := await answer_of(looking)) is not None:
                return summary


def _names(summary: CheckSummary) -> tuple[str, ...]:
    return tuple(check.name for check in summary.checks if check.state is CheckState.FAILURE)
