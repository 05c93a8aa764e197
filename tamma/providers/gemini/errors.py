"""Gemini's errors to ours: the details first, then the status by name, then the HTTP status.

The body is Google's `google.rpc.Status`: `{"error": {"code", "message", "status", "details": [{"@type"}]}}`.
Some gateways put it into a list of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tamma.errors import (
    AuthFailed,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
)
from tamma.providers.common.errors import BY_STATUS, HINTS, CallContext, mapping_of, retry_after

_BY_REASON: Mapping[str, type[ProviderError]] = {
    "API_KEY_INVALID": AuthFailed,  # with status 400, INVALID_ARGUMENT
    "API_KEY_EXPIRED": AuthFailed,
    "API_KEY_SERVICE_BLOCKED": AuthFailed,
    "SERVICE_DISABLED": AuthFailed,
    "BILLING_DISABLED": QuotaExhausted,
}
_BY_NAME: Mapping[str, type[ProviderError]] = {
    "RESOURCE_EXHAUSTED": RateLimited,
    "UNAUTHENTICATED": AuthFailed,
    "PERMISSION_DENIED": AuthFailed,
    "NOT_FOUND": ModelNotFound,
    "DEADLINE_EXCEEDED": ProviderTimeout,
    "UNAVAILABLE": Overloaded,
    "INTERNAL": Overloaded,
    "ABORTED": Overloaded,
    "CANCELLED": Overloaded,  # by the service: who hangs up sees no answer
}
# INVALID_ARGUMENT and RESOURCE_EXHAUSTED say several things; only the words tell them apart.
_BY_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("token count", ContextOverflow),
    ("maximum number of tokens", ContextOverflow),
    ("prompt is too long", ContextOverflow),
    ("context window", ContextOverflow),
    ("context length", ContextOverflow),
    ("api key not valid", AuthFailed),
    ("api key expired", AuthFailed),
)
_SPENT = ("limit: 0,", "credits are depleted", "spending cap", "spend limit")
"""Words of a 429 that no waiting helps against."""
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")


@dataclass(frozen=True, slots=True)
class Status:
    """What stands in the body of a refusal; empty where it is missing."""

    code: int = 0
    name: str = ""
    message: str = ""
    reasons: tuple[str, ...] = ()
    quotas: tuple[str, ...] = ()
    """The ids of the limits that were passed, such as `GenerateRequestsPerDayPerProjectPerModel-FreeTier`."""
    retry_delay: float | None = None
    """Seconds."""


def classify(status: int, said: Status) -> type[ProviderError]:
    """Which of our errors an answer means. Pure. `status`: of HTTP, or 200 inside a stream."""
    for reason in said.reasons:
        if reason in _BY_REASON:
            return _BY_REASON[reason]
    status = said.code if status < 400 <= said.code else status
    lower = said.message.lower()
    if status == 429 and (any("PerDay" in quota for quota in said.quotas) or _has(lower, _SPENT)):
        return QuotaExhausted
    if status in (400, 413) or said.name == "INVALID_ARGUMENT":
        for words, found in _BY_WORDS:
            if words in lower:
                return found
    if status in BY_STATUS:
        return BY_STATUS[status]
    if said.name in _BY_NAME:
        return _BY_NAME[said.name]
    if status >= 500 or status < 300:  # below 300: an error inside a stream that says nothing we know
        return Overloaded
    return InvalidRequest


def to_error(status: int, body: object, headers: Mapping[str, str], context: CallContext) -> ProviderError:
    """The error for an answer with `status` and the parsed `body` (or its raw text)."""
    said = read_body(body)
    found = classify(status, said)
    delay = retry_after(headers)
    return context.error(
        found,
        f"{said.message or 'no details given'} (status {status if status >= 400 else said.code or status}"
        f"{''.join(f', {word}' for word in (said.name, *said.reasons, *said.quotas) if word)})",
        hint=HINTS.get(found),
        retry_after=said.retry_delay if delay is None else delay,
    )


def read_body(body: object) -> Status:
    """The status in a refusal's body; text that is no JSON becomes its message."""
    if isinstance(body, str):
        return Status(message=body)
    outer = _unlisted(body)
    error = mapping_of(outer.get("error")) or outer  # the SDK puts text that is no JSON into a bare `message`
    code = error.get("code")
    details = [mapping_of(detail) for detail in _items(error.get("details"))]
    violations = [
        mapping_of(violation) for detail in details for violation in _items(detail.get("violations"))
    ]
    delays = (_seconds(detail.get("retryDelay")) for detail in details)
    return Status(
        code=code if isinstance(code, int) else 0,
        name=_text(error.get("status")),
        message=_text(error.get("message")),
        reasons=tuple(reason for detail in details if (reason := _text(detail.get("reason")))),
        quotas=tuple(quota for violation in violations if (quota := _text(violation.get("quotaId")))),
        retry_delay=next((delay for delay in delays if delay is not None), None),
    )


def stray_error(tail: bytes) -> object | None:
    """The refusal that ends a stream as bare JSON, not as an event; None where there is none."""
    for start in re.finditer(rb"(?m)^[\[{]", tail):
        try:
            body: object = json.loads(tail[start.start() :])
        except ValueError:
            continue
        if "error" in _unlisted(body):
            return body
    return None


def _unlisted(body: object) -> Mapping[str, object]:
    return mapping_of(next(iter(_items(body)), body))


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _seconds(value: object) -> float | None:
    """Seconds of a `google.protobuf.Duration`, such as `"37.5s"`."""
    found = _DELAY.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) if found else None


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
