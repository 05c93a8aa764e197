"""Agents that a configuration file declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tamma.config.fingerprint import fingerprint
from tamma.config.load import LoadedConfig, load_config
from tamma.errors import ConfigError


def load(home: Path, *entries: dict[str, Any], **more: Any) -> LoadedConfig:
    (home / "config.json").write_text(json.dumps({"agents": {"available": list(entries), **more}}))
    return load_config(env={"TAMMA_HOME": str(home)}, keep=True)


def test_the_specification_s_form_is_read(tmp_path: Path) -> None:
    entry = {
        "name": "reviewer",
        "agentId": "a-1",
        "version": "3",
        "provider": "claude",
        "systemPrompt": "You review.",
        "parameters": {"maxTokens": 100},
        "optimizationSettings": {"enableABTesting": True, "performanceThreshold": 0.2},
    }
    for _ in range(2):  # the second time from what was kept
        loaded = load(tmp_path, entry, default="reviewer", abTestingEnabled=True)
        agents = loaded.config.agents
        assert (agents.default, agents.optimization_enabled, agents.ab_testing_enabled) == (
            "reviewer",
            False,
            True,
        )
        assert agents.available[0].system_prompt == "You review."
        assert agents.available[0].optimization_settings["enableABTesting"] is True
        assert "agents.available[reviewer].provider" in loaded.origins


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "a"}, "'provider' field required"),
        ({"name": "a", "provider": "b", "modle": "c"}, "'agents.available[a].modle' is not a known key"),
        (
            {"name": "a", "provider": "b", "parameters": {"maxTokns": 1}},
            "'parameters.maxTokns' is not a known key",
        ),
        ({"name": "a", "provider": "b", "parameters": {"maxTokns": 1}}, "did you mean 'maxTokens'?"),
        ({"name": "a", "provider": "b", "capabilities": {"supportedTasks": ["x"]}}, "supportedTasks.0"),
        ({"name": "a", "folder": "agents/a", "model": "b"}, "'model' belongs into the folder's agent.yaml"),
    ],
)
def test_what_is_wrong_is_said_when_the_file_is_read(
    tmp_path: Path, entry: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as told:
        load(tmp_path, entry)
    assert words in str(told.value)


def test_a_secret_in_an_agent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds a secret itself"):
        load(tmp_path, {"name": "a", "provider": "b", "systemPrompt": "sk-ant-canary0123456789abcdef"})


def test_what_is_declared_is_no_reason_to_restart_a_worker(tmp_path: Path) -> None:
    one = fingerprint(load(tmp_path, {"name": "a", "provider": "b"}))
    assert fingerprint(load(tmp_path, {"name": "a", "provider": "c"}, default="a")) == one
    assert fingerprint(load(tmp_path, abTestingEnabled=True)) != one
