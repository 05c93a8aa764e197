"""Ten and fifty runs on one worker: all end, none sees another, memory stays, a storm of 429 is weathered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tamma.model.task import TaskStatus
from tests.support.crowd import KEYS, LIMITS, Crowd, crowd
from tests.support.crowd_model import FORMS, CrowdModel
from tests.support.loop import git
from tests.support.postgres import Server
from tests.support.processes import Temporal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

MOST_MB = 512.0
"""Resident memory of the worker, however many runs it has."""
PAUSE = 8.0
ON_THE_WAY = 3.0
"""Seconds after the first refusal within which requests may still come that began before it was heard. On a
busy machine: between asking for leave to call and the call's arrival lies a connection."""


async def check(it: Crowd) -> None:
    """All changes are merged, and no run has seen another one's word."""
    for call in it.model.calls:
        assert len(call.words) == 1, f"a request speaks of several runs: {call}"
    transcripts = await it.words_in_transcripts()
    for run in it.runs:
        assert git(run.remote, "show", "main:answer.txt") == run.word
        assert it.words_merged(run) == {run.word}
        assert it.words_on_the_forge(run) == {run.word}
        assert transcripts[run.word] == {run.word}
    assert it.left_in_workspaces() == set()
    assert it.memory.worker < MOST_MB
    told = f"{len(it.runs)} runs: worker {it.memory.worker:.0f} MB, children {it.memory.children:.0f} MB"
    print(told)  # -s shows it


async def test_ten_runs_on_a_worker_with_two_hands(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    """They queue for longer than a lost host is waited for, and that is no reason to think it lost."""
    async with crowd(tmp_path, temporal, postgres_server, 10, CrowdModel(), maxConcurrentTasks=1) as it:
        results = await it.all_end(600, replace(LIMITS, worker_lost_after=1))
        assert {result.status for result in results} == {TaskStatus.COMPLETED}
        await check(it)


@pytest.mark.long
async def test_fifty_runs_in_a_storm_of_429(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    model = CrowdModel(storms=len(FORMS), calm=30, seconds=PAUSE)
    async with crowd(
        tmp_path, temporal, postgres_server, 50, model, maxConcurrentTasks=12, maxModelCalls=50
    ) as it:
        results = await it.all_end(1200, replace(LIMITS, worker_lost_after=60))
        assert {result.status for result in results} == {TaskStatus.COMPLETED}
        await check(it)
        assert len(model.storms) == len(KEYS)
        for storms in model.storms.values():
            assert {storm.form for storm in storms} == set(FORMS)
            for storm in storms:
                late = [after for after in storm.early if after > ON_THE_WAY]
                assert not late, f"{storm.form}: asked before {storm.until - storm.began:.1f} s were over"
                told = f"{storm.form}: {storm.until - storm.began:.1f} s, {len(storm.early)} on the way"
                print(f"{told}, the last after {max(storm.early, default=0):.2f} s")  # -s shows it
        # What one run has learnt holds back all of its key: each storm costs a call of few.
        refused = sum(call.status == 429 for call in model.calls)
        print(f"{len(model.calls)} requests, {refused} refused")
