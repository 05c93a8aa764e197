"""A `Request` as OpenAI's Responses API wants it. Pure: no client, no clock, no log.

Nothing is kept at the service (`store` is off), so a reasoning item travels with the conversation, encrypted.
What a model cannot do is left out and named in `Built.dropped`; the adapter says so once per call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

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
from tamma.providers.common.parts import IMAGE_LEFT_OUT, arguments_text, has_images
from tamma.providers.common.sampling import sampling

Item = dict[str, Any]
Summary = Literal["auto", "concise", "detailed"]
"""How much of its reasoning a model should tell."""

LEAST_OUTPUT = 16
"""Tokens; the API refuses a lower limit."""
_REASONING_FIELDS = ("type", "id", "summary", "encrypted_content")
"""What of a reasoning item is sent back: the API refuses its plain `content`."""
_SAMPLING = {"temperature": "temperature", "top_p": "top_p"}
"""The Responses API knows no penalties."""
_LOOSE = frozenset({"allOf", "oneOf", "not", "if", "dependentSchemas", "patternProperties", "prefixItems"})
"""Keywords of JSON Schema that strict structured output does not take."""


@dataclass(frozen=True, slots=True)
class Built:
    """The body of the request, and what was left out because the model cannot do it."""

    body: dict[str, Any]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who can read encrypted reasoning: the model that wrote it, asked with the same account."""

    account: str
    """The name of the configured provider: its key decides what can be decrypted."""
    model: str


def build(
    request: Request,
    reader: Reader,
    entry: ModelEntry,
    summary: Summary | None = None,
) -> Built:
    """The body for `request`. `provider_options` are added under OpenAI's own names and win.

    `summary`: how much of its reasoning the model should tell.
    """
    dropped: list[str] = []
    able = entry.capabilities
    body: dict[str, Any] = {
        "model": reader.model,
        "input": list(items(request.messages, reader, vision=able.vision)),
        "store": False,
    }
    if not able.vision and has_images(request.messages):
        dropped.append("image")
    if request.system.strip():
        body["instructions"] = request.system
    if request.tools:
        _add_tools(body, request, entry, dropped)
    if limit := request.max_output_tokens:
        body["max_output_tokens"] = _limited(limit, able.max_output, dropped)
    body |= sampling(request, _SAMPLING, taken=able.sampling_params, dropped=dropped)
    _add_reasoning(body, request, entry, summary, dropped)
    if request.output_schema is not None:
        if able.structured_output:
            body["text"] = {"format": _format(request.output_schema)}
        else:
            dropped.append("output_schema")
    key = request.metadata.get("cache") or request.metadata.get("session")
    if request.cache and able.prompt_cache and key:
        # Calls with the same key meet the same cache. It is hashed: a session's name may name its repository.
        body["prompt_cache_key"] = hashlib.sha256(key.encode()).hexdigest()[:32]
    return Built({**body, **request.provider_options}, tuple(dropped))


def items(given: Iterable[Message], reader: Reader, *, vision: bool = True) -> Iterator[Item]:
    """Messages as input items, nothing empty."""
    for message in given:
        if message.role is Role.ASSISTANT:
            yield from _assistant(message.parts, reader)
        else:
            yield from _user(message.parts, vision)


def _user(parts: Iterable[Part], vision: bool) -> Iterator[Item]:
    content: list[Item] = []
    for part in parts:
        match part:
            case ToolResult(call_id, text, is_error):
                shown = f"[error] {text}" if is_error else text  # the API has no flag for it
                yield {"type": "function_call_output", "call_id": call_id, "output": shown}
            case Text(text) if text.strip():
                content.append({"type": "input_text", "text": text})
            case Image(media_type, data) if vision:
                url = f"data:{media_type};base64,{data}"
                content.append({"type": "input_image", "detail": "auto", "image_url": url})
            case Image():
                content.append({"type": "input_text", "text": IMAGE_LEFT_OUT})
            case _:
                pass
    if content:
        yield {"type": "message", "role": "user", "content": content}


def _assistant(parts: Iterable[Part], reader: Reader) -> Iterator[Item]:
    """Items without ids of their own: the service would look them up, and it keeps nothing."""
    waiting: list[Item] = []  # the API refuses reasoning that nothing follows
    phase: str | None = None
    for part in parts:
        match part:
            case Reasoning(_, provider_data):
                data = _own(provider_data)
                phase = data.get("phase", phase)
                if item := _readable(data, reader):
                    waiting.append(item)
                continue
            case Text(text) if text.strip():
                item = {"type": "message", "role": "assistant", "content": text}
                if phase is not None:
                    item["phase"] = phase
            case ToolCall():
                item = _call(part)
            case _:
                continue
        yield from waiting
        waiting.clear()
        yield item


def _call(call: ToolCall) -> Item:
    arguments = arguments_text(call.args_json)
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}


# --- what Reasoning.provider_data holds ----------------------------------------------------------


def reasoning_data(reader: Reader, item: Mapping[str, Any]) -> str | None:
    """A reasoning item as it came, and who can read it. None where it came without its encrypted content."""
    if not item.get("encrypted_content"):
        return None
    kept = {name: item[name] for name in _REASONING_FIELDS if name in item}
    return _packed({"account": reader.account, "model": reader.model, "item": kept})


def phase_data(phase: str) -> str:
    """What kind of text follows (a comment on the way, or the final answer): models want it replayed."""
    return _packed({"phase": phase})


def _own(provider_data: str | None) -> dict[str, Any]:
    """What this adapter stored; empty for what another stored."""
    try:
        data: object = json.loads(provider_data or "{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _readable(data: Mapping[str, Any], reader: Reader) -> Item | None:
    same = (data.get("account"), data.get("model")) == (reader.account, reader.model)
    return data.get("item") if same else None


def _packed(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


# --- options of the request ----------------------------------------------------------------------


def _limited(wanted: int, most: int | None, dropped: list[str]) -> int:
    if most is not None and wanted > most:
        dropped.append(f"max_output_tokens above {most}")
        return most
    return max(wanted, LEAST_OUTPUT)


def _add_tools(body: dict[str, Any], request: Request, entry: ModelEntry, dropped: list[str]) -> None:
    body["tools"] = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.input_schema),
            "strict": False,  # strict refuses optional arguments
        }
        for tool in request.tools
    ]
    body["parallel_tool_calls"] = entry.capabilities.parallel_tools
    if request.tool_choice is ToolChoice.REQUIRED and not entry.capabilities.forced_tool:
        dropped.append("tool_choice 'required'")
    elif request.tool_choice is not ToolChoice.AUTO:
        body["tool_choice"] = str(request.tool_choice)


def _add_reasoning(
    body: dict[str, Any], request: Request, entry: ModelEntry, summary: Summary | None, dropped: list[str]
) -> None:
    reasoning: dict[str, Any] = {}
    if request.reasoning_effort is not None:
        if request.reasoning_effort in entry.capabilities.reasoning_levels:
            reasoning["effort"] = request.reasoning_effort
        else:
            dropped.append("reasoning_effort")
    if entry.thinking != "none":
        body["include"] = ["reasoning.encrypted_content"]
        if summary is not None:
            reasoning["summary"] = summary
    if reasoning:
        body["reasoning"] = reasoning


def _format(schema: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "json_schema", "name": "answer", "schema": dict(schema), "strict": is_strict(schema)}


def is_strict(schema: object) -> bool:
    """Whether strict output takes `schema`: every object closed and all its properties required."""
    if isinstance(schema, list):
        return all(map(is_strict, cast("list[object]", schema)))
    if not isinstance(schema, Mapping):
        return True
    known = cast("Mapping[str, Any]", schema)
    if not _LOOSE.isdisjoint(known):
        return False
    if known.get("type") == "object" or "properties" in known:
        names: Mapping[str, object] = known.get("properties") or {}
        if known.get("additionalProperties") is not False or set(known.get("required") or ()) != set(names):
            return False
    return all(map(is_strict, known.values()))
