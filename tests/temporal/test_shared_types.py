"""What is known of the types that workflows exchange is shared by the whole process."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NewType, get_args, get_type_hints

import pytest
from pydantic_core import CoreSchema, core_schema
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter

from tamma.temporal.plugin import PASSED_THROUGH, data_converter
from workflows.ab_test import ABTest
from workflows.agent_session import AgentSession
from workflows.autonomous_dev import AutonomousDev
from workflows.bench_run import BenchRun
from workflows.issue_selection import IssueSelection, SelectionTick
from workflows.kept_check import KeptCheck
from workflows.performance_analysis import PerformanceAnalysis
from workflows.trial import Trial

WORKFLOWS = (
    *(AutonomousDev, AgentSession, Trial, ABTest, BenchRun, KeptCheck, PerformanceAnalysis, IssueSelection),
    SelectionTick,
)
MARKS = {"__temporal_workflow_run", "__temporal_signal_definition", "__temporal_query_definition", "_defn"}


class Counted:
    """Says how often pydantic asks how it is read."""

    asked = 0

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        cls.asked += 1
        return core_schema.no_info_plain_validator_function(lambda _: cls())


def test_how_a_type_is_read_is_found_out_once_for_all_workflows() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b"{}")
    for _ in range(3):  # as the SDK makes a converter for every workflow
        made = DataConverter(payload_converter_class=data_converter.payload_converter_class)
        (read,) = made.payload_converter.from_payloads([payload], [Counted])
        assert isinstance(read, Counted)
    assert Counted.asked == 1


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda found: found.__name__)
def test_what_a_workflow_is_given_is_not_a_class_of_its_sandbox(workflow: type) -> None:
    # Such a class is another one in every workflow: whatever remembers it keeps that workflow's modules.
    classes = set(given_to(workflow))
    shared = (*PASSED_THROUGH, "builtins", "datetime", "decimal", "collections", "types")
    assert {found for found in classes if found.__module__.partition(".")[0] not in shared} == set()


def test_there_is_something_to_look_at() -> None:
    assert {"DevRequest", "Approval", "Steer"} <= {found.__name__ for found in given_to(AutonomousDev)}


def given_to(workflow: type) -> Iterator[type]:
    """The classes among the arguments of its handlers."""
    for _, method in inspect.getmembers(workflow, inspect.isfunction):
        if MARKS & set(dir(method)):
            hints = get_type_hints(method)
            hints.pop("return", None)
            for hint in hints.values():
                yield from _classes(hint)


def _classes(hint: Any) -> Iterator[type]:
    if isinstance(hint, NewType):
        hint = hint.__supertype__
    if isinstance(hint, type):
        yield hint
    for argument in get_args(hint):
        yield from _classes(argument)
