"""The dependency rule bites: in an empty tree of the project's shape, each planted violation is caught."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sysconfig.get_path("scripts")) / "lint-imports"
PACKAGES = (
    "tamma", "tamma.agents", "tamma.cli", "tamma.config", "tamma.confine", "tamma.gateway", "tamma.git",
    "tamma.mcp", "tamma.model", "tamma.pages", "tamma.platforms", "tamma.platforms.github",
    "tamma.platforms.gitlab", "tamma.platforms.http", "tamma.plugins",
    "tamma.providers", "tamma.providers.anthropic", "tamma.resilience",
    "tamma.stack", "tamma.store", "tamma.suites", "tamma.telemetry", "tamma.temporal",
    "tamma.toolservers", "tamma.worker", "tamma.workspace",
    "activities", "workflows",
)  # fmt: skip
MODULES = (
    "activities.ai", "activities.interface", "tamma.agents.step", "tamma.errors", "tamma.mcp.client",
    "tamma.model.ids", "tamma.platforms.github.client", "tamma.platforms.gitlab.session",
    "tamma.platforms.http.transport", "tamma.platforms.interface", "tamma.plugins.host",
    "tamma.providers.anthropic.provider", "tamma.providers.interface", "tamma.registry",
    "tamma.store.interface", "tamma.store.postgres",
    "tamma.toolservers.servers", "tamma.worker.queues", "tamma.worker.running",
    "tamma.workspace.interface", "tamma.workspace.tools",
    "workflows.agent_session",
)  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The project's packages, all empty, under the project's own contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        folder = tmp_path.joinpath(*package.split("."))
        folder.mkdir()
        (folder / "__init__.py").touch()
    for module in MODULES:
        _file(tmp_path, module).touch()
    return tmp_path


def _file(tree: Path, module: str) -> Path:
    return tree.joinpath(*module.split(".")).with_suffix(".py")


def broken_contracts(tree: Path) -> set[str]:
    ran = subprocess.run(
        [LINT, "--no-logo", "--no-cache"], cwd=tree, capture_output=True, text=True, check=False
    )
    broken = set(re.findall(r"^(.+) BROKEN", ran.stdout, re.MULTILINE))
    assert (ran.returncode != 0) == bool(broken), ran.stdout + ran.stderr
    assert "Contracts:" in ran.stdout, ran.stdout + ran.stderr
    return broken


LAYERS = "Layers"
INTERFACES = "Interfaces rest on the model alone"
RUNLESS = "Configuration, embedded servers and the Temporal client know no run"
WORKFLOWS = "Workflows reach no adapter and no SDK, not even through others"
SDKS = "Only an adapter imports its vendor's SDK"


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("tamma.model.ids", "import tamma.registry", LAYERS),
        ("tamma.store.postgres", "import tamma.config", LAYERS),
        ("activities.ai", "import workflows.agent_session", LAYERS),
        ("tamma.worker.running", "import tamma.cli", LAYERS),
        ("tamma.providers.anthropic.provider", "import tamma.store.postgres", LAYERS),
        ("tamma.workspace.tools", "from tamma.platforms import github", LAYERS),
        ("tamma.mcp.client", "import tamma.providers.interface", LAYERS),
        ("tamma.plugins.host", "import tamma.providers.interface", LAYERS),
        ("tamma.plugins.host", "import tamma.platforms.interface", LAYERS),
        ("tamma.toolservers.servers", "import tamma.providers.anthropic.provider", LAYERS),
        ("tamma.store.interface", "import httpx2", INTERFACES),
        ("activities.interface", "import tamma.registry", INTERFACES),
        ("tamma.config", "import tamma.agents.step", RUNLESS),
        ("workflows.agent_session", "import tamma.workspace.tools", WORKFLOWS),
        ("workflows.agent_session", "import yaml", WORKFLOWS),
        ("workflows.agent_session", "import tamma.mcp.client", WORKFLOWS),
        ("tamma.agents.step", "import workflows; import scipy", LAYERS),
        ("activities.ai", "import anthropic", SDKS),
        ("tamma.platforms.github.client", "import anthropic", SDKS),
        ("tamma.platforms.github.client", "import httpx2", SDKS),
        ("tamma.platforms.http.transport", "import requests", SDKS),
        ("tamma.platforms.github.client", "import gitlab", SDKS),
        ("tamma.workspace.tools", "import asyncpg", SDKS),
        ("tamma.worker.running", "import githubkit", SDKS),
        ("tamma.toolservers.servers", "import mcp", SDKS),
        ("tamma.agents.step", "import temporalio.workflow", SDKS),
        ("tamma.worker.running", "import rich.console", SDKS),
    ],
)
def test_a_violation_is_caught(tree: Path, module: str, line: str, contract: str) -> None:
    path = _file(tree, module)
    if not path.exists():
        path = path.with_suffix("") / "__init__.py"
    path.write_text(line + "\n")
    assert contract in broken_contracts(tree)


def test_an_sdk_behind_another_module_is_caught(tree: Path) -> None:
    _file(tree, "workflows.agent_session").write_text("import tamma.agents.step\n")
    _file(tree, "tamma.agents.step").write_text("import psutil\n")
    assert broken_contracts(tree) == {WORKFLOWS}


def test_what_the_rule_allows_passes(tree: Path) -> None:
    allowed = {
        "workflows.agent_session": "import activities.interface, tamma.agents.step, temporalio.workflow",
        "activities.ai": "import tamma.providers.interface, tamma.store.interface, temporalio.activity",
        "tamma.workspace.tools": "import pygit2, tamma.platforms.interface",
        "tamma.providers.anthropic.provider": "import anthropic, tamma.errors",
        "tamma.mcp.client": "import mcp, httpx2, tamma.errors",
        "tamma.toolservers.servers": "import tamma.mcp.client, tamma.workspace.interface",
        "tamma.platforms.github.client": "import githubkit, tamma.platforms.http.transport",
        "tamma.platforms.gitlab.session": "import gitlab, requests, urllib3",
        "tamma.platforms.http.transport": "import httpx2",
        "tamma.store.postgres": "import asyncpg",
        "tamma.worker.running": "import tamma.config, tamma.temporal, tamma.store.postgres",
        "tamma.worker.queues": "import activities.interface, tamma.temporal, workflows.agent_session",
    }
    for module, line in allowed.items():
        _file(tree, module).write_text(line + "\n")
    assert broken_contracts(tree) == set()


def test_every_module_of_the_project_has_its_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = " ".join(next(each["layers"] for each in contracts if each["type"] == "layers"))
    placed = set(re.findall(r"[a-z_.]+", layers))
    modules = {
        f"tamma.{path.stem}"
        for path in (ROOT / "tamma").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }
    assert modules <= placed, f"not in the layers of pyproject.toml: {sorted(modules - placed)}"
