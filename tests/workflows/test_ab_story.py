"""A whole A/B test of 200 tasks: agents of known rates, a winner, an approval, a bad month, the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from tamma.experiments import bundle
from tamma.experiments.outcomes import outcome_of
from tamma.model.ab_run import ABAnswer
from tamma.model.agent import AgentConfig
from tamma.model.experiment import ABTestId, Arm, Assignment, Canary, Outcome
from tamma.model.ids import BlobId
from tamma.model.metrics import Cell
from tamma.model.trial import trial_id
from tamma.model.verdict import ABTestState, Decision, Reason
from tests.support.experiments import add_runs, lab, production_run
from tests.support.histories import replayer
from tests.support.skipping import skipping_time
from workflows.ab_test import ABTest

TASKS, SEED = 200, 11
"""The suite's difficulties make of the declared 45 and 70 % true rates of 46 and 66 %. This seed is no lucky
one: it shows about half of that difference, less than almost all others, and has to be enough. Whether
intervals cover the truth is a question to many seeds, which the simulations ask."""
BASELINE = [number % 20 < 9 for number in range(200)]
"""Earlier production runs of the control: 90 of 200 succeeded."""


@pytest.mark.slow
async def test_a_winner_of_200_tasks_is_approved_after_days_applied_and_rolled_back(tmp_path: Path) -> None:
    async with (
        skipping_time() as env,
        lab(env.client, tmp_path, tasks=TASKS, control=0.45, candidate=0.7) as it,
    ):
        handle = await it.start(it.plan(seed=SEED, canary=Canary(runs=200, margin=0.05)))
        seen = await it.until(handle, lambda view: view.state is ABTestState.AWAITING_APPROVAL, 240)
        assert seen.verdict is not None
        assert (seen.verdict.decision, seen.units_planned) == (Decision.WINNER, TASKS)
        assert seen.effect is not None
        assert seen.effect.low is not None
        assert seen.effect.low > 0
        order = await it.store.read_assignments(ABTestId(seen.test_id))
        outcomes = [outcome_of(run) for run in await it.store.cell_runs(ABTestId(seen.test_id))]
        assert seen.effect.estimate == pytest.approx(difference(order[: seen.looks[-1].units], outcomes))

        await env.sleep(timedelta(days=3, hours=1))
        await add_runs(it.store, it.control, BASELINE, at=await env.get_current_time())
        await handle.signal("approve", ABAnswer("alice", "looks right"))
        seen = await it.until(handle, lambda view: view.state is ABTestState.CANARY)
        assert seen.approver is not None
        assert (seen.approver.name, seen.approver.text, seen.approver.authenticated) == (
            "alice",
            "looks right",
            False,
        )
        agent = await it.store.find_agent("plain")
        assert agent is not None
        applied = await it.store.read_version(agent.agent_id, 2)
        assert applied is not None
        assert (agent.active, applied.config, applied.hash) == (2, AgentConfig("bold"), it.candidate.hash)
        assert "drill" in applied.reason
        assert "by signal, not authenticated" in applied.reason

        # What the test promised does not come true: one run in ten of the new version succeeds.
        pin = replace(it.control, version=2, hash=it.candidate.hash)
        now = await env.get_current_time()
        for number in range(100):
            ended = now + timedelta(seconds=number)
            await it.store.record_run(production_run(pin, ended, number % 10 == 0))
        result = await handle.result()
        agent = await it.store.find_agent("plain")
        assert agent is not None
        assert agent.active == 1
        assert (result.state, result.applied_version, result.rolled_back_to) == (
            ABTestState.ROLLED_BACK,
            2,
            1,
        )
        assert "worse by" in result.note
        assert (result.winner, result.statistical_significance) == ("agentB", True)
        assert result.verdict is not None
        assert Reason.PRIMARY_WIN in result.verdict.reasons
        assert await it.store.read_result(result.test_id) == result

        assert len(await it.events("abtest.reminder")) == 3
        assert [(event["by"], event["how"]) for event in await it.events("abtest.approved")] == [
            ("alice", "by signal, not authenticated")
        ]
        (rolled_back,) = await it.events("abtest.rolled_back")
        assert (rolled_back["version"], rolled_back["back_to"]) == ("2", "1")
        (completed,) = await it.events("abtest.completed")
        assert (completed["state"], completed["winner"]) == ("rolled-back", "agentB")
        assert completed["archive"] == result.archive

        kept = bundle.from_bytes(await it.store.get_blob(BlobId(result.archive)))
        assert kept.result == replace(result, archive="")
        assert (kept.plan.seed, len(kept.assignments)) == (SEED, TASKS)
        again = list(bundle.analyse_again(kept))
        assert [each.look for each in again] == list(kept.looks)
        assert again[-1].verdict == result.verdict

        history = await handle.fetch_history()
        await replayer([ABTest]).replay_workflow(history)
        drawn = [
            trial_id(Cell(result.test_id, arm.value, each.unit, 0))
            for each in kept.assignments
            for arm in each.arms
        ]
        begun = trials_begun(history)
        assert len(begun) >= 2 * result.units > 0
        assert begun == drawn[: len(begun)], (
            "the trials began in the order that was drawn before anything ran"
        )


def difference(units: Sequence[Assignment], outcomes: Sequence[Outcome]) -> float:
    """Of the arms' rates of success on these tasks, counted by hand."""
    names = {each.unit for each in units}
    signs = {Arm.CANDIDATE: 1, Arm.CONTROL: -1}
    return sum(signs[each.arm] * each.success for each in outcomes if each.unit in names) / len(names)


def trials_begun(history: WorkflowHistory) -> list[str]:
    """Ids of the child workflows, in the order in which they were begun."""
    return [
        event.start_child_workflow_execution_initiated_event_attributes.workflow_id
        for event in history.events
        if event.HasField("start_child_workflow_execution_initiated_event_attributes")
    ]
