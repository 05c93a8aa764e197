"""A configuration that was kept is the one that validation would give, or is not used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import BaseModel

from tamma.config import built_in, kept
from tamma.config.fingerprint import fingerprint
from tamma.config.load import LoadedConfig, load_config
from tamma.config.resolve import settings_for_provider, stack_request
from tamma.errors import ConfigError

FULL: dict[str, Any] = {
    "providers": {
        "default": "mine",
        "available": [
            {
                "providerId": "mine",
                "providerType": "scripted",
                "price": {"inputMtok": "0.10", "outputMtok": 2},
                "defaultParams": {"temperature": 0.5, "maxTokens": 100},
                "headers": {"X-Team": "a", "Authorization": "env:TEAM_TOKEN"},
                "options": {"turns": [{"text": "hm", "tool_calls": []}], "section": {"tuple": [1]}},
            }
        ],
    },
    "mcpServers": {"files": {"command": "mcp-files", "args": ["--root", "/srv"], "tools": ["read"]}},
    "temporal": {"address": "temporal.test:7233", "tls": {"ca": "/ca.pem"}},
    "run": {"protectedPaths": ["*.lock", "infra/**"], "budgetUsd": 1.10, "sandbox": {"allowNone": True}},
}


class Setting:
    """What a command loads from: a home, a project, an environment, flags."""

    def __init__(self, folder: Path) -> None:
        self.home, self.project = folder / "home", folder / "project"
        self.home.mkdir()
        (self.project / ".git").mkdir(parents=True)
        self.env = {"TAMMA_HOME": str(self.home), "TEAM_TOKEN": "team-secret"}
        self.flags: dict[str, object] = {}
        self.user(FULL)

    def user(self, content: object) -> None:
        (self.home / "config.json").write_text(json.dumps(content))

    def load(self, *, keep: bool = True) -> LoadedConfig:
        return load_config(self.flags, env=self.env, project_dir=self.project, keep=keep)

    @property
    def files(self) -> list[Path]:
        return sorted((self.home / kept.FOLDER).glob("*"))


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def was_kept(loaded: LoadedConfig) -> bool:
    return isinstance(cast("object", loaded.config), SimpleNamespace)


def plain(value: Any) -> Any:
    """Sections of either sort as dicts, everything else with its type."""
    if isinstance(value, BaseModel):
        return {name: plain(held) for name, held in value}
    if isinstance(value, SimpleNamespace):
        return {name: plain(held) for name, held in vars(value).items()}
    if isinstance(value, tuple):
        return (tuple, [plain(held) for held in cast("tuple[Any, ...]", value)])
    if isinstance(value, dict):
        return {name: plain(held) for name, held in cast("dict[str, Any]", value).items()}
    return (type(value), value)


def test_the_second_load_gives_what_the_first_gave(setting: Setting) -> None:
    first, second = setting.load(), setting.load()
    assert (was_kept(first), was_kept(second)) == (False, True)
    assert plain(second.config) == plain(first.config)
    assert second.config.run.budget_usd == Decimal("1.1")
    assert (second.dump, second.values()) == (first.dump, first.values())
    assert (second.files, second.origins, second.notes) == (first.files, first.origins, first.notes)
    assert fingerprint(second) == fingerprint(first)
    assert stack_request(second) == stack_request(first)
    assert settings_for_provider(second) == settings_for_provider(first)


def test_the_worker_always_validates(setting: Setting) -> None:
    setting.load()
    assert not was_kept(setting.load(keep=False))


CHANGES: dict[str, Callable[[Setting], object]] = {
    "the user's file": lambda it: it.user({**FULL, "run": {"maxTurns": 7}}),
    "no user's file": lambda it: (it.home / "config.json").unlink(),
    "a project's file": lambda it: (it.project / ".tamma.json").write_text('{"run": {"maxTurns": 9}}'),
    "a variable": lambda it: it.env.update(TAMMA_BUDGET_USD="9.99"),
    "a debug variable": lambda it: it.env.update(TAMMA_DEBUG="1"),
    "a flag": lambda it: it.flags.update({"run.approve": "plan"}),
    "a type": lambda it: it.user({**FULL, "temporal": {"tls": True}}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_seen(setting: Setting, change: str) -> None:
    before = setting.load()
    CHANGES[change](setting)
    after, truth = setting.load(), setting.load(keep=False)
    assert not was_kept(after)
    assert after.values() == truth.values() != before.values()
    assert was_kept(setting.load())


def test_what_has_become_wrong_is_refused(setting: Setting) -> None:
    setting.load()
    setting.flags["run.maxTurns"] = True  # equal to 1 in Python, and no number here
    one = setting.load()
    setting.flags["run.maxTurns"] = 0
    with pytest.raises(ConfigError, match=r"run\.maxTurns"):
        setting.load()
    setting.flags["run.maxTurns"] = 1
    assert setting.load().config.run.max_turns == 1 == one.config.run.max_turns
    assert len(setting.files) == 3


def test_other_code_validates_again(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.load()
    other = tmp_path / "schema.py"
    other.write_text("# another schema")
    with monkeypatch.context() as patch:
        patch.setattr(kept, "_SCHEMAS", (other,))
        assert not was_kept(setting.load())
    monkeypatch.setattr(kept, "__version__", "0.0.0.other")
    assert not was_kept(setting.load())
    monkeypatch.undo()
    assert was_kept(setting.load())
    monkeypatch.setitem(built_in.BUILT_IN, "logLevel", "warn")
    assert setting.load().config.log_level == "warn"


SPOILT: dict[str, Callable[[Path], object]] = {
    "cut off": lambda path: os.truncate(path, 100),
    "empty": lambda path: os.truncate(path, 0),
    "no object": lambda path: path.write_text("[]"),
    "no value": lambda path: path.write_text("{}"),
    "another's": lambda path: path.write_text(path.read_text().replace('"key": "', '"key": "x')),
    "another form": lambda path: path.write_text(path.read_text().replace('"section"', '"part"')),
    "two kinds": lambda path: path.write_text(path.read_text().replace('"tuple":', '"json": 1, "tuple":')),
    "no number": lambda path: path.write_text(path.read_text().replace('"decimal": "', '"decimal": "x')),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "open to others": lambda path: path.chmod(0o644),
    "a link": lambda path: path.rename(path.with_name("x")) and path.symlink_to(path.with_name("x")),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_is_spoilt_counts_as_absent(setting: Setting, how: str) -> None:
    truth = setting.load()
    SPOILT[how](setting.files[0])
    again = setting.load()
    assert not was_kept(again)
    assert again.values() == truth.values()
    assert was_kept(setting.load()), "it is replaced by a good one"


def test_it_is_private_and_holds_no_secret(setting: Setting) -> None:
    setting.env |= {"TAMMA_DATABASE_URL": "postgresql://u:canary@db/x", "ANTHROPIC_API_KEY": "canary"}
    setting.load()
    [file] = setting.files
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert "canary" not in file.read_text()
    assert "team-secret" not in file.read_text()


def test_values_that_hold_a_secret_are_not_kept(setting: Setting) -> None:
    setting.env["TAMMA_BASE_URL"] = "https://user:canary@models.test"
    setting.load()
    assert not was_kept(setting.load())
    assert setting.files == []


def test_no_home_is_begun_for_it(tmp_path: Path) -> None:
    absent, empty = tmp_path / "absent", tmp_path / "empty"
    empty.mkdir()
    for home in (absent, empty, absent, empty):
        assert not was_kept(load_config(env={"TAMMA_HOME": str(home)}, keep=True))
    assert not absent.exists()
    assert not any(empty.iterdir())


def test_a_home_that_takes_no_file_is_no_error(setting: Setting) -> None:
    (setting.home / kept.FOLDER).write_text("no folder: root may write anywhere, so modes prove nothing")
    assert not was_kept(setting.load())
    assert not was_kept(setting.load())


def test_the_oldest_go(setting: Setting) -> None:
    for turns in range(1, kept.MOST + 4):
        setting.flags["run.maxTurns"] = turns
        setting.load()
    assert len(setting.files) == kept.MOST
    assert was_kept(setting.load())
    setting.flags["run.maxTurns"] = 1
    assert not was_kept(setting.load())


def test_a_hit_imports_no_pydantic(setting: Setting) -> None:
    script = "import sys; from tamma.config.load import load_config; load_config(keep=True)"
    script += "; print('pydantic' in sys.modules)"
    env = {"PATH": os.environ["PATH"], "HOME": str(setting.home), **setting.env}
    told = [
        subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()
        for _ in range(2)
    ]
    assert told == ["True", "False"]
