"""Rehearsed trials: one activity, the same outcome every time, recorded with their cell."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowFailureError

from tamma.model.agent import AgentConfig, AgentId, AgentPin
from tamma.model.ids import new_task_id, uuid7
from tamma.model.metrics import Cell, RunKind
from tamma.model.suite import SuiteRef
from tamma.model.task import TASK_QUEUE
from tamma.model.trial import TRIAL_WORKFLOW, TrialRequest, TrialResult, trial_id
from tamma.providers.interface import ProviderSettings
from tamma.store.memory import MemoryStore
from tamma.suites.content import ref_of
from tamma.suites.rehearsal import rehearsal_suite
from tests.support.loop import running_loop

ACTOR = ProviderSettings(
    "actor", "scripted", options={"rehearsal": {"success": 0.6, "costUsd": 0.2, "seconds": 30}}
)


async def rehearsal_store() -> tuple[MemoryStore, AgentPin]:
    """A store that knows the scripted agent."""
    store = MemoryStore()
    version = await store.create_agent(
        AgentId(uuid7()), "actor", AgentConfig("actor"), author="tests", reason="to rehearse"
    )
    return store, AgentPin(version.agent_id, "actor", version.number, version.hash)


async def test_a_rehearsal_is_drawn_and_recorded(client: Client, tmp_path: Path) -> None:
    store, pin = await rehearsal_store()
    suite = rehearsal_suite("rehearsal", 20)
    await store.put_suite(suite)
    test = uuid7()
    cells = [Cell(test, "control", task.id) for task in suite.tasks]
    async with running_loop(client, tmp_path, store=store, accounts=(ACTOR,)):
        first = await asyncio.gather(*(_run(client, cell, ref_of(suite), pin) for cell in cells))
        again = await asyncio.gather(
            *(_run(client, Cell(test + "-2", "control", cell.unit), ref_of(suite), pin) for cell in cells)
        )
    assert [(one.success, one.cost_usd, one.quality) for one in first] == [
        (one.success, one.cost_usd, one.quality) for one in again
    ]
    assert {one.success for one in first} == {True, False}
    recorded = [run for one in first if (run := await store.read_run(one.run_id))]
    assert [run.cell for run in recorded] == cells
    assert len(await store.cell_runs(test)) == 20
    assert all(run.kind is RunKind.REPLAY and run.agent == pin for run in recorded)
    assert {run.served_models for run in recorded} == {("scripted:actor",)}
    assert [bool(run.error_type) for run in recorded] == [not one.success for one in first]


async def test_a_rehearsal_of_an_unknown_task_fails_with_words(client: Client, tmp_path: Path) -> None:
    store, pin = await rehearsal_store()
    suite = rehearsal_suite("rehearsal", 1)
    await store.put_suite(suite)
    async with running_loop(client, tmp_path, store=store, accounts=(ACTOR,)):
        with pytest.raises(WorkflowFailureError) as caught:
            await _run(client, Cell(uuid7(), "control", "nobody"), ref_of(suite), pin)
    assert "has no task 'nobody'" in str(caught.value.cause.__cause__)


async def _run(client: Client, cell: Cell, suite: SuiteRef, pin: AgentPin) -> TrialResult:
    request = TrialRequest(new_task_id(), RunKind.REPLAY, cell, suite, pin, seed=7)
    return await client.execute_workflow(
        TRIAL_WORKFLOW, request, id=trial_id(cell), task_queue=TASK_QUEUE, result_type=TrialResult
    )
