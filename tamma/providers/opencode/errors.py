"""Failures that OpenCode reports, to ours. Pure.

OpenCode would try a failed model call again by itself; we end the session at the first report instead.
"""

from __future__ import annotations

import json
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
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.providers.chat.errors import classify, read_body
from tamma.providers.common.errors import HINTS, CallContext
from tamma.providers.common.pauses import pause_after

_BY_NAME: Mapping[str, type[ProviderError]] = {
    "ProviderAuthError": AuthFailed,
    "ContextOverflowError": ContextOverflow,
    "ContentFilterError": ContentFiltered,
    "MessageAbortedError": StreamInterrupted,
    "ProviderModelNotFoundError": ModelNotFound,
    "NotFoundError": ModelNotFound,
}
_BY_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("model not found", ModelNotFound),
    ("modelnotfound", ModelNotFound),
    ("unable to connect", ProviderUnreachable),
    ("cannot connect", ProviderUnreachable),
    ("econnrefused", ProviderUnreachable),
    ("connection refused", ProviderUnreachable),
    ("please retry in", RateLimited),  # Gemini calls the limit of a minute a quota, too
    ("exceeded your current quota", QuotaExhausted),
    ("insufficient_quota", QuotaExhausted),
    ("insufficient balance", QuotaExhausted),
    ("credit balance", QuotaExhausted),
    ("timed out", ProviderTimeout),
    ("timeout", ProviderTimeout),
    ("too many requests", RateLimited),
    ("rate limit", RateLimited),
    ("overloaded", Overloaded),
    ("api key", AuthFailed),
)


def to_error(error: Mapping[str, Any], context: CallContext, *, streaming: bool) -> ProviderError:
    """For an assistant message's `error` or the event `session.error`: `{"name": …, "data": {…}}`."""
    name = str(error.get("name") or "error")
    data = cast("Mapping[str, Any]", error.get("data") or {})
    status = data.get("statusCode")
    codes, message = read_body(_parsed(data.get("responseBody")))
    message = message or str(data.get("message") or "no details given")
    kind = _BY_NAME.get(name)
    if kind is None and isinstance(status, int):
        kind = classify(status, codes, message)
    if kind is None:
        kind = by_words(message, streaming=streaming)
    shown = ", ".join((name, *([f"status {status}"] if status else []), *codes))
    headers = cast("Mapping[str, str]", data.get("responseHeaders") or {})
    return context.error(
        kind, f"{message} ({shown})", hint=HINTS.get(kind), retry_after=pause_after(kind, headers)
    )


def retrying(message: str, context: CallContext) -> ProviderError:
    """For the status `retry`: the model call failed in a way that OpenCode takes for passing.

    It carries the service's words alone, neither status nor Retry-After.
    """
    kind = by_words(message, streaming=False)
    return context.error(kind, f"the model call failed: {message}", hint=HINTS.get(kind))


def refused(status: int, body: object, context: CallContext) -> ProviderError:
    """For an HTTP answer of the server itself."""
    if status == 401:
        return context.error(AuthFailed, "OpenCode does not take the password", hint="it is the API key here")
    inner = cast("Mapping[str, object]", body).get("data") if isinstance(body, Mapping) else None
    _, message = read_body(inner or cast("object", body))
    kind = Overloaded if status >= 500 else InvalidRequest
    return context.error(kind, f"{message or 'no details given'} (OpenCode, status {status})")


def by_words(message: str, *, streaming: bool) -> type[ProviderError]:
    """What a failure without a status means, from its words."""
    lower = message.lower()
    found = next((kind for words, kind in _BY_WORDS if words in lower), None)
    return found or (StreamInterrupted if streaming else Overloaded)


def _parsed(raw: object) -> object:
    if not isinstance(raw, str):
        return {}
    try:
        return json.loads(raw)
    except ValueError:
        return {}
