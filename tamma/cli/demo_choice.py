"""Which models of the user's own the demo could use. Asks nothing that costs money."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig

PATIENCE = 1.0
"""Seconds for a local server to list its models."""


def has_key(loaded: LoadedConfig, provider: str) -> bool:
    """Whether that provider is ready to use."""
    from tamma.config.resolve import settings_for_provider
    from tamma.errors import TammaError

    try:
        return settings_for_provider(loaded, provider).api_key is not None
    except TammaError:
        return False


async def local_model(loaded: LoadedConfig, provider: str) -> str | None:
    """The configured local model, or the first that its server lists; None where none answers."""
    from tamma.config.resolve import provider_entry

    entry = provider_entry(loaded, provider)
    if entry.base_url is None:
        return None
    listed = await asyncio.to_thread(_models, entry.base_url)
    if not listed:
        return None
    return entry.model if entry.model in listed else listed[0]


def _models(base_url: str) -> list[str]:
    url = f"{base_url.rstrip('/')}/models"
    if not url.startswith(("http://", "https://")):
        return []
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - http(s), checked above
            body: Any = json.load(answer)
        return [str(model["id"]) for model in body["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # no server, or one that speaks another protocol: then there is nothing to offer
