"""The configuration for people's eyes: no secret, and nothing from which one could be guessed."""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from tamma.config.layers import KEYED_LISTS, leaves
from tamma.config.load import LoadedConfig
from tamma.config.secrets import literal_secrets

HIDDEN = "***"


def redacted(loaded: LoadedConfig) -> dict[str, Any]:
    """A JSON-ready dump. References stay (they name a place, not a secret); everything else that could be one
    is hidden."""
    dump = dict(loaded.dump)
    hidden = set(literal_secrets(dump))
    return _hide(dump, hidden, "") if hidden else dump


def redacted_values(loaded: LoadedConfig) -> list[tuple[str, Any, str]]:
    """(path, value, origin) of every value, redacted: `config show --origin`."""
    dump = redacted(loaded)
    return [(path, value, loaded.origin(path)) for path, value in leaves(dump)]


def redact_url(url: str) -> str:
    """The address without its password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    if parts.password is None:
        return url
    netloc = re.sub(r":[^:@]*@", f":{HIDDEN}@", parts.netloc, count=1)
    return urlunsplit(parts._replace(netloc=netloc))


def _hide(values: Any, hidden: set[str], path: str) -> Any:
    if isinstance(values, dict):
        items = cast("dict[str, Any]", values).items()
        return {key: _hide(value, hidden, f"{path}.{key}" if path else key) for key, value in items}
    if isinstance(values, list) and path in KEYED_LISTS:
        entries = cast("list[dict[str, Any]]", values)
        return [_hide(entry, hidden, f"{path}[{entry[KEYED_LISTS[path]]}]") for entry in entries]
    return HIDDEN if path in hidden else cast("Any", values)
