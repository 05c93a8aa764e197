"""Trials for tests: scripted agents, tasks on a real repository, and the cells that they fill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from temporalio.client import WorkflowHandle

from tamma.model.agent import AgentConfig, AgentId, AgentPin, WorkContext
from tamma.model.ids import new_task_id, uuid7
from tamma.model.metrics import Cell, RunKind, RunMetrics
from tamma.model.suite import GraderWeights, HiddenTests, Suite, SuiteTask, TaskLimits
from tamma.model.task import TASK_QUEUE
from tamma.model.trial import TRIAL_WORKFLOW, TrialRequest, TrialResult, trial_id
from tamma.providers.interface import ProviderSettings
from tamma.store.interface import Store
from tamma.suites.content import make_suite, ref_of
from tests.support.loop import FIX_TURNS, RED_COMMAND, Loop, call, git, script, turn

HIDDEN = (
    "import unittest\n\nfrom calc import mean\n\n\n"
    "class HiddenTest(unittest.TestCase):\n"
    "    def test_two(self):\n        self.assertEqual(mean([2, 4]), 3)\n\n"
    "    def test_none(self):\n        self.assertEqual(mean([0]), 0)\n"
)
GOLD = """\
diff --git a/calc.py b/calc.py
--- a/calc.py
+++ b/calc.py
@@ -1,2 +1,2 @@
 def mean(values):
-    return sum(values) / (len(values) + 1)
+    return sum(values) / len(values)
"""
WRONG = GOLD.replace("/ len(values)", "* len(values)")
CHEAT_TURNS = [
    # Passes the agent's own test and nothing else.
    turn(
        call(
            "str_replace",
            path="calc.py",
            old="sum(values) / (len(values) + 1)",
            new="3 if sum(values) else 0",
        )
    ),
    turn(call("finish", summary="mean() gives what the issue says")),
]


def actor(name: str, **lanes: list[dict[str, Any]]) -> ProviderSettings:
    """A provider entry that plays the happy way, but for the lanes given."""
    return ProviderSettings(name, "scripted", options=dict(script(**lanes)))


async def stored_agent(store: Store, provider: str) -> AgentPin:
    """A stored agent that works with the provider entry of its name."""
    if found := await store.find_agent(provider):
        made = await store.read_version(found.agent_id, found.latest)
        assert made is not None
        return AgentPin(made.agent_id, provider, made.number, made.hash)
    made = await store.create_agent(
        AgentId(uuid7()), provider, AgentConfig(provider), author="tests", reason="to be tried"
    )
    return AgentPin(made.agent_id, provider, made.number, made.hash)


def tasks_on(loop: Loop) -> tuple[SuiteTask, ...]:
    """One task of each context, on the loop's repository."""
    base = git(loop.remote, "rev-parse", "main")
    solve = SuiteTask(
        "mean",
        repository=str(loop.remote),
        base_commit=base,
        title="mean() is too small",
        issue="`mean([2, 4])` gives 2.0, it should be 3.0.",
        hidden_tests=HiddenTests(
            files={"tests/test_hidden.py": HIDDEN},
            command="python3 -m unittest tests.test_hidden",
            fail_to_pass=("test_two",),
            pass_to_pass=("test_none",),
        ),
        gold_patch=GOLD,
        limits=TaskLimits(minutes=2),
    )
    review = SuiteTask(
        "judge", issue=solve.issue, context=WorkContext.REVIEW, review_patch=WRONG, review_approve=False
    )
    return (solve, replace(solve, id="red", context=WorkContext.TESTING, hidden_tests=HiddenTests()), review)


@dataclass
class Bench:
    """A suite in the store, and trials on it."""

    loop: Loop
    suite: Suite

    @classmethod
    async def of(cls, loop: Loop, *more: SuiteTask, graders: GraderWeights | None = None) -> Bench:
        suite = make_suite("trials", (*tasks_on(loop), *more), graders=graders)
        await loop.parts.store.put_suite(suite)
        return cls(loop, suite)

    async def begin(self, unit: str, agent: str, **changes: Any) -> WorkflowHandle[Any, TrialResult]:
        """Start a trial."""
        pin = await stored_agent(self.loop.parts.store, agent)
        cell = Cell(uuid7(), "control", unit)
        request = TrialRequest(new_task_id(), RunKind.BENCH, cell, ref_of(self.suite), pin)
        handle = await self.loop.client.start_workflow(
            TRIAL_WORKFLOW,
            replace(request, **changes),
            id=trial_id(cell),
            task_queue=TASK_QUEUE,
            result_type=TrialResult,
        )
        self.loop.handles.append(handle)  # pyright: ignore[reportArgumentType] - ended like a run
        return handle

    async def run(self, unit: str, agent: str, **changes: Any) -> tuple[TrialResult, RunMetrics]:
        """A trial's result, and what was kept of it."""
        result = await (await self.begin(unit, agent, **changes)).result()
        kept = await self.loop.parts.store.read_run(result.run_id)
        assert kept is not None
        return result, kept


NEVER_RED = [turn(call("finish", summary="none", no_test_reason="there is nothing to test"))]
SLOW = [turn(call("bash", command="sleep 60", timeout=90))]
REFUSE = {"text": '{"verdict": "request_changes", "summary": "it multiplies", "comments": ["divide"]}'}
__all__ = ["CHEAT_TURNS", "FIX_TURNS", "NEVER_RED", "RED_COMMAND", "REFUSE", "SLOW", "Bench", "actor"]
