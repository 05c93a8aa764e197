"""llama.cpp's own server: one model with the window it was started with, and its tokenizer at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tamma.errors import InvalidRequest, ModelNotFound
from tamma.model.conversation import Request, TokenCount
from tamma.providers.common import tokens
from tamma.providers.local.compatible import Compatible
from tamma.providers.local.facts import Facts, positive
from tamma.providers.local.wire import as_object


class LlamaCpp(Compatible):
    async def _ask_facts(self, model: str) -> Facts:
        return facts_of(await self._call("/props", model))

    async def count_tokens(self, request: Request) -> TokenCount:
        """The tokens of the conversation as the model's template writes it; an estimate for old servers."""
        model = request.model or await self.default_model()
        body = self._body(request, model)
        asked = {name: body[name] for name in ("messages", "tools") if name in body}
        try:
            prompt = (await self._call("/apply-template", model, asked)).get("prompt")
            split = await self._call("/tokenize", model, {"content": prompt, "add_special": True})
        except (InvalidRequest, ModelNotFound):
            return TokenCount(tokens.estimate_request(request), estimated=True)
        counted: object = split.get("tokens")
        if not isinstance(counted, list):
            return TokenCount(tokens.estimate_request(request), estimated=True)
        return TokenCount(len(cast("list[object]", counted)), estimated=False)


def facts_of(props: Mapping[str, Any]) -> Facts:
    """From `/props`: the window of one slot, and what the chat template can do (newer servers say that)."""
    generation = as_object(props.get("default_generation_settings"))
    template = as_object(props.get("chat_template_caps"))
    tools = template.get("supports_tools")
    return Facts(
        "llama.cpp's /props",
        context_window=positive(generation.get("n_ctx")),
        # Without it the server leaves the tools out of the prompt and says nothing.
        tools=tools if isinstance(tools, bool) else None,
        vision=as_object(props.get("modalities")).get("vision"),
        reasoning_levels=("low", "medium", "high") if template.get("supports_reasoning_effort") else None,
        token_counting=True,
    )
