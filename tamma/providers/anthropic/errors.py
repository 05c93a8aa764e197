"""Anthropic's errors to ours: the body's type and code first, the HTTP status second.

An error in the middle of a stream comes with status 200, so the status alone says nothing.
Sources: the error types and `error_code`s of the anthropic package 2.12 (`types/shared`).
"""

from __future__ import annotations

from collections.abc import Mapping

from tamma.errors import (
    AuthFailed,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
)
from tamma.providers.common.errors import BY_STATUS, HINTS, CallContext, mapping_of
from tamma.providers.common.pauses import pause_after

_BY_TYPE: Mapping[str, type[ProviderError]] = {
    "rate_limit_error": RateLimited,
    "billing_error": QuotaExhausted,
    "overloaded_error": Overloaded,
    "timeout_error": ProviderTimeout,
    "authentication_error": AuthFailed,
    "permission_error": AuthFailed,
    "not_found_error": ModelNotFound,
    "request_too_large": ContextOverflow,
}
# `invalid_request_error` says four things; only the words tell them apart.
_BY_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("prompt is too long", ContextOverflow),
    ("exceed context limit", ContextOverflow),
    ("context window", ContextOverflow),
    ("maximum context length", ContextOverflow),
    ("credit balance", QuotaExhausted),
    ("content filtering policy", ContentFiltered),
)
_BOUND_ELSEWHERE = "bound to a different conversation"


CHANGED_HISTORY_HINT = (
    "a message, the tools or the system prompt changed before replayed thinking: "
    'leave the Reasoning parts out, or set the option {"dropChangedThinking": true}'
)


def classify(
    status: int, kind: str, code: str, message: str, own: Mapping[str, type[ProviderError]] | None = None
) -> type[ProviderError]:
    """Which of our errors an answer of Anthropic's means. Pure. `own`: those of a compatible service."""
    for name in (code, kind):
        if own and name in own:
            return own[name]
    if "spend_limit" in code or "billing" in code or "not_billable" in code:
        return QuotaExhausted
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if kind == "invalid_request_error" or status == 400:
        lower = message.lower()
        return next((found for words, found in _BY_WORDS if words in lower), InvalidRequest)
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500 or status < 300:  # below 300: an `api_error` in the middle of a stream
        return Overloaded
    return InvalidRequest


def to_error(
    status: int,
    body: object,
    headers: Mapping[str, str],
    context: CallContext,
    fallback: str = "",
    own: Mapping[str, type[ProviderError]] | None = None,
) -> ProviderError:
    """The error for an answer with `status` and the parsed `body` (or its raw text)."""
    kind, code, message = read_body(body)
    message = message or fallback or "no details given"
    found = classify(status, kind, code, message, own)
    return context.error(
        found,
        f"{message} (status {status}{f', {kind}' if kind else ''}{f', {code}' if code else ''})",
        hint=CHANGED_HISTORY_HINT if _BOUND_ELSEWHERE in message else HINTS.get(found),
        retry_after=pause_after(found, headers),
        request_id=headers.get("request-id"),
    )


def read_body(body: object) -> tuple[str, str, str]:
    """Type, code and message of `{"type": "error", "error": {...}}`; empty where they are missing.

    Anthropic's code stands under `details`, that of compatible services beside the type.
    """
    if isinstance(body, str):
        return "", "", body
    error = mapping_of(mapping_of(body).get("error"))
    code = mapping_of(error.get("details")).get("error_code") or error.get("code")
    return _text(error.get("type")), _text(code), _text(error.get("message"))


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""
