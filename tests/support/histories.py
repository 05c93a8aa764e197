"""Histories of real runs: replayed by whoever made them, and kept where that is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tamma.temporal.plugin import tamma_plugin

KEEP_HISTORIES = "TAMMA_TEST_HISTORIES"
"""Names the folder, if any, for the histories of completed runs; scripts/record_histories.py sets it."""


def replayer(workflows: Sequence[type]) -> Replayer:
    """Replays as a worker would, but without the limit of two seconds for a step of a workflow: a busy
    machine may not run a thread for as long. A worker would be given the step again; a replay ends."""
    return Replayer(workflows=workflows, plugins=[tamma_plugin()], debug_mode=True)


async def replay_and_keep(histories: Mapping[str, WorkflowHistory], workflows: Sequence[type]) -> None:
    """Raises where a history does not fit the code."""
    judge = replayer(workflows)
    for history in histories.values():
        await judge.replay_workflow(history)
    if folder := os.environ.get(KEEP_HISTORIES):
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].split(" ")[0]
        for name, history in histories.items():
            (Path(folder) / f"{test}.{name}.json").write_text(history.to_json())
