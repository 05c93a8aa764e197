"""Configurations as people write them, and as folders: there and back exactly, and nothing but data."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.configs import texts
from tamma.agents.configs.folder import AgentFile, read_folder, write_folder
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, OptimizationSettings, Parameters, TaskType
from tamma.model.agent_form import config_from_form, config_to_form, keys_of
from tests.agents.configs.test_identity import OTHER, configs

SPECIFIED = {
    "agentId": "01900000-0000-7000-8000-000000000001",
    "version": "1",
    "provider": "anthropic-claude",
    "model": "claude-sonnet-5-5",
    "systemPrompt": "You review.",
    "tools": ["view", "finish"],
    "parameters": {"temperature": 0.7, "maxTokens": 4096, "topP": 0.9},
    "capabilities": {"supportedTasks": ["code-review"], "averageLatency": 900, "costPerToken": 0.00001},
    "optimizationSettings": {"enableABTesting": True, "performanceThreshold": 0.2},
    "createdAt": "2026-11-01T00:00:00Z",
    "updatedAt": "2026-11-01T00:00:00Z",
}


def test_the_specification_s_own_spelling_is_read() -> None:
    config = config_from_form(SPECIFIED)
    assert config.prompts == {"system": "You review."}
    assert config.tools == ("view", "finish")
    assert config.parameters == Parameters(temperature=0.7, max_tokens=4096, top_p=0.9)
    assert config.capabilities.supported_tasks == (TaskType.CODE_REVIEW,)
    assert (config.capabilities.average_latency_ms, config.capabilities.cost_per_token_usd) == (900, 0.00001)
    assert config.optimization == OptimizationSettings(enable_ab_testing=True, performance_threshold=0.2)


@given(configs)
def test_the_form_and_back_is_the_same(config: AgentConfig) -> None:
    assert config_from_form(config_to_form(config)) == config


def test_what_has_its_default_is_left_out() -> None:
    assert config_to_form(AgentConfig("claude")) == {"provider": "claude"}
    assert set(keys_of()) >= {"provider", "parameters.maxTokens", "optimizationSettings.enableABTesting"}


@pytest.mark.parametrize(
    ("form", "problem", "hint"),
    [
        ({"provider": "a", "modle": "b"}, "'modle' is not a known key", "did you mean 'model'?"),
        ({"provider": "a", "parameters": {"maxtokens": 5}}, "'parameters.maxtokens'", "'maxTokens'"),
        ({"provider": "a", "parameters": {"temperature": "hot"}}, "'parameters.temperature' input", None),
        ({"provider": "a", "parameters": {"maxTokens": "5"}}, "'parameters.maxTokens' input", None),
        ({"provider": "a", "context": [1]}, "context must be a mapping", None),
        ({"provider": "a", "optimizationSettings": {"enableABTesting": "yes"}}, "enableABTesting", None),
        ({"provider": "a", "capabilities": {"supportedTasks": ["cooking"]}}, "supportedTasks.0", None),
        ({"model": "b"}, "'provider' field required", None),
        ({"provider": "a", "systemPrompt": "x", "prompts": {"system": "y"}}, "both", "leave one out"),
        ({"provider": "a", "parameters": {"temperature": float("nan")}}, "no word for", None),
        ({"provider": "a", "model": object()}, "no word for", None),
        ({"provider": "a", "zzz": 1}, "'zzz' is not a known key", "known: capabilities"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    form: dict[str, object], problem: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as told:
        config_from_form(form, "agent.yaml")
    assert problem in str(told.value)
    assert str(told.value).startswith("agent.yaml")
    assert hint is None or hint in (told.value.hint or "")


def test_a_value_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as told:
        config_from_form({"provider": "a", "model": ["sk-canary-0123456789"]})
    assert "canary" not in f"{told.value} {told.value.hint}"


# --- folders

prompt_texts = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30) | st.sampled_from(
    ["", "\n", "a\n", "a\n\n", "a\r\nb\r\n", " lead", "tail ", "# no: comment", "{{issue}}\n---\n...", "ünï"]
)


@given(
    config=configs,
    prompts=st.dictionaries(st.sampled_from(["system", "plan", "review"]), prompt_texts),
    form=st.sampled_from(["yaml", "json"]),
)
def test_a_folder_and_back_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, config: AgentConfig, prompts: dict[str, str], form: str
) -> None:
    folder = tmp_path_factory.mktemp("agent")
    whole = replace(config, prompts=prompts)
    write_folder(folder, "reviewer", whole, form=form, head="reviewer@3")  # pyright: ignore[reportArgumentType]
    assert read_folder(folder) == AgentFile("reviewer", whole)


def test_a_folder_reads_well(tmp_path: Path) -> None:
    config = AgentConfig("anthropic-claude", prompts={"system": "Be brief."}, tools=("view", "finish"))
    write_folder(tmp_path / "new", "reviewer", config, head="reviewer@1 of today")
    assert (tmp_path / "new/agent.yaml").read_text() == (
        "# reviewer@1 of today\nname: reviewer\nprovider: anthropic-claude\ntools:\n- view\n- finish\n"
        "prompts:\n  system: prompts/system.md\n"
    )
    assert (tmp_path / "new/prompts/system.md").read_bytes() == b"Be brief.\n"
    with pytest.raises(ConfigError, match="is there already"):
        write_folder(tmp_path / "new", "reviewer", config, form="json")


def test_every_field_is_written(tmp_path: Path) -> None:
    config = replace(OTHER, prompts={"plan": "p"})
    write_folder(tmp_path, "x", config)
    text = (tmp_path / "agent.yaml").read_text()
    assert [key for key in keys_of() if f"{key.rpartition('.')[2]}:" not in text] == []


def agent(folder: Path, text: str, name: str = "agent.yaml") -> Path:
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("../outside.md", "leads out of the folder"),
        ("prompts/../../outside.md", "leads out of the folder"),
        ("link.md", "leads out of the folder"),
        ("{tmp}/outside.md", "leads out of the folder"),
        ("linked/outside.md", "leads out of the folder"),
        ("missing.md", "there is no file"),
        ("", "there is no file"),
        (".", "there is no file"),
        ('"a\\nb"', "holds a text"),
        ('"a\\0b"', "is no path"),
    ],
)
def test_no_prompt_is_read_from_elsewhere(tmp_path: Path, path: str, problem: str) -> None:
    (tmp_path / "outside.md").write_text("canary")
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    (folder / "linked").symlink_to(tmp_path)
    path = path.format(tmp=tmp_path) or '""'
    with pytest.raises(ConfigError, match=problem):
        read_folder(agent(folder, f"provider: a\nprompts:\n  system: {path}\n"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("provider: !!python/object/apply:os.system ['touch canary']\n", "could not determine a constructor"),
        ("a: &a [x]\nprovider: *a\n", "line 2: aliases"),
        ("provider: a\nprovider: b\n", "line 2: the key 'provider' stands there twice"),
        ("? [a, b]\n: 1\n", "line 1: a key is no text"),
        ("- a\n", "holds no mapping"),
        ("", "holds no mapping"),
        ("provider: [\n", "expected"),
        ("1: a\n", "is no text"),
        ("provider: a\nname: 5\n", "'name' must be a text"),
        ("provider: a\nname: a@b\n", "cannot be called 'a@b'"),
        ("provider: a\nprompts: hello\n", "'prompts' must be a mapping"),
        ("provider: a\nprompts: {system: [x]}\n", "prompts.system must be a file's path"),
        ("provider: a\nmodel: 2026-01-01\n", "no word for"),
        ("provider: " + "[" * 3000, "agent.yaml"),
    ],
)
def test_a_file_that_is_not_plain_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_folder(agent(tmp_path, text))
    assert not (tmp_path / "canary").exists()
    assert not Path("canary").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"provider": "a", "provider": "b"}', "stands there twice"),
        ('{"provider": "a",\n}', "line"),
        ("[]", "holds no mapping"),
        ('{"provider": "a", "parameters": {"temperature": NaN}}', "no word for"),
    ],
)
def test_json_is_as_strict(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_folder(agent(tmp_path, text, "agent.json"))


def test_one_file_counts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no agent in"):
        read_folder(tmp_path)
    agent(tmp_path, "provider: a\n")
    assert read_folder(tmp_path) == read_folder(tmp_path / "agent.yaml") == AgentFile("", AgentConfig("a"))
    agent(tmp_path, '{"provider": "b"}', "agent.json")
    with pytest.raises(ConfigError, match="are both there"):
        read_folder(tmp_path)
    assert read_folder(tmp_path / "agent.json").config.provider == "b"


def test_what_no_model_reads_is_not_read(tmp_path: Path) -> None:
    agent(tmp_path, "provider: a\nprompts: {system: big.md, plan: latin.md}\n")
    (tmp_path / "latin.md").write_text("x")
    (tmp_path / "big.md").write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="more than 1,048,576 bytes"):
        read_folder(tmp_path)
    (tmp_path / "big.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_folder(tmp_path)
    os.mkfifo(tmp_path / "pipe.md")
    agent(tmp_path, "provider: a\nprompts: {system: pipe.md}\n")
    with pytest.raises(ConfigError, match="there is no file"):
        read_folder(tmp_path)


def test_yaml_that_is_written_is_read_again() -> None:
    values = {"a": "yes", "b": ["1", 1, 1.0, True, None], "c": {"d": "2026-01-01", "e": "x: y"}}
    assert texts.read_yaml(texts.write_yaml(values), "here") == values
