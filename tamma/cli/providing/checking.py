"""Whether the entries of the configuration make sense to the adapters that are to use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamma import registry
from tamma.config.resolve import settings_for_provider
from tamma.errors import AuthFailed, ConfigError

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig


def problems(loaded: LoadedConfig) -> list[str]:
    """What is wrong with any entry, one sentence each. A key that is not set is none: most people use one
    provider and leave the others alone."""
    found: list[str] = []
    for entry in loaded.config.providers.available:
        where = f"providers.available[{entry.provider_id}]"
        try:
            plugin = registry.providers.get(entry.provider_type)
            settings = settings_for_provider(loaded, entry.provider_id)
        except AuthFailed:
            continue
        except ConfigError as error:
            found.append(f"{where}: {error}{f' ({error.hint})' if error.hint else ''}")
        else:
            found += [f"{where}: {problem}" for problem in plugin.validate_config(settings)]
    return found
