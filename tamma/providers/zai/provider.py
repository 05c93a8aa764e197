"""z.ai's GLM models, over either of its protocols.

`{"plan": "coding"}` uses the allowance of a GLM Coding Plan, `{"protocol": "anthropic"}` the endpoint that is
compatible with Anthropic's Messages (for both ways of paying). The service counts no tokens and lists no
models, so a check is a question of a few tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tamma.errors import ConfigError, Overloaded, ProviderError
from tamma.model.conversation import (
    Capabilities,
    FinishReason,
    ModelInfo,
    ProviderCheck,
    Request,
    TokenCount,
)
from tamma.providers.anthropic.provider import AnthropicClaude
from tamma.providers.catalogue import models as catalogue
from tamma.providers.chat.provider import OpenAICompatible
from tamma.providers.chat.quirks import Quirks
from tamma.providers.common import tokens
from tamma.providers.common.checking import ask_briefly, failed_check
from tamma.providers.common.errors import host_of
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.wrapper import Wrapper
from tamma.providers.zai.errors import ERRORS

PLANS = {
    "api": "https://api.z.ai/api/paas/v4",
    "coding": "https://api.z.ai/api/coding/paas/v4",
}
ANTHROPIC_BASE_URL = "https://api.z.ai/api/anthropic"
PROTOCOLS = ("openai", "anthropic")
_OPTIONS = ("allowInsecureHttp", "plan", "protocol")


def effort(level: str, able: Capabilities) -> Mapping[str, object]:
    """Models without levels of effort only think or do not; the others have no medium."""
    if not able.reasoning_levels:
        return {"thinking": {"type": "disabled" if level == "low" else "enabled"}}
    nearest = level if level in able.reasoning_levels else "high"
    return {"thinking": {"type": "enabled"}, "reasoning_effort": nearest}


ZAI = Quirks(
    stream_usage=False,  # always there
    tool_choice=False,
    schema="json_object",
    effort=effort,
    replay_field="reasoning_content",
    finishes={
        "sensitive": FinishReason.CONTENT_FILTER,
        "model_context_window_exceeded": FinishReason.CONTEXT_OVERFLOW,
        "network_error": Overloaded,
    },
    models_path=None,
    error_codes=ERRORS,
    body={"tool_stream": True},  # else a tool's arguments come as a whole, after a long silence
)


class Zai(Wrapper):
    """The adapter of the protocol that the options choose. Raises ConfigError for options it cannot have."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(_adapter(settings))


def _adapter(settings: ProviderSettings) -> Provider:
    strange = sorted(settings.options.keys() - set(_OPTIONS))
    if strange:
        raise ConfigError(
            f"provider {settings.name!r}: z.ai has no option called {strange[0]!r}",
            hint=f"choose of: {', '.join(_OPTIONS)}",
        )
    plan = _choice(settings, "plan", tuple(PLANS))
    if _choice(settings, "protocol", PROTOCOLS) == "anthropic":
        return ZaiMessages(settings)
    return OpenAICompatible(settings, replace(ZAI, base_url=PLANS[plan]))


def _choice(settings: ProviderSettings, name: str, known: tuple[str, ...]) -> str:
    """The option `name`, the first of `known` where it is not set."""
    given = settings.options.get(name, known[0])
    if not isinstance(given, str) or given not in known:
        raise ConfigError(
            f"provider {settings.name!r}: the option {name!r} is {given!r}",
            hint=f"choose of: {', '.join(known)}",
        )
    return given


class ZaiMessages(AnthropicClaude):
    """GLM models over Anthropic's protocol, as z.ai offers it for coding agents."""

    def __init__(self, settings: ProviderSettings) -> None:
        headers = dict(settings.headers)
        if settings.api_key:  # the documented form; the SDK adds its own x-api-key
            headers.setdefault("Authorization", f"Bearer {settings.api_key}")
        base_url = settings.base_url or ANTHROPIC_BASE_URL
        super().__init__(replace(settings, base_url=base_url, headers=headers), error_codes=ERRORS)

    def capabilities(self, model: str) -> Capabilities:
        """As the catalogue has them, less what only the other protocol is documented to take."""
        found = catalogue.capabilities_for(self.settings, model)
        return replace(found, structured_output=False, reasoning_levels=())

    async def count_tokens(self, request: Request) -> TokenCount:
        return TokenCount(tokens.estimate_request(request), estimated=True)

    async def models(self) -> tuple[ModelInfo, ...]:
        return ()

    async def check(self) -> ProviderCheck:
        try:
            return await ask_briefly(self, "", host_of(self.settings.base_url or ""))
        except ProviderError as error:
            return failed_check(error)
