"""OpenRouter: many vendors' models behind one Chat Completions endpoint.

The options `models` (fallbacks), `provider` (routing) and `transforms` are sent as they are. Whatever model
answered is the one that is named and billed; the service says itself what it charged, in every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from tamma.errors import ContentFiltered, Overloaded, ProviderError, RateLimited
from tamma.model.conversation import Capabilities, ProviderCheck
from tamma.providers.chat.provider import OpenAICompatible
from tamma.providers.chat.quirks import Quirks
from tamma.providers.common.checking import failed_check
from tamma.providers.common.errors import mapping_of
from tamma.providers.interface import ProviderSettings
from tamma.providers.openrouter.options import body_options

TITLE = "Tamma"
"""How the service's own statistics name us; the options `title` and `referer` say otherwise."""


def effort(level: str, able: Capabilities) -> Mapping[str, object]:
    """One form for all vendors' models; the service leaves it out for those that do not reason."""
    return {"reasoning": {"effort": level}} if level in able.reasoning_levels else {}


def charge(usage: Mapping[str, Any]) -> Decimal | None:
    """Dollars that this answer cost. With a vendor's own key, that vendor bills the rest."""
    cost = _dollars(usage.get("cost"))
    if cost is None or not usage.get("is_byok"):
        return cost
    upstream = _dollars(mapping_of(usage.get("cost_details")).get("upstream_inference_cost"))
    return None if upstream is None else cost + upstream


def _dollars(value: object) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except ArithmeticError:  # no number
        return None


def error_detail(error: Mapping[str, object]) -> tuple[tuple[str, ...], str]:
    """What `metadata` says: reasons of a moderation, which limit it was, and the vendor's own words."""
    known = mapping_of(error.get("metadata"))
    codes = [str(known["limit_source"])] if known.get("limit_source") else []
    reasons = known.get("reasons")
    if reasons:
        codes.insert(0, "moderation")
        named = cast("list[object]", reasons) if isinstance(reasons, list) else [reasons]
        return tuple(codes), ", ".join(map(str, named))
    raw = known.get("raw")
    if not raw:
        return tuple(codes), ""
    return tuple(codes), f"{known.get('provider_name') or 'its provider'} says {raw}"


ERRORS: Mapping[str, type[ProviderError]] = {
    "moderation": ContentFiltered,  # comes with 403, which otherwise means the key
    "openrouter_in_flight_budget": RateLimited,  # comes with 402, but frees itself as other calls end
}
OPENROUTER = Quirks(
    base_url="https://openrouter.ai/api/v1",
    stream_usage=False,  # always there
    effort=effort,
    reasoning_fields=("reasoning", "reasoning_content"),
    replay_field="reasoning_details",
    cache_marks=True,
    finishes={"error": Overloaded},
    charge=charge,
    error_codes=ERRORS,
    error_detail=error_detail,
)


class OpenRouter(OpenAICompatible):
    """Models are named `vendor/model`, e.g. `anthropic/claude-sonnet-5.5`."""

    def __init__(self, settings: ProviderSettings) -> None:
        body = body_options(settings)
        headers = {"X-Title": str(settings.options.get("title", TITLE))}
        if "referer" in settings.options:
            headers["HTTP-Referer"] = str(settings.options["referer"])
        super().__init__(settings, replace(OPENROUTER, body=body, headers=headers))

    async def check(self) -> ProviderCheck:
        """Ask about the key: costs nothing, and unlike the list of models is told to nobody else."""
        try:
            told = await self.get("/key")
            names = tuple(model.id for model in await self.models())
        except ProviderError as error:
            return failed_check(error)
        return ProviderCheck(True, f"the key is good, {_credit(told)}; {len(names)} models", names)


def _credit(told: object) -> str:
    """What is left to spend, of `{"data": {"limit_remaining": …}}`."""
    left = mapping_of(mapping_of(told).get("data")).get("limit_remaining")
    return "without a limit of its own" if left is None else f"with ${left} left of its limit"
