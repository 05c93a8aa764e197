"""The scripted provider, which has no wire."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tamma.model.conversation import FinishReason, Request
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.scripted.provider import Scripted
from tests.providers.vendors.base import Feature, Refusal, Said, Vendor, ask


@dataclass(frozen=True)
class ScriptedVendor:
    name: str = "scripted"
    lacks: dict[Feature, str] = field(
        default_factory=lambda: {"interleaved calls": "a script's calls are whole"}
    )
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {reason: str(reason) for reason in FinishReason}
    )

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        turn = {
            "text": "".join(said.pieces),
            "raw_tool_calls": [{"name": call.name, "args": call.args} for call in said.calls],
            "finish": str(said.reason),
            "usage": {"input_total": said.usage[0], "output_total": said.usage[1]},
        }
        return Scripted(ProviderSettings("mine", self.name, options={"turns": [turn]}))

    async def refusing(
        self, refusals: Sequence[Refusal], stack: AsyncExitStack
    ) -> list[tuple[Provider, Request]]:
        errors = [
            {"type": refusal.expected.__name__, "message": refusal.message, "retry_after": 2.5}
            for refusal in refusals
        ]
        return [
            (Scripted(ProviderSettings("mine", self.name, options={"turns": [{"error": error}]})), ask())
            for error in errors
        ]


VENDORS: list[Vendor] = [ScriptedVendor()]
