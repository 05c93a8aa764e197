"""What each call took, cost and came to, told to whoever listens: the seam for traces and metrics.

Attribute names are those of OpenTelemetry's semantic conventions for generative AI (`gen_ai.*`); ours, for
which there is none, begin with `tamma.`. Contents of a conversation are never among them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import structlog

from tamma.errors import TammaError
from tamma.model.conversation import (
    UNKNOWN_COST,
    Cost,
    Finish,
    ReasoningDelta,
    Request,
    Start,
    StreamEvent,
    TextDelta,
    ToolCallStart,
    Usage,
    UsageUpdate,
)
from tamma.providers.interface import Provider
from tamma.providers.wrapper import Wrapper

_log = structlog.get_logger(__name__)

PROVIDER_NAMES: Mapping[str, str] = {
    "anthropic-claude": "anthropic",
    "openai": "openai",
    "gemini": "gcp.gemini",
}
"""Our types under the names that the conventions give them; the others go by ours."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call to a model, whether it was answered or not."""

    provider: str
    """The name of the configured entry."""
    provider_type: str
    model: str
    seconds: float = 0.0
    first_token_seconds: float | None = None
    """Until the first text, reasoning or tool call. None: nothing came."""
    served_model: str = ""
    request_id: str | None = None
    finish: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Cost = UNKNOWN_COST
    error: str | None = None
    """The class of the error, `cancelled` where the reader went away, None where all went well."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """The request's own: purpose, session, attempt."""

    def attributes(self) -> dict[str, str | int | float | Sequence[str]]:
        """For a span or a metric's point; what is not known is left out."""
        found: dict[str, str | int | float | Sequence[str] | None] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDER_NAMES.get(self.provider_type, self.provider_type),
            "gen_ai.request.model": self.model or None,
            "gen_ai.response.model": self.served_model or None,
            "gen_ai.response.id": self.request_id,
            "gen_ai.response.finish_reasons": [self.finish] if self.finish else None,
            "error.type": self.error,
            "tamma.provider": self.provider,
            "tamma.duration_seconds": round(self.seconds, 6),
            "tamma.time_to_first_token_seconds": self.first_token_seconds,
            "tamma.cost_usd": None if self.cost.usd is None else float(self.cost.usd),
            "tamma.cost_source": str(self.cost.source) if self.finish else None,
            "tamma.usage_estimated": "yes" if self.usage.estimated else None,
        }
        if self.usage != Usage():
            found["gen_ai.usage.input_tokens"] = self.usage.input_total
            found["gen_ai.usage.output_tokens"] = self.usage.output_total
            found["gen_ai.usage.cache_read.input_tokens"] = self.usage.cache_read
            found["gen_ai.usage.cache_creation.input_tokens"] = self.usage.cache_write
            found["gen_ai.usage.reasoning.output_tokens"] = self.usage.reasoning
        found |= {f"tamma.{name}": value for name, value in self.metadata.items()}
        return {name: value for name, value in found.items() if value is not None}


Hook = Callable[[CallRecord], None]
"""Told of every call after its end. Must be quick; what it raises is logged and goes no further."""


def log_call(record: CallRecord) -> None:
    """The default hook: one line in the log."""
    _log.info("model.call", **record.attributes())


class Observed(Wrapper):
    """Tells `hooks` what every call of `inner` came to."""

    def __init__(self, inner: Provider, hooks: Sequence[Hook]) -> None:
        super().__init__(inner)
        self._hooks = tuple(hooks)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        began = time.monotonic()
        record = CallRecord(
            self.settings.name, self.settings.type, request.model, metadata=dict(request.metadata)
        )
        first: float | None = None
        try:
            async with aclosing(self.inner.stream(request)) as events:
                async for event in events:
                    if first is None and isinstance(event, _TOKENS):
                        first = time.monotonic() - began
                    elif isinstance(event, _FACTS):
                        record = _with(record, event)
                    yield event
        except TammaError as error:
            record = replace(record, error=type(error).__name__)
            raise
        except BaseException as error:  # cancelled, closed in the middle, or a defect: told, never swallowed
            if record.finish is None:
                record = replace(record, error="cancelled" if _is_end(error) else type(error).__name__)
            raise
        finally:
            self._tell(replace(record, seconds=time.monotonic() - began, first_token_seconds=first))

    def _tell(self, record: CallRecord) -> None:
        for hook in self._hooks:
            try:
                hook(record)
            except Exception:
                _log.exception("telemetry.hook_failed", hook=getattr(hook, "__qualname__", repr(hook)))


_TOKENS = (TextDelta, ReasoningDelta, ToolCallStart)
_FACTS = (Start, UsageUpdate, Finish)


def _is_end(error: BaseException) -> bool:
    return isinstance(error, GeneratorExit | asyncio.CancelledError)


def _with(record: CallRecord, event: StreamEvent) -> CallRecord:
    match event:
        case Start(model, request_id):
            return replace(record, served_model=model, request_id=request_id)
        case UsageUpdate(usage):
            return replace(record, usage=usage)
        case Finish(reason, usage, cost, served_model, request_id):
            return replace(
                record,
                finish=str(reason),
                usage=usage,
                cost=cost,
                served_model=served_model,
                request_id=request_id or record.request_id,
            )
        case _:
            return record
