"""Failures that the Copilot runtime reports, to ours. Pure.

The runtime would try a failed model call again by itself; we end the turn at the first report instead, since
retries are not an adapter's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tamma.errors import (
    AuthFailed,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    ProviderError,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.providers.chat.errors import classify, read_body
from tamma.providers.common.errors import HINTS, CallContext

# `session.error`'s errorType.
_BY_TYPE: Mapping[str, type[ProviderError]] = {
    "authentication": AuthFailed,
    "authorization": AuthFailed,
    "quota": QuotaExhausted,
    "rate_limit": RateLimited,
    "context_limit": ContextOverflow,
    "content_filter": ContentFiltered,
}
# What JSON-RPC refusals say; their codes are the protocol's own.
_BY_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("not authenticated", AuthFailed),
    ("authentication", AuthFailed),
    ("unauthorized", AuthFailed),
    ("log in", AuthFailed),
    ("/login", AuthFailed),
    ("model", ModelNotFound),
)
_UNREACHABLE = ("econnrefused", "enotfound", "connection refused", "dns", "error sending request", "connect")
_HINT = "see what the runtime says; `copilot help` and `copilot login` may tell more"


def call_failed(data: Any, context: CallContext, *, streaming: bool) -> ProviderError:
    """For `model.call_failure`: the model's service refused, or the line to it broke."""
    codes, message = _words(data.error_message)
    codes = tuple(dict.fromkeys((*(c for c in (data.error_code, data.error_type) if c), *codes)))
    status = data.status_code
    request_id = data.provider_call_id
    if status is None and not codes:
        kind = _transport(message, streaming=streaming)
        return context.error(kind, f"the model call failed ({message})", request_id=request_id)
    kind = classify(status or 0, codes, message)
    shown = f"status {status}" if status else "no status"
    said = f"{message or 'no details given'} ({', '.join((shown, *codes))})"
    return context.error(kind, said, hint=HINTS.get(kind), request_id=request_id)


def session_failed(data: Any, context: CallContext) -> ProviderError:
    """For `session.error`: the runtime gave up."""
    codes = tuple(code for code in (data.error_code, data.provider_error_type) if code)
    kind = _BY_TYPE.get(data.error_type)
    if kind is None:
        kind = classify(data.status_code or 0, codes, data.message)
    shown = ", ".join((data.error_type, *(str(code) for code in (data.status_code, *codes) if code)))
    return context.error(
        kind, f"{data.message} ({shown})", hint=HINTS.get(kind, _HINT), request_id=data.provider_call_id
    )


def refused(message: str, context: CallContext) -> ProviderError:
    """For a JSON-RPC error: the runtime did not take a call of ours."""
    lower = message.lower()
    kind = next((found for words, found in _BY_WORDS if words in lower), InvalidRequest)
    return context.error(kind, message, hint=HINTS.get(kind, _HINT))


def died(output: str, context: CallContext, *, streaming: bool) -> ProviderError:
    """The runtime's process ended, with `output` as its last words."""
    said = f"; its last words: {output.strip()}" if output.strip() else ""
    kind = StreamInterrupted if streaming else ProviderUnreachable
    return context.error(kind, f"the Copilot runtime ended{said}", hint="the next call starts it again")


def _transport(message: str, *, streaming: bool) -> type[ProviderError]:
    lower = message.lower()
    if not streaming and any(word in lower for word in _UNREACHABLE):
        return ProviderUnreachable
    return StreamInterrupted


def _words(raw: str | None) -> tuple[tuple[str, ...], str]:
    """Codes and message of `error_message`, which is the service's JSON, a JSON string, or plain text."""
    if not raw:
        return (), ""
    try:
        body: object = json.loads(raw)
    except ValueError:
        body = raw
    codes, message = read_body(body)
    return codes, message or raw
