"""Servers that speak OpenAI's protocol and, beside it, say more about themselves in their own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from tamma.errors import InvalidRequest, ModelNotFound, StreamInterrupted
from tamma.model.conversation import Capabilities
from tamma.providers.chat.provider import OpenAICompatible
from tamma.providers.chat.quirks import Quirks
from tamma.providers.common.calls import ASIDE_TIMEOUT, call_for
from tamma.providers.interface import ProviderSettings
from tamma.providers.local import wire
from tamma.providers.local.detect import root_of
from tamma.providers.local.facts import Facts, with_facts

LOCAL = Quirks(key_required=False)
_log = structlog.get_logger(__name__)


class Compatible(OpenAICompatible):
    """Any such server. Subclasses know where theirs tells more."""

    def __init__(self, settings: ProviderSettings, base_url: str) -> None:
        super().__init__(replace(settings, base_url=base_url), LOCAL)
        self._root = root_of(base_url)
        self._facts: dict[str, Facts] = {}

    async def learn(self, model: str) -> None:
        """Remember what the server says about `model`. Raises ProviderError."""
        facts = self._facts.get(model)
        if facts is not None and facts.final:
            return
        try:
            found = await self._ask_facts(model)
        except (InvalidRequest, ModelNotFound, StreamInterrupted) as error:
            # It lacks the endpoint, hides it, or answers with something else.
            found = Facts("the server does not say")
            _log.info(
                "the server does not say what the model can do",
                provider=self._settings.name,
                model=model,
                why=str(error),
            )
        self._facts[model] = found

    def capabilities(self, model: str) -> Capabilities:
        return with_facts(super().capabilities(model), self._facts.get(model), self._settings)

    async def _ask_facts(self, model: str) -> Facts:
        """Several kinds name the window in their list of models; none says more."""
        windows = {listed.id: listed.context_window for listed in await self.models()}
        return Facts("the server's /models", context_window=windows.get(model))

    async def _call(self, path: str, model: str, body: object = None) -> Mapping[str, Any]:
        """The JSON object at `path` below the server's own address; empty where it is something else."""
        client = await self._client.get()
        call = call_for(self._settings, model, self._base_url, ASIDE_TIMEOUT)
        return await wire.ask(client, self._root + path, self._headers(), call, body)
