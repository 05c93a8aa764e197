"""The account, the repository, and what a platform says of itself."""

from __future__ import annotations

import pytest

from tamma.errors import Forbidden, NotFound
from tamma.model.repository import RepoRef
from tamma.platforms.interface import CAPABILITIES
from tests.platforms.harness import Harness
from tests.platforms.registry import ARCHIVED, EMPTY, PENDING, RENAMED, Entry
from tests.platforms.steps import BRANCH, base_sha, needs


async def test_a_platform_can_what_it_is_said_to(harness: Harness, entry: Entry) -> None:
    """What is missing stands in the registry: in `lacks`, or in PENDING while it is not written."""
    said = await harness.platform.capabilities()
    pending = PENDING.get(entry.name, frozenset())
    assert said - pending == CAPABILITIES - set(entry.lacks) - pending


@needs("server_version")
async def test_a_server_says_its_version_or_nothing(harness: Harness) -> None:
    first = await harness.platform.server_version()
    assert first == first.strip()
    assert await harness.platform.server_version() == first


async def test_starting_and_closing_twice_is_once(harness: Harness) -> None:
    await harness.platform.start()
    await harness.platform.start()
    assert await base_sha(harness)
    await harness.platform.close()
    await harness.platform.close()


async def test_whose_credentials_they_are(harness: Harness) -> None:
    identity = await harness.platform.check_credentials()
    assert identity == await harness.platform.check_credentials()
    limit = await harness.platform.rate_limit()
    assert limit.remaining is None or limit.remaining >= 0


async def test_git_is_given_credentials_that_do_not_show(harness: Harness) -> None:
    given = await harness.platform.git_credentials(harness.repo)
    assert given.token is None or given.token not in repr(given)


async def test_a_repository_has_a_default_branch_and_an_address(harness: Harness) -> None:
    found = await harness.platform.get_repository(harness.repo)
    assert found.default_branch == "main"
    assert found.clone_url
    assert found.ref == harness.repo
    assert not found.archived


async def test_an_unknown_repository_is_not_found(harness: Harness) -> None:
    unknown = RepoRef(harness.repo.platform_id, "nobody", "/no/such")
    with pytest.raises(NotFound) as caught:
        await harness.platform.get_repository(unknown)
    assert caught.value.hint
    with pytest.raises(NotFound):
        await harness.platform.get_branch(unknown, "main")


@needs(RENAMED)
async def test_a_renamed_repository_is_found_under_both_names(harness: Harness) -> None:
    harness.rename("renamed")
    found = await harness.platform.get_repository(harness.repo)
    assert found.ref.name == "renamed"
    sha = await base_sha(harness)
    assert (await harness.platform.get_branch(found.ref, "main")).sha == sha
    assert await harness.platform.get_file(harness.repo, "README.md", "main") == b"hello\n"


@needs(RENAMED)
async def test_a_write_reaches_a_renamed_repository_once(harness: Harness) -> None:
    sha = await base_sha(harness)
    harness.rename("renamed")
    await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert harness.changes() == 1


@needs(ARCHIVED)
async def test_an_archived_repository_is_read_and_not_written(harness: Harness) -> None:
    harness.archive()
    assert (await harness.platform.get_repository(harness.repo)).archived
    sha = await base_sha(harness)
    with pytest.raises(Forbidden):
        await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert harness.changes() == 0


@needs(EMPTY)
async def test_an_empty_repository_has_a_name_for_its_first_branch(harness: Harness) -> None:
    empty = harness.empty_repository()
    assert (await harness.platform.get_repository(empty)).default_branch == "main"
    with pytest.raises(NotFound):
        await harness.platform.get_branch(empty, "main")
    with pytest.raises(NotFound):
        await harness.platform.get_file(empty, "README.md", "main")


async def test_files_are_read_at_a_branch_and_a_commit(harness: Harness) -> None:
    sha = await base_sha(harness)
    before = await harness.platform.get_file(harness.repo, "README.md", "main")
    assert before.lower().count(b"hello") == 1
    await harness.push("main", "README.md", b"new\n")
    assert await harness.platform.get_file(harness.repo, "README.md", "main") == b"new\n"
    assert await harness.platform.get_file(harness.repo, "README.md", sha) == before
    for path, ref in (("no/such.file", "main"), ("README.md", "no/such/branch"), ("src", "main")):
        with pytest.raises(NotFound):
            await harness.platform.get_file(harness.repo, path, ref)


@pytest.mark.parametrize(
    "path", ["", "/README.md", "src/", "src//deep.txt", "./README.md", "src/../README.md", ".."]
)
async def test_a_path_leads_to_a_file_of_the_commit_or_nowhere(harness: Harness, path: str) -> None:
    with pytest.raises(NotFound):
        await harness.platform.get_file(harness.repo, path, "main")


async def test_files_of_all_names_and_contents_are_read(harness: Harness) -> None:
    for path, content in (
        ("dir with space/a+b & c.txt", b"x"),
        ("täst/数据 #1?.txt", "grüße\r\n".encode()),
        ("100%25/done", b""),
        ("all.bin", bytes(range(256)) * 8),
    ):
        await harness.push("main", path, content)
        assert await harness.platform.get_file(harness.repo, path, "main") == content
