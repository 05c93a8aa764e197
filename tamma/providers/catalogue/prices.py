"""What a call cost: the user's own price first, then genai-prices' data (no network), else unknown.

Priced per request, because some models cost more above a prompt size. Unknown is None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module

from tamma.model.conversation import UNKNOWN_COST, Cost, CostSource, Usage
from tamma.providers.interface import Price

_MILLION = Decimal(1_000_000)

PRICE_DATA: Mapping[str, str] = {
    "anthropic-claude": "anthropic",
    "openai": "openai",
    "gemini": "google",
    "openrouter": "openrouter",
    "zai": "zai",
}
"""Our provider types that genai-prices knows, under its name. The others are priced by configuration only."""


def cost_of(provider_type: str, model: str, usage: Usage, override: Price | None) -> Cost:
    """The cost of one request that used `usage`, cache and reasoning included in the totals."""
    if override is not None:
        return Cost(_from_price(usage, override), CostSource.CONFIG)
    known_as = PRICE_DATA.get(provider_type)
    return _from_data(known_as, model, usage) if known_as else UNKNOWN_COST


def price_of(provider_type: str, model: str) -> Price | None:
    """The list price of short requests, from the data; None where it is not known."""

    def mtok(usage: Usage) -> Decimal | None:
        usd = cost_of(provider_type, model, usage, None).usd
        return None if usd is None else usd * 1000

    inputs, outputs = mtok(Usage(input_total=1000)), mtok(Usage(output_total=1000))
    if inputs is None or outputs is None:
        return None
    return Price(
        inputs,
        outputs,
        cache_read_mtok=mtok(Usage(input_total=1000, cache_read=1000)),
        cache_write_mtok=mtok(Usage(input_total=1000, cache_write=1000)),
    )


def load_price_data(provider_type: str) -> None:
    """Import the price data, where calls of that type need it: hundreds of milliseconds, ahead of them."""
    if provider_type in PRICE_DATA:
        import_module("genai_prices")


def _from_price(usage: Usage, price: Price) -> Decimal:
    read_price = price.input_mtok if price.cache_read_mtok is None else price.cache_read_mtok
    write_price = price.input_mtok if price.cache_write_mtok is None else price.cache_write_mtok
    plain = max(0, usage.input_total - usage.cache_read - usage.cache_write)
    total = (
        plain * price.input_mtok
        + usage.cache_read * read_price
        + usage.cache_write * write_price
        + usage.output_total * price.output_mtok
    )
    return total / _MILLION


def _from_data(provider_id: str, model: str, usage: Usage) -> Cost:
    import genai_prices

    counted = genai_prices.Usage(
        input_tokens=usage.input_total,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output_total,
    )
    try:
        price = genai_prices.calc_price(counted, model, provider_id=provider_id)
    except (LookupError, ValueError):  # no such model; or counts that do not add up
        return UNKNOWN_COST
    return Cost(price.total_price, CostSource.PRICES)
