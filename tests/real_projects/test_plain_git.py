"""Real projects in a repository on this disk: no forge, the checkout itself moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from temporalio.client import Client

from tamma.model.repository import RepoRef
from tamma.model.task import TaskStatus
from tamma.platforms.interface import PlatformSettings
from tests.real_projects.bugs import PARSE, SQLPARSE, Bug
from tests.real_projects.running import KEY, Run, script, working
from tests.support.anthropic_server import AnthropicServer
from tests.support.sdists import checkout_of, git, prove

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

pytest.importorskip("llmock", reason="llmock is not installed")
pytestmark = pytest.mark.peers


async def test_an_issue_in_a_file_moves_the_checkout(client: Client, llmock: LLMock, tmp_path: Path) -> None:
    script(llmock, PARSE)
    await _solve_in_checkout(PARSE, client, tmp_path, llmock.base_url("anthropic"))
    assert {request.path for request in llmock.requests} == {"/anthropic/v1/messages"}


async def test_a_user_names_the_test_command(client: Client, tmp_path: Path) -> None:
    with AnthropicServer(SQLPARSE.plan, [*SQLPARSE.red, *SQLPARSE.fix], SQLPARSE.review) as model:
        run = await _solve_in_checkout(SQLPARSE, client, tmp_path, model.url)
    assert model.violations == []
    assert run.seen.tests is not None
    assert run.seen.tests.command == SQLPARSE.test_command


async def test_an_index_out_of_reach_holds_up_no_project_that_needs_nothing(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PIP_INDEX_URL", f"file://{empty}")
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty))
    with AnthropicServer(PARSE.plan, [*PARSE.red, *PARSE.fix], PARSE.review) as model:
        run = await _solve_in_checkout(PARSE, client, tmp_path, model.url)
    (note,) = [note for note in run.seen.notes if "environment" in note]
    assert "its tests run without it" in note
    assert "No matching distribution found for setuptools" in note


async def _solve_in_checkout(bug: Bug, client: Client, folder: Path, model_url: str) -> Run:
    checkout = checkout_of(bug.release, folder / bug.release.name)
    before = git(checkout, "rev-parse", "main")
    passes, said = prove(bug.proof, checkout, before, folder)
    assert not passes
    assert bug.symptom in said

    async with working(client, folder, model_url, PlatformSettings("git", "plain-git")) as worker:
        run = await worker.solve(RepoRef("git", "", str(checkout)), "7", bug, issue_text=bug.markdown)

    assert run.result.status is TaskStatus.COMPLETED, run.seen
    passes, said = prove(bug.proof, checkout, "main", folder)
    assert passes, said
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(checkout, "diff", "--name-only", before, "main").split() == list(bug.changed)
    assert git(checkout, "rev-parse", "main") == run.result.merge_sha
    branches = git(checkout, "branch", "--format=%(refname:short)").split()
    assert branches == ["main", run.result.branch]
    assert KEY not in await run.said() + git(checkout, "log", "--all", "--format=%B")
    return run
