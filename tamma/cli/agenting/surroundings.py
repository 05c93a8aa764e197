"""What is known here of the provider, the model and the tools that an agent names. Asks no service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamma.agents.configs.facts import Facts, provider_name
from tamma.errors import AuthFailed, ConfigError

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.model.agent import AgentConfig

SCRIPTED = "scripted"
"""Plays a script: no model, and none that could be unknown."""


class Surroundings:
    """Facts for configurations, each provider and model looked at once."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self._loaded = loaded
        self._seen: dict[tuple[str, str | None], Facts] = {}

    def __call__(self, config: AgentConfig) -> Facts:
        key = (config.provider, config.model)
        if key not in self._seen:
            self._seen[key] = facts(self._loaded, config)
        return self._seen[key]


def facts(loaded: LoadedConfig, config: AgentConfig) -> Facts:
    """Of the configuration's provider and model, as `tamma providers show` finds them."""
    from tamma import registry
    from tamma.cli.providing.sheets import looked_at
    from tamma.config.resolve import provider_entry
    from tamma.providers.catalogue.models import default_model, knows
    from tamma.workspace.tools import TOOLS

    names = tuple(entry.provider_id for entry in loaded.config.providers.available)
    tools = frozenset(tool.name for tool in TOOLS)
    servers = frozenset(loaded.config.mcp_servers)
    name = provider_name(config.provider, names)
    if name not in names:
        return Facts(names, tools=tools, servers=servers)
    entry = provider_entry(loaded, name)
    model = config.model or entry.model or default_model(entry.provider_type)
    able, problem = None, ""
    try:
        settings = looked_at(loaded, entry, [])
        able = registry.providers.get(entry.provider_type).create_provider(settings).capabilities(model or "")
    except (AuthFailed, ConfigError) as error:
        problem = str(error)
    played = entry.provider_type == SCRIPTED
    return Facts(
        providers=names,
        provider_type=entry.provider_type,
        model=model or (SCRIPTED if played else None),
        model_known=played or entry.context_window is not None or knows(entry.provider_type, model or ""),
        able=able,
        problem=problem,
        tools=tools,
        servers=servers,
    )
