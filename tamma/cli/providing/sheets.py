"""Providers, types and models as rows: names to JSON values, in the order they are shown."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, cast

from tamma import registry
from tamma.config.resolve import provider_entry, routes, settings_for_provider, usable_provider
from tamma.config.secrets import env_name
from tamma.errors import AuthFailed, ConfigError
from tamma.pools import Providers
from tamma.providers.catalogue.models import default_model
from tamma.providers.catalogue.prices import price_of

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.config.schema import ProviderConfig
    from tamma.model.conversation import ModelInfo
    from tamma.providers.interface import Price, Provider, ProviderSettings

Row = dict[str, object]


def entries(loaded: LoadedConfig) -> list[Row]:
    """The configured entries, the default one first."""
    config = loaded.config.providers
    ordered = sorted(config.available, key=lambda entry: entry.provider_id != config.default)
    return [
        {
            "name": entry.provider_id,
            "type": entry.provider_type,
            "model": entry.model or default_model(entry.provider_type),
            "key": _key(loaded, entry),
            "used": _uses(loaded, entry.provider_id),
        }
        for entry in ordered
    ]


def types() -> list[Row]:
    """What an entry's `providerType` may be."""
    return [
        {
            "type": entry.name,
            "version": entry.version,
            "from": entry.distribution or "tamma",
            "problem": registry.providers.examine(entry) if entry.distribution else None,
        }
        for entry in registry.providers.list()
    ]


async def provider(loaded: LoadedConfig, name: str, model: str | None) -> Row:
    """One entry whole. Raises ConfigError."""
    entry = provider_entry(loaded, name)
    chosen = model or entry.model or default_model(entry.provider_type)
    row: Row = {
        "name": entry.provider_id,
        "type": entry.provider_type,
        "model": chosen,
        "baseUrl": entry.base_url,
        "key": _key(loaded, entry),
        "used": _uses(loaded, name),
        "timeout": entry.timeout,
        "stallTimeout": entry.stall_timeout,
    }
    row["price"] = _price(price_of(entry.provider_type, chosen or ""))
    row["problems"] = problems = list[str]()
    row["capabilities"] = None
    try:
        plugin = registry.providers.get(entry.provider_type)
        settings = looked_at(loaded, entry, problems)
        row["price"] = _price(settings.price) or row["price"]
        problems += plugin.validate_config(settings)
        able = asdict(plugin.create_provider(settings).capabilities(chosen or ""))
    except (ConfigError, AuthFailed) as error:
        if str(error) not in problems:
            problems.append(str(error))
        return row
    del able["model"]
    row["capabilities"] = {camel(key): value for key, value in able.items()}
    return row


async def models(loaded: LoadedConfig, name: str) -> list[Row]:
    """What the service lists. Raises ConfigError, AuthFailed, ProviderError."""
    async with AsyncExitStack() as stack:
        pool = Providers(lambda each: settings_for_provider(loaded, each))
        stack.push_async_callback(pool.close)
        made = await pool.get(name)
        return [_model(made, info) for info in await made.models()]


def flat(row: Row) -> Row:
    """Without objects in it, for a list of lines: `capabilities.tools`. A price stays one value."""
    found: Row = {}
    for key, value in row.items():
        if key == "capabilities" and isinstance(value, dict):
            found |= {f"{key}.{inner}": held for inner, held in cast("Row", value).items()}
        else:
            found[key] = value
    return found


def camel(name: str) -> str:
    """A field's name as the configuration and all JSON spell it."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def words(value: object) -> str:
    """A value for people: what is not known is a dash."""
    match value:
        case None | () | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(str(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
        case dict():
            price = cast("Row", value)
            return f"${price['inputMtok']} in, ${price['outputMtok']} out (1M tokens)"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g} s"
        case _:
            return str(value)


def looked_at(loaded: LoadedConfig, entry: ProviderConfig, problems: list[str]) -> ProviderSettings:
    """The settings, to look at: a key that is missing is a problem, and no reason to say nothing else."""
    try:
        return settings_for_provider(loaded, entry.provider_id)
    except AuthFailed as error:
        variable = env_name(entry.api_key)
        if not variable:
            raise
        problems.append(str(error))
        return settings_for_provider(
            replace(loaded, env={**loaded.env, variable: "missing"}), entry.provider_id
        )


def _key(loaded: LoadedConfig, entry: ProviderConfig) -> str:
    """Whether its key is there, in words that name the variable and never the key."""
    variable = env_name(entry.api_key)
    try:
        _, key = usable_provider(loaded, entry.provider_id)
    except AuthFailed:
        return f"{variable} is not set" if variable else "has no apiKey"
    except ConfigError as error:
        return str(error)
    if key is None:
        return f"not needed ({variable} is not set)" if variable else "not needed"
    return f"set ({variable})" if variable else "set"


def _uses(loaded: LoadedConfig, name: str) -> list[str]:
    """What the configuration uses it for."""
    found = ["default"] if loaded.config.providers.default == name else []
    known = routes(loaded)
    found += [step for step, chain in known.steps.items() if any(each.provider == name for each in chain)]
    return found + [f"fallback {at}" for at, each in enumerate(known.fallbacks, 1) if each.provider == name]


def _model(made: Provider, info: ModelInfo) -> Row:
    able = made.capabilities(info.id)
    return {
        "model": info.id,
        "window": info.context_window or able.context_window,
        "output": info.max_output or able.max_output,
        "tools": able.tools,
        "price": _price(made.settings.price or price_of(made.settings.type, info.id)),
    }


def _price(price: Price | None) -> Row | None:
    """US dollars for a million tokens."""
    if price is None:
        return None
    return {
        "inputMtok": f"{price.input_mtok.normalize():f}",
        "outputMtok": f"{price.output_mtok.normalize():f}",
    }
