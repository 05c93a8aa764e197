"""A `Request` as the Gemini API's `generateContent` wants it. Pure: no client, no clock, no log.

Thought signatures: the service puts one on a function call, a text or a thought, and newer models refuse a
history in which a call lost its own. The shared parts know no signatures, so one becomes a `Reasoning` part:
before the call that it signs, behind the text that it signs. Its `provider_data` says which it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
from tamma.providers.common.parts import IMAGE_LEFT_OUT, arguments_object, has_images
from tamma.providers.common.sampling import sampling

Block = dict[str, Any]
Signed = Literal["call", "text", "thought"]
"""What kind of part a thought signature stood on."""

UNSIGNED = "skip_thought_signature_validator"
"""What the documentation tells to send with a call of a history that another model wrote."""
_BUDGETS = {"low": 1024, "medium": 8192, "high": 24_576}
"""Tokens of thinking for models without levels; the figures of Google's own OpenAI-compatible endpoint."""
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "topP",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}
_MODES = {ToolChoice.NONE: "NONE", ToolChoice.REQUIRED: "ANY"}


@dataclass(frozen=True, slots=True)
class Built:
    """The body of the request, and what was left out because the model cannot do it."""

    body: dict[str, Any]
    dropped: tuple[str, ...]


def build(request: Request, model: str, entry: ModelEntry) -> Built:
    """The body for `request`. `provider_options` are added under the service's own names and win."""
    dropped: list[str] = []
    able = entry.capabilities
    body: dict[str, Any] = {"contents": contents(request.messages, model, vision=able.vision)}
    if not able.vision and has_images(request.messages):
        dropped.append("image")
    if request.system.strip():
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    if request.tools:
        _add_tools(body, request, entry, dropped)
    if config := _generation(request, model, entry, dropped):
        body["generationConfig"] = config
    for name, value in request.provider_options.items():
        known = body.get(name)
        # `{"generationConfig": {"topK": 3}}` adds to what stands there
        body[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, Mapping) else value
    return Built(body, tuple(dropped))


def contents(given: Iterable[Message], model: str, *, vision: bool = True) -> list[Block]:
    """Messages in Gemini's form: neighbours of one role merged, tool results first, nothing empty."""
    names: dict[str, str] = {}
    merged: list[Block] = []
    for message in given:
        names |= {call.id: call.name for call in message.tool_calls}
        if message.role is Role.ASSISTANT:
            role, parts = "model", _answer(message.parts, model)
        else:
            role, parts = "user", [p for part in message.parts if (p := _asked(part, names, vision))]
        if not parts:
            continue
        if merged and merged[-1]["role"] == role:
            merged[-1]["parts"] += parts
        else:
            merged.append({"role": role, "parts": parts})
    for entry in merged:
        if entry["role"] == "user":
            entry["parts"].sort(key=_is_no_result)  # the results of calls must follow the calls at once
    return merged


def signature_data(model: str, on: Signed, signature: str) -> str:
    """What `Reasoning.provider_data` holds: the signature as it came, on what, and who can read it."""
    return json.dumps({"model": model, "on": on, "signature": signature}, separators=(",", ":"))


def checks_signatures(model: str) -> bool:
    """Whether `model` refuses a function call without the signature it came with: Gemini 3 and newer do."""
    return model.startswith("gemini-") and not _is_old(model)


def _is_old(model: str) -> bool:
    """Gemini 2: thinking budgets instead of levels, and no schema for the answer beside tools."""
    return model.startswith("gemini-2")


def _is_no_result(part: Block) -> bool:
    return "functionResponse" not in part


def _asked(part: Part, names: Mapping[str, str], vision: bool) -> Block | None:
    match part:
        case Text(text):
            return {"text": text} if text.strip() else None
        case Image(media_type, data) if vision:
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case Image():
            return {"text": IMAGE_LEFT_OUT}
        case ToolResult(call_id, content, is_error):
            name = names.get(call_id)
            if name is None:  # its call was compacted away, and a result without a call is refused
                return {"text": f"[result of an earlier tool call]\n{content}"}
            response = {"error" if is_error else "output": content}
            return {"functionResponse": {"id": call_id, "name": name, "response": response}}
        case _:
            return None


def _answer(given: Iterable[Part], model: str) -> list[Block]:
    """The parts of a model's turn, each signature back on the part it came with."""
    parts: list[Block] = []
    signature: str | None = None  # of the call that follows
    unsigned = UNSIGNED if checks_signatures(model) else None
    for part in given:
        match part:
            case Text(text) if text.strip():
                parts.append({"text": text})
            case Reasoning(text, provider_data):
                on, found = _read_signature(provider_data, model)
                if on == "call":
                    signature = found
                elif on == "text":
                    parts.append({"text": "", "thoughtSignature": found})  # the service's own form for it
                elif on == "thought":
                    parts.append({"text": text, "thought": True, "thoughtSignature": found})
            case ToolCall(call_id, name, args_json):
                call: Block = {
                    "functionCall": {"id": call_id, "name": name, "args": arguments_object(args_json)}
                }
                # Of parallel calls only the first is signed.
                if chosen := signature or unsigned:
                    call["thoughtSignature"] = chosen
                parts.append(call)
                signature = unsigned = None
            case _:
                pass
    return parts


def _read_signature(provider_data: str | None, model: str) -> tuple[str, str]:
    """On what a signature stood, and the signature. Empty for another model's (or vendor's)."""
    try:
        data: object = json.loads(provider_data or "null")
    except ValueError:
        return "", ""
    if not isinstance(data, dict):
        return "", ""
    known = cast("dict[str, object]", data)
    on, signature = known.get("on"), known.get("signature")
    if known.get("model") != model or not (isinstance(on, str) and isinstance(signature, str)):
        return "", ""
    return on, signature


def _add_tools(body: dict[str, Any], request: Request, entry: ModelEntry, dropped: list[str]) -> None:
    declared = [
        {
            "name": tool.name,
            "description": tool.description,
            "parametersJsonSchema": dict(tool.input_schema),
        }
        for tool in request.tools
    ]
    body["tools"] = [{"functionDeclarations": declared}]
    mode = _MODES.get(request.tool_choice)
    if mode == "ANY" and not entry.capabilities.forced_tool:
        dropped.append("tool_choice 'required'")
    elif mode is not None:
        body["toolConfig"] = {"functionCallingConfig": {"mode": mode}}


def _generation(request: Request, model: str, entry: ModelEntry, dropped: list[str]) -> Block:
    able = entry.capabilities
    config: Block = {}
    if limit := request.max_output_tokens:
        config["maxOutputTokens"] = min(limit, able.max_output or limit)
    config |= sampling(request, _SAMPLING, taken=able.sampling_params, dropped=dropped)
    if request.output_schema is not None:
        if able.structured_output and not (request.tools and _is_old(model)):
            config["responseMimeType"] = "application/json"
            config["responseJsonSchema"] = dict(request.output_schema)
        else:
            dropped.append("output_schema")
    if thinking := _thinking(request, model, entry, dropped):
        config["thinkingConfig"] = thinking
    return config


def _thinking(request: Request, model: str, entry: ModelEntry, dropped: list[str]) -> Block:
    effort = request.reasoning_effort
    if effort is not None and effort not in entry.capabilities.reasoning_levels:
        dropped.append("reasoning_effort")
        effort = None
    if entry.thinking == "none" or (entry.thinking == "asked" and effort is None):
        return {}
    thinking: Block = {"includeThoughts": True}
    if effort is not None and _is_old(model):
        thinking["thinkingBudget"] = _BUDGETS[effort]
    elif effort is not None:
        thinking["thinkingLevel"] = effort.upper()
    return thinking
