"""The one use of google-genai when the program runs: the list of models. Imported when first asked for.

The SDK looks for keys, addresses, versions, a replay mode and Vertex AI in some ten environment variables.
What has one is passed here, so that none decides. Retries are off where `retry_options` is unset: its httpx
path then makes one attempt (its aiohttp path would repeat; a client of ours rules that out).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from tamma.errors import ConfigError
from tamma.model.conversation import ModelInfo

if TYPE_CHECKING:
    import httpx2
    from google.genai import Client

API_VERSION = "v1beta"
TIMEOUT = 30.0
"""Seconds, for the whole list."""
_PAGE = 1000
"""Models in a page, more than there are."""


async def list_models(
    base_url: str, version: str, api_key: str | None, headers: Mapping[str, str], http: httpx2.AsyncClient
) -> tuple[ModelInfo, ...]:
    """The models that generate content, with their limits. Raises what the SDK raises, and ConfigError."""
    client = await asyncio.to_thread(_make, base_url, version, api_key, headers, http)
    pager = await client.aio.models.list(config={"page_size": _PAGE})
    return tuple(
        [
            ModelInfo(
                (model.name or "").removeprefix("models/"),
                model.input_token_limit or None,
                model.output_token_limit or None,
            )
            async for model in pager
            if model.supported_actions is None or "generateContent" in model.supported_actions
        ]
    )


def refusal(error: Exception) -> tuple[int, object, Mapping[str, str]] | None:
    """Status, body and headers of the answer that made the SDK raise `error`; None for other errors."""
    try:
        from google.genai.errors import APIError
    except ImportError:
        return None
    if not isinstance(error, APIError):
        return None
    answer = cast("httpx2.Response", error.response)  # pyright: ignore[reportUnknownMemberType] - a union
    return error.code, cast("object", error.details), answer.headers  # pyright: ignore[reportUnknownMemberType]


def _make(
    base_url: str, version: str, api_key: str | None, headers: Mapping[str, str], http: httpx2.AsyncClient
) -> Client:
    try:
        from google.genai import Client
        from google.genai.client import DebugConfig
        from google.genai.types import HttpOptions
    except ImportError as error:
        raise ConfigError(
            "google-genai, which lists Gemini's models, is not installed", hint="pip install 'tamma[gemini]'"
        ) from error
    import httpx2

    return Client(
        vertexai=False,
        api_key=api_key or "in-headers",
        debug_config=DebugConfig(client_mode="api", replays_directory="", replay_id=""),
        http_options=HttpOptions(
            base_url=base_url,
            api_version=version,
            headers=dict(headers),
            timeout=int(TIMEOUT * 1000),  # milliseconds
            httpx_async_client=http,
            # Without one, the SDK reads all certificates to make its own. This one reaches nothing.
            httpx_client=httpx2.Client(transport=httpx2.BaseTransport(), trust_env=False),
        ),
    )
