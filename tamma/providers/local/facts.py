"""What a server told about one of its models, and how that goes into the model's capabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tamma.model.conversation import Capabilities
from tamma.providers.interface import ProviderSettings


@dataclass(frozen=True, slots=True)
class Facts:
    """None: the server does not say."""

    source: str
    context_window: int | None = None
    tools: bool | None = None
    forced_tool: bool | None = None
    vision: bool | None = None
    reasoning_levels: tuple[str, ...] | None = None
    token_counting: bool | None = None
    final: bool = True
    """Whether asking again would say the same: a model that is not loaded yet has no real window."""


def with_facts(known: Capabilities, facts: Facts | None, settings: ProviderSettings) -> Capabilities:
    """`known` with the server's own figures in it, except where the user configured others."""
    if facts is None:
        return known
    told = {
        "context_window": None if settings.context_window is not None else facts.context_window,
        "tools": facts.tools,
        "forced_tool": facts.forced_tool,
        "vision": facts.vision,
        "reasoning_levels": facts.reasoning_levels,
        "token_counting": facts.token_counting,
    }
    news = {
        name: value for name, value in told.items() if value is not None and name not in settings.capabilities
    }
    return replace(known, **news, source=f"{facts.source}; {known.source}")  # pyright: ignore[reportArgumentType] - each value has its field's type above


def positive(value: object) -> int | None:
    """`value` where it is a whole number above 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
