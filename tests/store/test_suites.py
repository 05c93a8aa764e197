"""Suites: one contract, every store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tamma.errors import StoreError
from tamma.model.agent import AgentId, AgentPin, ConfigHash, WorkContext
from tamma.model.bench import BenchArm, BenchId, BenchRecord, BenchRequest, BenchState
from tamma.model.suite import GraderWeights, HiddenTests, Rehearsal, Suite, SuiteHash, SuiteTask, TaskLimits
from tamma.suites.content import make_suite, ref_of
from tests.store.conftest import AnyStore

TASK = SuiteTask(
    "calc-1",
    repository="https://git.example/acme/calc",
    base_commit="d16bfe0",
    issue="# mean\r\n\tis \x00 wrong: \u2028 \U0001f9ee\n",
    hidden_tests=HiddenTests(patch="+x\n", files={"tests/a.py": "pass\n"}, fail_to_pass=("a", "b")),
    gold_patch="--- a\n",
    limits=TaskLimits(Decimal("0.25"), 7, 1.5),
)
REVIEW = SuiteTask("calc-2", issue="?", context=WorkContext.REVIEW, review_patch="x", review_approve=False)


def suite(name: str = "calc", count: int = 3, *, description: str = "") -> Suite:
    """A suite of the two tasks and some rehearsals."""
    more = [SuiteTask(f"r-{number}", rehearsal=Rehearsal(number / 4)) for number in range(count)]
    graders = GraderWeights(0.5, 0.25, 0.25)
    return make_suite(name, (TASK, REVIEW, *more), description=description, graders=graders)


async def test_a_suite_comes_back_as_it_was(store: AnyStore) -> None:
    given = suite(description="three kinds")
    assert await store.put_suite(given) == ref_of(given)
    assert await store.find_suite("calc") == given
    assert await store.find_suite("calc", given.hash) == given
    assert await store.read_task(given.hash, "calc-1") == TASK
    assert await store.read_graders(given.hash) == given.graders
    assert await store.list_tasks(given.hash) == tuple(task.id for task in given.tasks)
    assert await store.list_tasks(given.hash, after=1, limit=2) == ("calc-2", "r-0")
    assert await store.read_task(given.hash, "calc-2") == REVIEW
    assert await store.put_suite(given) == ref_of(given)
    assert await store.list_suites() == (ref_of(given),)


async def test_what_is_not_there_is_none(store: AnyStore) -> None:
    given = suite()
    await store.put_suite(given)
    assert await store.find_suite("other") is None
    assert await store.find_suite("calc", SuiteHash("sha256:" + "0" * 64)) is None
    assert await store.read_task(given.hash, "other") is None
    assert await store.read_graders(SuiteHash("sha256:" + "0" * 64)) is None
    assert await store.list_tasks(SuiteHash("sha256:" + "0" * 64)) == ()
    assert await store.read_task(SuiteHash("sha256:" + "0" * 64), "calc-1") is None


async def test_the_newest_of_a_name_is_what_the_name_means(store: AnyStore) -> None:
    old, new = suite(count=1), suite(count=2)
    for given in (old, new):
        await store.put_suite(given)
    assert await store.find_suite("calc") == new
    assert await store.find_suite("calc", old.hash) == old
    await store.put_suite(old)
    assert await store.find_suite("calc") == old
    assert await store.list_suites() == (ref_of(old),)


async def test_names_share_contents_and_are_listed_in_order(store: AnyStore) -> None:
    for name in ("b", "a", "B"):
        await store.put_suite(suite(name))
    assert [ref.name for ref in await store.list_suites()] == ["B", "a", "b"]
    assert len({ref.hash for ref in await store.list_suites()}) == 1


async def test_benchmarks_are_found_and_listed_newest_first(store: AnyStore) -> None:
    now = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    arms = (BenchArm("a@1", AgentPin(AgentId("i"), "a", 1, ConfigHash("h"))), BenchArm("other"))
    records = [
        BenchRecord(
            BenchRequest(BenchId(f"0{number}9-end{number}"), ref_of(suite()), arms, 2, Decimal("1.50")),
            BenchState.RUNNING,
            now + timedelta(seconds=number),
        )
        for number in range(3)
    ]
    for record in records:
        await store.save_bench(record)
    ended = replace(records[1], state=BenchState.COMPLETED, ended_at=now, reason="all \u2028 done")
    await store.save_bench(ended)
    assert await store.list_benches() == (records[2], ended, records[0])
    assert await store.list_benches(limit=1) == (records[2],)
    for name in ("019-end1", "019", "end1"):
        assert await store.find_bench(name) == ended
    for name in ("0", "", "none", "%"):
        assert await store.find_bench(name) is None


async def test_racing_puts_keep_one_content(store: AnyStore) -> None:
    given = suite(count=40)
    await asyncio.gather(*(store.put_suite(given) for _ in range(8)))
    assert await store.find_suite("calc") == given


async def test_what_cannot_be_stored_is_refused(store: AnyStore) -> None:
    with pytest.raises(StoreError, match="cannot be stored"):
        await store.put_suite(replace(suite(), name="ca\x00lc"))
