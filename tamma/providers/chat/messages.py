"""A `Request` as a Chat Completions endpoint wants it. Pure: no client, no clock, no log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tamma.model.conversation import (
    Capabilities,
    Image,
    Message,
    Request,
    Role,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tamma.providers.chat.quirks import Quirks
from tamma.providers.chat.reasoning import NOTHING, REPLAYED, Replay, replayed
from tamma.providers.common.parts import IMAGE_LEFT_OUT, arguments_text, function_tools, has_images
from tamma.providers.common.sampling import OPENAI, sampling

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Built:
    """The body of the request, and what was left out because model or service cannot do it."""

    body: dict[str, Any]
    dropped: tuple[str, ...]


def build(request: Request, model: str, able: Capabilities, quirks: Quirks) -> Built:
    """The body for `request`. `provider_options` are added under the vendor's own names and win."""
    dropped: list[str] = []
    entries = messages(request, vision=able.vision, replay=Replay(model, quirks.replay_field))
    if quirks.cache_marks and request.cache and able.prompt_cache:
        mark_cache(entries)
    body: dict[str, Any] = {"model": model, "messages": entries, "stream": True}
    if not able.vision and has_images(request.messages):
        dropped.append("image")
    if quirks.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if limit := request.max_output_tokens:
        body[quirks.max_tokens_field] = min(limit, able.max_output or limit)
    body |= sampling(request, OPENAI, taken=able.sampling_params, dropped=dropped)
    if request.reasoning_effort is not None:
        effort = quirks.effort(request.reasoning_effort, able)
        body.update(effort)
        if not effort:
            dropped.append("reasoning_effort")
    if request.tools:
        _add_tools(body, request, able, quirks, dropped)
    if request.output_schema is not None:
        _add_schema(body, request, able, quirks, dropped)
    return Built({**body, **quirks.body, **request.provider_options}, tuple(dropped))


def messages(request: Request, *, vision: bool = True, replay: Replay = NOTHING) -> list[Entry]:
    """System first, tool results as messages of their own, neighbours of one role merged.

    Chat templates of local models often insist on alternating turns, and none wants an empty one.
    """
    entries: list[Entry] = []
    if request.system.strip():
        entries.append({"role": "system", "content": request.system})
    for message in request.messages:
        made = _assistant(message, replay) if message.role is Role.ASSISTANT else _user(message, vision)
        for entry in made:
            _append(entries, entry)
    return entries


def _append(entries: list[Entry], entry: Entry) -> None:
    last = entries[-1] if entries else None
    if last is None or last["role"] != entry["role"] or entry["role"] in ("tool", "system"):
        entries.append(entry)
        return
    last["content"] = _joined(last["content"], entry["content"])
    if calls := entry.get("tool_calls"):
        last["tool_calls"] = [*last.get("tool_calls", []), *calls]
    for name in REPLAYED:
        if name in entry:
            last[name] = last[name] + entry[name] if name in last else entry[name]


def mark_cache(entries: list[Entry]) -> None:
    """Mark the prefixes worth keeping: system, and the last two turns that are not the model's.

    The last is written for the next request; the one before is what this request reads.
    """
    system = [entry for entry in entries[:1] if entry["role"] == "system"]
    turns = [entry for entry in entries if entry["role"] in ("user", "tool") and entry["content"]]
    for entry in (*system, *turns[-2:]):
        parts = [dict(part) for part in _as_parts(entry["content"])]
        parts[-1]["cache_control"] = {"type": "ephemeral"}
        entry["content"] = parts


def _joined(first: Any, second: Any) -> Any:
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_as_parts(first), *_as_parts(second)]


def _as_parts(content: Any) -> list[Entry]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _user(message: Message, vision: bool) -> Iterable[Entry]:
    content: list[Entry] = []
    for part in message.parts:
        match part:
            case ToolResult(call_id, text, is_error):
                shown = f"[error] {text}" if is_error else text  # the protocol has no flag for it
                yield {"role": "tool", "tool_call_id": call_id, "content": shown}
            case Text(text) if text.strip():
                content.append({"type": "text", "text": text})
            case Image(media_type, data) if vision:
                url = f"data:{media_type};base64,{data}"
                content.append({"type": "image_url", "image_url": {"url": url}})
            case Image():
                content.append({"type": "text", "text": IMAGE_LEFT_OUT})
            case _:
                pass
    if not content:
        return
    if all(part["type"] == "text" for part in content):
        yield {"role": "user", "content": "\n\n".join(part["text"] for part in content)}
    else:
        yield {"role": "user", "content": content}


def _assistant(message: Message, replay: Replay) -> Iterable[Entry]:
    text = message.text
    calls = [_call(call) for call in message.tool_calls]
    if text.strip() or calls:
        entry: Entry = {"role": "assistant", "content": text}
        if calls:
            entry["tool_calls"] = calls
        yield {**entry, **replayed(message, replay)}


def _call(call: ToolCall) -> Entry:
    """A call to replay. Servers parse its arguments, and their templates want an object."""
    arguments = arguments_text(call.args_json)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _add_tools(
    body: dict[str, Any], request: Request, able: Capabilities, quirks: Quirks, dropped: list[str]
) -> None:
    if not able.tools:
        dropped.append("tools")  # some servers refuse the whole request, others hide the tools from the model
        return
    body["tools"] = function_tools(request.tools)
    choice = request.tool_choice
    if choice is ToolChoice.AUTO:
        return
    if quirks.tool_choice and (choice is ToolChoice.NONE or able.forced_tool):
        body["tool_choice"] = str(choice)
    else:
        dropped.append(f"tool_choice {str(choice)!r}")


def _add_schema(
    body: dict[str, Any], request: Request, able: Capabilities, quirks: Quirks, dropped: list[str]
) -> None:
    if quirks.schema == "none" or not able.structured_output:
        dropped.append("output_schema")
    elif quirks.schema == "json_object":
        body["response_format"] = {"type": "json_object"}
    else:
        schema = {"name": "answer", "schema": dict(request.output_schema or {}), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
