"""The code of `docs/extending/platforms.md`, run as it stands there."""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

from tamma import errors
from tamma.errors import BadCredentials, NotFound, PlatformError, Transient, Unsupported
from tamma.model.repository import RepoRef, Target
from tamma.platforms import interface
from tamma.platforms.interface import Platform, PlatformPlugin, PlatformSettings
from tamma.platforms.plugins.methods import functions
from tests.platforms.contract import (
    test_branches,
    test_comments,
    test_issues,
    test_labels,
    test_repository,
    test_unsupported,
)
from tests.platforms.harness import Harness
from tests.platforms.registry import Entry
from tests.support import plugins
from tests.support.house_forge import TOKEN, HouseForge
from tests.test_docs.pages import ROOT, blocks

PAGE = ROOT / "docs/extending/platforms.md"
REPO = RepoRef("house", "octo", "hello")
LACKS = {
    interface.ASSIGNEES: "everybody",
    interface.API_COMMITS: "by git",
    interface.PULL_REQUESTS: "by hand",
    interface.CHECKS: "workspace",
    interface.LOCAL_MERGE: "by hand",
}
SUITE: tuple[Callable[[Harness], Awaitable[None]], ...] = (
    test_repository.test_a_repository_has_a_default_branch_and_an_address,
    test_repository.test_an_unknown_repository_is_not_found,
    test_branches.test_a_branch_is_created_once,
    test_branches.test_a_branch_elsewhere_is_a_conflict,
    test_branches.test_a_missing_branch_is_not_found,
    test_branches.test_a_branch_is_deleted_only_where_it_is_expected,
    test_issues.test_all_issues_of_many_pages_are_listed_once,
    test_issues.test_an_issue_is_read_as_it_was_written,
    test_comments.test_a_comment_is_written_once_and_then_updated,
    test_labels.test_labels_are_set_by_their_difference,
    test_issues.test_an_issue_is_closed_once_and_reopened,
)


def code(language: str, file: str) -> str:
    """The block of the page that says it is `file`."""
    found = [it.text for it in blocks(language) if it.page == PAGE and it.text.startswith(f"# {file}\n")]
    assert len(found) == 1, f"{PAGE.name} has {len(found)} blocks for {file}"
    return found[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The page's package, installed as its `pyproject.toml` says; and importable here, for the suite."""
    site = tmp_path_factory.mktemp("house-git")
    project = tomllib.loads(code("toml", "pyproject.toml"))["project"]
    (site / "house_git").mkdir()
    (site / "house_git/__init__.py").write_text(code("python", "house_git/__init__.py"))
    info = site / f"house_git-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: house-git\nVersion: {project['version']}\n")
    points = [f"{name} = {target}" for name, target in project["entry-points"]["tamma.platforms"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[tamma.platforms]", *points, ""]))
    with plugins.importable(site):
        import house_git  # pyright: ignore[reportMissingImports] - the page's

        yield cast("ModuleType", house_git)
    del sys.modules["house_git"]


@pytest.fixture
async def harness(house: ModuleType, tmp_path: Path) -> AsyncIterator[Harness]:
    """The page's own."""
    made = ModuleType("house_harness")
    exec(compile(code("python", "tests/platforms/house.py"), "house.py", "exec"), vars(made))
    found = cast("Harness", made.HouseHarness(tmp_path))
    await found.platform.start()
    yield found
    await found.close()


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
async def test_the_suite_takes_the_page_s_platform(
    harness: Harness, check: Callable[[Harness], Awaitable[None]]
) -> None:
    await check(harness)


async def test_a_write_whose_answer_was_lost_is_done_once(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)

    async def comment() -> object:
        return await harness.platform.ensure_comment(harness.repo, target, "hello", "op-1")

    async def close() -> object:
        return await harness.platform.close_issue(harness.repo, number)

    for write in (comment, close):
        before = harness.changes()
        harness.arm("lose_answer", 0, write.__name__)
        with pytest.raises(Transient):
            await write()
        harness.arm(None, 0, write.__name__)
        await write()
        assert harness.changes() - before == 1
    assert [comment.body for comment in await harness.platform.list_comments(harness.repo, target)] == [
        "hello"
    ]


async def test_what_it_lacks_it_says(harness: Harness) -> None:
    await test_unsupported.test_what_a_platform_lacks_is_unsupported(harness, Entry("house-git", lacks=LACKS))
    with pytest.raises(Unsupported):
        harness.platform.verify_webhook({}, b"")


def test_it_has_every_method_of_the_interface(house: ModuleType) -> None:
    missing = [name for name in functions() if not hasattr(house.HouseGit, name)]
    assert missing == []


async def test_it_works_as_a_plugin(house: ModuleType) -> None:
    """In its own process, found by its entry point."""
    known = plugins.platform_registry()
    entry = next(entry for entry in known.list() if entry.name == "house-git")
    assert (entry.version, entry.distribution, entry.problem) == ("1.0.0", "house-git", None)
    forge = HouseForge()
    forge.add_ticket("A bug", "It fails")
    settings = PlatformSettings("house", "house-git", forge.url, TOKEN)
    platform: Platform = known.get("house-git").create_platform(settings)
    try:
        issue = await platform.get_issue(REPO, "1")
        assert (issue.title, issue.state) == ("A bug", "open")
        first = await platform.ensure_comment(REPO, Target("issue", "1"), "x" * 20_000, "op-1")
        assert await platform.list_comments(REPO, Target("issue", "1")) == (first,)
        assert len(first.body) < 10_000
        assert (await platform.get_repository(REPO)).clone_url.startswith("https://git.house.example/")
        with pytest.raises(NotFound, match="House Git answered 404"):
            await platform.get_issue(REPO, "9")
        with pytest.raises(Unsupported, match="'pull_requests'"):
            await platform.get_pr(REPO, "1")
    finally:
        await platform.close()
        forge.close()


async def test_a_refused_token_is_said(house: ModuleType) -> None:
    forge = HouseForge()
    platform = house.HouseGit(PlatformSettings("house", "house-git", forge.url, "canary-wrong"))
    try:
        with pytest.raises(BadCredentials, match="401") as raised:
            await platform.check_credentials()
        assert "https://git.house.example/tokens" in str(raised.value.hint)
    finally:
        await platform.close()
        forge.close()


def test_its_plugin_says_what_is_wrong_and_what_is_its_own(house: ModuleType) -> None:
    plugin = cast("PlatformPlugin", house.PLUGIN)
    assert plugin.validate_config(PlatformSettings("house", "house-git", token=TOKEN)) == []
    assert plugin.validate_config(PlatformSettings("house", "house-git")) == [
        "house-git needs an access token"
    ]
    assert plugin.detect_from_url("https://git.house.example/octo/hello")
    assert not plugin.detect_from_url("https://git.house.example.org/octo/hello")


def test_the_page_names_every_error_of_a_platform() -> None:
    text = PAGE.read_text("utf-8")
    kinds = [each for each in vars(errors).values() if inspect.isclass(each)]
    named = {kind.__name__ for kind in kinds if issubclass(kind, PlatformError)}
    assert [name for name in sorted(named) if not re.search(rf"`{name}\b", text)] == []
