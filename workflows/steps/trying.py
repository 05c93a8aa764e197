"""Best of several: tries at the change side by side, judged by the gates and then by a review.

All begin where the failing test stands, with the same work and the same conversation. The best one's
workspace and conversation become the run's; of the others their diffs are kept. Where the budget bears a
single try only, or an earlier run has begun one, the change is made as it always is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from temporalio.exceptions import FailureError

from activities.interface import CHECKPOINT, WorkspaceOnly
from activities.interface.tries import CHOOSE_TRY, SHARE_TRANSCRIPT, ChooseTry, ShareTranscript
from tamma.agents import best
from tamma.agents.findings import open_ones
from tamma.model.ids import BlobId, SessionId
from tamma.model.session import Opening, SessionEnd, Stage
from tamma.model.task import AI_QUEUE, Gate
from tamma.model.tries import TRIES_JUDGED, TryOutcome, short, tries_data, try_session, try_workspace
from workflows.calls import call
from workflows.cancelling import handled
from workflows.options import MODEL_CALL, STORE_CALL, WORKSPACE_CALL
from workflows.patience import Rejected
from workflows.steps.attempts import Attempts
from workflows.steps.race import Attempt, Race, Seen, unheard
from workflows.workspace_link import WorkspaceLink


class Trying(Attempts):
    """Makes the change several times, and takes the best."""

    async def _implement(self, opening: Opening) -> None:
        wanted = self._request.best_of
        if wanted < 2 or self._stage_begun_before():
            await super()._implement(opening)
            return
        shares = self._shares()
        if shares.number < wanted:
            self._state.note(best.fewer(wanted, shares.number))
        taken = await self._best_of(opening, shares) if shares.number > 1 else None
        if taken is None:
            await super()._implement(opening)
        elif not taken.green:
            await self._get_green()

    def _stage_begun_before(self) -> bool:
        """Whether the agent was at this stage already, in the run that this one goes on from."""
        return False

    def _shares(self) -> best.Shares:
        state, limits = self._state, self._request.limits
        tested = sum((step.cost_usd for step in state.steps if step.step == Stage.RED_TEST.step), Decimal(0))
        left = limits.budget_usd - state.spend.cost_usd
        return best.shares(self._request.best_of, left, limits.max_turns - state.spend.turns, tested)

    async def _best_of(self, opening: Opening, shares: best.Shares) -> TryOutcome | None:
        """What became of the try that was taken. None where none could begin: nothing was done then."""
        await self._hold()
        state = self._state
        words, state.words = tuple(state.words), []
        race = Race(opening, shares, state.next_seq, words, attempts=[self._attempt(1, self._workspace)])
        state.stage, state.opening, state.since = Stage.IMPLEMENT, opening, state.next_seq
        self._unpublished = True
        try:
            await self._prepare_all(race)
            await self._run_side_by_side(race)
            await self._account_for_all(race)
            if self._rejected(race):
                taken = None
            else:
                await self._judge_all(race)
                taken = await self._choose(race)
        except (asyncio.CancelledError, Rejected, FailureError):
            # Somebody ends it: nothing that was paid for is lost, and the best of it stays.
            handled()
            await self._leave_best(race)
            raise
        await self._go_on_with(race, taken)
        return taken.outcome if taken is not None else None

    # --- before -----------------------------------------------------------------------------------

    def _attempt(self, number: int, link: WorkspaceLink) -> Attempt:
        request = self._request
        agent = best.agent_of(number, request.agent, request.best_with)
        hint = best.hint_of(number, 1 + len(request.best_with))
        return Attempt(number, agent, hint, try_session(request.task_id, number), link)

    async def _prepare_all(self, race: Race) -> None:
        """A workspace for each but the first, which has the run's own; and the conversation until here."""
        own = self._workspace
        stored = await own.call(CHECKPOINT, WorkspaceOnly(own.ref.id), WORKSPACE_CALL, summary="before tries")
        own.checkpointed(stored.blob)
        race.checkpoint, race.diff = stored.blob, (await self._collect_diff()).blob
        for number in range(2, race.shares.number + 1):
            link = self._link_of(number, stored.blob)
            race.attempts.append(self._attempt(number, link))
            await link.prepare()
            await link.set_up()
        if race.begins_at and self._state.session_id is not None:
            given = ShareTranscript(
                self._state.session_id,
                race.begins_at,
                tuple(attempt.session_id for attempt in race.attempts),
            )
            await call(SHARE_TRANSCRIPT, given, STORE_CALL, summary="the conversation that all begin with")

    def _link_of(self, number: int, checkpoint: BlobId) -> WorkspaceLink:
        order = replace(self._try_order(try_workspace(self._request.task_id, number)), checkpoint=checkpoint)
        return WorkspaceLink(order, self._patience, lost_after=self._request.limits.worker_lost_after)

    # --- after ------------------------------------------------------------------------------------

    def _rejected(self, race: Race) -> bool:
        """Whether no try could begin, for want of a provider say: the run asks about that as it always does.

        Raises Rejected where a person ended them.
        """
        for result in (attempt.result for attempt in race.attempts):
            if result is not None and result.end is SessionEnd.REJECTED and result.gate is Gate.PAUSED:
                raise Rejected(result.finished.summary, result.gate)
        if any(each.result is None or each.result.next_seq > race.begins_at for each in race.attempts):
            return False
        self._state.note(f"no try could begin: {race.attempts[0].why_ended}")
        self._state.words = [*race.steered, *self._state.words]
        return True

    async def _judge_all(self, race: Race) -> None:
        for attempt in race.attempts:
            self._link = attempt.link
            attempt.seen, attempt.outcome = await self._judge(race, attempt)

    async def _judge(self, race: Race, attempt: Attempt) -> tuple[Seen, TryOutcome]:
        """Ask the commands and the diff policy about the work in one of the workspaces. What was there
        before the tries, as the failing test, is no work of theirs."""
        state, agreed = self._state, self._state.agreed
        state.tests, state.green, state.gates = None, None, {}
        diff = await self._collect_diff()
        changed = diff.files_total if diff.blob != race.diff else 0
        red = await self._red_tests() or await self._red_gate() if changed else None
        result = attempt.result
        outcome = TryOutcome(
            attempt.number,
            attempt.agent.label,
            attempt.session_id,
            end=attempt.why_ended,
            red=red.run.test.command if red else "",
            passed=self._passed(red.run.test.command) if red else 0,
            refused=(*diff.refused, *open_ones(diff.weakened, agreed)),
            asks=len(open_ones((*diff.runs, *diff.wanted, *diff.questions), agreed)),
            diff=diff.blob,
            files=changed,
            added=diff.added,
            removed=diff.removed,
            cost_usd=result.spend.cost_usd if result else Decimal(0),
            turns=result.spend.turns if result else 0,
        )
        return Seen(state.tests, state.green, state.gates, diff), short(outcome)

    def _passed(self, command: str) -> int:
        """How many commands come before the one that blocks."""
        red_test, gates = self._state.red_test, [gate.command for gate in self._project.gates]
        commands = [*((red_test.command,) if red_test else ()), self._state.test_command, *gates]
        return commands.index(command) if command in commands else 0

    async def _choose(self, race: Race) -> Attempt:
        """The best try, noted and recorded with what became of the others."""
        state = self._state
        outcomes = [attempt.outcome for attempt in race.attempts if attempt.outcome is not None]
        lead = best.leading(outcomes)
        if not lead:
            taken = best.best_red(outcomes)
            why = best.told(taken)
        elif len(lead) == 1:
            taken, why = lead[0], best.why_alone(outcomes)
        else:
            taken, why = await self._ask_which(lead)
        state.tries = tuple(replace(each, chosen=each.number == taken.number) for each in outcomes)
        state.note(best.verdict(outcomes, taken, why))
        attempt = race.attempts[taken.number - 1]
        self._adopt(race, attempt)
        # Whoever goes on from here goes on with this one, and begins no tries again.
        state.stage, state.opening, state.solved = None, None, True
        await self._record(TRIES_JUDGED, **tries_data(state.tries, why))
        return attempt

    async def _ask_which(self, lead: tuple[TryOutcome, ...]) -> tuple[TryOutcome, str]:
        """Have the reviewer compare the diffs, without a name to any of them."""
        if not self._request.review:
            return best.smallest(lead), "the smallest of the green ones, as no review is wanted"
        await self._afford()
        assert self._state.plan is not None
        shown = best.blind_order(self._request.task_id, lead)
        given = ChooseTry(
            SessionId(f"{self._request.task_id}/choose"),
            self._request.agent,
            issue=self._issue.snapshot,
            plan=self._state.plan,
            diffs=tuple(each.diff for each in shown if each.diff is not None),
        )
        begun = self._begin()
        chosen = await self._patience.patiently(
            lambda: call(CHOOSE_TRY, given, MODEL_CALL, queue=AI_QUEUE, summary="compare the tries")
        )
        self._charge(chosen.spend)
        self._did("choose", begun, chosen.spend, chosen.use)
        self._state.note_stand_in(chosen.instead_of)
        if chosen.best is None:
            return best.smallest(lead), "the smallest of the green ones, as the review named none"
        return shown[chosen.best], chosen.why or "the review named it"

    # --- going on ---------------------------------------------------------------------------------

    def _adopt(self, race: Race, attempt: Attempt) -> None:
        """From here on its workspace, its conversation and its agent are the run's."""
        state, result, seen = self._state, attempt.result, attempt.seen
        self._link, self._adopted = attempt.link, attempt.link.ref.id
        state.words = [*unheard(race, attempt), *state.words]
        if attempt.begun is None:
            return
        race.taken = attempt
        if result is not None:
            state.session_id, state.next_seq = attempt.session_id, result.next_seq
        else:  # its transcript is cut
            self._sessions += 1
            state.session_id, state.next_seq = SessionId(f"{self._request.task_id}/agent-{self._sessions}"), 0
        state.worker = attempt.agent if attempt.agent.label != self._request.agent.label else None
        state.tests, state.green, state.gates = None, None, {}
        if seen is not None:
            state.tests, state.green, state.gates, state.diff = seen.tests, seen.green, seen.gates, seen.diff
        if attempt.finished and result is not None:
            state.summary = result.finished.summary

    async def _go_on_with(self, race: Race, taken: Attempt | None) -> None:
        if taken is None:
            # Its transcript is the run's own until here, and nothing more.
            self._state.stage = self._state.opening = None
            self._link = race.attempts[0].link
        await self._remove_others(race)

    async def _leave_best(self, race: Race) -> None:
        """Of what was made until somebody ended it."""
        await self._account_for_all(race)
        if race.taken is None:
            self._adopt(race, max(race.attempts, key=lambda each: _worth(race, each)))
        await self._remove_others(race)

    async def _remove_others(self, race: Race) -> None:
        for attempt in race.attempts:
            if attempt.link is not self._link:
                await self._let_go(attempt.link)


def _worth(race: Race, attempt: Attempt) -> tuple[bool, ...]:
    """Of tries that nobody has judged, or not all."""
    outcome, result = attempt.outcome, attempt.result
    changed = result is not None and result.workspace.checkpoint != race.checkpoint
    return outcome is not None and outcome.green, attempt.finished, changed
