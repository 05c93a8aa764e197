"""What a check finds, field by field, and which work an agent can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tamma.agents.configs.contexts import fits
from tamma.agents.configs.facts import Facts, provider_name
from tamma.agents.configs.findings import Severity, errors, refuse
from tamma.agents.configs.prompts import REQUIRED, known_prompts
from tamma.agents.configs.validation import BOUNDS, validate
from tamma.agents.prompting import prompt
from tamma.errors import ConfigError
from tamma.model.agent import (
    AgentCapabilities,
    AgentConfig,
    ContextStrategy,
    OptimizationSettings,
    Parameters,
    TaskType,
    WorkContext,
)
from tamma.model.conversation import Capabilities
from tamma.workspace.tools import TOOLS

ABLE = Capabilities("m1", context_window=200_000, max_output=32_000, reasoning_levels=("low", "high"))
FACTS = Facts(
    providers=("anthropic-claude", "house"),
    provider_type="openrouter",
    model="m1",
    model_known=True,
    able=ABLE,
    tools=frozenset(tool.name for tool in TOOLS),
    servers=frozenset({"tracker"}),
)
BARE = AgentConfig("house")


def facts(**able: Any) -> Facts:
    return replace(FACTS, able=replace(ABLE, **able))


def found(config: AgentConfig, given: Facts = FACTS) -> list[tuple[str, str]]:
    return [(each.severity.value, each.field) for each in validate(config, given)]


def said(config: AgentConfig, given: Facts = FACTS) -> str:
    return "\n".join(f"{each} ({each.hint})" for each in validate(config, given))


def with_prompts(**prompts: str) -> AgentConfig:
    return replace(BARE, prompts=prompts)


def test_nothing_is_wrong_with_the_defaults_nor_with_the_built_in_prompts() -> None:
    assert found(BARE) == []
    assert found(with_prompts(**{name: prompt(name) for name in known_prompts()})) == []


def test_the_required_places_are_places_of_the_prompts() -> None:
    known = known_prompts()
    assert set(REQUIRED) == set(known) - {"system"}
    assert all(required and required <= known[name].known for name, required in REQUIRED.items())


@pytest.mark.parametrize(
    ("word", "entry"),
    [("claude", "anthropic-claude"), ("Claude", "anthropic-claude"), ("house", "house"), ("nix", "nix")],
)
def test_short_words_for_providers(word: str, entry: str) -> None:
    assert provider_name(word, FACTS.providers) == entry
    assert provider_name("claude", ("claude",)) == "claude"


def test_a_provider_that_there_is_not() -> None:
    assert found(AgentConfig("anthropic-cluade")) == [("error", "provider")]
    assert "did you mean 'anthropic-claude'?" in said(AgentConfig("anthropic-cluade"))


def test_what_is_not_known_is_a_note() -> None:
    assert found(BARE, replace(FACTS, model_known=False)) == [("note", "model")]
    assert found(BARE, replace(FACTS, model=None)) == [("note", "model")]
    assert found(BARE, replace(FACTS, able=None, problem="no key")) == [("note", "provider")]
    assert found(BARE, facts(lifecycle="deprecated")) == [("warning", "model")]


@pytest.mark.parametrize(
    ("tools", "expected", "words"),
    [
        (("bash", "finish"), [], ""),
        (("bash", "finish", "tracker__search"), [("note", "tools")], "only known when it runs"),
        (("bash", "finish", "trakker__search"), [("error", "tools")], "did you mean 'tracker'?"),
        (("bahs", "view", "finish"), [("error", "tools")], "did you mean 'bash'?"),
        (("bash",), [("error", "tools")], "add finish"),
        (("bash", "finish", "bash"), [("error", "tools")], "more than once"),
        (("create", "finish"), [("warning", "tools")], "cannot look at any file"),
        ((), [("error", "tools"), ("warning", "tools")], "add finish"),
    ],
)
def test_tools(tools: tuple[str, ...], expected: list[tuple[str, str]], words: str) -> None:
    config = replace(BARE, tools=tools)
    assert found(config) == expected
    assert words in said(config)


@pytest.mark.parametrize(
    ("parameters", "able", "expected"),
    [
        (Parameters(0.7, 100, 0.9, 0.1, 0.1, "low"), {}, []),
        (Parameters(temperature=2.1), {}, ["error temperature"]),
        (Parameters(temperature=float("nan")), {}, ["error temperature"]),
        (Parameters(top_p=1.5), {}, ["error topP"]),
        (Parameters(frequency_penalty=-3), {}, ["error frequencyPenalty"]),
        (Parameters(max_tokens=0), {}, ["error maxTokens"]),
        (Parameters(max_tokens=32_001), {}, ["error maxTokens"]),
        (Parameters(max_tokens=32_000), {}, []),
        (Parameters(max_tokens=99_999), {"max_output": None}, []),
        (
            Parameters(temperature=0.7, top_p=0.5),
            {"sampling_params": False},
            ["warning temperature", "warning topP"],
        ),
        (Parameters(presence_penalty=0.5), {"sampling_params": False}, ["warning presencePenalty"]),
        (Parameters(reasoning="max"), {}, ["warning reasoning"]),
    ],
)
def test_parameters(parameters: Parameters, able: dict[str, Any], expected: list[str]) -> None:
    findings = validate(replace(BARE, parameters=parameters), facts(**able))
    assert [f"{each.severity} {each.field.removeprefix('parameters.')}" for each in findings] == expected


def test_a_service_without_penalties() -> None:
    config = replace(BARE, parameters=Parameters(frequency_penalty=0.5))
    assert found(config, replace(FACTS, provider_type="anthropic-claude")) == [
        ("warning", "parameters.frequencyPenalty")
    ]


@pytest.mark.parametrize(
    ("prompts", "severity", "words"),
    [
        ({"systm": "x"}, "error", "did you mean 'system'?"),
        ({"system": " \n"}, "error", "it is empty"),
        ({"system": "{{issue}}"}, "error", "nothing fills in '{{issue}}'"),
        ({"plan": "{{isue}} {{issue}} {{context}} {{feedback}}"}, "error", "did you mean 'issue'?"),
        ({"plan": "{{context}} {{feedback}}"}, "error", "'{{issue}}' is missing"),
        ({"plan": "{{issue}} {{context}}"}, "note", "leaves out '{{feedback}}'"),
        ({"system": "Use {{ issue }}."}, "warning", "'{{ issue }}' stays as it is"),
        ({"system": "The key is sk-ant-canary0123456789abcdef."}, "error", "as if it held a secret"),
        ({"system": "x" * 700_000}, "error", "do not fit into the window"),
        ({"system": "x" * 200_000}, "warning", "fill much of the window"),
    ],
)
def test_prompts(prompts: dict[str, str], severity: str, words: str) -> None:
    findings = validate(with_prompts(**prompts), FACTS)
    assert [each.severity for each in findings] == [Severity(severity)]
    assert words in said(with_prompts(**prompts))


def test_a_secret_is_not_repeated() -> None:
    assert "canary" not in said(with_prompts(system="sk-ant-canary0123456789abcdef"))


@pytest.mark.parametrize("name", list(BOUNDS))
def test_the_context_strategy_has_bounds(name: str) -> None:
    key, least, most = BOUNDS[name]
    step = 0.01 if name == "compact_at" else 1
    for value, wrong in ((least, False), (most, False), (least - step, True), (most + step, True)):
        config = replace(BARE, context=replace(ContextStrategy(), **{name: value}))
        assert found(config) == ([("error", f"context.{key}")] if wrong else []), value


@pytest.mark.parametrize(
    ("threshold", "significance", "expected"),
    [
        (0.05, 0.05, []),
        (0.5, 0.49, []),
        (0.04, 0.05, ["performanceThreshold"]),
        (10, 0.05, ["performanceThreshold"]),
        (float("nan"), 0.05, ["performanceThreshold"]),
        (0.1, 0, ["statisticalSignificance"]),
        (0.1, 0.5, ["statisticalSignificance"]),
    ],
)
def test_threshold_and_significance(threshold: float, significance: float, expected: list[str]) -> None:
    settings = OptimizationSettings(performance_threshold=threshold, statistical_significance=significance)
    fields = [field for _, field in found(replace(BARE, optimization=settings))]
    assert fields == [f"optimizationSettings.{each}" for each in expected]


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (AgentCapabilities(supported_tasks=()), [("error", "capabilities.supportedTasks")]),
        (AgentCapabilities(context_window_tokens=300_000), [("warning", "capabilities.contextWindowTokens")]),
        (AgentCapabilities(max_output_tokens=0), [("error", "capabilities.maxOutputTokens")]),
        (AgentCapabilities(supports_tools=True), [("warning", "capabilities.supportsTools")]),
    ],
)
def test_declared_capabilities(capabilities: AgentCapabilities, expected: list[tuple[str, str]]) -> None:
    assert found(replace(BARE, capabilities=capabilities), facts(tools=False)) == expected


def test_errors_refuse_and_the_rest_does_not() -> None:
    refuse(validate(BARE, replace(FACTS, model_known=False)))
    with pytest.raises(ConfigError, match=r"is wrong: provider: .*; tools: .*finish") as told:
        refuse(validate(AgentConfig("houze", tools=("bash",)), FACTS))
    assert told.value.hint == "did you mean 'house'? add finish"
    assert len(errors(validate(AgentConfig("houze", tools=("bash",)), FACTS))) == 2


# --- contexts


def able(config: AgentConfig, given: Facts = FACTS) -> list[str]:
    return [fit.context.value for fit in fits(config, given) if fit.able]


def why_not(config: AgentConfig, context: WorkContext, given: Facts = FACTS) -> str:
    return "; ".join(next(fit for fit in fits(config, given) if fit.context is context).reasons)


def tasks(*kinds: TaskType) -> AgentConfig:
    return replace(BARE, capabilities=AgentCapabilities(supported_tasks=kinds))


def test_a_bare_agent_can_do_everything() -> None:
    assert able(BARE) == ["development", "review", "testing"]


def test_an_agent_does_what_it_is_for() -> None:
    assert able(tasks(TaskType.CODE_REVIEW)) == ["review"]
    assert able(tasks(TaskType.DOCUMENTATION, TaskType.TESTING)) == ["development", "testing"]
    assert why_not(tasks(TaskType.TESTING), WorkContext.REVIEW) == "it is not for code-review"


def test_reading_tools_are_enough_for_a_review() -> None:
    config = replace(BARE, tools=("view", "finish"))
    assert able(config) == ["review"]
    assert "bash, create, insert, str_replace" in why_not(config, WorkContext.DEVELOPMENT)


def test_a_small_window() -> None:
    assert able(BARE, facts(context_window=20_000)) == ["review"]
    assert able(BARE, facts(context_window=8_192)) == []
    kept = replace(BARE, context=ContextStrategy(compaction="none"))
    assert able(kept, facts(context_window=64_000)) == ["review"]
    assert able(kept) == ["development", "review", "testing"]


def test_a_prompt_matters_where_it_is_used() -> None:
    config = with_prompts(review="{{diff}}")
    assert able(config) == ["development", "testing"]
    assert "'{{issue}}' is missing" in why_not(config, WorkContext.REVIEW)
    assert able(with_prompts(plan="x")) == ["review"]
    assert able(with_prompts(systm="x")) == []


def test_what_is_wrong_in_general_is_wrong_everywhere() -> None:
    assert able(replace(BARE, tools=("bash",))) == []
    assert why_not(replace(BARE, tools=("bash",)), WorkContext.REVIEW).startswith("tools: without 'finish'")


def test_what_would_be_worse_is_remarked() -> None:
    config = replace(BARE, tools=("view", "create", "finish"))
    development, review, _ = fits(config, facts(tools=False, context_window=None))
    assert development.able
    assert [remark.partition(":")[0] for remark in development.remarks] == [
        "the size of its window is not known",
        "without bash it cannot run a test",
        "the model was not trained to call tools",
    ]
    assert review.remarks == ("the size of its window is not known",)
