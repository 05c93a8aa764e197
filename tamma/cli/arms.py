"""What is known beforehand to keep agents from working on a suite, where this machine's worker tries them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tamma.errors import ConfigError, TammaError

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.model.agent import AgentConfig, AgentPin
    from tamma.store.interface import Store


async def check_arms(
    store: Store, loaded: LoadedConfig, pins: Iterable[AgentPin], *, rehearsal: bool
) -> None:
    """Refuse a start whose every trial would be refused. Raises ConfigError.

    `rehearsal`: the suite asks no model, its outcomes are drawn from rates that a provider entry declares.
    Says nothing of workers elsewhere: their configuration and their keys are not known here.
    """
    if loaded.config.temporal.address is not None or loaded.config.mode != "standalone":
        return
    for pin in pins:
        config = await store.read_config(pin.hash)
        if config is not None:
            _check(f"{pin.name}@{pin.version}", config, loaded, rehearsal=rehearsal)


def _check(label: str, config: AgentConfig, loaded: LoadedConfig, *, rehearsal: bool) -> None:
    from tamma.config.resolve import provider_entry, usable_provider
    from tamma.suites.rehearsal import read_rates

    try:
        if not rehearsal:
            usable_provider(loaded, config.provider)
            return
        entry = provider_entry(loaded, config.provider)
        if entry.provider_type == "scripted":
            read_rates(entry.options, entry.provider_id)
            return
    except TammaError as error:
        raise ConfigError(f"{label} cannot work here: {error}", hint=error.hint) from error
    raise ConfigError(
        f"{label} cannot work on rehearsals: its provider {config.provider!r} is of type "
        f"{entry.provider_type!r}, and a rehearsal asks no model",
        hint="rehearse with agents of 'scripted' entries that declare rates, or name a suite of real tasks; "
        "docs/suites.md",
    )
