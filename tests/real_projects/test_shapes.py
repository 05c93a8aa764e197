"""Projects of other shapes: what their tests need is found out and installed, and the change is right."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import Client

from tests.real_projects.bug import Bug
from tests.real_projects.checkouts import solve_in_checkout
from tests.real_projects.running import Run
from tests.real_projects.shapes import ASGIREF, FASTAVRO, HUMANIZE, SEMVER
from tests.support.anthropic_server import AnthropicServer

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]  # it installs, clones and runs whole projects


async def solve(bug: Bug, client: Client, folder: Path) -> Run:
    """The run of a bug that is solved as written down, with a model that is asked nothing else."""
    with AnthropicServer(bug.plan, [*bug.red, *bug.fix], bug.review) as model:
        run = await solve_in_checkout(bug, client, folder, model.url)
    assert model.violations == []
    return run


async def test_a_src_layout_whose_version_comes_from_git(client: Client, tmp_path: Path) -> None:
    """The build writes a module that the package imports and Git ignores; an extra names the plugins."""
    run = await solve(HUMANIZE, client, tmp_path)
    tests = run.seen.tests
    assert tests is not None
    assert (tests.command, tests.exit_code) == ("python -m pytest -q", 0)
    assert " passed" in tests.tail
    assert [note for note in run.seen.notes if "environment" in note or "red before" in note] == []


async def test_plugins_that_setup_cfg_names_as_an_extra(client: Client, tmp_path: Path) -> None:
    run = await solve(ASGIREF, client, tmp_path)
    tests = run.seen.tests
    assert tests is not None
    assert tests.exit_code == 0
    assert [note for note in run.seen.notes if "environment" in note or "red before" in note] == []


async def test_c_extensions_that_do_not_compile(client: Client, tmp_path: Path) -> None:
    """The tests run from the tree, with the pure Python twins; the run says what was not built, and why."""
    run = await solve(FASTAVRO, client, tmp_path)
    tests = run.seen.tests
    assert tests is not None
    assert tests.exit_code == 0
    (note,) = [note for note in run.seen.notes if "environment" in note]
    assert "its tests run without it" in note
    assert "longintrepr.h: No such file" in note or "'gcc' failed" in note


async def test_one_project_of_two_in_a_repository(client: Client, tmp_path: Path) -> None:
    """The issue names a module: that project's tests judge, and nothing of the other one is touched."""
    run = await solve(SEMVER, client, tmp_path)
    tests = run.seen.tests
    assert tests is not None
    assert (tests.command, tests.exit_code) == ("cd packages/semver && python -m pytest -q", 0)
    assert [note for note in run.seen.notes if "environment" in note or "red before" in note] == []
