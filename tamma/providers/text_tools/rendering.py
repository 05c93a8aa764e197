"""Requests for a model without tool calls: tools, the calls made so far and their results as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tamma.model.conversation import (
    Message,
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tamma.model.wording import fenced, fill, template
from tamma.providers.text_tools.forms import Call, Forms, arguments, tool_call, written_edit, written_fence
from tamma.providers.text_tools.parser import Parser

_HERE = "tamma.providers.text_tools"


def concerns(request: Request) -> bool:
    """Whether anything of tools is in the request."""
    return bool(request.tools) or any(map(_has_tool_parts, request.messages))


def in_text(request: Request) -> Request:
    """The same request without tools, calls and results: all of it stands in its texts."""
    forms = Forms.of(request.tools)
    calls = {call.id: call for message in request.messages for call in message.tool_calls}
    wanted = request.tools and request.tool_choice is not ToolChoice.NONE
    system = [request.system.strip(), instructions(request.tools, request.tool_choice) if wanted else ""]
    return replace(
        request,
        system="\n\n".join(filter(None, system)),
        tools=(),
        tool_choice=ToolChoice.AUTO,
        messages=tuple(_message(message, forms, calls) for message in request.messages),
    )


def instructions(tools: tuple[Tool, ...], choice: ToolChoice = ToolChoice.AUTO) -> str:
    """What the model is told about the tools and how to call them."""
    forms = Forms.of(tools)
    sections = [
        fill(template(_HERE, "tools"), {"tools": "\n\n".join(map(_described, tools))}),
        template(_HERE, "bash") if forms.bash else "",
        template(_HERE, "edit") if forms.edit else "",
        "This answer must call a tool." if choice is ToolChoice.REQUIRED else "",
    ]
    return "\n\n".join(filter(None, sections))


def written(call: ToolCall, forms: Forms) -> str:
    """The call as the model would write it, in the plainest form that reads as exactly the same call."""
    values = arguments(call.args_json)
    if values is None:
        same = Call(call.name, call.args_json)
        found = parsed(call.args_json, forms, cut_off=True)
        if len(found) == 1 and isinstance(found[0], Call) and replace(found[0], problem=None) == same:
            return call.args_json  # a broken block, as it stood
    else:
        for text in _special(call.name, values, forms):
            if [_meaning(piece) for piece in parsed(text, forms)] == [(call.name, values)]:
                return text
    return written_fence(f"tool {call.name}", call.args_json)


def parsed(text: str, forms: Forms, *, cut_off: bool = False) -> list[str | Call]:
    """The pieces of a whole text."""
    parser = Parser(forms)
    return [*parser.feed(text), *parser.close(cut_off=cut_off)]


def _special(name: str, values: Mapping[str, object], forms: Forms) -> Iterable[str]:
    match name, values:
        case "str_replace", {"path": str(path), "old": str(old), "new": str(new)} if forms.edit:
            yield written_edit(path, old, new)
        case "create", {"path": str(path), "content": str(content)} if forms.edit:
            yield written_edit(path, "", content)
        case "bash", {"command": str(command)} if forms.bash:
            yield written_fence("bash run", command)
        case _:
            return


def _meaning(piece: str | Call) -> object:
    return piece if isinstance(piece, str) else (piece.name, arguments(piece.args_json))


def _has_tool_parts(message: Message) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for part in message.parts)


def _message(message: Message, forms: Forms, calls: Mapping[str, ToolCall]) -> Message:
    if not _has_tool_parts(message):
        return message
    parts: list[Part] = []
    for part in message.parts:
        match part:
            case ToolCall():
                shown = Text(written(part, forms))
            case ToolResult():
                shown = Text(_result(part, calls.get(part.call_id), forms))
            case _:
                shown = part
        last = parts[-1] if parts else None
        if isinstance(shown, Text) and isinstance(last, Text):
            parts[-1] = Text(f"{last.text.rstrip()}\n\n{shown.text}")
        else:
            parts.append(shown)
    return Message(Role(message.role), tuple(parts))


def _result(result: ToolResult, call: ToolCall | None, forms: Forms) -> str:
    name = call.name if call is not None else "unknown"
    content = result.content
    if call is not None and arguments(call.args_json) is None:
        content = f"This block could not be read: {_problem(call, forms)}. Nothing was done; write it again."
    attributes = {"tool": name, **({"error": "true"} if result.is_error else {})}
    return fenced("tool_result", content, **attributes)


def _problem(call: ToolCall, forms: Forms) -> str:
    """Why the call's arguments are none: found out again, for a transcript does not hold it."""
    for piece in (*parsed(written(call, forms), forms, cut_off=True), tool_call(call.name, call.args_json)):
        if isinstance(piece, Call) and piece.problem:
            return piece.problem
    return "its arguments are no JSON object"


def _described(tool: Tool) -> str:
    schema = json.dumps(dict(tool.input_schema), ensure_ascii=False, separators=(",", ":"))
    return f"- {tool.name}: {tool.description.strip()}\n  Arguments: {schema}"
