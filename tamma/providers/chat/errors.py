"""Errors of OpenAI and of those who speak its protocol to ours: code and type first, status second.

Vendors differ most here, so a quirk profile may bring its own codes (`Quirks.error_codes`), which go first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

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
from tamma.providers.chat.quirks import Quirks
from tamma.providers.common.errors import BY_STATUS, HINTS, CallContext, mapping_of
from tamma.providers.common.pauses import pause_after

OPENCODE: Mapping[str, type[ProviderError]] = {
    "AuthError": AuthFailed,
    "ModelError": ModelNotFound,  # it and the first limits come with status 401
    "CreditsError": QuotaExhausted,
    "MonthlyLimitError": QuotaExhausted,
    "UserLimitError": QuotaExhausted,
    "FreeUsageLimitError": QuotaExhausted,
    "GoUsageLimitError": QuotaExhausted,
    "BlackUsageLimitError": QuotaExhausted,
    "RateLimitError": RateLimited,
}
"""Types of OpenCode's gateway, which stands before the adapters of several protocols."""
_BY_CODE: Mapping[str, type[ProviderError]] = {
    **OPENCODE,
    "insufficient_quota": QuotaExhausted,
    "billing_hard_limit_reached": QuotaExhausted,
    "billing_error": QuotaExhausted,
    "context_length_exceeded": ContextOverflow,
    "exceed_context_size_error": ContextOverflow,  # llama.cpp
    "request_too_large": ContextOverflow,
    "model_not_found": ModelNotFound,
    "content_filter": ContentFiltered,
    "content_policy_violation": ContentFiltered,
    "invalid_api_key": AuthFailed,
    "authentication_error": AuthFailed,
    "permission_error": AuthFailed,
    "rate_limit_exceeded": RateLimited,
    "rate_limit_error": RateLimited,
    "server_error": Overloaded,
    "unavailable_error": Overloaded,  # llama.cpp while it loads the model
    "overloaded_error": Overloaded,
    "request_timeout": ProviderTimeout,
    "gateway_timeout": ProviderTimeout,
}
# Servers without codes; the words of vLLM, llama.cpp, LM Studio and Ollama.
_BY_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("maximum context length", ContextOverflow),
    ("context size", ContextOverflow),
    ("context window", ContextOverflow),
    ("context length", ContextOverflow),
    ("prompt is too long", ContextOverflow),
)

_PLAIN = Quirks()


def classify(
    status: int,
    codes: tuple[str, ...],
    message: str,
    own: Mapping[str, type[ProviderError]] | None = None,
) -> type[ProviderError]:
    """Which of our errors an answer means. `codes`: the body's code and type; `own`: the vendor's codes."""
    for table in (own or {}, _BY_CODE):
        for code in codes:
            if code in table:
                # A 504 whose type says only `server_error` is still a timeout.
                generic = table is _BY_CODE and table[code] is Overloaded
                return BY_STATUS.get(status, table[code]) if generic else table[code]
    if status in (400, 422) or status < 400:
        lower = message.lower()
        for words, found in _BY_WORDS:
            if words in lower:
                return found
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500 or status < 300:  # below 300: an error inside a stream, without a code we know
        return Overloaded
    return InvalidRequest


def to_error(
    status: int,
    body: object,
    headers: Mapping[str, str],
    context: CallContext,
    quirks: Quirks = _PLAIN,
) -> ProviderError:
    """The error for an answer with `status` and the parsed `body` (or its raw text)."""
    codes, message = read_body(body, quirks)
    named = _status_in(codes)
    if status < 400 and named:
        status = named  # an error inside a stream that names its HTTP status as code
    message = message or "no details given"
    found = classify(status, codes, message, quirks.error_codes)
    return context.error(
        found,
        f"{message} (status {status}{''.join(f', {code}' for code in codes)})",
        hint=HINTS.get(found),
        retry_after=pause_after(found, headers),
        request_id=headers.get("x-request-id"),
    )


def in_chunk(chunk: Mapping[str, Any], context: CallContext, quirks: Quirks) -> ProviderError | None:
    """The error that a part of an answer reports: those come with status 200 once the answer has begun.

    It stands in the chunk, in its choice, in a body that is nothing but a code, or is a finish reason alone.
    """
    if chunk.get("error") or ("choices" not in chunk and chunk.get("code") not in (None, 0, 200)):
        return to_error(200, chunk, {}, context, quirks)
    choices = cast("list[object] | None", chunk.get("choices"))
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        return None
    choice = cast("dict[str, object]", first)
    if choice.get("error"):
        return to_error(200, choice, {}, context, quirks)
    meaning = quirks.finishes.get(str(choice.get("finish_reason"))) if quirks.finishes else None
    if isinstance(meaning, type):
        reason = choice["finish_reason"]
        return context.error(meaning, f"the answer broke off: {reason}", hint=HINTS.get(meaning))
    return None


def read_body(body: object, quirks: Quirks = _PLAIN) -> tuple[tuple[str, ...], str]:
    """Codes and message of the shapes in use: `{"error": {…}}`, `{"error": "…"}`, `{"message": …}`, text."""
    if isinstance(body, str):
        return (), body
    outer = mapping_of(body)
    inner = outer.get("error")
    if isinstance(inner, str):
        return (), inner
    error = mapping_of(inner) or outer
    codes = tuple(str(error[key]) for key in ("code", "type") if error.get(key) not in (None, ""))
    message = error.get("message") or error.get("detail") or error.get("msg") or ""
    words = message if isinstance(message, str) else str(message)
    if quirks.error_detail is not None:
        more_codes, more_words = quirks.error_detail(error)
        return (*more_codes, *codes), f"{words}: {more_words}" if more_words else words
    return codes, words


def _status_in(codes: tuple[str, ...]) -> int | None:
    return next((int(code) for code in codes if code.isdigit() and 400 <= int(code) <= 599), None)
