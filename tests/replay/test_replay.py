"""Runs that began under an older version go on under this one: recorded histories fit the current code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.workflow import NondeterminismError

from tests.support.histories import replayer
from workflows.ab_test import ABTest
from workflows.agent_session import AgentSession
from workflows.autonomous_dev import AutonomousDev
from workflows.bench_run import BenchRun
from workflows.issue_selection import IssueSelection, SelectionTick
from workflows.kept_check import KeptCheck
from workflows.performance_analysis import PerformanceAnalysis
from workflows.trial import Trial

FOLDER = Path(__file__).parent / "histories"
FILES = sorted(FOLDER.glob("*.json"))
WORKFLOWS = (
    AutonomousDev,
    AgentSession,
    ABTest,
    Trial,
    BenchRun,
    IssueSelection,
    SelectionTick,
    PerformanceAnalysis,
    KeptCheck,
)
ADVICE = (
    "{} no longer replays: runs that are under way would get stuck. Guard the change by workflow.patched(), "
    "or, where this workflow was never released, renew the histories: scripts/record_histories.py"
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_history_fits(file: Path) -> None:
    try:
        await replay(read(file))
    except Exception as error:
        raise AssertionError(f"{ADVICE.format(file.name)}\n{error}") from error


async def test_a_history_that_does_not_fit_is_noticed() -> None:
    history = read(FOLDER / "killed-run.json")
    scheduled = next(events_with(history, "activityTaskScheduledEventAttributes"))
    scheduled["activityType"]["name"] = "another_activity"
    with pytest.raises(NondeterminismError):
        await replay(history)


def test_every_workflow_has_a_history() -> None:
    recorded = {
        started["workflowType"]["name"]
        for file in FILES
        for started in events_with(read(file), "workflowExecutionStartedEventAttributes")
    }
    assert recorded == {each.__name__ for each in WORKFLOWS}


def test_the_histories_tell_of_trouble_and_of_people() -> None:
    histories = [read(file) for file in FILES]
    attempts = {
        started.get("attempt", 1)
        for history in histories
        for started in events_with(history, "activityTaskStartedEventAttributes")
    }
    signals = {
        signalled["signalName"]
        for history in histories
        for signalled in events_with(history, "workflowExecutionSignaledEventAttributes")
    }
    assert max(attempts) > 1
    assert {"approve", "steer", "message"} <= signals


def test_runs_from_before_and_after_they_were_measured_are_among_them() -> None:
    kinds = {
        file.stem: {
            scheduled["activityType"]["name"]
            for scheduled in events_with(read(file), "activityTaskScheduledEventAttributes")
        }
        for file in FILES
    }
    measured = {name for name, activities in kinds.items() if "record_run" in activities}
    assert measured == {"measured-killed-run", "measured-steered-run", "told-run", "comments-run"}
    listened = {name for name, activities in kinds.items() if "await_commands" in activities}
    assert listened == {"comments-run"}


def read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


async def replay(history: dict[str, Any]) -> None:
    identity = next(events_with(history, "workflowExecutionStartedEventAttributes"))
    await replayer(WORKFLOWS).replay_workflow(
        WorkflowHistory.from_json(identity.get("workflowId", "recorded"), json.dumps(history))
    )


def events_with(history: dict[str, Any], attributes: str) -> Iterator[dict[str, Any]]:
    """The attributes of all events of a kind."""
    return (event[attributes] for event in history["events"] if attributes in event)
