"""OpenCode: a real `opencode serve`, asking a model of ours that speaks Chat Completions."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import FinishReason
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.opencode.provider import OpenCode
from tests.providers.vendors.base import KEY, Feature, Said, Vendor
from tests.providers.vendors.chat import LocalVendor
from tests.support.peers import peer
from tests.support.raw_http import Answer, RawServer

BINARY = "node_modules/opencode-linux-x64/bin/opencode"
MODEL = "mock/m1"


def settings(url: str, **options: Any) -> ProviderSettings:
    mock = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1"},
        "models": {"m1": {"name": "m1"}, "claude-sonnet-5-5": {"name": "m2"}},
    }
    return ProviderSettings(
        "mine",
        "opencode",
        api_key=KEY,
        model=MODEL,
        options={"binary": str(peer(BINARY)), "config": {"provider": {"mock": mock}}, **options},
    )


@dataclass(frozen=True)
class OpenCodeVendor:
    name: str = "opencode"
    peer: str = BINARY
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {
            "refusals": "they come from behind it: test_opencode_peer asks one sidecar for all of them",
            "tools": "it runs its own tools only, which are all off",
        }
    )
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "stop",
            FinishReason.LENGTH: "length",
        }
    )

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        server = await stack.enter_async_context(RawServer(Answer(LocalVendor().wire(said))))
        provider = OpenCode(settings(server.url))
        stack.push_async_callback(provider.close)
        return provider


VENDORS: list[Vendor] = [OpenCodeVendor()]
