"""Suites to JSON and back, for the store and for the content hash.

The JSON is the storage format: fields may be added with defaults, never renamed or removed. Fields that have
their default are left out, so that a field that is added later does not change the hash of what is stored.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import TypeAdapter

from tamma.model.bench import BenchRecord
from tamma.model.suite import GraderWeights, Suite, SuiteTask


@cache
def _task() -> TypeAdapter[SuiteTask]:
    from pydantic import TypeAdapter

    return TypeAdapter(SuiteTask)


@cache
def _graders() -> TypeAdapter[GraderWeights]:
    from pydantic import TypeAdapter

    return TypeAdapter(GraderWeights)


def task_to_json(task: SuiteTask) -> str:
    """One task as canonical JSON: keys sorted, no spaces, defaults left out."""
    return _canonical(_task().dump_python(task, mode="json", exclude_defaults=True))


def task_from_json(text: str | bytes) -> SuiteTask:
    """The inverse of `task_to_json`. Raises pydantic's ValidationError on anything else."""
    return _task().validate_json(text)


def graders_to_json(graders: GraderWeights) -> str:
    """How a suite is graded, as canonical JSON."""
    return _canonical(_graders().dump_python(graders, mode="json", exclude_defaults=True))


def graders_from_json(text: str | bytes) -> GraderWeights:
    """The inverse of `graders_to_json`."""
    return _graders().validate_json(text)


@cache
def _bench() -> TypeAdapter[BenchRecord]:
    from pydantic import TypeAdapter

    return TypeAdapter(BenchRecord)


def bench_to_json(record: BenchRecord) -> str:
    """What is kept of a benchmark, as JSON."""
    return _bench().dump_json(record).decode()


def bench_from_json(text: str | bytes) -> BenchRecord:
    """The inverse of `bench_to_json`."""
    return _bench().validate_json(text)


def suite_json(suite: Suite) -> str:
    """What a suite's hash covers: its tasks in their order, and how they are graded."""
    tasks = ",".join(task_to_json(task) for task in suite.tasks)
    return f'{{"graders":{graders_to_json(suite.graders)},"tasks":[{tasks}]}}'


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
