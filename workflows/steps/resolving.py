"""What a replay left to be solved: by the agent, until git agrees; then by a person."""

from __future__ import annotations

from activities.interface.catching_up import CHECK_REPLAY, CheckReplay, Replayed
from tamma.model.repository import MergeCategory
from tamma.model.session import Opening, Stage
from tamma.model.task import Gate, Phase, Waiting
from tamma.model.wording import fenced
from workflows.options import WORKSPACE_CALL
from workflows.steps.reviewing import Reviewing
from workflows.words import conflict_comment

LONGEST_REASON = 500


class Resolving(Reviewing):
    """Has conflicts solved, and publishes nothing before they are."""

    _doubtful: tuple[str, ...] = ()
    """Conflicts of whole files that the agent decided: a person looks at them before they are merged."""

    async def _settle(self) -> bool:
        """Have what a replay left solved, tested and looked at as a whole: then it may be published.

        False where a person wants the merge looked at again first: what is published is as it was.
        """
        replayed = self._replayed
        if replayed is None:
            return True
        opening = self._opening(replayed)
        strictly, number = opening is not None, 0
        while True:
            if opening is not None:
                number += 1
                await self._enter(Phase.IMPLEMENT)
                await self._session_stage(Stage.FIX, opening)
            problems = await self._problems(replayed, strictly=True) if strictly else ()
            if not problems:
                if strictly:
                    await self._workspace.set_up()  # what it needs may have been in conflict, too
                strictly = False
                await self._get_green()
                await self._get_publishable()
                problems = await self._problems(replayed, strictly=False)
            if not problems:
                break
            if number >= self._request.limits.rounds:
                if not await self._ask_about_conflict(problems):
                    return False
                opening, number = self._from_person(), 0
            else:
                opening = self._once_more(problems, number + 1)
        self._replayed, self._unsettled = None, False
        self._doubtful += replayed.whole
        return True

    def _opening(self, replayed: Replayed) -> Opening | None:
        if replayed.told is None:
            return None
        return Opening("resolve_conflicts", {"conflicts": replayed.told}, self._round(1))

    def _once_more(self, problems: tuple[str, ...], number: int) -> Opening:
        listed = "\n".join(f"- {problem}" for problem in problems)
        words = f"Git does not agree that this is solved:\n{fenced('output', listed)}"
        return Opening("resolve_conflicts", words={"conflicts": words, **self._round(number)})

    def _round(self, number: int) -> dict[str, str]:
        rounds = self._request.limits.rounds
        return {"base": self._issue.base_branch, "round": str(number), "rounds": str(rounds)}

    async def _problems(self, replayed: Replayed, *, strictly: bool) -> tuple[str, ...]:
        assert replayed.expected is not None
        given = CheckReplay(self._workspace.ref.id, replayed.expected, strictly)
        checked = await self._workspace.call(
            CHECK_REPLAY, given, WORKSPACE_CALL, summary="ask git whether the conflicts are solved"
        )
        return checked.problems

    async def _ask_about_conflict(self, problems: tuple[str, ...]) -> bool:
        """Call a person. False where the agent is not told more: then the merge is looked at again."""
        base, rounds = self._issue.base_branch, self._request.limits.rounds
        await self._enter(Phase.APPROVE_MERGE)
        await self._put_back()
        if self._state.pull_request:
            await self._call_people(conflict_comment(base, problems, rounds))
        reason = (
            f"the branch conflicts with {base!r}, and is not solved after {rounds} attempts: "
            f"{'; '.join(problems)[:LONGEST_REASON]}"
        )
        hint = '`tamma steer TASK "..."` says how, `tamma approve TASK` begins anew, or merge it yourself'
        ends = (MergeCategory.READY, MergeCategory.TERMINAL)
        await self._wait_at_merge(Waiting(Gate.MERGE, reason, hint), *ends, reviews=False)
        return bool(self._state.words)
