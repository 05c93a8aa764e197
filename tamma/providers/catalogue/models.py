"""What models can do: one reviewed data file (`models.json`), found by provider and longest name prefix.

Names and limits of models go out of date within months, so they stand in data, with the source of each, and
never in code. A model that the file does not know gets cautious defaults; users override what matters
(`model`, `contextWindow`, `maxOutputTokens`) in their configuration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from tamma.errors import ConfigError
from tamma.model.conversation import Capabilities
from tamma.providers.interface import ProviderSettings

Thinking = Literal["none", "asked", "default", "always"]
"""Whether a model thinks: not at all, when asked, unless told otherwise, or always."""

_OVERRIDES = frozenset(field.name for field in fields(Capabilities)) - {"model", "source", "lifecycle"}


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A family of models: `capabilities.model` still holds the prefix that named it."""

    capabilities: Capabilities
    thinking: Thinking = "none"


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    default_model: str | None = None
    families: Mapping[str, ModelEntry] = field(default_factory=dict[str, ModelEntry])


def default_model(provider_type: str) -> str | None:
    """The reviewed default of a type of provider; None where only the service knows its models."""
    return _catalogue().get(provider_type, ProviderEntry()).default_model


def chosen_model(settings: ProviderSettings, wanted: str) -> str | None:
    """`wanted`, else the configured model, else the reviewed default of the type, if it has one."""
    return wanted or settings.model or default_model(settings.type)


def knows(provider_type: str, model: str) -> bool:
    """Whether it has figures for `model`, and not only those of any model of that provider."""
    families = _catalogue().get(provider_type, ProviderEntry()).families
    return any(name and model.startswith(name) for name in families)


def lookup(provider_type: str, model: str) -> ModelEntry:
    """The entry of the longest prefix of `model`; the empty prefix holds a provider's defaults."""
    families = _catalogue().get(provider_type, ProviderEntry()).families
    prefix = max((name for name in families if model.startswith(name)), key=len, default=None)
    entry = families[prefix] if prefix is not None else ModelEntry(Capabilities(model=""))
    return replace(entry, capabilities=replace(entry.capabilities, model=model))


def capabilities_for(settings: ProviderSettings, model: str) -> Capabilities:
    """The catalogue's figures, with those that the user configured in their place.

    Raises ConfigError where a configured one is no field of `Capabilities`.
    """
    found = lookup(settings.type, model).capabilities
    known = dict(settings.capabilities)
    if settings.context_window is not None:
        known["context_window"] = settings.context_window
    if not known:
        return found
    strange = sorted(known.keys() - _OVERRIDES)
    if strange:
        raise ConfigError(
            f"provider {settings.name!r}: a model has no capability called {strange[0]!r}",
            hint=f"choose of: {', '.join(sorted(_OVERRIDES))}",
        )
    return replace(found, **known, source=f"{found.source}; configuration")  # pyright: ignore[reportArgumentType] - checked by the configuration's schema


@cache
def _catalogue() -> Mapping[str, ProviderEntry]:
    text = files("tamma.providers.catalogue").joinpath("models.json").read_text(encoding="utf-8")
    raw = cast("dict[str, Any]", json.loads(text))
    return {name: _provider(entry) for name, entry in raw["providers"].items()}


def _provider(raw: dict[str, Any]) -> ProviderEntry:
    return ProviderEntry(
        raw.get("default_model"), {prefix: _family(prefix, entry) for prefix, entry in raw["models"].items()}
    )


def _family(prefix: str, raw: dict[str, Any]) -> ModelEntry:
    values = dict(raw)
    thinking = values.pop("thinking", "none")
    levels = tuple(values.pop("reasoning_levels", ()))
    return ModelEntry(Capabilities(model=prefix, reasoning_levels=levels, **values), thinking)
