"""What every HTTP adapter needs to turn a failure into one of our errors: pure functions, no vendor.

No message leaves here with a secret in it: services like to echo the key they refuse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import cast
from urllib.parse import urlsplit

from tamma.errors import (
    AuthFailed,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.providers.interface import ProviderSettings
from tamma.telemetry.redaction import redact_given

HINTS: Mapping[type[ProviderError], str] = {
    InvalidRequest: "the service does not take this request: check the model, `baseUrl` and the options",
    AuthFailed: "check the provider's API key (see `tamma config show`), and that it may use this model",
    QuotaExhausted: "the account's credit or spend limit is used up: raise it, or configure another provider",
    ModelNotFound: "choose a model that the service lists; check that `baseUrl` ends as it wants (often /v1)",
    ContextOverflow: "the conversation must be compacted, or a model with a larger context window chosen",
}
"""What to do, where the service's own words do not say it."""
BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: AuthFailed,
    402: QuotaExhausted,
    403: AuthFailed,
    404: ModelNotFound,
    408: ProviderTimeout,
    413: ContextOverflow,
    429: RateLimited,
    504: ProviderTimeout,
}
"""What a status means to all services, where the body does not say it better."""
MAX_DETAIL = 500
"""Characters of a service's own words that a message repeats."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who was asked what: names every error, and knows what must not be repeated."""

    provider: str
    model: str
    host: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def error(
        self,
        kind: type[ProviderError],
        detail: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> ProviderError:
        """An error of `kind`, its words free of secrets and of bounded length."""
        return kind(
            f"{self.provider} ({self.host}), model {self.model!r}: {self.clean(detail)}",
            hint=hint,
            retry_after=retry_after,
            provider=self.provider,
            model=self.model,
            request_id=request_id,
        )

    def clean(self, text: str) -> str:
        text = redact_given(" ".join(text.split()), self.secrets)
        return text if len(text) <= MAX_DETAIL else text[:MAX_DETAIL] + "…"


def context_for(settings: ProviderSettings, model: str, base_url: str) -> CallContext:
    secrets = [settings.api_key or "", *settings.headers.values()]
    return CallContext(settings.name, model, host_of(base_url), tuple(s for s in secrets if len(s) >= 6))


def host_of(url: str) -> str:
    """Host and port of `url`: its user, password, path and query may be secret."""
    parts = urlsplit(url)
    host = parts.hostname or url
    return f"{host}:{parts.port}" if parts.port else host


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, from `retry-after-ms`, else `retry-after` as seconds, else as an HTTP date."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / scale
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        date = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def mapping_of(value: object) -> Mapping[str, object]:
    """`value` where it is a JSON object, else an empty one."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def transport_error(error: Exception, context: CallContext, *, streaming: bool) -> ProviderError:
    """What a failure below HTTP means. `streaming`: the answer had begun.

    Takes httpx2 errors, malformed JSON in a stream, and anything whose `__cause__` is one of them.
    """
    import httpx2

    cause = error.__cause__ if isinstance(error.__cause__, httpx2.HTTPError) else error
    what = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
    if isinstance(cause, TimeoutError | httpx2.TimeoutException):
        return context.error(
            ProviderTimeout,
            f"no answer in time ({what})",
            hint="the service may be slow or stuck: raise `timeout` or `stallTimeout` of the provider if so",
        )
    if isinstance(cause, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol):
        return context.error(
            ProviderUnreachable,
            f"no connection ({what})",
            hint=f"is {context.host} right and reachable from here? `baseUrl` of the provider names it",
        )
    if isinstance(cause, JSONDecodeError | UnicodeDecodeError):
        return context.error(StreamInterrupted, f"a part of the stream is not readable ({what})")
    when = "in the middle of its answer" if streaming else "before it answered"
    return context.error(StreamInterrupted, f"the connection ended {when} ({what})")
