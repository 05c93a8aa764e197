"""Tools for models that have no tool calls, by a text protocol.

`TextTools` wraps any provider. Where the model has tool calls, or the request no tools, everything passes
through untouched. Otherwise the tools stand in the system prompt, earlier calls and results in the
conversation's text, and what the model writes is read back into `TextDelta`s and tool calls. The forms are
those of `tamma.providers.text_tools.forms`.

A block that cannot be read becomes a call whose arguments are the block's text, with `parse_error`: whoever
runs it refuses it, and the model is shown why in the next request.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace

from tamma.model.conversation import (
    Capabilities,
    Finish,
    FinishReason,
    Request,
    StreamEvent,
    TextDelta,
    TokenCount,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolChoice,
)
from tamma.providers.text_tools.forms import Call, Forms
from tamma.providers.text_tools.parser import Parser, Piece
from tamma.providers.text_tools.rendering import concerns, in_text
from tamma.providers.wrapper import Wrapper

_WHOLE = frozenset({FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.UNKNOWN})
"""The reasons after which an answer's last block may lack its end without being cut off."""


class TextTools(Wrapper):
    """A provider whose models all can call tools."""

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`."""
        request = await self._settled(request)
        translated = self._translated(request)
        async with aclosing(self.inner.stream(translated)) as events:
            if translated is request or not request.tools or request.tool_choice is ToolChoice.NONE:
                async for event in events:
                    yield event
                return
            answer = _Answer(request)
            async for event in events:
                for ours in answer.read(event):
                    yield ours

    async def count_tokens(self, request: Request) -> TokenCount:
        """Of the request as it is sent, with the protocol's own words."""
        return await self.inner.count_tokens(self._translated(await self._settled(request)))

    def capabilities(self, model: str) -> Capabilities:
        """Those of the model; its tools come by text where it has none of its own."""
        found = self.inner.capabilities(model)
        if found.tools:
            return found
        return replace(
            found,
            tools=True,
            forced_tool=False,
            parallel_tools=True,
            source=f"{found.source}; tools by a text protocol",
        )

    async def _settled(self, request: Request) -> Request:
        """The same, for a model whose capabilities are known: whether it has tools decides the form."""
        return replace(request, model=await self.settle(request.model or self.settings.model or ""))

    def _translated(self, request: Request) -> Request:
        """The request that is sent: the very same where there is nothing to translate."""
        if self.inner.capabilities(request.model).tools or not concerns(request):
            return request
        return in_text(request)


class _Answer:
    """The model's events, its text read for calls. Stateful as the stream is; does no I/O."""

    def __init__(self, request: Request) -> None:
        self._parser = Parser(Forms.of(request.tools))
        self._ids = _unused_ids(request)
        self._calls = 0

    def read(self, event: StreamEvent) -> Iterator[StreamEvent]:
        match event:
            case TextDelta(text):
                yield from self._events(self._parser.feed(text))
            case Finish(reason):
                yield from self._events(self._parser.close(cut_off=reason not in _WHOLE))
                if self._calls and reason in _WHOLE:
                    event = replace(event, reason=FinishReason.TOOL_CALLS)
                yield event
            case _:
                yield event

    def _events(self, pieces: list[Piece]) -> Iterator[StreamEvent]:
        for piece in pieces:
            if isinstance(piece, str):
                yield TextDelta(piece)
            else:
                yield from self._call(piece)

    def _call(self, call: Call) -> Iterator[StreamEvent]:
        index, call_id = self._calls, next(self._ids)
        self._calls += 1
        yield ToolCallStart(index, call_id, call.name)
        yield ToolCallDelta(index, call.args_json)
        yield ToolCallEnd(index, ToolCall(call_id, call.name, call.args_json), call.problem)


def _unused_ids(request: Request) -> Iterator[str]:
    """The same ids for the same request, none of them in use in the conversation."""
    used = {call.id for message in request.messages for call in message.tool_calls}
    number = len(used)
    while True:
        number += 1
        if (made := f"call_{number}") not in used:
            yield made
