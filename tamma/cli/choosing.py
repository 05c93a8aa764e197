"""Who is to do a run's work: a stored agent's version, or just a provider and a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tamma.errors import ConfigError
from tamma.model.task import AgentChoice

if TYPE_CHECKING:
    from tamma.cli.ordering import Wishes
    from tamma.config.load import LoadedConfig
    from tamma.store.interface import AgentStore


def wanted(wishes: Wishes, loaded: LoadedConfig) -> str | None:
    """The agent to look up: the one that was asked for, else the configuration's. None: a plain provider.

    Raises ConfigError for an agent together with a provider or a model: its version names both.
    """
    flags = [name for name, given in (("provider", wishes.provider), ("model", wishes.model)) if given]
    if wishes.agent and flags:
        raise ConfigError(
            f"--agent {wishes.agent} and --{flags[0]} exclude each other: an agent's version says which "
            "provider and model it works with",
            hint="leave one out; `tamma agent edit` makes a version with another model",
        )
    if wishes.agent or flags:
        return wishes.agent
    return loaded.config.agents.default


def plain(wishes: Wishes, loaded: LoadedConfig, provider: str | None = None) -> AgentChoice:
    """The provider that was asked for, else the configuration's. Raises ConfigError; AuthFailed where it has
    no key."""
    from tamma.config.resolve import usable_provider

    entry, _ = usable_provider(loaded, provider)
    return AgentChoice(
        provider=entry.provider_id,
        model=wishes.model or entry.model,
        temperature=entry.default_params.temperature,
        max_output_tokens=entry.default_params.max_tokens,
        pinned=bool(provider or wishes.provider or wishes.model),
    )


async def chosen(store: AgentStore, name: str, wishes: Wishes, loaded: LoadedConfig) -> AgentChoice:
    """The version that `NAME[@N]` means now. A configured provider's name means that provider.

    Raises ConfigError; AuthFailed where the agent's provider has no key.
    """
    from tamma.agents.pinning import resolve
    from tamma.config.resolve import usable_provider

    providers = {entry.provider_id for entry in loaded.config.providers.available}
    if name in providers and await store.find_agent(name) is None:
        return plain(wishes, loaded, name)
    choice = await resolve(store, name)
    usable_provider(loaded, choice.provider)
    return choice


async def all_chosen(
    store: AgentStore, names: tuple[str, ...], wishes: Wishes, loaded: LoadedConfig
) -> tuple[AgentChoice, ...]:
    """The same of several names. A model that was asked for is the run's own agent's, not theirs."""
    theirs = replace(wishes, model=None)
    return tuple([await chosen(store, name, theirs, loaded) for name in names])
