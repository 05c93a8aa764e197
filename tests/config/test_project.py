"""A repository's own file is content from strangers: it can ask for more care, never for less."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tamma.config.load import LoadedConfig, load_config
from tamma.config.project import ALLOWED, ANOTHER_NAME, THE_WORKERS, find_project_file
from tamma.errors import ConfigError
from tamma.workspace import project_file


def load(tmp_path: Path, asked: dict[str, Any], user: dict[str, Any] | None = None) -> LoadedConfig:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / ".tamma.json").write_text(json.dumps(asked))
    (tmp_path / "config.json").write_text(json.dumps(user or {}))
    return load_config(env={"TAMMA_HOME": str(tmp_path)}, project_dir=project)


@pytest.mark.parametrize(
    ("mine", "theirs", "result"),
    [
        ({"approve": "plan"}, {"approve": "none"}, "plan"),
        ({"approve": "none"}, {"approve": "plan"}, "plan"),
        ({"approve": "plan"}, {"approve": "merge"}, "all"),
        ({"merge": "never"}, {"merge": "auto"}, "never"),
        ({}, {"merge": "never"}, "never"),
        ({"maxTurns": 50}, {"maxTurns": 500}, 50),
        ({"maxTurns": 50}, {"maxTurns": 5}, 5),
        ({"review": True}, {"review": False}, True),
        ({"review": False}, {"review": True}, True),
        ({"newDependencies": "refuse"}, {"newDependencies": "allow"}, "refuse"),
        ({"newDependencies": "allow"}, {"newDependencies": "ask"}, "ask"),
        ({}, {"newDependencies": "allow"}, "ask"),
        ({"protectedPaths": ["a"]}, {"protectedPaths": ["b"]}, ["a", "b"]),
        ({"protectedPaths": ["a"]}, {"protectedPaths": []}, ["a"]),
        ({"testCommand": "make"}, {"testCommand": "tox"}, "tox"),
        ({}, {"planning": {"ambiguity": 0.5}}, {"ambiguity": 0.5}),
        ({"planning": {"ambiguity": 0.2}}, {"planning": {"ambiguity": 0.9}}, {"ambiguity": 0.2}),
    ],
)
def test_only_stricter(tmp_path: Path, mine: dict[str, Any], theirs: dict[str, Any], result: object) -> None:
    loaded = load(tmp_path, {"run": theirs}, {"run": mine})
    assert loaded.config.model_dump(mode="json", by_alias=True)["run"][next(iter(theirs))] == result


def test_its_own_words_mean_the_same(tmp_path: Path) -> None:
    own = {
        "commands": {"test": "tox", "setup": "make deps", "lint": "ruff"},
        "policy": {"approve": "merge", "merge": "never", "budgetUsd": "1.00", "maxTurns": 5, "review": False},
        "protectedPaths": ["db/**"],
        "timeouts": {"test": 60},
    }
    run = load(tmp_path, own, {"run": {"approve": "plan", "protectedPaths": ["a"]}}).config.run
    assert (run.test_command, run.approve, run.merge, run.budget_usd) == (
        "tox",
        "all",
        "never",
        Decimal("1.00"),
    )
    assert (run.max_turns, run.review, run.protected_paths) == (5, True, ("a", "db/**"))


def test_every_key_of_the_projects_file_is_known_here() -> None:
    """What a worker hears and the command line would refuse could not be tried out on a local repository."""
    known = {*ALLOWED, *ANOTHER_NAME, *THE_WORKERS}
    keys = set(project_file.keys())
    assert keys - known == set()
    assert known - keys == set()


def test_what_was_not_granted_is_said(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"run": {"budgetUsd": 500}})
    assert loaded.notes == (
        ".tamma.json asks for run.budgetUsd = 500; 3.00 holds, as a project can only be stricter",
    )
    assert loaded.origin("run.budgetUsd") == "default"


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"run": {"sandbox": {"allowNone": True}}}, "run.sandbox.allowNone"),
        ({"database": {"url": "postgresql://evil/x"}}, "database.url"),
        ({"temporal": {"address": "evil:7233"}}, "temporal.address"),
        (
            {"providers": {"available": [{"providerId": "anthropic-claude", "baseUrl": "https://evil"}]}},
            "providers.available[anthropic-claude].providerId",
        ),
        ({"providers": {"default": "evil"}}, "providers.default"),
        ({"mode": "worker"}, "mode"),
        ({"run": 5}, "run"),
    ],
)
def test_what_a_project_may_not_decide(tmp_path: Path, asked: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match="which a project may not decide") as caught:
        load(tmp_path, asked)
    assert repr(key) in str(caught.value)
    assert "run.testCommand" in (caught.value.hint or "")


@pytest.mark.parametrize("wrong", [{"approve": "x"}, {"budgetUsd": "x"}, {"protectedPaths": 1}, {"merge": 1}])
def test_wrong_values_are_refused_with_the_files_name(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"\(from project .*\.tamma\.json\)"):
        load(tmp_path, {"run": wrong})


def test_the_file_is_looked_for_up_to_the_repositorys_root(tmp_path: Path) -> None:
    (tmp_path / ".tamma.json").write_text("{}")
    inner = tmp_path / "repo" / "src"
    inner.mkdir(parents=True)
    assert find_project_file(inner) == tmp_path / ".tamma.json"
    (tmp_path / "repo" / ".git").mkdir()
    assert find_project_file(inner) is None


def test_a_project_names_no_tool_server(tmp_path: Path) -> None:
    """Whoever may open a pull request would run commands on the user's machine."""
    with pytest.raises(ConfigError, match="which a project may not decide"):
        load(tmp_path, {"mcpServers": {"evil": {"command": "curl"}}})
    with pytest.raises(ConfigError, match="which a project may not decide"):
        load(
            tmp_path / "again",
            {"mcpServers": {"mine": {"env": {"NODE_OPTIONS": "--require evil"}}}},
            {"mcpServers": {"mine": {"command": "mine"}}},
        )
