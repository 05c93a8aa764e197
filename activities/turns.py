"""A model's answer as the transcript keeps it, and as the workflow is told of it: small. Pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal

from tamma.model.conversation import Completion, Message, ToolCall
from tamma.model.foreign import label, mend_part, read_json
from tamma.model.session import ToolUse
from tamma.model.task import Spend
from tamma.store.interface import Entry

BRIEF = 120


def entry_of(seq: int, completion: Completion, provider: str, seconds: float) -> Entry:
    finish = completion.finish
    message = completion.message
    return Entry(
        seq=seq,
        message=Message(message.role, tuple(mend_part(part) for part in message.parts)),
        provider=provider,
        model=label(finish.served_model),
        finish=finish.reason.value,
        input_tokens=finish.usage.input_total,
        output_tokens=finish.usage.output_total,
        cache_read_tokens=finish.usage.cache_read,
        cost_usd=finish.cost.usd,
        cost_source=finish.cost.source.value,
        duration_ms=int(seconds * 1000),
    )


def spend_of(entry: Entry) -> Spend:
    return Spend(
        turns=1,
        input_tokens=entry.input_tokens,
        output_tokens=entry.output_tokens,
        cache_read_tokens=entry.cache_read_tokens,
        cost_usd=entry.cost_usd if entry.cost_usd is not None else Decimal(0),
        unpriced_calls=0 if entry.cost_usd is not None else 1,
    )


def use_of(call: ToolCall) -> ToolUse:
    digest = hashlib.sha256(f"{call.name}\0{call.args_json}".encode()).hexdigest()[:12]
    return ToolUse(call.name[:60], digest, _brief(call))


def _brief(call: ToolCall) -> str:
    """The argument that says most about a call."""
    try:
        args = read_json(call.args_json)
    except ValueError:
        return "(arguments are not JSON)"
    if not isinstance(args, Mapping):
        return ""
    for key in ("command", "path", "pattern", "summary"):
        value: object = args.get(key)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - a model wrote it
        if isinstance(value, str):
            return " ".join(value.split())[:BRIEF]
    return ""
