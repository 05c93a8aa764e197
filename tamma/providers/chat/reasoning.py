"""A model's reasoning: gathered from deltas, kept as opaque data, and sent back as it came.

Vendors want it back in the field in which it arrived: a text (`reasoning_content`), or a list of details
(`reasoning_details`) that hold signatures and encrypted parts. Only the model that wrote it can read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tamma.model.conversation import Message, Reasoning

REPLAYED = ("reasoning_content", "reasoning_details")
"""Each is a text or a list: neighbours are joined by `+`."""
_GROWING = ("text", "summary", "data")


@dataclass(frozen=True, slots=True)
class Replay:
    """What may go back: the reasoning of `model`, in `field`; nothing where that is None."""

    model: str
    field: str | None


NOTHING = Replay("", None)


def replayed(message: Message, replay: Replay) -> dict[str, Any]:
    """The field with all reasoning of an assistant's message that its maker wants back; empty for others'."""
    if replay.field is None:
        return {}
    found = [
        value
        for part in message.parts
        if isinstance(part, Reasoning) and (value := _value(part, replay)) is not None
    ]
    if not found:
        return {}
    whole = found[0]
    for value in found[1:]:
        whole = whole + value
    return {replay.field: whole}


def _value(part: Reasoning, replay: Replay) -> Any:
    try:
        data: object = json.loads(part.provider_data or "null")
    except ValueError:
        return None
    known = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    if known.get("model") != replay.model or known.get("field") != replay.field:
        return None
    return known.get("details", part.text)


class ReasoningBlock:
    """The reasoning of an answer since the last text or tool call."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._details: list[dict[str, Any]] = []
        self._open = False

    def add(self, delta: Mapping[str, Any]) -> None:
        """Take what a delta holds of the field to be replayed."""
        value = delta.get(self._replay.field) if self._replay.field else None
        if not value:
            return
        self._open = True
        if isinstance(value, list):
            for detail in cast("list[Mapping[str, Any]]", value):
                self._extend(detail)

    def close(self) -> str | None:
        """The block's opaque data, and begin anew; None where nothing has to be replayed."""
        if not self._open:
            return None
        data: dict[str, Any] = {"model": self._replay.model, "field": self._replay.field}
        if self._details:
            data["details"] = self._details
        self._open, self._details = False, []
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    def _extend(self, detail: Mapping[str, Any]) -> None:
        """Details arrive in pieces of the same type and index; a signature may come in one of its own."""
        last = self._details[-1] if self._details else None
        if last is None or not _continues(detail, last):
            self._details.append(dict(detail))
            return
        for key, value in detail.items():
            if key in _GROWING and isinstance(value, str) and isinstance(last.get(key), str):
                last[key] += value
            elif value not in (None, "") or key not in last:
                last[key] = value


def _continues(detail: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    same = all(last.get(key) == detail.get(key) for key in ("type", "index"))
    return same and (not detail.get("id") or detail["id"] == (last.get("id") or detail["id"]))
