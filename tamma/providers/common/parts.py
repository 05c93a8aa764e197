"""Pieces of a request that several protocols write alike. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from tamma.model.conversation import Image, Message, Tool
from tamma.model.foreign import read_json

IMAGE_LEFT_OUT = "[an image was left out: the model cannot see]"
"""What stands in an image's place for models without eyes."""


def arguments_object(args_json: str) -> Mapping[str, Any]:
    """A call's arguments as an object. What is none is wrapped: the model should see what it wrote."""
    found = _object(args_json)
    return {"invalid_json": args_json} if found is None else found


def arguments_text(args_json: str) -> str:
    """The same as JSON text. What is an object stays as it is to the letter: prompt caches go by that."""
    return json.dumps({"invalid_json": args_json}) if _object(args_json) is None else args_json or "{}"


def _object(args_json: str) -> Mapping[str, Any] | None:
    try:
        value = read_json(args_json or "{}")
    except ValueError:
        return None
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None


def function_tools(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Tools in the form of Chat Completions."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.input_schema),
            },
        }
        for tool in tools
    ]


def has_images(messages: Iterable[Message]) -> bool:
    return any(isinstance(part, Image) for message in messages for part in message.parts)
