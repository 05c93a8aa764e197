"""OpenRouter's own settings: which models and services may answer. Checked early, for a typo there is silent.

Source: openrouter.ai/docs, "Model Fallbacks", "Provider Routing" and "Message Transforms", 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from tamma.errors import ConfigError
from tamma.providers.interface import ProviderSettings


class _Kind(NamedTuple):
    words: str
    holds: Callable[[object], bool]


def _is_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(item, str) and item for item in cast("list[object]", value)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_figure(value: object) -> bool:
    return isinstance(value, Mapping) or _is_number(value)


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_policy(value: object) -> bool:
    return value in ("allow", "deny")


def _is_order(value: object) -> bool:
    return isinstance(value, Mapping) or value in ("price", "throughput", "latency")


_NAMES = _Kind("a list of names", _is_names)
_SWITCH = _Kind("true or false", _is_switch)
_TEXT = _Kind("a text", _is_text)
_FIGURE = _Kind("a number, or an object of percentiles", _is_figure)
_OBJECT = _Kind("an object", _is_object)

OPTIONS: Mapping[str, _Kind] = {
    "models": _NAMES,
    "provider": _OBJECT,
    "transforms": _NAMES,
    "referer": _TEXT,
    "title": _TEXT,
    "allowInsecureHttp": _SWITCH,
}
ROUTING: Mapping[str, _Kind] = {
    "order": _NAMES,
    "only": _NAMES,
    "ignore": _NAMES,
    "quantizations": _NAMES,
    "allow_fallbacks": _SWITCH,
    "require_parameters": _SWITCH,
    "zdr": _SWITCH,
    "enforce_distillable_text": _SWITCH,
    "data_collection": _Kind("'allow' or 'deny'", _is_policy),
    "sort": _Kind("'price', 'throughput' or 'latency', or an object with `by`", _is_order),
    "max_price": _OBJECT,
    "preferred_min_throughput": _FIGURE,
    "preferred_max_latency": _FIGURE,
}
_BODY = ("models", "provider", "transforms")


def body_options(settings: ProviderSettings) -> dict[str, object]:
    """The fields that every request carries. Raises ConfigError, naming what there is, for anything else."""
    options = settings.options
    _check(settings.name, "option", options, OPTIONS)
    routing = options.get("provider", {})
    _check(settings.name, "option of `provider`", cast("Mapping[str, object]", routing), ROUTING)
    return {name: options[name] for name in _BODY if name in options}


def _check(provider: str, what: str, given: Mapping[str, object], known: Mapping[str, _Kind]) -> None:
    for name, value in given.items():
        kind = known.get(name)
        if kind is None:
            raise ConfigError(
                f"provider {provider!r}: OpenRouter has no {what} called {name!r}",
                hint=f"choose of: {', '.join(sorted(known))}",
            )
        if not kind.holds(value):
            raise ConfigError(
                f"provider {provider!r}: the {what} {name!r} is {value!r}", hint=f"it must be {kind.words}"
            )
