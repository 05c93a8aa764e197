"""Ollama's own protocol: newline-delimited JSON from `/api/chat`."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import FinishReason
from tamma.providers.interface import Provider
from tamma.providers.local.provider import LocalLLM
from tests.providers.vendors.base import MODEL, Feature, Said, Vendor, serve, settings_for
from tests.support.raw_http import Answer


def ollama_line(message: dict[str, Any] | None = None, *, done: bool = False, **more: Any) -> bytes:
    said = {"role": "assistant", "content": "", **(message or {})}
    line = {"model": MODEL, "created_at": "2026-08-21T18:48:22Z", "message": said, "done": done, **more}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True)
class OllamaVendor:
    name: str = "local-llm ollama"
    error_path: str = "/api/chat"
    silence: bytes = b"\n"
    """The protocol has no comments."""
    models_answer: object = field(
        default_factory=lambda: {"models": [{"name": "m1", "model": "m1", "size": 0, "digest": "d"}]}
    )
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {
            "broken arguments": "the server parses the arguments",
            "fragmented arguments": "calls arrive whole",
            "interleaved calls": "calls arrive whole",
            "quota told from rate limits": "there are no accounts",
            "refused content": "a model refuses in its own words",
        }
    )
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "stop",
            FinishReason.LENGTH: "length",
            FinishReason.TOOL_CALLS: "stop",
            FinishReason.UNKNOWN: "something_new",
        }
    )

    def wire(self, said: Said) -> list[bytes]:
        parts = [ollama_line({"content": piece}) for piece in ["", *said.pieces]]
        for call in said.calls:
            function = {"name": call.name, "arguments": json.loads(call.args or "{}")}
            parts.append(ollama_line({"tool_calls": [{"id": call.id, "function": function}]}))
        end = ollama_line(
            done=True,
            done_reason=self.finishes[said.reason],
            prompt_eval_count=said.usage[0],
            eval_count=said.usage[1],
        )
        return [*parts, ollama_line(), end]

    def error_body(self, status: int, kind: str, message: str) -> object:
        return {"error": message}

    def error_event(self, kind: str, message: str) -> bytes:
        return json.dumps({"error": message}).encode() + b"\n"

    def provider(self, url: str, **settings: Any) -> LocalLLM:
        # One answer for everything: nothing can be found out, and nothing asked beside the call itself.
        options = {"kind": "ollama", "discover": False, **settings.pop("options", {})}
        return LocalLLM(settings_for("local-llm", url, options=options, **settings))

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        return await serve(self, Answer(self.wire(said), content_type="application/x-ndjson"), stack)


VENDORS: list[Vendor] = [OllamaVendor()]
