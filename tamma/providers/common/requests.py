"""What every adapter does with a request before it is written in the service's form, and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from tamma.model.conversation import Request
from tamma.providers.interface import ProviderSettings

_log = structlog.get_logger(__name__)


def with_defaults(request: Request, settings: ProviderSettings) -> Request:
    """`request` with the configured temperature and limit, where it has none of its own."""
    return replace(
        request,
        temperature=settings.temperature if request.temperature is None else request.temperature,
        max_output_tokens=request.max_output_tokens or settings.max_output_tokens,
    )


def tell_dropped(
    settings: ProviderSettings, model: str, dropped: Sequence[str], by: str = "the model"
) -> None:
    """Log what was left out of a request, and `by` whom it is not taken."""
    if dropped:
        _log.warning(
            f"left out of the request: {by} does not take it",
            provider=settings.name,
            model=model,
            dropped=list(dropped),
        )
