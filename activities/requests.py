"""What a provider is asked: the history made to fit its window, the tools, the parameters. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Sequence

from activities.agents import Worker
from tamma.agents.forgetting import without_loops
from tamma.agents.handover import handed_over
from tamma.agents.window import fit
from tamma.model.agent import Parameters
from tamma.model.conversation import Request, Tool
from tamma.model.metrics import ContextUse
from tamma.providers.interface import Provider
from tamma.store.interface import Entry

DEFAULT_WINDOW = 128_000
"""Tokens, where neither the configuration nor the catalogue knows the model's window."""


def request_for(
    provider: Provider,
    model: str,
    own: Parameters,
    history: Sequence[Entry],
    *,
    worker: Worker,
    tools: tuple[Tool, ...],
) -> tuple[Request, ContextUse]:
    """What `provider` is asked, and how its window is used. `own` go before the provider's settings."""
    settings, system = provider.settings, worker.system_prompt
    messages = handed_over(
        ((entry.message, entry.provider) for entry in history), lambda maker: maker in ("", settings.name)
    )
    window = settings.context_window or provider.capabilities(model).context_window or 0
    messages = without_loops(messages)
    fitted = fit(messages, window or DEFAULT_WINDOW, _overhead(system, tools), worker.context)
    request = Request(
        model=model,
        messages=fitted.messages,
        system=system,
        tools=tools,
        max_output_tokens=own.max_tokens or settings.max_output_tokens,
        temperature=own.temperature if own.temperature is not None else settings.temperature,
        top_p=own.top_p,
        frequency_penalty=own.frequency_penalty,
        presence_penalty=own.presence_penalty,
        reasoning_effort=own.reasoning,
        timeout=settings.timeout,
    )
    return request, ContextUse(window, truncations=fitted.cuts_since(messages))


def _overhead(system: str, tools: tuple[Tool, ...]) -> int:
    """Tokens of the system prompt and the tools, on the high side."""
    return (len(system) + sum(len(json.dumps(dict(tool.input_schema))) + 300 for tool in tools)) // 3
