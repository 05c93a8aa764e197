"""Errors across the pipe: what a plugin raised becomes the same error here, if it is one of ours."""

from __future__ import annotations

import traceback

from tamma import errors
from tamma.errors import ConfigError, ProviderError, TammaError
from tamma.providers.common.errors import MAX_DETAIL, redact
from tamma.providers.interface import ProviderSettings
from tamma.providers.plugins.messages import Failure
from tamma.telemetry.redaction import redact_text

_KINDS: dict[str, type[TammaError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, ProviderError | ConfigError)
}
"""What a provider may raise. An error of the store or the workspace is not a plugin's to report."""


def failure_of(error: BaseException) -> Failure:
    """In the plugin's process: `error` as a message."""
    if isinstance(error, TammaError) and type(error).__name__ in _KINDS:
        return Failure(
            type(error).__name__,
            error.message,
            error.hint,
            error.retry_after,
            model=getattr(error, "model", ""),
            request_id=getattr(error, "request_id", None),
        )
    shown = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, str(error), traceback=shown[-8000:])


def error_of(failure: Failure, settings: ProviderSettings, plugin: str) -> TammaError:
    """In our process: the error that `failure` reports, without secrets and of bounded length."""
    kind = _KINDS.get(failure.type)
    if kind is None:
        said = f"{failure.type}: {failure.message}" if failure.message else failure.type
        what = "needed more memory than it may take" if failure.type == "MemoryError" else f"raised {said}"
        return ProviderError(
            clean(f"provider {settings.name!r}: the plugin {plugin!r} {what}", settings),
            hint="its author can tell why: the traceback is in the log",
            provider=settings.name,
        )
    message = clean(failure.message, settings)
    hint = clean(failure.hint, settings) if failure.hint else None
    if not issubclass(kind, ProviderError):
        return kind(message, hint=hint)
    return kind(
        message,
        hint=hint,
        retry_after=failure.retry_after,
        provider=settings.name,
        model=failure.model[:MAX_DETAIL],
        request_id=failure.request_id,
    )


def clean(text: str, settings: ProviderSettings, limit: int = MAX_DETAIL) -> str:
    """A plugin's words without what it must not repeat."""
    secrets = tuple(s for s in (settings.api_key or "", *settings.headers.values()) if len(s) >= 6)
    text = redact_text(redact(text, secrets))
    return text if len(text) <= limit else text[:limit] + "…"
