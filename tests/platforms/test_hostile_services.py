"""Adapters before services that lie: lists without end, totals of nothing, cursors from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import BaseModel

from tamma.errors import NotFound, PlatformError
from tamma.model.repository import IssueFilter, RateLimit, RepoRef
from tamma.platforms.azure.platform import AzureDevOps
from tamma.platforms.bitbucket_dc.models import Moment
from tamma.platforms.gitea.platform import Gitea
from tamma.platforms.github.platform import GitHub
from tamma.platforms.gitlab.platform import GitLab
from tamma.platforms.interface import Platform, PlatformSettings
from tests.support.raw_http import Answer, RawServer, Received, json_answer

REPO = RepoRef("forge", "octo", "hello")
TOKEN = "canary-t0ken"
SHA = "0123456789abcdef0123456789abcdef01234567"


class Told(RawServer):
    """Answers by a function of the request."""

    def __init__(self, answer: Callable[[Received], Answer]) -> None:
        super().__init__()
        self._answer = answer

    def answer_to(self, request: Received) -> Answer:
        return self._answer(request)


@asynccontextmanager
async def before(
    make: Callable[[PlatformSettings], Platform], answer: Callable[[Received], Answer]
) -> AsyncGenerator[tuple[Platform, Told]]:
    async with Told(answer) as server:
        adapter = make(PlatformSettings("forge", "forge", server.url, TOKEN, timeout=5))
        yield adapter, server
        await adapter.close()


def _threads(request: Received) -> Answer:
    endless: dict[str, object] = {"pageInfo": {"hasNextPage": True, "endCursor": None}, "nodes": []}
    thread = {"id": "T", "path": "x", "comments": endless}
    if request.body["query"].lstrip().startswith("query($id"):
        return json_answer({"data": {"node": thread}})
    return json_answer({"data": {"repository": {"pullRequest": {"reviewThreads": endless}}}})


async def test_threads_that_go_on_for_ever_are_not_read_for_ever() -> None:
    async with before(GitHub, _threads) as (hub, _):
        with pytest.raises(PlatformError, match="pages"):
            await hub.list_threads(REPO, "1")
        with pytest.raises(PlatformError, match="pages"):
            await hub.reply(REPO, "1", "T", "body", "op")


@pytest.mark.parametrize("total", ["7", "-1", "²", "1" * 5000, "seven", "0x7"])
async def test_a_total_of_nothing_is_nothing(total: str) -> None:
    """Gitea counts issues that a token may not see."""

    def nothing(_: Received) -> Answer:
        return Answer([b"[]"], 200, {"x-total-count": total}, "application/json")

    async with before(Gitea, nothing) as (tea, _):
        assert (await tea.list_issues(REPO, IssueFilter())).items == ()
        for cursor in ("done=x", "done=50&state=open", "page=x&limit=y", "=", "https://elsewhere/?done=1"):
            assert (await tea.list_issues(REPO, IssueFilter(), cursor)).items == ()


@pytest.mark.parametrize("make", [GitHub, Gitea, GitLab])
@pytest.mark.parametrize("path", ["../../../user", "a/../../b", "./a", ".."])
async def test_the_path_of_a_file_leads_to_no_other_call(
    make: Callable[[PlatformSettings], Platform], path: str
) -> None:
    """Whoever names the file, a model or an issue, has our token's hand."""

    def anything(_: Received) -> Answer:
        return json_answer({"type": "file", "encoding": "base64", "content": "", "sha": SHA})

    async with before(make, anything) as (forge, server):
        try:
            await forge.get_file(REPO, path, "main")
        except NotFound:
            assert not server.received
        else:
            assert server.received[-1].path.startswith("/api/v4/projects/octo%2Fhello/repository/files/")
            assert ".." not in server.received[-1].path.split("/")


@pytest.mark.parametrize("make", [GitHub, Gitea, GitLab])
@pytest.mark.parametrize("name", ["..", "."])
async def test_no_name_is_a_way_up(make: Callable[[PlatformSettings], Platform], name: str) -> None:
    async with before(make, lambda _: json_answer({})) as (forge, server):
        with suppress(PlatformError):  # absent is done
            await forge.delete_branch(REPO, name, SHA)
        with pytest.raises(PlatformError):
            await forge.get_branch(REPO, name)
        with pytest.raises(PlatformError):
            await forge.get_checks(REPO, name)
        with pytest.raises(PlatformError):
            await forge.get_repository(RepoRef("forge", "" if make is GitLab else "octo", name))
        for request in server.received:  # is the repository there?
            assert request.method == "GET"
            assert request.path.replace("%2F", "/").endswith("/octo/hello")


@pytest.mark.parametrize("make", [GitHub, Gitea, GitLab, AzureDevOps])
@pytest.mark.parametrize(
    "address",
    [
        "/home/somebody/private",
        "file:///home/somebody/private",
        "ext::sh -c true",
        "-uclone",
        "../x",
        "https://u:canary@h/x",
        "https://[h/x",
    ],
)
async def test_a_service_names_no_repository_of_this_machine(
    make: Callable[[PlatformSettings], Platform], address: str
) -> None:
    """git would read it with our rights, and the run show it to a model."""
    shown: dict[str, object] = {
        "id": 1,
        "name": "hello",
        "full_name": "octo/hello",
        "owner": {"login": "octo"},
    }
    shown |= {"path_with_namespace": "octo/hello", "project": {"name": "octo"}, "default_branch": "main"}
    shown |= {"id": "1"} if make is AzureDevOps else {}
    shown |= dict.fromkeys(("clone_url", "http_url_to_repo", "remoteUrl"), address)
    repo = RepoRef("forge", "acme/octo" if make is AzureDevOps else "octo", "hello")
    async with before(make, lambda _: json_answer(shown)) as (forge, server):
        if make is AzureDevOps and "@" in address:
            assert (await forge.get_repository(repo)).clone_url == "https://h/x"
        else:
            with pytest.raises(PlatformError, match="not its to choose") as caught:
                await forge.get_repository(repo)
            assert "canary" not in caught.value.message
        chosen = make(
            PlatformSettings("forge", "forge", server.url, TOKEN, clone_url="/mirror/{owner}/{name}")
        )
        assert (await chosen.get_repository(repo)).clone_url.startswith("/mirror/")
        await chosen.close()


@pytest.mark.parametrize("reset", [10**15, -1, 10**40])
async def test_a_budget_that_ends_in_no_year(reset: int) -> None:
    core = {"limit": 5000, "remaining": 7, "reset": reset}
    async with before(GitHub, lambda _: json_answer({"resources": {"core": core}})) as (hub, _):
        assert await hub.rate_limit() == RateLimit(5000, 7, None)


@pytest.mark.parametrize("value", [10**17, -(10**17), 10**400, 1e308, -1, float("nan")])
def test_a_time_of_bitbuckets_that_is_none(value: float) -> None:
    class Dated(BaseModel):
        at: Moment

    assert Dated.model_validate({"at": value}).at is None
    shown = Dated.model_validate({"at": 1_700_000_000_000}).at
    assert shown is not None
    assert shown.year == 2023
