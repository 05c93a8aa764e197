"""A model behind an MCP server's tool, whose answers have the form of PAL's `chat`."""

from __future__ import annotations

import json
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tamma.model.conversation import FinishReason
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.mcp.provider import ZenMcp
from tests.mcp.scripts import says, script_options
from tests.providers.vendors.base import MODEL, Feature, Said, Vendor

TRAILER = (
    "\n\n---\n\nAGENT'S TURN: Evaluate this perspective alongside your analysis to form a comprehensive "
    "solution and continue with the user's request and task at hand."
)
_ONE_TEXT = "a tool of MCP takes one prompt and gives one text"


def pal(text: str, *, status: str = "success", thread: str | None = None, **metadata: object) -> str:
    """What PAL's `chat` answers (pal-mcp-server 11.8)."""
    offer = {"continuation_id": thread, "note": "You can go on", "remaining_turns": 9} if thread else None
    return json.dumps(
        {
            "status": status,
            "content": text if status == "error" else text + TRAILER,
            "content_type": "text",
            "metadata": {"tool_name": "chat", **metadata},
            "continuation_offer": offer,
        },
        ensure_ascii=False,
    )


@dataclass(frozen=True)
class ZenMcpVendor:
    name: str = "zen-mcp"
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {
            "exact usage": "nothing is counted in a tool's result",
            "finish reasons": f"{_ONE_TEXT}: it does not say why it ended",
            "refusals": "a tool's error is words alone, which test_zen_mcp has",
            "retry after": "a tool's error is words alone",
            "tools": _ONE_TEXT,
        }
    )
    finishes: dict[FinishReason, str] = field(default_factory=lambda: {FinishReason.STOP: "success"})

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        options = script_options(answers_from=_stored([says(pal("".join(said.pieces)))], stack))
        provider = ZenMcp(ProviderSettings("mine", self.name, model=MODEL, options=options))
        stack.push_async_callback(provider.close)
        return provider


def _stored(answers: list[dict[str, object]], stack: AsyncExitStack) -> str:
    """A file with `answers`: they may be longer than a command line."""
    path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tamma-script-")), "answers.json")
    path.write_text(json.dumps(answers))
    return str(path)


VENDORS: list[Vendor] = [ZenMcpVendor()]
