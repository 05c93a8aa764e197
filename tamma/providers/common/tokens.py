"""Token estimates, for services that do not count. Always marked as estimated where they show."""

from __future__ import annotations

import math

from tamma.model.conversation import (
    Image,
    Message,
    Part,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

BYTES_PER_TOKEN = 3.5
"""Code and prose of today's tokenizers come to 3.2-4.5 bytes a token; lower is the safe side for limits."""
TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 1500


def estimate(text: str) -> int:
    """Tokens of `text`, rounded up; 0 for none."""
    return from_bytes(len(text.encode(errors="replace")))


def from_bytes(count: int) -> int:
    """Tokens of `count` bytes of UTF-8."""
    return math.ceil(count / BYTES_PER_TOKEN)


def estimated_usage(input_total: int, written: int) -> Usage:
    """The usage of an answer that nobody counted: `written` bytes of UTF-8 to `input_total` tokens."""
    return Usage(input_total=input_total, output_total=from_bytes(written), estimated=True)


def estimate_part(part: Part) -> int:
    match part:
        case Text(text):
            return estimate(text)
        case Reasoning(text):
            return estimate(text)
        case ToolCall(_, name, args_json):
            return estimate(name) + estimate(args_json)
        case ToolResult(_, content):
            return estimate(content)
        case Image():
            return TOKENS_PER_IMAGE


def estimate_message(message: Message) -> int:
    return TOKENS_PER_MESSAGE + sum(map(estimate_part, message.parts))


def estimate_request(request: Request) -> int:
    """Input tokens of the whole request: system, tools and messages."""
    tools = sum(
        estimate(tool.name) + estimate(tool.description) + estimate(str(tool.input_schema))
        for tool in request.tools
    )
    return estimate(request.system) + tools + sum(map(estimate_message, request.messages))
