"""Messages that do not fit their handler are turned away, instead of stopping the workflow for good.

Anyone who may talk to Temporal may send anything, and the Web UI sends a signal without a payload as readily
as one with three. A handler that is called with the wrong number of arguments raises a TypeError, which fails
the workflow task, which is tried again for ever.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

_MARKS = {"signal": "__temporal_signal_definition", "update": "_defn"}


class SturdyMessages(Interceptor):
    """Guards the signals and updates of every workflow of a worker."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002  (the SDK's name)
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Guard


class _Guard(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        input.args = without_nulls(input.args)
        if fits(_handler("signal", input.signal), input.args):
            await super().handle_signal(input)
        else:
            workflow.logger.warning("a signal %r was ignored: its arguments do not fit", input.signal)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        self._check(input)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        self._check(input)  # not every update has a validator
        return await super().handle_update_handler(input)

    def _check(self, input: HandleUpdateInput) -> None:  # noqa: A002
        input.args = without_nulls(input.args)
        if not fits(_handler("update", input.update), input.args):
            raise ApplicationError(
                f"the arguments of {input.update!r} do not fit", type="BadMessage", non_retryable=True
            )


def without_nulls(arguments: Sequence[Any]) -> list[Any]:
    """An empty payload is no payload: no handler takes a null."""
    kept = list(arguments)
    while kept and kept[-1] is None:
        kept.pop()
    return kept


def fits(handler: Callable[..., Any] | None, arguments: Sequence[Any]) -> bool:
    """Whether `handler`, a method, can be called so. A name without a handler is the SDK's to judge."""
    if handler is None:
        return True
    try:
        inspect.signature(handler).bind(None, *arguments)  # None for `self`
    except TypeError:
        return False
    return None not in arguments


def _handler(kind: str, name: str) -> Callable[..., Any] | None:
    """The method that handles a message. The SDK gives it out bound, behind a wrapper that takes anything,
    so it is found by the mark that the SDK's decorator leaves."""
    instance: object = workflow.instance()
    for _, method in inspect.getmembers(type(instance), inspect.isfunction):
        if getattr(getattr(method, _MARKS[kind], None), "name", None) == name:
            return method
    return None
