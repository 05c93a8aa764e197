"""A `Request` as OpenCode's HTTP API wants it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tamma.errors import InvalidRequest
from tamma.model.conversation import Capabilities, Request
from tamma.providers.common.errors import CallContext
from tamma.providers.common.flatten import flatten
from tamma.providers.common.sampling import asked

SESSION: dict[str, Any] = {
    "title": "tamma",  # with a title of ours, no second model call makes one
    "permission": [{"permission": "*", "pattern": "*", "action": "deny"}],
}
"""The body that opens a session in which nothing is permitted."""


@dataclass(frozen=True, slots=True)
class Built:
    """The body of the prompt, and what was left out because OpenCode has no place for it."""

    body: dict[str, Any]
    dropped: tuple[str, ...]


def qualified(model: str, default: str) -> str:
    """`provider/model`: a bare name means a model of the provider that `default` names."""
    if not model:
        return default
    provider, slash, _ = default.partition("/")
    return model if "/" in model or not slash else f"{provider}/{model}"


def build(request: Request, model: str, able: Capabilities, context: CallContext, agent: str | None) -> Built:
    """The prompt's body. Raises InvalidRequest where `model` does not read `provider/model`."""
    provider, slash, name = model.partition("/")
    if not (provider and slash and name):
        raise context.error(
            InvalidRequest, f"the model {model!r} does not name its provider", hint='write "provider/model"'
        )
    flat = flatten(request.messages, vision=able.vision)
    body: dict[str, Any] = {
        "model": {"providerID": provider, "modelID": name},
        "tools": {"*": False},
        "parts": [
            {"type": "text", "text": flat.text},
            *(
                {
                    "type": "file",
                    "mime": image.media_type,
                    "url": f"data:{image.media_type};base64,{image.data_base64}",
                }
                for image in flat.images
            ),
        ],
    }
    if request.system.strip():
        body["system"] = request.system
    if agent:
        body["agent"] = agent
    lost = {
        **dict.fromkeys(asked(request), True),
        "max_output_tokens": request.max_output_tokens is not None,
        "reasoning_effort": request.reasoning_effort is not None,
        "output_schema": request.output_schema is not None,
        "tools": bool(request.tools),
    }
    return Built(body, tuple(name for name, is_lost in lost.items() if is_lost))
