"""One plugin for clients, workers, replayers and tests, so that all are configured alike."""

from __future__ import annotations

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from tamma.temporal.sturdy import SturdyMessages

PASSED_THROUGH = ("tamma", "activities", "workflows.options", "annotated_types", "pydantic", "pydantic_core")
"""Modules that workflow code shares with the process: plain data and pure functions, nothing to isolate."""


def tamma_plugin() -> SimplePlugin:
    """The data converter, the sandbox's rules, and the guard against messages that do not fit.

    Payloads are pydantic's JSON, so the dataclasses of `tamma.model` travel as they are.
    """
    return SimplePlugin(
        "tamma", data_converter=_converter, workflow_runner=_runner, interceptors=[SturdyMessages()]
    )


def _converter(given: DataConverter | None) -> DataConverter:
    # A converter that the caller chose (with a payload codec, say) goes before.
    if given is None or given is DataConverter.default:
        return pydantic_data_converter
    return given


def _runner(given: WorkflowRunner | None) -> WorkflowRunner:
    if given is not None and not isinstance(given, SandboxedWorkflowRunner):
        return given
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)
