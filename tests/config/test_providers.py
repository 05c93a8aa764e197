"""Who may answer: entries, steps, fallbacks, and a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tamma.config.load import load_config
from tamma.config.resolve import routes, settings_for_provider
from tamma.model.task import AgentChoice
from tamma.providers.routing.chain import Link
from tests.config.test_load import load, refused, write

ENTRY = {
    "name": "house",
    "providerType": "local-llm",
    "baseUrl": "http://127.0.0.1:9/v1",
    "capabilities": {"tools": False, "maxOutput": 512, "reasoningLevels": ["low"]},
    "maxConcurrent": 2,
    "requestsPerMinute": 30,
    "priority": 2,
}


def test_an_entry_says_what_its_models_can_and_how_often_it_is_asked(tmp_path: Path) -> None:
    settings = settings_for_provider(load(tmp_path, {"providers": {"available": [ENTRY]}}), "house")
    assert settings.capabilities == {"tools": False, "max_output": 512, "reasoning_levels": ("low",)}
    assert (settings.max_concurrent, settings.requests_per_minute) == (2, 30)


def test_steps_name_one_or_several_and_priorities_are_the_fallbacks(tmp_path: Path) -> None:
    providers = {
        "steps": {"plan": "anthropic-claude/claude-opus-5-5", "review": ["house/qwen3:4b", "scripted"]},
        "available": [ENTRY, {"providerId": "scripted", "priority": 1}],
    }
    found = routes(load(tmp_path, {"providers": providers}))
    fallbacks = (Link("scripted"), Link("house"))
    agent = AgentChoice("local-llm")
    assert found.chain("plan", agent) == (Link("anthropic-claude", "claude-opus-5-5"), *fallbacks)
    assert found.chain("review", agent) == (
        Link("house", "qwen3:4b"),
        Link("scripted"),
        Link("house"),
    )
    assert found.chain("fix", agent) == (Link("local-llm"), *fallbacks)


def test_fallbacks_that_are_named_go_before_priorities(tmp_path: Path) -> None:
    providers = {"fallbacks": ["local-llm/m"], "available": [ENTRY]}
    assert routes(load(tmp_path, {"providers": providers})).fallbacks == (Link("local-llm", "m"),)


@pytest.mark.parametrize(
    ("providers", "said"),
    [
        ({"fallbacks": ["nobody/m"]}, "there is no provider called 'nobody'"),
        ({"steps": {"plan": "nobody"}}, "providers.steps.plan"),
        ({"steps": {"planning": "scripted"}}, "did you mean 'plan'"),
        ({"steps": {"plan": "/m"}}, "providers.steps.plan"),
        ({"available": [{**ENTRY, "capabilities": {"tool": True}}]}, "did you mean 'tools'"),
        ({"available": [{**ENTRY, "maxConcurrent": 0}]}, "maxConcurrent"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, providers: dict[str, Any], said: str) -> None:
    error = refused(tmp_path, {"providers": providers})
    assert said in f"{error} {error.hint}"


@pytest.mark.parametrize(
    "content",
    [
        {"default": "house", "available": [ENTRY]},
        {"providers": {"default": "house", "available": [ENTRY]}},
    ],
)
def test_providers_may_stand_in_a_file_of_their_own(tmp_path: Path, content: dict[str, Any]) -> None:
    write(tmp_path / "providers.json", content)
    loaded = load(
        tmp_path, {"providers": {"default": "scripted", "available": [{"name": "house", "model": "m"}]}}
    )
    assert loaded.config.providers.default == "house"
    assert str(tmp_path / "providers.json") in loaded.origin("providers.default")
    assert settings_for_provider(loaded).model == "m"
    assert len(loaded.files) == 2
    named = load_config(env={"TAMMA_HOME": str(tmp_path), "TAMMA_AI_PROVIDER": "scripted"})
    assert named.config.providers.default == "scripted"


def test_the_entries_alone_are_enough_and_keys_are_refused_there_too(tmp_path: Path) -> None:
    write(tmp_path / "providers.json", {"providers": [ENTRY]})
    assert settings_for_provider(load(tmp_path), "house").base_url == ENTRY["baseUrl"]
    write(tmp_path / "providers.json", {"providers": [{**ENTRY, "apiKey": "sk-canary-0123456789"}]})
    error = refused(tmp_path)
    assert "providers.json" in str(error)
    assert "canary" not in f"{error} {error.hint}"
