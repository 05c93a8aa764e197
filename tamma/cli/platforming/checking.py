"""Whether the entries of the configuration make sense to the adapters that are to use them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tamma import registry
from tamma.config.load import DEFAULT_ORIGIN
from tamma.config.resolve import settings_for_platform
from tamma.config.secrets import env_name
from tamma.errors import BadCredentials, ConfigError

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.config.schema_platforms import PlatformConfig

_HOST = re.compile(r"(\w+://)?([^/@]+@)?[^/:@\s]*[.:*][^/\s]*([/:].*)?|(\w+://)?localhost(:\d+)?/.*")


def problems(loaded: LoadedConfig) -> list[str]:
    """What is wrong with any entry, one sentence each. A token that is not set is none: public repositories
    can be read without."""
    found: list[str] = []
    for entry in loaded.config.platforms.available:
        where = f"platforms.available[{entry.platform_id}]"
        found += [f"{where}: {problem}" for problem in _patterns(entry)]
        try:
            plugin = registry.platforms.get(entry.platform_type)
            settings = settings_for_platform(loaded, entry.platform_id)
        except BadCredentials:
            continue
        except ConfigError as error:
            said = str(error).removeprefix(f"{where}: ")
            found.append(f"{where}: {said}{f' ({error.hint})' if error.hint else ''}")
        else:
            found += [f"{where}: {problem}" for problem in plugin.validate_config(settings)]
    return found


def unset(loaded: LoadedConfig) -> list[str]:
    """Of each account that somebody configured and whose credentials are not there, what is missing."""
    found: list[str] = []
    for entry in loaded.config.platforms.available:
        where = f"platforms.available[{entry.platform_id}]"
        if loaded.origin(f"{where}.platformType") == DEFAULT_ORIGIN:
            continue
        reference = entry.credentials.access_token
        try:
            settings = settings_for_platform(loaded, entry.platform_id)
        except BadCredentials as error:
            found.append(f"{where}: {error}")
            continue
        if reference and not (settings.token or settings.oauth or settings.app):
            found.append(f"{where}: {env_name(reference) or reference} is not set")
    return found


def _patterns(entry: PlatformConfig) -> list[str]:
    return [
        f"the pattern {pattern!r} of repositories names no host (write HOST/owner/*)"
        for pattern in entry.repositories
        if not _HOST.fullmatch(pattern)
    ]
