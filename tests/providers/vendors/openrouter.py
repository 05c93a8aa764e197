"""OpenRouter: Chat Completions with costs, numbers for error codes, and comments while it waits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tamma.providers.openrouter.provider import OpenRouter
from tests.providers.vendors.base import Feature, Said, Vendor, settings_for
from tests.providers.vendors.chat import DONE, LocalVendor, openai_chunk, openai_usage

PROCESSING = b": OPENROUTER PROCESSING\n\n"
_NUMBERS = {"overloaded_error": 502}


@dataclass(frozen=True)
class OpenRouterVendor(LocalVendor):
    name: str = "openrouter"
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {"quota told from rate limits": "no credit is status 402, never 429"}
    )
    models_answer: object = field(
        default_factory=lambda: {
            "data": [
                {
                    "id": "m1",
                    "context_length": 128_000,
                    "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_384},
                    "pricing": {"prompt": "0.000002", "completion": "0.00001"},
                }
            ]
        }
    )

    def wire(self, said: Said) -> list[bytes]:
        *parts, _, _ = super().wire(said)
        return [PROCESSING, *parts, openai_usage(*said.usage, cost=0.0125), PROCESSING, DONE]

    def error_body(self, status: int, kind: str, message: str) -> object:
        error: dict[str, Any] = {"code": status, "message": message}
        if kind == "content_filter_error":
            error["metadata"] = {"reasons": ["violence"], "flagged_input": "..."}
        return {"error": error, "user_id": "u1"}

    def error_event(self, kind: str, message: str) -> bytes:
        error = {"code": _NUMBERS[kind], "message": message}
        return openai_chunk({"content": ""}, "error", error=error, provider="Somebody")

    def provider(self, url: str, **settings: Any) -> OpenRouter:  # type: ignore[override]
        return OpenRouter(settings_for(self.name, url, **settings))


def openrouter_chunk(delta: dict[str, Any], model: str) -> bytes:
    """As OpenRouter names the model that answers, which may be another than was asked."""
    chunk = {"id": "gen-1", "provider": "P", "model": model, "choices": [{"index": 0, "delta": delta}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


VENDORS: list[Vendor] = [OpenRouterVendor()]
