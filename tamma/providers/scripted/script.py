"""The script of a scripted provider: parsed and checked, before anything is played. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import tamma.errors as errors
from tamma.errors import ConfigError, ProviderError
from tamma.model.conversation import FinishReason, Usage


@dataclass(frozen=True, slots=True)
class Fault:
    """An error to raise instead of the answer, or `after_chunks` pieces into it."""

    kind: type[ProviderError]
    message: str = "scripted fault"
    retry_after: float | None = None
    times: int | None = None
    """How many attempts fail; None for all."""
    after_chunks: int = 0


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    name: str
    args_json: str


@dataclass(frozen=True, slots=True)
class Turn:
    text: str = ""
    reasoning: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    last_contains: str | None = None
    delay: float = 0.0
    """Seconds before the first piece."""
    chunk_delay: float = 0.0
    """Seconds before each further piece."""
    finish: FinishReason | None = None
    usage: Usage | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Script:
    name: str
    lanes: Mapping[str, tuple[Turn, ...]] = field(default_factory=dict[str, tuple[Turn, ...]])
    exhausted: Literal["error", "repeat_last"] = "error"


DEFAULT_LANE = "turns"
_SCRIPT_KEYS = frozenset({"turns", "lanes", "exhausted", "about"})
_TURN_KEYS = frozenset(
    {
        "expect", "text", "reasoning", "tool_calls", "raw_tool_calls", "delay_ms", "chunk_ms",
        "finish", "usage", "error", "about",
    }
)  # fmt: skip
_USAGE_KEYS = frozenset(Usage.__dataclass_fields__)
_ERROR_KEYS = frozenset({"type", "message", "retry_after", "times", "after_chunks"})


def parse_script(raw: object, name: str) -> Script:
    """A script from its JSON form. Raises ConfigError saying where it is wrong."""
    top = _object(raw, name, _SCRIPT_KEYS)
    lanes: dict[str, tuple[Turn, ...]] = {}
    if "turns" in top:
        lanes[DEFAULT_LANE] = _turns(top["turns"], f"{name}: turns")
    for lane, turns in _object(top.get("lanes", {}), f"{name}: lanes").items():
        lanes[lane] = _turns(turns, f"{name}: lanes.{lane}")
    if not lanes:
        raise ConfigError(f"{name}: a script needs `turns` or `lanes`")
    exhausted = top.get("exhausted", "error")
    if exhausted not in ("error", "repeat_last"):
        raise ConfigError(f"{name}: `exhausted` is {exhausted!r}", hint="it is 'error' or 'repeat_last'")
    return Script(name, lanes, exhausted)


def _turns(raw: object, where: str) -> tuple[Turn, ...]:
    return tuple(_turn(entry, f"{where}[{number}]") for number, entry in enumerate(_list(raw, where)))


def _turn(raw: object, where: str) -> Turn:
    turn = _object(raw, where, _TURN_KEYS)
    calls = [
        ScriptedCall(_string(call, "name", where), json.dumps(call.get("args", {})))
        for call in _objects(turn.get("tool_calls", []), f"{where}.tool_calls", {"name", "args"})
    ]
    calls += [
        ScriptedCall(_string(call, "name", where), _string(call, "args", where))
        for call in _objects(turn.get("raw_tool_calls", []), f"{where}.raw_tool_calls", {"name", "args"})
    ]
    expect = _object(turn.get("expect", {}), f"{where}.expect", frozenset({"last_contains"}))
    return Turn(
        text=_string(turn, "text", where, ""),
        reasoning=_string(turn, "reasoning", where, ""),
        calls=tuple(calls),
        last_contains=_string(expect, "last_contains", where) if expect else None,
        delay=_number(turn, "delay_ms", where) / 1000,
        chunk_delay=_number(turn, "chunk_ms", where) / 1000,
        finish=_finish(turn["finish"], where) if "finish" in turn else None,
        usage=_usage(turn["usage"], where) if "usage" in turn else None,
        fault=_fault(turn["error"], where) if "error" in turn else None,
    )


def _finish(raw: object, where: str) -> FinishReason:
    try:
        return FinishReason(str(raw))
    except ValueError:
        known = ", ".join(FinishReason)
        raise ConfigError(f"{where}: there is no finish reason {raw!r}", hint=f"one of {known}") from None


def _usage(raw: object, where: str) -> Usage:
    given = _object(raw, f"{where}.usage", _USAGE_KEYS)
    counts = {key: int(_number(given, key, f"{where}.usage")) for key in given if key != "estimated"}
    return Usage(**counts, estimated=bool(given.get("estimated", False)))


def _fault(raw: object, where: str) -> Fault:
    given = _object(raw, f"{where}.error", _ERROR_KEYS)
    name = _string(given, "type", f"{where}.error")
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, ProviderError)):
        raise ConfigError(
            f"{where}.error: there is no provider error {name!r}", hint="see tamma.errors for their names"
        )
    wait = _number(given, "retry_after", where) if "retry_after" in given else None
    times = int(_number(given, "times", where)) if "times" in given else None
    message = _string(given, "message", where, "scripted fault")
    return Fault(kind, message, wait, times, int(_number(given, "after_chunks", where)))


def _object(raw: object, where: str, known: frozenset[str] | None = None) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: expected an object, found {type(raw).__name__}")
    found = cast("dict[str, Any]", raw)
    unknown = sorted(found.keys() - known) if known is not None else []
    if unknown:
        raise ConfigError(f"{where}: unknown keys {unknown}", hint=f"known: {', '.join(sorted(known or ()))}")
    return found


def _objects(raw: object, where: str, known: set[str]) -> list[dict[str, Any]]:
    return [_object(entry, where, frozenset(known)) for entry in _list(raw, where)]


def _list(raw: object, where: str) -> Sequence[object]:
    if not isinstance(raw, list):
        raise ConfigError(f"{where}: expected a list, found {type(raw).__name__}")
    return cast("list[object]", raw)


def _string(raw: dict[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = raw.get(key, default)
    if not isinstance(value, str):
        raise ConfigError(f"{where}: `{key}` must be a string, not {value!r}")
    return value


def _number(raw: dict[str, Any], key: str, where: str) -> float:
    value = raw.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError(f"{where}: `{key}` must be a number from 0 up, not {value!r}")
    return float(value)
