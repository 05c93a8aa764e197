"""z.ai: business codes in the body, no list of models, and two protocols."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import FinishReason
from tamma.providers.zai.provider import Zai
from tests.providers.vendors.anthropic import AnthropicVendor
from tests.providers.vendors.base import Said, Vendor, settings_for
from tests.providers.vendors.chat import DONE, LocalVendor, openai_chunk

_CODES = {
    "rate_limit_error": "1302",
    "billing_error": "1113",
    "authentication_error": "1002",
    "permission_error": "1220",
    "not_found_error": "1211",
    "request_too_large": "1261",
    "content_filter_error": "1301",
    "invalid_request_error": "1210",
    "overloaded_error": "1305",
}


def zai_error(kind: str, message: str) -> dict[str, Any]:
    code = "1261" if "too long" in message else _CODES.get(kind)
    return {"message": message, **({"code": code} if code else {})}


@dataclass(frozen=True)
class ZaiVendor(LocalVendor):
    name: str = "zai"
    models_answer: object = None
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "stop",
            FinishReason.LENGTH: "length",
            FinishReason.TOOL_CALLS: "tool_calls",
            FinishReason.CONTENT_FILTER: "sensitive",
            FinishReason.CONTEXT_OVERFLOW: "model_context_window_exceeded",
            FinishReason.UNKNOWN: "something_new",
        }
    )

    def wire(self, said: Said) -> list[bytes]:
        """Usage comes with the finish reason."""
        *parts, _, _, _ = super().wire(said)
        usage = {"prompt_tokens": said.usage[0], "completion_tokens": said.usage[1]}
        return [*parts, openai_chunk({"content": ""}, self.finishes[said.reason], usage=usage), DONE]

    def error_body(self, status: int, kind: str, message: str) -> object:
        return {"error": zai_error(kind, message)}

    def error_event(self, kind: str, message: str) -> bytes:
        return b"data: " + json.dumps({"error": zai_error(kind, message)}).encode() + b"\n\n"

    def provider(self, url: str, **settings: Any) -> Zai:  # type: ignore[override]
        return Zai(settings_for("zai", url, **settings))


@dataclass(frozen=True)
class ZaiMessagesVendor(AnthropicVendor):
    name: str = "zai-anthropic"
    models_answer: object = None

    def error_body(self, status: int, kind: str, message: str) -> object:
        return {"type": "error", "error": {"type": kind, **zai_error(kind, message)}}

    def provider(self, url: str, **settings: Any) -> Zai:  # type: ignore[override]
        options = {"protocol": "anthropic", **settings.pop("options", {})}
        return Zai(settings_for("zai", url, options=options, **settings))


VENDORS: list[Vendor] = [ZaiVendor(), ZaiMessagesVendor()]
