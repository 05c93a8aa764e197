"""A `Request` as Anthropic's Messages API wants it. Pure: no client, no clock, no log.

What a model cannot do is left out and named in `Built.dropped`; the adapter says so once per call.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tamma.model.conversation import (
    Image,
    Message,
    Part,
    Reasoning,
    Request,
    Role,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tamma.providers.catalogue.models import ModelEntry
from tamma.providers.common.parts import IMAGE_LEFT_OUT, arguments_object, has_images
from tamma.providers.common.sampling import asked

Block = dict[str, Any]

DEFAULT_MAX_TOKENS = 32_000
"""The API insists on a limit. Room for a large edit, well below what a runaway answer could cost."""
UNKNOWN_MAX_TOKENS = 8_192
BINDING_BETA = "thinking-binding-controls-2026-08-01"
"""The beta that lets a request say what becomes of thinking whose earlier history was changed."""
_OWN_OPTIONS = frozenset({"cache_ttl"})
_EPHEMERAL = {"type": "ephemeral"}


@dataclass(frozen=True, slots=True)
class Built:
    """The arguments of `messages.create`, and what was left out because the model cannot do it."""

    arguments: dict[str, Any]
    dropped: tuple[str, ...]


def build(
    request: Request,
    model: str,
    entry: ModelEntry,
    *,
    drop_changed_thinking: bool = False,
) -> Built:
    """`request` for `model`. `provider_options` are sent under Anthropic's own names, except `cache_ttl`.

    `drop_changed_thinking`: have the service leave out thinking that it finds bound to another history, where
    it would else refuse the request.
    """
    dropped: list[str] = []
    able = entry.capabilities
    arguments: dict[str, Any] = {
        "model": model,
        "max_tokens": _max_tokens(request, entry, dropped),
        "messages": messages(request.messages, model, vision=able.vision),
    }
    if not able.vision and has_images(request.messages):
        dropped.append("image")
    if request.system.strip():
        arguments["system"] = [{"type": "text", "text": request.system}]
    if request.tools:
        arguments["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.input_schema)}
            for tool in request.tools
        ]
        arguments["tool_choice"] = {"type": _tool_choice(request, entry, dropped)}
    dropped += asked(request)  # the API takes no sampling parameter since version 2026-10-21
    if output := _output_config(request, entry, dropped):
        arguments["output_config"] = output
    if entry.thinking != "none" and (entry.thinking != "asked" or request.reasoning_effort):
        # Without `display`, new models stream empty thinking, and the text between their tool calls with it.
        thinking: Block = {"type": "adaptive", "display": "summarized"}
        arguments["thinking"] = thinking
        if drop_changed_thinking:
            thinking["block_binding"] = {"prefix_mismatch_behavior": "drop_block"}
            arguments["extra_headers"] = {"anthropic-beta": BINDING_BETA}
    if request.cache and able.prompt_cache:
        _mark_cache(arguments, request.provider_options)
    if extra := {k: v for k, v in request.provider_options.items() if k not in _OWN_OPTIONS}:
        arguments["extra_body"] = extra
    return Built(arguments, tuple(dropped))


def messages(given: Iterable[Message], model: str, *, vision: bool = True) -> list[Block]:
    """Messages in Anthropic's form: neighbours of one role merged, tool results first, nothing empty."""
    merged: list[Block] = []
    for message in given:
        blocks = [block for part in message.parts if (block := _block(part, model, vision)) is not None]
        if not blocks:
            continue
        role = str(message.role)
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += blocks
        else:
            merged.append({"role": role, "content": blocks})
    for entry in merged:
        if entry["role"] == Role.USER:
            # The API refuses a turn in which anything stands before the answers to the calls.
            entry["content"].sort(key=_is_no_result)
    return merged


def _is_no_result(block: Block) -> bool:
    return block["type"] != "tool_result"


def _block(part: Part, model: str, vision: bool) -> Block | None:
    match part:
        case Text(text):
            return {"type": "text", "text": text} if text.strip() else None
        case Image() if not vision:
            return {"type": "text", "text": IMAGE_LEFT_OUT}
        case Image(media_type, data):
            return {
                "type": "image",
                "source": {"type": "base64", "media_type": media_type, "data": data},
            }
        case ToolCall(call_id, name, args_json):
            return {"type": "tool_use", "id": call_id, "name": name, "input": arguments_object(args_json)}
        case ToolResult(call_id, content, is_error):
            return {
                "type": "tool_result",
                "tool_use_id": call_id,
                "content": content if content.strip() else "(no output)",  # empty is refused with is_error
                "is_error": is_error,
            }
        case Reasoning(_, provider_data):
            return _replayed(provider_data, model)


def thinking_data(model: str, block: Block) -> str:
    """What `Reasoning.provider_data` holds: the block as it came, and the model that can read it."""
    return json.dumps({"model": model, "block": block}, ensure_ascii=False, separators=(",", ":"))


def _replayed(provider_data: str | None, model: str) -> Block | None:
    """A thinking block, unchanged. None for another model's (or vendor's): only its maker can read it."""
    try:
        data: object = json.loads(provider_data or "null")
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    known = cast("dict[str, Any]", data)
    return known.get("block") if known.get("model") == model else None


def _max_tokens(request: Request, entry: ModelEntry, dropped: list[str]) -> int:
    limit = entry.capabilities.max_output
    wanted = request.max_output_tokens
    if not wanted:
        return min(limit, DEFAULT_MAX_TOKENS) if limit else UNKNOWN_MAX_TOKENS
    if limit is not None and wanted > limit:
        dropped.append(f"max_output_tokens above {limit}")
        return limit
    return wanted


def _tool_choice(request: Request, entry: ModelEntry, dropped: list[str]) -> str:
    if request.tool_choice is ToolChoice.REQUIRED:
        if entry.capabilities.forced_tool:
            return "any"
        dropped.append("tool_choice 'required'")
        return "auto"
    return str(request.tool_choice)


def _output_config(request: Request, entry: ModelEntry, dropped: list[str]) -> Block:
    output: Block = {}
    if request.output_schema is not None:
        if entry.capabilities.structured_output:
            output["format"] = {"type": "json_schema", "schema": dict(request.output_schema)}
        else:
            dropped.append("output_schema")
    if request.reasoning_effort is not None:
        if request.reasoning_effort in entry.capabilities.reasoning_levels:
            output["effort"] = request.reasoning_effort
        else:
            dropped.append("reasoning_effort")
    return output


def _mark_cache(arguments: dict[str, Any], options: Mapping[str, object]) -> None:
    """Mark the prefixes worth keeping: tools, system, and the last two user turns (four marks are allowed).

    Where the first turn has several blocks, the first of them is what the conversation shares with others: it
    takes the mark of the tools, which the one after the system's words covers.

    The last turn is written for the next request; the one before is what this request reads, which matters
    when a turn brings more blocks than the service looks back (20).
    """
    mark: Block = {**_EPHEMERAL, **({"ttl": options["cache_ttl"]} if "cache_ttl" in options else {})}
    keys = [key for key in ("tools", "system") if key in arguments]
    turns = [entry for entry in arguments["messages"] if entry["role"] == Role.USER]
    if turns and len(turns[0]["content"]) > 1:
        turns[0]["content"][0]["cache_control"] = mark
        keys = keys[-1:]
    for key in keys:
        arguments[key][-1]["cache_control"] = mark
    for turn in turns[-2:]:
        turn["content"][-1]["cache_control"] = mark
