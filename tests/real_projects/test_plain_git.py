"""Real projects in a repository on this disk: no forge, the checkout itself moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from temporalio.client import Client

from tests.real_projects.bugs import PARSE, SQLPARSE
from tests.real_projects.checkouts import solve_in_checkout
from tests.real_projects.running import script
from tests.support.anthropic_server import AnthropicServer

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

pytest.importorskip("llmock", reason="llmock is not installed")
pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]  # it installs, clones and runs whole projects


async def test_an_issue_in_a_file_moves_the_checkout(client: Client, llmock: LLMock, tmp_path: Path) -> None:
    script(llmock, PARSE)
    await solve_in_checkout(PARSE, client, tmp_path, llmock.base_url("anthropic"))
    assert {request.path for request in llmock.requests} == {"/anthropic/v1/messages"}


async def test_a_user_names_the_test_command(client: Client, tmp_path: Path) -> None:
    with AnthropicServer(SQLPARSE.plan, [*SQLPARSE.red, *SQLPARSE.fix], SQLPARSE.review) as model:
        run = await solve_in_checkout(SQLPARSE, client, tmp_path, model.url)
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
        run = await solve_in_checkout(PARSE, client, tmp_path, model.url)
    (note,) = [note for note in run.seen.notes if "environment" in note]
    assert "its tests run without it" in note
    assert "No matching distribution found for setuptools" in note
