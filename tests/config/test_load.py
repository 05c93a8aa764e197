"""Precedence, origins, and errors that say where, what, and what was meant."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from tamma.config import project, schema
from tamma.config.built_in import BUILT_IN
from tamma.config.load import LoadedConfig, load_config
from tamma.errors import ConfigError
from tamma.model import coordination, repository, suggestion, task
from tamma.model.planning import ASK_ABOVE

_BUILT_IN = len(BUILT_IN["providers"]["available"])


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def load(
    home: Path, user: object = None, env: dict[str, str] | None = None, flags: dict[str, object] | None = None
) -> LoadedConfig:
    if user is not None:
        write(home / "config.json", user)
    return load_config(flags, env={"TAMMA_HOME": str(home), **(env or {})})


def refused(home: Path, user: object = None, **more: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(home, user, **more)
    return caught.value


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    loaded = load(tmp_path / "absent")
    assert loaded.config.mode == "standalone"
    assert loaded.config.run.budget_usd == Decimal("3.00")
    assert loaded.files == ()
    assert {origin for _, _, origin in loaded.values()} == {"default"}
    assert not (tmp_path / "absent").exists()


def test_each_source_wins_over_the_ones_below(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    write(project / ".tamma.json", {"run": {"maxTurns": 40, "testCommand": "make check", "merge": "never"}})
    write(
        tmp_path / "config.json", {"mode": "worker", "run": {"maxTurns": 50, "budgetUsd": 9, "merge": "auto"}}
    )
    env = {"TAMMA_HOME": str(tmp_path), "TAMMA_MAX_TURNS": "30", "TAMMA_TEST_COMMAND": "tox"}

    loaded = load_config({"run.maxTurns": 20, "run.approve": None}, env=env, project_dir=project)

    run = loaded.config.run
    assert (run.max_turns, run.test_command, run.merge, run.budget_usd) == (20, "tox", "never", Decimal(9))
    assert loaded.origin("run.maxTurns") == "flag"
    assert loaded.origin("run.testCommand") == "env TAMMA_TEST_COMMAND"
    assert loaded.origin("run.merge") == f"project {project / '.tamma.json'}"
    assert loaded.origin("run.budgetUsd") == f"user {tmp_path / 'config.json'}"
    assert loaded.origin("run.approve") == "default"


def test_entries_of_named_lists_are_completed_not_replaced(tmp_path: Path) -> None:
    user = {
        "providers": {
            "default": "mine",
            "available": [
                {"name": "mine", "providerType": "local-llm", "baseUrl": "http://127.0.0.1:1/v1"},
                {"providerId": "anthropic-claude", "model": "claude-x"},
            ],
        }
    }
    loaded = load(tmp_path, user)
    entries = {entry.provider_id: entry for entry in loaded.config.providers.available}
    built_in = {entry["providerId"] for entry in BUILT_IN["providers"]["available"]}
    assert set(entries) == {*built_in, "mine"}
    assert entries["anthropic-claude"].model == "claude-x"
    assert entries["anthropic-claude"].api_key == "env:ANTHROPIC_API_KEY"
    assert loaded.origin("providers.available[anthropic-claude].model").startswith("user ")
    assert loaded.origin("providers.available[anthropic-claude].apiKey") == "default"


def test_variables_for_the_default_provider_follow_it(tmp_path: Path) -> None:
    env = {"TAMMA_AI_PROVIDER": "local-llm", "TAMMA_BASE_URL": "http://127.0.0.1:9/v1", "TAMMA_MODEL": "m"}
    by_env = {e.provider_id: e for e in load(tmp_path, env=env).config.providers.available}
    assert (by_env["local-llm"].base_url, by_env["local-llm"].model) == ("http://127.0.0.1:9/v1", "m")
    flag: dict[str, object] = {"providers.default": "anthropic-claude"}
    by_flag = {e.provider_id: e for e in load(tmp_path, env=env, flags=flag).config.providers.available}
    assert by_flag["anthropic-claude"].model == "m"
    assert by_flag["local-llm"].model is None


def test_specification_variables(tmp_path: Path) -> None:
    env = {
        "TAMMA_MODE": "orchestrator",
        "TAMMA_DEBUG": "1",
        "DATABASE_URL": "postgresql://u:p@h/d",
        "TEMPORAL_ADDRESS": "a:1",
        "TAMMA_TEMPORAL_ADDRESS": "b:2",
    }
    config = load(tmp_path, env=env).config
    assert (config.mode, config.log_level, config.temporal.address) == ("orchestrator", "debug", "b:2")
    assert config.database.url == "env:DATABASE_URL"
    assert load(tmp_path, env={**env, "TAMMA_LOG_LEVEL": "warn"}).config.log_level == "warn"


def test_named_file_must_exist_and_is_used(tmp_path: Path) -> None:
    other = write(tmp_path / "other.json", {"logLevel": "warn"})
    assert load(tmp_path, env={"TAMMA_CONFIG_PATH": str(other)}).config.log_level == "warn"
    error = refused(tmp_path, env={"TAMMA_CONFIG_PATH": str(tmp_path / "gone.json")})
    assert "cannot read the configuration file" in str(error)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("user", "message", "hint"),
    [
        (
            {"run": {"aprove": "plan"}},
            "'run.aprove' is not a known key (from user",
            "did you mean 'approve'?",
        ),
        ({"run": {"budget_usd": 1}}, "'run.budget_usd' is not a known key", "did you mean 'budgetUsd'?"),
        ({"zzzz": 1}, "'zzzz' is not a known key", "known keys there: agents, database, logLevel"),
        (
            {"run": {"approve": "maybe"}},
            "'run.approve' input should be 'none', 'plan', 'merge' or 'all'",
            None,
        ),
        ({"run": {"maxTurns": 0}}, "'run.maxTurns' input should be greater than", None),
        ({"run": []}, "'run' input should be", None),
        (
            {"providers": {"available": [{"providerId": "scripted", "modle": "x"}]}},
            "'providers.available[scripted].modle' is not a known key",
            "did you mean 'model'?",
        ),
        ({"providers": {"available": ["x"]}}, f"'providers.available[{_BUILT_IN}]' input should be", None),
        (
            {"providers": {"available": [{"providerId": "n"}]}},
            "available[n].providerType' field required",
            None,
        ),
        (
            {"providers": {"default": "nobody"}},
            "there is no provider called 'nobody' (from user",
            "anthropic-claude",
        ),
        ("{", "is not valid JSON: Expecting property name", None),
        ("[1]", "must hold a JSON object", None),
    ],
)
def test_wrong_files(tmp_path: Path, user: object, message: str, hint: str | None) -> None:
    error = refused(tmp_path, user)
    assert message in str(error)
    assert (hint or "") in (error.hint or "")


def test_wrong_variables(tmp_path: Path) -> None:
    error = refused(tmp_path, env={"TAMMA_MAX_TURNS": "many"})
    assert "'run.maxTurns' input should be a valid integer" in str(error)
    assert "(from env TAMMA_MAX_TURNS)" in str(error)
    assert "neither yes nor no" in str(refused(tmp_path, env={"TAMMA_DEBUG": "perhaps"}))


def test_misspelt_variables_are_mentioned(tmp_path: Path) -> None:
    notes = load(tmp_path, env={"TAMMA_LOGLEVEL": "debug", "TAMMA_TEST_X": "1"}).notes
    assert notes == ("the variable TAMMA_LOGLEVEL means nothing to tamma; did you mean TAMMA_LOG_LEVEL?",)


def test_schema_and_model_have_the_same_values() -> None:
    assert set(get_args(schema.Approve)) == {policy.value for policy in task.ApprovePolicy}
    assert get_args(schema.Merge) == get_args(task.MergePolicy)
    assert get_args(schema.NewDependencies) == get_args(task.NewDependencies)
    assert get_args(schema.Coordination) == get_args(coordination.Coordination)
    assert get_args(schema.WorkflowType) == get_args(suggestion.WorkflowType)
    assert get_args(schema.MergeMethod) == get_args(repository.MergeMethod)
    limits, run = task.Limits(), schema.RunConfig()
    assert (run.budget_usd, run.max_turns) == (limits.budget_usd, limits.max_turns)
    assert run.planning.ambiguity == ASK_ABOVE == project.ALLOWED["run.planning.ambiguity"][0]


def test_loading_imports_nothing_heavy() -> None:
    code = "import sys; from tamma.config.load import load_config; load_config(env={}); print(*sys.modules)"
    root = Path(__file__).parents[2]
    modules = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=root).split()
    assert {"temporalio", "anthropic", "asyncpg", "yaml", "psutil", "tamma.model.task"}.isdisjoint(modules)
