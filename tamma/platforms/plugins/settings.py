"""A platform's settings on their way to its process: all but the source of tokens, which stays here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, make_dataclass, replace
from functools import cache
from typing import Any, cast, get_type_hints

from tamma.platforms.interface import PlatformSettings, TokenSource
from tamma.plugins.kind import passed_on
from tamma.plugins.messages import adapter_of

Told = Mapping[str, object]
"""Settings as JSON has them."""


def told_settings(settings: PlatformSettings, token: str | None) -> Told:
    """What the plugin is told: not what is said to us about it, nor what renews its tokens here."""
    oauth = None if settings.tokens is not None else settings.oauth
    said = replace(settings, token=token, oauth=oauth, options=passed_on(settings.options))
    values = {name: getattr(said, name) for name in _names()}
    return cast("Told", adapter_of(_carrier()).dump_python(_carrier()(**values), mode="json"))


def settings_of(told: Told, tokens: TokenSource) -> PlatformSettings:
    """At the other end. Raises ValueError for what are no settings."""
    carried: Any = adapter_of(_carrier()).validate_python(told)
    values = {name: getattr(carried, name) for name in _names()}
    return cast("Any", PlatformSettings)(tokens=tokens, **values)


@cache
def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(PlatformSettings) if field.name != "tokens")


@cache
def _carrier() -> Any:
    hints = get_type_hints(PlatformSettings)
    return make_dataclass("Carried", [(name, hints[name]) for name in _names()], frozen=True, slots=True)
