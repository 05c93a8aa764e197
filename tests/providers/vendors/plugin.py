"""A third party's provider in the host of plugins: what it says crosses a pipe, and must arrive unchanged."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from tamma.model.conversation import FinishReason
from tamma.providers.interface import Provider
from tests.providers.vendors.base import Feature, Said, Vendor, settings_for
from tests.support.plugins import importable, install, registry


@cache
def _installed() -> Path:
    folder = tempfile.mkdtemp(prefix="tamma-sample-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return install(Path(folder))


@dataclass(frozen=True)
class PluginVendor:
    name: str = "sample-echo"
    lacks: dict[Feature, str] = field(default_factory=dict[Feature, str])
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {reason: str(reason) for reason in FinishReason}
    )

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        stack.enter_context(importable(_installed()))
        say = {
            "pieces": list(said.pieces),
            "calls": [asdict(call) for call in said.calls],
            "input": said.usage[0],
            "output": said.usage[1],
            "finish": str(said.reason),
        }
        settings = settings_for(self.name, "http://127.0.0.1:9", options={"say": say})
        provider = registry().get(self.name).create_provider(settings)
        stack.push_async_callback(provider.close)
        return provider


VENDORS: list[Vendor] = [PluginVendor()]
