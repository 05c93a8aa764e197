"""One plugin for clients, workers, replayers and tests, so that all are configured alike."""

from __future__ import annotations

import functools
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, DefaultPayloadConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from tamma.model.foreign import mended
from tamma.temporal.sturdy import SturdyMessages

PASSED_THROUGH = (
    *("tamma", "activities", "annotated_types", "pydantic", "pydantic_core"),
    *("workflows.options", "workflows.run_state", "workflows.measuring", "workflows.recovery"),
)
"""Modules that workflow code shares with the process: plain data and pure functions, nothing to isolate. Each
other module is executed anew for every workflow that starts, which costs most where it has dataclasses."""


def tamma_plugin() -> SimplePlugin:
    """The data converter, the sandbox's rules, and the guard against messages that do not fit.

    Payloads are pydantic's JSON, so the dataclasses of `tamma.model` travel as they are.
    """
    return SimplePlugin(
        "tamma", data_converter=_converter, workflow_runner=_runner, interceptors=[SturdyMessages()]
    )


class _Json(PydanticJSONPlainPayloadConverter):
    """Pydantic's JSON, also of text that UTF-8 cannot hold: a model wrote it, or a file is called so.
    Refusing it would stop the run at a call that was paid for, as often as it is tried."""

    def to_payload(self, value: Any) -> Payload | None:
        try:
            return super().to_payload(value)
        except PydanticSerializationError:
            return super().to_payload(mended(to_jsonable_python(value)))


@functools.cache
def _shared() -> _Json:
    """One for the process: each knows the types that it has read, and the SDK makes converters for every
    workflow and for every one of its tasks. Building a dataclass's schema anew costs milliseconds."""
    return _Json()


class _Payloads(CompositePayloadConverter):
    def __init__(self) -> None:
        json = _shared()
        others = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(json if other.encoding == json.encoding else other for other in others))


data_converter = DataConverter(payload_converter_class=_Payloads)


def _converter(given: DataConverter | None) -> DataConverter:
    # A converter that the caller chose (with a payload codec, say) goes before.
    if given is None or given is DataConverter.default:
        return data_converter
    return given


def _runner(given: WorkflowRunner | None) -> WorkflowRunner:
    if given is not None and not isinstance(given, SandboxedWorkflowRunner):
        return given
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return _Sandbox(restrictions=restrictions)


_validated: set[type] = set()


class _Sandbox(SandboxedWorkflowRunner):
    """The SDK's, which tries a workflow before a worker serves it: once in a process is enough."""

    def prepare_workflow(self, defn: Any) -> None:
        if defn.cls not in _validated:
            super().prepare_workflow(defn)
            _validated.add(defn.cls)
