"""Google's Gemini API."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import FinishReason
from tamma.providers.gemini.provider import Gemini
from tamma.providers.interface import Provider
from tests.providers.vendors.base import COMMENT, MODEL, Feature, Said, Vendor, serve, settings_for
from tests.support.raw_http import Answer

STATUS_NAMES = {
    "rate_limit_error": "RESOURCE_EXHAUSTED",
    "billing_error": "RESOURCE_EXHAUSTED",
    "authentication_error": "UNAUTHENTICATED",
    "permission_error": "PERMISSION_DENIED",
    "not_found_error": "NOT_FOUND",
    "invalid_request_error": "INVALID_ARGUMENT",
    "api_error": "INTERNAL",
    "overloaded_error": "UNAVAILABLE",
    "gateway_timeout": "DEADLINE_EXCEEDED",
}
QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"
DAILY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


def gemini_event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\r\n\r\n".encode()


def gemini_chunk(*parts: dict[str, Any], finish: str | None = None, **usage: int) -> bytes:
    """One chunk with `parts`; `usage` under the names of `usageMetadata`."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    counts = {"promptTokenCount": 10, "totalTokenCount": 10, **usage}
    return gemini_event(
        {"candidates": [candidate], "usageMetadata": counts, "modelVersion": MODEL, "responseId": "resp-1"}
    )


def gemini_call(name: str, args: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A part with a whole function call; `more` stands beside it, such as its `thoughtSignature`."""
    return {"functionCall": {"name": name, "args": args}, **more}


@dataclass(frozen=True)
class GeminiVendor:
    name: str = "gemini"
    silence: bytes = COMMENT
    models_answer: object = field(
        default_factory=lambda: {
            "models": [
                {
                    "name": "models/m1",
                    "inputTokenLimit": 1048576,
                    "outputTokenLimit": 65536,
                    "supportedGenerationMethods": ["generateContent", "countTokens"],
                },
                {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
            ]
        }
    )
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {
            "broken arguments": "a call is a JSON object; a broken one ends with MALFORMED_FUNCTION_CALL",
            "fragmented arguments": "a call arrives whole",
            "interleaved calls": "a call arrives whole",
            "refused content": "a blocked prompt is an answer of status 200 that says so",
        }
    )
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "STOP",
            FinishReason.LENGTH: "MAX_TOKENS",
            FinishReason.TOOL_CALLS: "STOP",
            FinishReason.CONTENT_FILTER: "PROHIBITED_CONTENT",
            FinishReason.UNKNOWN: "SOMETHING_NEW",
        }
    )

    def wire(self, said: Said) -> list[bytes]:
        parts = [gemini_chunk({"text": ""})]
        parts += [gemini_chunk({"text": piece}) for piece in said.pieces]
        parts += [
            gemini_chunk(
                {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.args or "{}")}}
            )
            for call in said.calls
        ]
        prompt, written = said.usage
        end = gemini_chunk(
            finish=self.finishes[said.reason], promptTokenCount=prompt, candidatesTokenCount=written
        )
        return [*parts, end, b"\r\n"]

    def error_body(self, status: int, kind: str, message: str) -> object:
        error: dict[str, Any] = {
            "code": status,
            "message": message,
            "status": STATUS_NAMES.get(kind, "UNKNOWN"),
        }
        if kind == "billing_error":
            error["details"] = [{"@type": QUOTA_FAILURE, "violations": [{"quotaId": DAILY}]}]
        return {"error": error}

    def error_event(self, kind: str, message: str) -> bytes:
        return b"data: " + json.dumps(self.error_body(503, kind, message)).encode() + b"\n\n"

    def provider(self, url: str, **settings: Any) -> Gemini:
        return Gemini(settings_for(self.name, url, **settings))

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        return await serve(self, Answer(self.wire(said)), stack)


VENDORS: list[Vendor] = [GeminiVendor()]
