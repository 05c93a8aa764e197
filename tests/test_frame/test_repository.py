"""What is committed: commands that exist, no address of an index, no path of the machine it was made on."""

from __future__ import annotations

import configparser
import json
import re
import secrets
import string
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pip._internal.models.index import PyPI

ROOT = Path(__file__).parents[2]
GITLEAKS = Path(sysconfig.get_path("scripts")) / "gitleaks"
INDEX_ADDRESS = re.compile(
    rf"{re.escape(PyPI.netloc)}|{re.escape(PyPI.file_storage_domain)}|registry\.[a-z]+js\.org"
    r"|--((extra-)?index-url|find-links|trusted-host)[ =][^\s'\"]"
    r"|\"resolved\":"
)
"""A public index's host, or an address in use. pip itself says which its hosts are."""


def tracked_texts() -> dict[str, str]:
    """Every committed text file (this one aside, which names what it looks for)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts: dict[str, str] = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path == Path(__file__) or name == "tests/test_frame/test_locks.py" or not path.is_file():
            continue
        try:
            texts[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def machine_specific() -> list[str]:
    """What only this machine knows: the checkout's place, and where its pip looks for packages."""
    values = [f"{ROOT}/"]
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    pip = configparser.RawConfigParser(delimiters=("=",))
    pip.read_string("[pip]\n" + listed)
    for key, value in pip.items("pip"):
        if key.endswith(("index-url", "find-links", "trusted-host")):
            values += [word.rstrip("/") for word in re.split(r"\s+|\\n", value.strip("'\"")) if word]
    return [value for value in values if len(value) > 5]


def test_no_file_names_an_index_or_this_machine() -> None:
    specific = machine_specific()
    found = [
        name
        for name, text in tracked_texts().items()
        if INDEX_ADDRESS.search(text) or any(value in text for value in specific)
    ]
    assert found == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/ci.yml"])
def test_make_commands_that_are_named_exist(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    command = re.compile(r"(?:^|[`\s])make (?:PYTHON=\S+ |--keep-going )?([a-z-]+)", re.MULTILINE)
    named = set(command.findall(code_of(ROOT / document)))
    assert named, "the document names no command at all"
    assert named <= targets


def code_of(document: Path) -> str:
    """The code of a Markdown file, inline and fenced; of another file, all but its comments."""
    text = document.read_text()
    if document.suffix == ".md":
        return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def test_the_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme


def test_the_changelog_has_an_entry_for_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    heading = rf"^## (?:\[?{re.escape(version)}\]?|Unreleased).*?\n"
    entry = re.search(heading + r"(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    assert entry is not None
    assert re.search(r"^- \w", entry[1], re.MULTILINE), "the entry says nothing"


def test_ci_runs_with_least_rights_and_pinned_actions() -> None:
    workflow = cast("dict[str, Any]", yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text()))
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions
    assert [action for action in actions if not re.search(r"@(v\d+\.\d+\.\d+|[0-9a-f]{40})$", action)] == []


def test_peers_from_npm_are_pinned_with_hashes() -> None:
    wanted = json.loads((ROOT / ".ci/peers/package.json").read_text())["dependencies"]
    locked = json.loads((ROOT / ".ci/peers/package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version, "an exact version, not a range"
    assert [name for name, entry in locked.items() if name and not entry.get("integrity")] == []


def scan(repository: Path) -> subprocess.CompletedProcess[str]:
    """The pre-commit hook's scan of what is staged, with the project's configuration."""
    hooks = cast("dict[str, Any]", yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text()))
    (entry,) = (h["entry"] for r in hooks["repos"] for h in r["hooks"] if h["id"] == "secrets")
    command = [str(GITLEAKS), *entry.split()[1:], "--config", str(ROOT / ".gitleaks.toml")]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("prefix", ["ghp_", "sk-ant-api03-"])
def test_a_planted_key_is_caught_and_not_shown(tmp_path: Path, prefix: str) -> None:
    # Made here, so that this repository never holds one.
    alphabet = string.ascii_letters + string.digits
    random = "".join(secrets.choice(alphabet) for _ in range(93 if prefix.startswith("sk") else 36))
    key = prefix + random + ("AA" if prefix.startswith("sk") else "")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "settings.py").write_text("timeout = 3\n")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    assert scan(tmp_path).returncode == 0
    (tmp_path / "settings.py").write_text(f'token = "{key}"\n')
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    caught = scan(tmp_path)
    assert caught.returncode == 1, caught.stderr
    assert random[:20] not in caught.stdout + caught.stderr
