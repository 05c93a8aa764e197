"""A `Request` as Ollama's `/api/chat` wants it. Pure: no client, no clock, no log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from tamma.model.conversation import (
    Capabilities,
    Image,
    Part,
    Reasoning,
    Request,
    Role,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tamma.providers.common.parts import IMAGE_LEFT_OUT, arguments_object, function_tools, has_images
from tamma.providers.common.sampling import OPENAI, sampling
from tamma.providers.local.ollama.model import Shown, think_value

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Built:
    """The body of the request, and what was left out because model or protocol cannot do it."""

    body: dict[str, Any]
    dropped: tuple[str, ...]


def build(
    request: Request,
    model: str,
    able: Capabilities,
    shown: Shown,
    *,
    num_ctx: int,
    keep_alive: str | float | None = None,
) -> Built:
    """The body for `request`. `provider_options` win; their `options` are added to ours one by one.

    `truncate` and `shift` false make newer servers refuse what does not fit, instead of cutting it.
    """
    dropped: list[str] = []
    options: dict[str, Any] = {"num_ctx": num_ctx}
    body: dict[str, Any] = {
        "model": model,
        "messages": messages(request, able),
        "stream": True,
        "truncate": False,
        "shift": False,
    }
    if limit := request.max_output_tokens:
        options["num_predict"] = min(limit, able.max_output or limit)
    options |= sampling(request, OPENAI, taken=able.sampling_params, dropped=dropped)
    if request.reasoning_effort is not None:
        if request.reasoning_effort in able.reasoning_levels:
            body["think"] = think_value(request.reasoning_effort, shown)
        else:
            dropped.append("reasoning_effort")
    if request.output_schema is not None:
        if able.structured_output:
            body["format"] = dict(request.output_schema)
        else:
            dropped.append("output_schema")
    if keep_alive is not None:
        body["keep_alive"] = keep_alive
    if not able.vision and has_images(request.messages):
        dropped.append("image")
    _add_tools(body, request, able, dropped)
    extra = dict(request.provider_options)
    more = extra.pop("options", {})
    if isinstance(more, Mapping):
        options.update(cast("Mapping[str, Any]", more))
    return Built({**body, "options": options, **extra}, tuple(dropped))


def messages(request: Request, able: Capabilities) -> list[Entry]:
    """System first, tool results as messages of their own, neighbours of one role merged, none empty."""
    names = {part.id: part.name for part in _parts(request) if isinstance(part, ToolCall)}
    entries: list[Entry] = []
    if request.system.strip():
        entries.append({"role": "system", "content": request.system})
    for role, turns in groupby(request.messages, key=lambda message: message.role):
        parts = [part for turn in turns for part in turn.parts]
        if role is Role.ASSISTANT:
            entries += _assistant(parts, able)
        else:
            entries += _results(parts, names)
            entries += _user(parts, able.vision)
    return entries


def _parts(request: Request) -> Iterable[Part]:
    return (part for message in request.messages for part in message.parts)


def _results(parts: Sequence[Part], names: Mapping[str, str]) -> Iterable[Entry]:
    """Templates know a result by its tool's name; newer servers also by the call's id."""
    for part in parts:
        if isinstance(part, ToolResult):
            shown = f"[error] {part.content}" if part.is_error else part.content  # there is no flag for it
            yield {
                "role": "tool",
                "content": shown,
                "tool_name": names.get(part.call_id, ""),
                "tool_call_id": part.call_id,
            }


def _user(parts: Sequence[Part], vision: bool) -> Iterable[Entry]:
    texts: list[str] = []
    images: list[str] = []
    for part in parts:
        match part:
            case Text(text) if text.strip():
                texts.append(text)
            case Image(_, data) if vision:
                images.append(data)
            case Image():
                texts.append(IMAGE_LEFT_OUT)
            case _:
                pass  # results are messages of their own
    if texts or images:
        yield {"role": "user", "content": "\n\n".join(texts), **({"images": images} if images else {})}


def _assistant(parts: Sequence[Part], able: Capabilities) -> Iterable[Entry]:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
    if not (text.strip() or calls):
        return
    entry: Entry = {"role": "assistant", "content": text}
    thinking = "".join(part.text for part in parts if isinstance(part, Reasoning))
    if thinking and able.reasoning_levels:
        entry["thinking"] = thinking  # the template decides how much of it the model sees again
    if calls:
        entry["tool_calls"] = calls
    yield entry


def _call(call: ToolCall) -> Entry:
    """A call to replay. The server wants the arguments as an object."""
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments_object(call.args_json)}}


def _add_tools(body: dict[str, Any], request: Request, able: Capabilities, dropped: list[str]) -> None:
    """There is no `tool_choice`: none is had by sending no tools, required not at all."""
    if not request.tools or request.tool_choice is ToolChoice.NONE:
        return
    if not able.tools:
        dropped.append("tools")  # the server would refuse the whole request
        return
    if request.tool_choice is ToolChoice.REQUIRED:
        dropped.append("tool_choice 'required'")
    body["tools"] = function_tools(request.tools)
