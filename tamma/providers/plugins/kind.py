"""Providers, as the host of plugins knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from tamma.errors import (
    InvalidRequest,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    StreamInterrupted,
    TammaError,
)
from tamma.plugins.kind import Account, Kind, errors_of
from tamma.plugins.messages import Failure
from tamma.providers.interface import ProviderSettings
from tamma.providers.plugins.messages import VOCABULARY


def account_of(settings: ProviderSettings) -> Account:
    """What the host must know of an entry."""
    return Account(settings.name, settings.options, (settings.api_key or "", *settings.headers.values()))


def _rebuilt(kind: type[TammaError], failure: Failure, account: Account) -> TammaError:
    model, request_id = failure.details.get("model"), failure.details.get("request_id")
    return cast("Callable[..., ProviderError]", kind)(
        failure.message,
        hint=failure.hint,
        retry_after=failure.retry_after,
        provider=account.name,
        model=str(model or ""),
        request_id=None if request_id is None else str(request_id),
    )


KIND = Kind(
    noun="provider",
    child="tamma.providers.plugins.child",
    declared=("name", "version", "create_provider", "validate_config"),
    vocabulary=VOCABULARY,
    errors=errors_of(ProviderError),
    details=("model", "request_id"),
    rebuilt=_rebuilt,
    base=ProviderError,
    ended=StreamInterrupted,
    late=ProviderTimeout,
    busy=Overloaded,
    too_long=InvalidRequest,
)
