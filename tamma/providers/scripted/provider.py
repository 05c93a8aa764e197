"""A provider that plays a script: no model, no network, the same every time. For demos, tests and CI.

The script is a JSON file (`options: {"script": "turns.json"}`) or stands in the options themselves::

    {
      "turns": [                                  # the lane for requests whose purpose has none of its own
        {"text": "I will look at the file.",
         "tool_calls": [{"name": "read_file", "args": {"path": "calc.py"}}]},
        {"expect": {"last_contains": "def add"},  # what the last message must contain, or the call fails
         "raw_tool_calls": [{"name": "edit", "args": "{broken"}]},
        {"text": "Done.", "delay_ms": 200, "chunk_ms": 20, "reasoning": "…", "finish": "stop",
         "usage": {"input_total": 900, "output_total": 12}},
        {"error": {"type": "RateLimited", "retry_after": 2, "times": 1}, "text": "after one failure, this"}
      ],
      "lanes": {"plan": [...], "agent": [...], "review": [...]},
      "exhausted": "error"                        # or "repeat_last"
    }

An entry for rehearsals has `options: {"rehearsal": {"success": 0.6, "costUsd": 0.10, "seconds": 90}}` instead
of a script, or beside it: the rates that its outcomes are drawn from (`tamma.suites.rehearsal`).

`error.type` names a class of `tamma.errors`; `after_chunks` lets it strike in the middle of the answer.
`about` is for comments, in the script and in each turn.

**It remembers nothing.** Which turn to play is read off the request: `metadata["purpose"]` chooses the lane
and the number of assistant messages chooses the turn (`metadata["turn"]` overrides it, for conversations that
were compacted). So a worker that died replays the same turn. How often an `error` has struck is read off
`metadata["attempt"]` (from 1); without that it is counted in this process.

Its usage is estimated, its cost is zero by definition, and `served_model` is `scripted:<file>`: it is not a
model and is never shown as one.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path

from tamma.errors import ConfigError, InvalidRequest
from tamma.model.conversation import (
    Capabilities,
    Cost,
    CostSource,
    Finish,
    FinishReason,
    Message,
    ModelInfo,
    ProviderCheck,
    ReasoningDelta,
    ReasoningEnd,
    Request,
    Role,
    Start,
    StreamEvent,
    Text,
    TextDelta,
    TokenCount,
    ToolCallDelta,
    ToolCallStart,
    ToolResult,
    Usage,
    UsageUpdate,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.common import tokens
from tamma.providers.common.checking import failed_check
from tamma.providers.interface import ProviderSettings, tool_call_end
from tamma.providers.scripted.script import DEFAULT_LANE, Fault, Script, Turn, parse_script

NO_COST = Cost(Decimal(0), CostSource.CONFIG)
_PIECES = re.compile(r"\S+\s*|\s+")
_SCRIPT_OPTIONS = ("turns", "lanes", "exhausted")


class Scripted:
    """Plays turns; see the module's docstring for the script."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._script: Script | None = None
        self._struck: Counter[tuple[str, int]] = Counter()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Read the script. Raises ConfigError where it is missing or wrong."""
        if self._script is None:
            self._script = await asyncio.to_thread(_load, self._settings)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Play the turn that `request` asks for; see `tamma.providers.interface`."""
        await self.start()
        assert self._script is not None
        served = f"scripted:{self._script.name}"
        lane, number, turn = choose(self._script, request)
        _check_expectation(turn, request, f"{served}, {lane}[{number}]")
        fault = turn.fault if self._strikes(turn.fault, lane, number, request) else None
        await asyncio.sleep(turn.delay)
        usage = turn.usage or _usage(turn, request)
        pieces = _pieces(turn, number)
        if fault is not None:
            pieces = pieces[: fault.after_chunks]
        if fault is None or fault.after_chunks:
            yield Start(served)
        for count, piece in enumerate(pieces):
            if count:
                await asyncio.sleep(turn.chunk_delay)
            yield piece
        if fault is not None:
            raise fault.kind(
                f"{served}, {lane}[{number}]: {fault.message}",
                hint="the script asks for this failure",
                retry_after=fault.retry_after,
                provider=self._settings.name,
                model=served,
            )
        yield UsageUpdate(usage)
        reason = turn.finish or (FinishReason.TOOL_CALLS if turn.calls else FinishReason.STOP)
        yield Finish(reason, usage, NO_COST, served, native_reason=str(reason))

    async def count_tokens(self, request: Request) -> TokenCount:
        return TokenCount(tokens.estimate_request(request), estimated=True)

    def capabilities(self, model: str) -> Capabilities:
        """Everything a script can stand in for; the window only where one is configured."""
        return catalogue.capabilities_for(self._settings, model)

    async def models(self) -> tuple[ModelInfo, ...]:
        """None: a script is no model."""
        return ()

    async def check(self) -> ProviderCheck:
        """Whether the script can be read."""
        try:
            await self.start()
        except ConfigError as error:
            return failed_check(error)
        assert self._script is not None
        lanes = ", ".join(f"{name} ({len(turns)} turns)" for name, turns in self._script.lanes.items())
        return ProviderCheck(True, f"script {self._script.name}: {lanes}")

    async def close(self) -> None:
        """Nothing is held open."""

    def _strikes(self, fault: Fault | None, lane: str, number: int, request: Request) -> bool:
        if fault is None:
            return False
        if "attempt" in request.metadata:
            attempt = int(request.metadata["attempt"])
        else:
            self._struck[lane, number] += 1
            attempt = self._struck[lane, number]
        return fault.times is None or attempt <= fault.times


def choose(script: Script, request: Request) -> tuple[str, int, Turn]:
    """Lane, number and turn for a request: a function of the request alone. Raises InvalidRequest."""
    purpose = request.metadata.get("purpose", "")
    lane = purpose if purpose in script.lanes else DEFAULT_LANE
    turns = script.lanes.get(lane)
    if turns is None:
        raise InvalidRequest(
            f"the script {script.name!r} has no lane {purpose!r}",
            hint=f"it has {', '.join(script.lanes) or 'no turns'}; add the lane, or `turns` for all others",
        )
    number = int(request.metadata.get("turn", _assistant_messages(request)))
    if number < len(turns):
        return lane, number, turns[number]
    if script.exhausted == "repeat_last" and turns:
        return lane, len(turns) - 1, turns[-1]
    raise InvalidRequest(
        f"the script {script.name!r} has {len(turns)} turns in {lane!r}; turn {number} was asked for",
        hint='add turns, or set "exhausted": "repeat_last"',
    )


def _assistant_messages(request: Request) -> int:
    return sum(message.role is Role.ASSISTANT for message in request.messages)


def _check_expectation(turn: Turn, request: Request, where: str) -> None:
    if turn.last_contains is None:
        return
    last = _shown(request.messages[-1]) if request.messages else ""
    if turn.last_contains not in last:
        raise InvalidRequest(
            f"{where}: the last message does not contain {turn.last_contains!r}; it ends {last[-300:]!r}",
            hint="the run took another way than the script expects",
        )


def _shown(message: Message) -> str:
    parts = (
        part.text if isinstance(part, Text) else part.content if isinstance(part, ToolResult) else ""
        for part in message.parts
    )
    return "\n".join(parts)


def _pieces(turn: Turn, number: int) -> list[StreamEvent]:
    """What is streamed between Start and the usage; text word by word. Ids are the same in every replay."""
    events: list[StreamEvent] = [ReasoningDelta(piece) for piece in _PIECES.findall(turn.reasoning)]
    if turn.reasoning:
        events.append(ReasoningEnd())
    events += [TextDelta(piece) for piece in _PIECES.findall(turn.text)]
    for index, call in enumerate(turn.calls):
        call_id = f"scripted_{number}_{index}"
        events += [
            ToolCallStart(index, call_id, call.name),
            ToolCallDelta(index, call.args_json),
            tool_call_end(index, call_id, call.name, call.args_json),
        ]
    return events


def _usage(turn: Turn, request: Request) -> Usage:
    reasoning = tokens.estimate(turn.reasoning)
    calls = sum(tokens.estimate(call.name) + tokens.estimate(call.args_json) for call in turn.calls)
    return Usage(
        input_total=tokens.estimate_request(request),
        output_total=tokens.estimate(turn.text) + reasoning + calls,
        reasoning=reasoning,
        estimated=True,
    )


def _load(settings: ProviderSettings) -> Script:
    options = settings.options
    inline = {key: options[key] for key in _SCRIPT_OPTIONS if key in options}
    path = options.get("script")
    if path is None and inline:
        return parse_script(inline, "inline")
    if path is None and "rehearsal" in options:
        return Script("rehearsal")  # its outcomes are drawn: it has no turn to play
    if not isinstance(path, str) or inline:
        raise ConfigError(
            f"provider {settings.name!r} needs one script",
            hint='set "options": {"script": "FILE.json"}, or {"turns": [...]} without a file',
        )
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the script {path!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"the script {path!r} is not JSON: {error}") from error
    return parse_script(raw, Path(path).name)
