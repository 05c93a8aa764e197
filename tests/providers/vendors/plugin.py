"""A third party's provider in the host of plugins: what it says crosses a pipe, and must arrive unchanged."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from tamma.model.conversation import FinishReason, Request
from tamma.providers.interface import Provider
from tests.providers.vendors.base import Feature, Refusal, Said, Vendor, ask, settings_for
from tests.support.plugins import importable, install, registry


@cache
def _installed() -> Path:
    folder = tempfile.mkdtemp(prefix="tamma-sample-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return install(Path(folder))


@dataclass(frozen=True)
class PluginVendor:
    name: str = "sample-echo"
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {"interleaved calls": "the sample says one call after the other"}
    )
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {reason: str(reason) for reason in FinishReason}
    )

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        say: dict[str, object] = {
            "pieces": list(said.pieces),
            "calls": [asdict(call) for call in said.calls],
            "input": said.usage[0],
            "output": said.usage[1],
            "finish": str(said.reason),
        }
        return self._provider(say, stack)

    async def refusing(
        self, refusals: Sequence[Refusal], stack: AsyncExitStack
    ) -> list[tuple[Provider, Request]]:
        provider = self._provider({}, stack)
        return [(provider, ask(f"raise {refusal.expected.__name__}")) for refusal in refusals]

    def _provider(self, say: Mapping[str, object], stack: AsyncExitStack) -> Provider:
        stack.enter_context(importable(_installed()))
        settings = settings_for(self.name, "http://127.0.0.1:9", options={"say": say})
        provider = registry().get(self.name).create_provider(settings)
        stack.push_async_callback(provider.close)
        return provider


VENDORS: list[Vendor] = [PluginVendor()]
