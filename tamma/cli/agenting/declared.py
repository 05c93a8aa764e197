"""Agents that the configuration file declares, under `agents.available`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from tamma.agents.configs.folder import AgentFile, read_folder
from tamma.agents.configs.naming import check_name
from tamma.config.schema_agents import OWN_KEYS
from tamma.errors import ConfigError
from tamma.model.agent_form import config_from_form

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig


def declared(loaded: LoadedConfig) -> tuple[AgentFile, ...]:
    """Each with its configuration. Raises ConfigError where there is none, or one cannot be read."""
    agents = cast("Mapping[str, Any]", loaded.dump.get("agents", {}))
    entries = cast("list[Mapping[str, Any]]", agents.get("available", []))
    if not entries:
        raise ConfigError(
            "the configuration declares no agents",
            hint=f"list them under agents.available in {loaded.user_file}",
        )
    return tuple(_read(entry, loaded) for entry in entries)


def _read(entry: Mapping[str, Any], loaded: LoadedConfig) -> AgentFile:
    name = check_name(str(entry["name"]))
    if entry.get("folder"):
        return AgentFile(name, read_folder(loaded.user_file.parent / str(entry["folder"])).config)
    # In the dump every key is there, those that were not given as None or empty.
    form = {key: value for key, value in entry.items() if key not in OWN_KEYS and value not in (None, {}, [])}
    return AgentFile(name, config_from_form(form, f"agents.available[{name}]"))
