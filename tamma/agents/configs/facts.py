"""What a check of a configuration must know of the world. Its caller gathers it: the check is pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tamma.model.conversation import Capabilities

ALIASES: Mapping[str, str] = {
    "claude": "anthropic-claude",
    "anthropic": "anthropic-claude",
    "gpt": "openai",
    "google": "gemini",
    "glm": "zai",
    "copilot": "github-copilot",
    "zen": "opencode",
    "ollama": "local-llm",
    "local": "local-llm",
}
"""Short words for the built-in provider entries. An entry that has such a name itself goes before."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Of the provider and model that a configuration names, and of the tools there are."""

    providers: tuple[str, ...]
    """The configured entries."""
    provider_type: str = ""
    """Of the named entry; empty where there is no such entry."""
    model: str | None = None
    """The one that would be asked; None where only the service knows."""
    model_known: bool = False
    """Whether the catalogue or the configuration knows the model, or only a cautious default."""
    able: Capabilities | None = None
    """None where they could not be had; `problem` says why."""
    problem: str = ""
    tools: frozenset[str] = frozenset()
    """The workspace's."""
    servers: frozenset[str] = frozenset()
    """The configured tool servers, by name. Their tools are not asked for."""


def provider_name(word: str, providers: tuple[str, ...]) -> str:
    """The entry that `word` means: itself, or what it is short for."""
    return word if word in providers else ALIASES.get(word.lower(), word)
