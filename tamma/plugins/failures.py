"""Errors across the pipe: what a plugin raised becomes the same error here, if it is one of ours."""

from __future__ import annotations

import traceback
from dataclasses import replace

from tamma.errors import TammaError
from tamma.plugins.kind import Account, Kind
from tamma.plugins.messages import Failure
from tamma.telemetry.redaction import redact_given, redact_text

MAX_WORDS = 500
"""Characters of a plugin's own words that an error repeats."""
_SHORTEST = 6
"""A shorter secret would redact ordinary words."""


def failure_of(error: BaseException, kind: Kind) -> Failure:
    """In the plugin's process: `error` as a message."""
    if isinstance(error, TammaError) and type(error).__name__ in kind.errors:
        details = {name: getattr(error, name, None) for name in kind.details}
        said = {name: value for name, value in details.items() if isinstance(value, str | int)}
        return Failure(type(error).__name__, error.message, error.hint, error.retry_after, said)
    shown = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, str(error), traceback=shown[-8000:])


def error_of(failure: Failure, kind: Kind, account: Account, plugin: str) -> TammaError:
    """In our process: the error that `failure` reports, without secrets and of bounded length."""
    raised = kind.errors.get(failure.type)
    if raised is None:
        said = f"{failure.type}: {failure.message}" if failure.message else failure.type
        what = "needed more memory than it may take" if failure.type == "MemoryError" else f"raised {said}"
        return kind.error(
            kind.base,
            clean(f"{kind.noun} {account.name!r}: the plugin {plugin!r} {what}", account),
            account,
            hint="its author can tell why: the traceback is in the log",
        )
    said = replace(
        failure,
        message=clean(failure.message, account),
        hint=clean(failure.hint, account) if failure.hint else None,
        details={
            name: clean(value, account) if isinstance(value, str) else value
            for name, value in failure.details.items()
            if name in kind.details
        },
    )
    if not issubclass(raised, kind.base):
        return raised(said.message, hint=said.hint)
    return kind.rebuilt(raised, said, account)


def clean(text: str, account: Account, limit: int = MAX_WORDS) -> str:
    """A plugin's words without what it must not repeat."""
    secrets = tuple(secret for secret in account.secrets if len(secret) >= _SHORTEST)
    text = redact_text(redact_given(text, secrets))
    return text if len(text) <= limit else text[:limit] + "…"
