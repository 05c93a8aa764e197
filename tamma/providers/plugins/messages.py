"""What is said to a provider's process and by it, beside what all plugins' processes have (`tamma.plugins`).

A `Request` is answered by `Capabilities` and stream events, each other call by the message that it names.
"""

from __future__ import annotations

from dataclasses import dataclass

from tamma.model.conversation import (
    Capabilities,
    Finish,
    ModelInfo,
    ProviderCheck,
    ReasoningDelta,
    ReasoningEnd,
    Request,
    Start,
    TextDelta,
    TokenCount,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageUpdate,
)
from tamma.plugins.messages import vocabulary
from tamma.providers.interface import ProviderSettings


@dataclass(frozen=True, slots=True)
class Validate:
    """Answered by `Problems`."""

    settings: ProviderSettings


@dataclass(frozen=True, slots=True)
class Open:
    """Make the provider and start it. Answered by the `Capabilities` of its default model."""

    settings: ProviderSettings


@dataclass(frozen=True, slots=True)
class Count:
    """Answered by `TokenCount`."""

    request: Request


@dataclass(frozen=True, slots=True)
class ListModels:
    """Answered by `Models`."""


@dataclass(frozen=True, slots=True)
class Check:
    """Answered by `ProviderCheck`."""


@dataclass(frozen=True, slots=True)
class Models:
    models: tuple[ModelInfo, ...]


CALLS = (Validate, Open, Request, Count, ListModels, Check)
EVENTS = (
    Start,
    TextDelta,
    ReasoningDelta,
    ReasoningEnd,
    ToolCallStart,
    ToolCallDelta,
    ToolCallEnd,
    UsageUpdate,
    Finish,
)
VOCABULARY = vocabulary(*CALLS, *EVENTS, Capabilities, TokenCount, Models, ProviderCheck)
