"""Platforms, as the host of plugins knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from tamma.errors import PlatformError, TammaError, Transient, Unsupported
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.plugins.messages import VOCABULARY
from tamma.plugins.kind import Account, Kind, errors_of
from tamma.plugins.messages import Failure


def account_of(settings: PlatformSettings) -> Account:
    """What the host must know of an entry."""
    oauth, app = settings.oauth, settings.app
    secrets = (
        settings.token,
        *settings.webhook_secrets,
        oauth.client_secret if oauth else None,
        oauth.refresh_token if oauth else None,
        app.private_key if app else None,
        urlsplit(settings.proxy).password if settings.proxy else None,
    )
    return Account(
        settings.id,
        settings.options,
        tuple(filter(None, secrets)),
        (settings.ca_file,) if settings.ca_file else (),
    )


def _rebuilt(kind: type[TammaError], failure: Failure, account: Account) -> TammaError:
    if kind is Unsupported:
        capability = str(failure.details.get("capability") or "such thing")
        return Unsupported(capability, platform=account.name, hint=failure.hint)
    status = failure.details.get("status")
    return cast("Callable[..., PlatformError]", kind)(
        failure.message,
        hint=failure.hint,
        retry_after=failure.retry_after,
        platform=account.name,
        status=status if isinstance(status, int) else None,
    )


KIND = Kind(
    noun="platform",
    child="tamma.platforms.plugins.child",
    declared=("name", "version", "create_platform", "validate_config", "detect_from_url"),
    vocabulary=VOCABULARY,
    errors=errors_of(PlatformError),
    details=("status", "capability"),
    rebuilt=_rebuilt,
    base=PlatformError,
    ended=Transient,
    late=Transient,
    busy=Transient,
    too_long=PlatformError,
)
