"""GitHub Copilot: its real CLI, offline, asking a model of ours that speaks Chat Completions."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tamma.model.conversation import FinishReason
from tamma.providers.copilot.provider import GitHubCopilot
from tamma.providers.interface import Provider, ProviderSettings
from tests.providers.vendors.base import KEY, MODEL, Feature, Said, Vendor
from tests.providers.vendors.chat import LocalVendor
from tests.support.peers import peer
from tests.support.raw_http import Answer, RawServer

CLI = "node_modules/@github/copilot-linux-x64/copilot"


def settings(url: str, **more: object) -> ProviderSettings:
    own = {"type": "openai", "baseUrl": f"{url}/v1"}
    return ProviderSettings(
        "mine",
        "github-copilot",
        api_key=KEY,
        model=MODEL,
        options={"cliPath": str(peer(CLI)), "provider": own, **more},
    )


@dataclass(frozen=True)
class CopilotVendor:
    name: str = "github-copilot"
    peer: str = CLI
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {
            "refusals": "they come from behind it: test_copilot_peer asks one runtime for all of them",
        }
    )
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "stop",
            FinishReason.LENGTH: "length",
            FinishReason.TOOL_CALLS: "tool_calls",
            FinishReason.CONTENT_FILTER: "content_filter",
        }
    )

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        server = await stack.enter_async_context(RawServer(Answer(LocalVendor().wire(said))))
        provider = GitHubCopilot(settings(server.url))
        stack.push_async_callback(provider.close)
        return provider


VENDORS: list[Vendor] = [CopilotVendor()]
