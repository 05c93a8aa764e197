"""vLLM: the window that the server was started with, and token counts from the model's own tokenizer."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.errors import InvalidRequest, ModelNotFound
from tamma.model.conversation import Request, TokenCount
from tamma.providers.common import tokens
from tamma.providers.local.compatible import Compatible
from tamma.providers.local.facts import Facts, positive
from tamma.providers.local.wire import entries


class VLLM(Compatible):
    async def _ask_facts(self, model: str) -> Facts:
        return facts_of(await self._call("/v1/models", model), model)

    async def count_tokens(self, request: Request) -> TokenCount:
        """What `/tokenize` counts, the chat template and the tools included; an estimate where it is off."""
        model = request.model or await self.default_model()
        body = self._body(request, model)
        asked = {"model": model, "messages": body["messages"], "add_generation_prompt": True}
        if "tools" in body:
            asked["tools"] = body["tools"]
        try:
            counted = positive((await self._call("/tokenize", model, asked)).get("count"))
        except (InvalidRequest, ModelNotFound):
            counted = None
        if counted is None:
            return TokenCount(tokens.estimate_request(request), estimated=True)
        return TokenCount(counted, estimated=False)


def facts_of(listed: Mapping[str, object], model: str) -> Facts:
    """From `/v1/models`: `max_model_len` is the real window (an adapter's own is its base model's)."""
    by_id = {entry.get("id"): entry for entry in entries(listed, "data")}
    entry = by_id.get(model, {})
    base = by_id.get(entry.get("parent"), {})
    window = positive(entry.get("max_model_len")) or positive(base.get("max_model_len"))
    return Facts("vLLM's /v1/models", context_window=window, token_counting=True)
