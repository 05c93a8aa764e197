"""The identity of a configuration: equal ones have one hash, however they were made, and others another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import ConfigError
from tamma.model.agent import (
    AgentCapabilities,
    AgentConfig,
    ContextStrategy,
    OptimizationSettings,
    Parameters,
    TaskType,
)
from tamma.model.agent_json import canonical_config, config_from_json, config_hash, config_to_json

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**6), 10**6)
texts = st.text(st.characters(codec="utf-8"), max_size=8)
configs = st.builds(
    AgentConfig,
    provider=texts,
    model=st.none() | texts,
    prompts=st.dictionaries(texts, texts, max_size=4),
    tools=st.none() | st.lists(texts, max_size=3).map(tuple),
    parameters=st.builds(
        Parameters, temperature=st.none() | numbers, max_tokens=st.none() | st.integers(1, 9)
    ),
    context=st.builds(ContextStrategy, compact_at=numbers),
    capabilities=st.builds(
        AgentCapabilities, supported_tasks=st.lists(st.sampled_from(TaskType), max_size=3).map(tuple)
    ),
    optimization=st.builds(OptimizationSettings, enable_ab_testing=st.booleans()),
)

OTHER = AgentConfig(
    provider="b",
    model="m",
    prompts={"plan": "p"},
    tools=("bash",),
    parameters=Parameters(0.1, 1, 0.2, 0.3, 0.4, "low"),
    context=ContextStrategy(1, "none", 0.1, 1, 1, "task-first", 1),
    capabilities=AgentCapabilities((), 1, 1, True, True, 1.5, 0.5),
    optimization=OptimizationSettings(True, 0.2, 0.1, False, False, False),
)
"""Differs from a bare configuration in every field."""


def leaves(config: Any, other: Any) -> Iterator[tuple[str, Any]]:
    """`config` with one field taken from `other`, for every field at any depth."""
    for field in fields(config):
        mine, theirs = getattr(config, field.name), getattr(other, field.name)
        if is_dataclass(mine):
            for name, changed in leaves(mine, theirs):
                yield f"{field.name}.{name}", replace(config, **{field.name: changed})
        else:
            yield field.name, replace(config, **{field.name: theirs})


@given(configs)
def test_the_stored_form_and_back_is_the_same_configuration(config: AgentConfig) -> None:
    read = config_from_json(config_to_json(config))
    assert read == config
    assert config_hash(read) == config_hash(config)


@given(configs, configs)
def test_hashes_are_equal_just_where_configurations_are(one: AgentConfig, two: AgentConfig) -> None:
    assert (config_hash(one) == config_hash(two)) == (one == two)


@given(configs)
def test_neither_the_order_of_a_mapping_nor_the_kind_of_a_number_matters(config: AgentConfig) -> None:
    made = replace(
        config,
        prompts=dict(reversed(list(config.prompts.items()))),
        parameters=replace(config.parameters, max_tokens=5.0),  # pyright: ignore[reportArgumentType] - the point
    )
    assert config_hash(made) == config_hash(
        replace(config, parameters=replace(config.parameters, max_tokens=5))
    )


def test_the_spelling_of_a_number_does_not_matter() -> None:
    spelled = [
        config_hash(config_from_json(json.dumps({"provider": "a", "parameters": {}}).replace("{}", text)))
        for text in ('{"temperature": 0.7}', '{"temperature": 0.70}', '{"temperature": 7e-1}')
    ]
    assert len(set(spelled)) == 1
    whole = [AgentConfig("a", parameters=Parameters(temperature=zero)) for zero in (0, 0.0, -0.0)]
    assert len({config_hash(config) for config in whole}) == 1


def test_a_change_of_any_field_is_another_identity() -> None:
    bare = AgentConfig(provider="a")
    changed = dict(leaves(bare, OTHER))
    assert [name for name, config in changed.items() if config == bare] == []  # wants a value in OTHER
    assert len({config_hash(config) for config in (bare, *changed.values())}) == len(changed) + 1


def test_defaults_never_change() -> None:
    """A field that has its default is not hashed, so that fields can be added; a default that changed would
    give two meanings to one hash. New fields go to the end of this list, and nothing else in it changes."""
    assert json.loads(json.dumps(asdict(AgentConfig(provider="")))) == {
        "provider": "",
        "model": None,
        "prompts": {},
        "tools": None,
        "parameters": {
            "temperature": None,
            "max_tokens": None,
            "top_p": None,
            "frequency_penalty": None,
            "presence_penalty": None,
            "reasoning": None,
        },
        "context": {
            "map_files": 400,
            "compaction": "drop-results",
            "compact_at": 0.7,
            "keep_messages": 8,
            "slice_lines": 400,
            "cache_layout": "stable-first",
            "map_tokens": 2000,
        },
        "capabilities": {
            "supported_tasks": ["code-generation", "code-review", "testing", "documentation", "refactoring"],
            "context_window_tokens": None,
            "max_output_tokens": None,
            "supports_streaming": None,
            "supports_tools": None,
            "average_latency_ms": None,
            "cost_per_token_usd": None,
        },
        "optimization": {
            "enable_ab_testing": False,
            "performance_threshold": 0.10,
            "statistical_significance": 0.05,
            "context_optimization": True,
            "cost_optimization": True,
            "quality_optimization": True,
        },
    }


def test_the_canonical_form_is_this_one() -> None:
    """Every identity that was ever written down depends on it."""
    config = AgentConfig(
        "claude", prompts={"ü": "b", "a": "\n"}, parameters=Parameters(temperature=1.0, top_p=0.9)
    )
    assert canonical_config(config) == (
        '{"parameters":{"temperature":1,"top_p":0.9},"prompts":{"a":"\\n","ü":"b"},"provider":"claude"}'
    )
    assert config_hash(AgentConfig("claude")) == (
        "sha256:cff700de023d02dd17f5229ca5508953d864afa5e98bf4840d6aa50b9caf57e7"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_refused(value: float) -> None:
    with pytest.raises(ConfigError, match="cannot be written down"):
        config_hash(AgentConfig("a", parameters=Parameters(temperature=value)))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be written down"):
        config_hash(AgentConfig("a", prompts={"system": "\ud800"}))
