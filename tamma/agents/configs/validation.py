"""Whether a configuration can work: a list of what is wrong, strange or unknown about it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tamma.agents.configs.facts import ALIASES, Facts
from tamma.agents.configs.findings import Finding, error, note, warning
from tamma.agents.configs.prompt_checks import check_prompts
from tamma.model.agent import AgentConfig
from tamma.model.agent_form import nearest

LEAST_THRESHOLD, MOST_THRESHOLD = 0.05, 0.50
"""The specification's 5 to 50 %."""
BOUNDS: dict[str, tuple[str, float, float]] = {
    "map_files": ("mapFiles", 0, 20_000),
    "compact_at": ("compactAt", 0.2, 0.95),
    "keep_messages": ("keepMessages", 2, 200),
    "slice_lines": ("sliceLines", 20, 5_000),
    "map_tokens": ("mapTokens", 0, 50_000),
}
"""Least and most of the context strategy's numbers. Compaction above 95 % of the window leaves no room for
the answer; a view below 20 lines makes a model read a file in hundreds of turns."""
PENALTY_TYPES = frozenset({"gemini", "local-llm", "openrouter", "zai", "opencode-zen"})
"""Types of providers whose services know penalties. OpenAI's Responses API, for one, does not."""
LOOKING = frozenset({"bash", "view", "grep"})
WRITING = frozenset({"bash", "create", "str_replace", "insert"})
FINISH = "finish"


def validate(config: AgentConfig, facts: Facts) -> tuple[Finding, ...]:
    """All findings, in the order of the configuration's fields."""
    return (
        *_provider(config, facts),
        *check_prompts(config, facts),
        *_tools(config, facts),
        *_parameters(config, facts),
        *_context(config),
        *_capabilities(config, facts),
        *_optimization(config),
    )


def _provider(config: AgentConfig, facts: Facts) -> Iterator[Finding]:
    if config.provider not in facts.providers:
        hint = nearest(config.provider, (*facts.providers, *ALIASES))
        yield error("provider", f"there is no provider called {config.provider!r}", hint)
        return
    if facts.problem:
        yield note("provider", f"what it can do is not known: {facts.problem}")
    elif facts.model is None:
        yield note("model", "only the service knows which model it is", "name one with `model`")
    elif not facts.model_known:
        yield note(
            "model",
            f"nothing is known of {facts.model!r}: cautious figures stand in",
            "`tamma providers models` lists what the service offers",
        )
    if facts.able is not None and facts.able.lifecycle == "deprecated":
        yield warning("model", f"{facts.model!r} will be shut down", "take its successor")


def _tools(config: AgentConfig, facts: Facts) -> Iterator[Finding]:
    if config.tools is None:
        return
    for name in dict.fromkeys(each for each in config.tools if config.tools.count(each) > 1):
        yield error("tools", f"{name!r} stands there more than once")
    for name in dict.fromkeys(config.tools):
        server, separator, _ = name.partition("__")
        if name in facts.tools:
            continue
        if separator and server in facts.servers:
            yield note("tools", f"whether the tool server {server!r} has {name!r} is only known when it runs")
        elif separator:
            hint = nearest(server, tuple(facts.servers))
            yield error("tools", f"{name!r}: no tool server is called {server!r}", hint)
        else:
            yield error("tools", f"there is no tool {name!r}", nearest(name, tuple(facts.tools)))
    if FINISH not in config.tools:
        yield error("tools", "without 'finish' the agent can never say that it is done", "add finish")
    if not LOOKING & set(config.tools):
        yield warning("tools", "it cannot look at any file", "add view, grep or bash")


def _parameters(config: AgentConfig, facts: Facts) -> Iterator[Finding]:
    given, able = config.parameters, facts.able
    for field, value, least, most in (
        ("temperature", given.temperature, 0, 2),
        ("topP", given.top_p, 0, 1),
        ("frequencyPenalty", given.frequency_penalty, -2, 2),
        ("presencePenalty", given.presence_penalty, -2, 2),
    ):
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            yield error(f"parameters.{field}", f"{value!r} is not from {least} to {most}")
    if given.max_tokens is not None and given.max_tokens < 1:
        yield error("parameters.maxTokens", f"{given.max_tokens!r} is not above 0")
    if able is None:
        return
    for field, value in (("temperature", given.temperature), ("topP", given.top_p)):
        if value is not None and not able.sampling_params:
            yield _without_effect(field, f"{facts.model or 'the model'} takes none")
    for field, value in (
        ("frequencyPenalty", given.frequency_penalty),
        ("presencePenalty", given.presence_penalty),
    ):
        if value is not None and not (able.sampling_params and facts.provider_type in PENALTY_TYPES):
            yield _without_effect(field, f"{facts.model or 'the model'} takes none")
    if given.reasoning is not None and given.reasoning not in able.reasoning_levels:
        levels = ", ".join(able.reasoning_levels) or "none"
        yield _without_effect(
            "reasoning", f"{facts.model or 'the model'} has no level {given.reasoning!r}: {levels}"
        )
    if given.max_tokens is not None and able.max_output is not None and given.max_tokens > able.max_output:
        yield error(
            "parameters.maxTokens",
            f"{given.max_tokens:,} is more than the {able.max_output:,} that {facts.model!r} can write",
        )


def _without_effect(field: str, why: str) -> Finding:
    return warning(f"parameters.{field}", f"it has no effect: {why}", "leave it out")


def _context(config: AgentConfig) -> Iterator[Finding]:
    for name, (key, least, most) in BOUNDS.items():
        value = getattr(config.context, name)
        if not least <= value <= most:
            yield error(f"context.{key}", f"{value!r} is not from {least:g} to {most:g}")


def _capabilities(config: AgentConfig, facts: Facts) -> Iterator[Finding]:
    given, able = config.capabilities, facts.able
    if not given.supported_tasks:
        yield error("capabilities.supportedTasks", "it is for no task at all")
    for key, declared, known in (
        ("contextWindowTokens", given.context_window_tokens, able and able.context_window),
        ("maxOutputTokens", given.max_output_tokens, able and able.max_output),
    ):
        if declared is not None and declared < 1:
            yield error(f"capabilities.{key}", f"{declared!r} is not above 0")
        elif declared is not None and known and declared > known:
            yield warning(f"capabilities.{key}", f"{declared:,} is more than the model's {known:,}")
    for key, said, known in (
        ("supportsTools", given.supports_tools, able and able.tools),
        ("supportsStreaming", given.supports_streaming, able and able.streaming),
    ):
        if said is True and known is False:
            yield warning(f"capabilities.{key}", f"{facts.model or 'the model'} does not")


def _optimization(config: AgentConfig) -> Iterator[Finding]:
    given = config.optimization
    if not LEAST_THRESHOLD <= given.performance_threshold <= MOST_THRESHOLD:
        yield error(
            "optimizationSettings.performanceThreshold",
            f"{given.performance_threshold!r} is not from {LEAST_THRESHOLD} to {MOST_THRESHOLD}",
            "it is a share: 0.1 is 10 %",
        )
    if not 0 < given.statistical_significance < 0.5:
        yield error(
            "optimizationSettings.statisticalSignificance",
            f"{given.statistical_significance!r} is not between 0 and 0.5",
            "usual is 0.05",
        )
