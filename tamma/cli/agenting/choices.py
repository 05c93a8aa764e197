"""A configuration from flags: `--set context.compactAt=0.5`, `--prompt system=FILE`. Null is the default."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig
from tamma.model.agent_form import config_from_form, config_to_form, keys_of, nearest

MOST_BYTES = 1024 * 1024


def changed(config: AgentConfig, sets: Sequence[str], prompts: Sequence[str]) -> AgentConfig:
    """The configuration with some fields set and some prompts taken from files. Raises ConfigError."""
    form = config_to_form(config)
    for given in sets:
        key, equals, value = given.partition("=")
        if not equals:
            raise ConfigError(f"--set {given!r} has no value", hint="e.g. --set context.compactAt=0.5")
        _put(form, _key(key.strip()), _value(value))
    own = dict(config.prompts)
    for given in prompts:
        name, equals, path = given.partition("=")
        if not equals:
            raise ConfigError(f"--prompt {given!r} names no file", hint="e.g. --prompt system=system.md")
        if path:
            own[name.strip()] = _text(Path(path))
        else:
            own.pop(name.strip(), None)
    return config_from_form({**form, "prompts": own}, "the new version")


def _key(given: str) -> str:
    """The key as files spell it. `compact_at` is understood as well, and without its section, for no two
    sections have a key of the same name."""
    known = [key for key in keys_of() if key != "prompts"]
    plain = {_plain(key.rpartition(".")[2]): key for key in known} | {_plain(key): key for key in known}
    found = plain.get(_plain(given))
    if found is None:
        raise ConfigError(f"--set {given!r} is not a known key", hint=nearest(given, tuple(known)))
    return found


def _plain(key: str) -> str:
    return key.replace("_", "").lower()


def _value(text: str) -> object:
    """JSON where it is some; otherwise a text, or a list where the field holds one."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _put(form: dict[str, object], key: str, value: object) -> None:
    section, dot, rest = key.partition(".")
    if key in ("tools", "capabilities.supportedTasks") and isinstance(value, str):
        value = [word.strip() for word in value.split(",") if word.strip()]
    if not dot:
        _set(form, section, value)
        return
    inner = dict(cast("Mapping[str, object]", form.get(section, {})))
    _set(inner, rest, value)
    form[section] = inner


def _set(form: dict[str, object], key: str, value: object) -> None:
    """Null is the default, which is what is left out."""
    if value is None:
        form.pop(key, None)
    else:
        form[key] = value


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(
            f"{str(path)!r} has more than {MOST_BYTES:,} bytes", hint="no model reads that much"
        )
    try:
        return content.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{str(path)!r} is not UTF-8", hint="save it as UTF-8") from error
