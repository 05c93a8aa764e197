"""`tamma platforms`, over servers on the loopback and over nothing at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from tamma import registry
from tamma.cli import main, output
from tamma.cli.platforming import hooks
from tamma.cli.platforming.sheets import suggestion
from tamma.config.load import load_config
from tests.support import plugins
from tests.support.raw_http import Answer, RawServer, Received, json_answer

Captured = pytest.CaptureFixture[str]
CANARY = "canary-51cc-do-not-print"


async def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    code = await asyncio.to_thread(main.run, arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


class GitHubServer(RawServer):
    """As much of GitHub's API as the account needs."""

    def __init__(self, token: str, expires: datetime | None = None) -> None:
        super().__init__()
        self.token, self.expires = token, expires

    def answer_to(self, request: Received) -> Answer:
        if self.token not in request.headers.get("authorization", ""):
            return json_answer({"message": "Bad credentials"}, 401)
        more = {"x-oauth-scopes": "repo, workflow"}
        if self.expires:
            more["github-authentication-token-expiration"] = f"{self.expires:%Y-%m-%d %H:%M:%S} UTC"
        core = {"limit": 5000, "remaining": 4321, "reset": 1_900_000_000, "used": 679}
        pages: dict[str, object] = {
            "/user": {"login": "tess", "id": 1, "type": "User"},
            "/rate_limit": {"resources": {"core": core}, "rate": core},
            "/meta": {"installed_version": "3.18.0"},
            "/repos/acme/tools": {
                "id": 1,
                "name": "tools",
                "full_name": "acme/tools",
                "owner": {"login": "acme", "id": 2},
                "default_branch": "trunk",
                "private": True,
                "archived": False,
                "clone_url": "https://github.test/acme/tools.git",
                "html_url": "https://github.test/acme/tools",
            },
        }
        page = pages.get(request.path)
        made = json_answer({"message": "Not Found"}, 404) if page is None else json_answer(page)
        return Answer(made.steps, made.status, {**made.headers, **more}, made.content_type)


@pytest.fixture
def home(tamma_home: Path) -> Path:
    tamma_home.mkdir(exist_ok=True)
    return tamma_home


def write(home: Path, *entries: dict[str, Any], default: str | None = None) -> None:
    platforms = {"default": default, "available": entries}
    (home / "config.json").write_text(json.dumps({"platforms": platforms}))


def house(url: str, **more: Any) -> dict[str, Any]:
    given = {"accessToken": "env:HOUSE_TOKEN"}
    return {"platformId": "house", "platformType": "github", "baseUrl": url, "credentials": given, **more}


# --- list, detect ------------------------------------------------------------------------------------


async def test_the_list_says_what_is_ready_and_never_a_secret(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE_TOKEN", CANARY)
    write(
        home,
        house("https://ghe.test/api/v3", repositories=["ghe.test/acme/*"], issues={"platform": "tracker"}),
        {"platformId": "tracker", "platformType": "memory"},
        default="house",
    )
    code, out, _ = await run(capsys, "platforms", "list", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert next(iter(rows)) == "house"
    assert rows["house"] == {
        "name": "house",
        "type": "github",
        "server": "https://ghe.test",
        "auth": "pat",
        "credentials": "set (HOUSE_TOKEN)",
        "repositories": ["ghe.test/acme/*"],
        "issues": "tracker",
    }
    assert rows["github.com"]["credentials"] == "GITHUB_TOKEN is not set"
    assert CANARY not in out
    code, out, _ = await run(capsys, "platforms", "list")
    assert out.splitlines()[0].split("\t")[0] == "NAME"
    code, out, _ = await run(capsys, "platforms", "list", "--types")
    assert code == 0
    assert "plain-git" in out


@pytest.mark.parametrize(
    ("group", "fresh", "sample", "name"),
    [
        ("platforms", plugins.platform_registry, plugins.PLATFORM, "sample"),
        ("providers", plugins.registry, plugins.PROVIDER, "sample"),
    ],
)
async def test_types_of_plugins_are_json_alone(
    home: Path,
    capsys: Captured,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    group: str,
    fresh: Callable[[], object],
    sample: plugins.Sample,
    name: str,
) -> None:
    monkeypatch.setattr(registry, group, fresh())
    structlog.reset_defaults()  # as in a process of its own: logs would go to standard output
    with plugins.importable(plugins.install(tmp_path / "plugin", sample=sample)):
        code, out, _ = await run(capsys, group, "list", "--types", "--json")
    assert code == 0
    assert any(row["type"].startswith(name) and row["from"] != "tamma" for row in json.loads(out))


async def test_an_address_is_told_with_the_account_and_why(home: Path, capsys: Captured) -> None:
    write(home, house("https://ghe.test/api/v3"))
    code, out, _ = await run(capsys, "platforms", "detect", "https://ghe.test/acme/tools/pull/4", "--json")
    assert code == 0
    assert json.loads(out) == {
        "host": "ghe.test",
        "type": "github",
        "account": "house",
        "repository": "acme/tools",
        "kind": "pull_request",
        "number": "4",
        "reason": "it is the account of the host 'ghe.test'",
    }


async def test_a_server_that_nobody_configured_is_asked_and_its_entry_works(
    home: Path, capsys: Captured
) -> None:
    (home / "config.json").write_text("{}")

    class Gitea(RawServer):
        def answer_to(self, request: Received) -> Answer:
            if request.path == "/api/v1/version":
                return json_answer({"version": "1.25.1"})
            return json_answer({}, 404)

    async with Gitea() as server:
        code, out, _ = await run(capsys, "platforms", "detect", f"{server.url}/acme/tools", "--json")
        assert code == 0
        row = json.loads(out)
        assert (row["type"], row["account"], row["repository"]) == ("gitea", None, "acme/tools")
        asked = len(server.received)
        code, out, _ = await run(capsys, "platforms", "detect", f"{server.url}/acme/tools", "--json")
        assert (code, len(server.received)) == (0, asked), "its answer is kept"
        assert all("authorization" not in request.headers for request in server.received)
    code, out, _ = await run(capsys, "platforms", "detect", "https://nobody.test/a/b", "--offline")
    assert code == 1
    assert "was not asked" in out
    code, _, err = await run(capsys, "platforms", "detect", "./repo")
    assert code == 2
    assert "no address" in err


@pytest.mark.parametrize(
    ("host", "kind", "base_url", "token"),
    [
        ("gitlab.com", "gitlab", None, "GITLAB_TOKEN"),
        ("ghe.test", "github", "https://ghe.test/api/v3", "GITHUB_TOKEN"),
        ("bb.test:7990", "bitbucket-dc", "https://bb.test:7990", "BITBUCKET_DC_TOKEN"),
    ],
)
def test_a_suggested_entry_is_a_valid_one(
    tmp_path: Path, host: str, kind: str, base_url: str | None, token: str
) -> None:
    entry = suggestion(host, kind)
    (tmp_path / "config.json").write_text(json.dumps({"platforms": {"available": [entry]}}))
    found = load_config(env={"TAMMA_HOME": str(tmp_path)}).config.platforms.available[-1]
    assert (found.platform_id, found.platform_type, found.base_url) == (host, kind, base_url)
    assert found.credentials.access_token == f"env:{token}"


# --- test --------------------------------------------------------------------------------------------


async def test_an_account_that_works_says_who_and_what(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE_TOKEN", CANARY)
    async with GitHubServer(CANARY, datetime.now(UTC) + timedelta(days=3, hours=1)) as server:
        write(home, house(server.url), default="house")
        code, out, err = await run(capsys, "platforms", "test", "--repo", "acme/tools")
        assert code == 0, err
        for said in ("house (github): ok", "tess", "repo, workflow", "4,321 of 5,000", "acme/tools on trunk"):
            assert said in out
        assert "warning: the credentials of 'house': the token ends in 3 days" in err
        code, out, _ = await run(capsys, "platforms", "test", "house", "--json")
        [row] = json.loads(out)
        assert (row["ok"], row["login"], row["scopes"]) == (True, "tess", ["repo", "workflow"])
        assert "pull_requests" in row["capabilities"]
        assert row["warning"].startswith("the credentials of 'house'")
        assert CANARY not in out + err


async def test_what_fails_ends_with_the_code_of_its_kind(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE_TOKEN", "canary-wrong-token")
    async with GitHubServer(CANARY) as server:
        write(home, house(server.url))
        code, out, err = await run(capsys, "platforms", "test", "house")
        assert code == 4
        assert "BadCredentials" in out
        assert "hint:" in err
        assert "canary" not in out + err
    code, out, _ = await run(capsys, "platforms", "test", "house", "--json")
    assert code == 1, "the server is gone"
    assert json.loads(out)[0]["ok"] is False
    write(home, house("https://ghe.test", authType="app"))
    assert (await run(capsys, "platforms", "test", "house"))[0] == 2
    assert (await run(capsys, "platforms", "test", "nobody"))[0] == 2
    assert (await run(capsys, "platforms", "test", "house", "--all"))[0] == 2
    assert (await run(capsys, "platforms", "test", "--repo", "tools"))[0] == 2


async def test_all_are_asked_that_have_credentials(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE_TOKEN", CANARY)
    async with GitHubServer(CANARY) as server:
        write(home, house(server.url), {"platformId": "made-up", "platformType": "memory"})
        code, out, err = await run(capsys, "platforms", "test", "--all", "--json")
    assert code == 0, err
    assert [(row["name"], row["ok"]) for row in json.loads(out)] == [("house", True), ("made-up", True)]
    assert "left out: 'github.com' has no credentials" in err


async def test_an_end_that_the_entry_names_is_warned_of(home: Path, capsys: Captured) -> None:
    ends = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    write(home, {"platformId": "made-up", "platformType": "memory", "credentials": {"expiresAt": ends}})
    code, _, err = await run(capsys, "platforms", "test", "made-up")
    assert code == 0
    assert f"the token ended on {ends}" in err


# --- submit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["SHOP-12", "--repo", "house:acme/tools"], "dev/house/acme/tools/SHOP-12"),
        (
            ["https://acme.atlassian.net/browse/SHOP-12", "--repo", "acme/tools"],
            "dev/house/acme/tools/SHOP-12",
        ),
        (["https://ghe.test/acme/tools/issues/SHOP-12"], None),
        (["house:acme/tools#SHOP-12"], "dev/house/acme/tools/SHOP-12"),
        (["https://dev.azure.com/o/p/_workitems/edit/7", "--repo", "web"], "dev/dev.azure.com/o/p/web/7"),
        (["https://gitlab.com/g/sub/web/-/issues/7"], "dev/gitlab.com/g/sub/web/7"),
    ],
)
async def test_issues_of_every_account_are_submitted(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, arguments: list[str], wanted: str | None
) -> None:
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", CANARY)
    monkeypatch.setenv("GITLAB_TOKEN", CANARY)
    jira = {"platformId": "jira", "platformType": "jira", "baseUrl": "https://acme.atlassian.net"}
    write(home, house("https://ghe.test/api/v3", issues={"platform": "jira"}), jira)
    code, out, err = await run(capsys, "submit", *arguments, "--provider", "scripted", "--dry-run", "--json")
    assert code == (2 if wanted is None else 0), err
    if wanted:
        assert json.loads(out)["workflowId"] == wanted


async def test_another_web_server_is_an_address_that_is_wrong(home: Path, capsys: Captured) -> None:
    async with RawServer(json_answer({"message": "Not Found"}, 404)) as server:
        write(home, house(f"{server.url}/wrong"))
        code, out, err = await run(capsys, "platforms", "test", "house")
    assert (code, "NotFound" in out) == (1, True)
    assert "does baseUrl name its API?" in err


# --- validate ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"platformType": "githup"}, "no platform called 'githup'"),
        ({"repositories": ["acme/*"]}, "'acme/*' of repositories names no host"),
        ({"authType": "basic"}, "needs credentials.username"),
        ({"caFile": "/nowhere/ca.pem"}, "'/nowhere/ca.pem', which is no file"),
        ({"baseUrl": "http://ghe.test"}, "plain http"),
    ],
)
async def test_validate_looks_at_every_account(
    home: Path, capsys: Captured, more: dict[str, Any], said: str
) -> None:
    write(home, house("https://ghe.test/api/v3", **more) if "baseUrl" not in more else {**house(""), **more})
    code, _, err = await run(capsys, "config", "validate")
    assert code == 2
    assert "platforms.available[house]: " in err
    assert said in err


@pytest.mark.parametrize("pattern", ["ghe.test/acme/*", "git@ghe.test:acme/*", "https://ghe.test/a", "*/x/*"])
async def test_patterns_of_every_form_are_valid(home: Path, capsys: Captured, pattern: str) -> None:
    write(home, house("https://ghe.test/api/v3", repositories=[pattern]))
    code, _, err = await run(capsys, "config", "validate")
    assert "names no host" not in err
    assert code in (0, 4), err


async def test_validate_tells_of_a_token_that_is_not_set(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMMA_AI_PROVIDER", "scripted")
    write(home, house("https://ghe.test/api/v3"))
    monkeypatch.delenv("HOUSE_TOKEN", raising=False)
    code, _, err = await run(capsys, "config", "validate")
    assert (code, "HOUSE_TOKEN is not set" in err, "GITHUB_TOKEN" in err) == (0, True, False)
    monkeypatch.setenv("HOUSE_TOKEN", CANARY)
    code, _, err = await run(capsys, "config", "validate")
    assert (code, "HOUSE_TOKEN" in err) == (0, False)


# --- webhooks ----------------------------------------------------------------------------------------


async def test_webhooks_say_where_and_name_the_secret_without_telling_it(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", CANARY)
    write(home, house("https://ghe.test/api/v3", webhookSecret=["env:HOOK", "env:HOOK_OLD"]))
    command = ("platforms", "webhooks", "house", "--url", "https://tamma.test/")
    code, out, _ = await run(capsys, *command)
    assert code == 0
    assert "URL: https://tamma.test/webhooks/house" in out.splitlines()
    assert "Secret: what env:HOOK holds" in out
    assert CANARY not in out
    code, out, _ = await run(capsys, *command, "--json")
    shown = json.loads(out)
    assert shown["secretReferences"] == ["env:HOOK", "env:HOOK_OLD"]
    assert (shown["secret"], shown["contentType"]) == (None, "application/json")
    assert "Issues" in shown["events"]
    code, out, _ = await run(capsys, *command, "--show-secret")
    assert f"Secret: {CANARY}" in out


async def test_a_new_secret_is_fresh_and_kept_nowhere(home: Path, capsys: Captured) -> None:
    write(home, house("https://ghe.test/api/v3"))
    made: set[str] = set()
    for _ in range(2):
        code, out, err = await run(capsys, "platforms", "webhooks", "house", "--new-secret", "--json")
        assert code == 0
        made.add(json.loads(out)["secret"])
    assert len(made) == 2
    assert all(len(secret) >= 43 for secret in made)
    assert not made & set((home / "config.json").read_text().split('"'))
    code, out, err = await run(capsys, "platforms", "webhooks", "house")
    assert "none is configured yet" in out
    assert "--new-secret" in err


async def test_what_has_no_webhooks_says_so(home: Path, capsys: Captured) -> None:
    code, _, err = await run(capsys, "platforms", "webhooks", "plain-git")
    assert code == 2
    assert "has no webhooks" in err
    code, _, err = await run(capsys, "platforms", "webhooks", "--url", "tamma.test")
    assert code == 2
    assert "https://tamma.example.com" in err


@pytest.mark.parametrize("kind", hooks.FORMS)
def test_every_form_says_what_to_fill_in(kind: str) -> None:
    told = hooks.steps(hooks.form_of(kind), hooks.address(None, "git.test:8443"), "x")
    assert "URL: https://YOUR-HOST/webhooks/git.test%3A8443" in told
    assert any(line.startswith("Event: ") for line in told)


# --- what a server says --------------------------------------------------------------------------------


async def test_a_server_cannot_steer_the_terminal(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Painter(GitHubServer):
        def answer_to(self, request: Received) -> Answer:
            if request.path == "/user":
                return json_answer({"login": "tess\x1b]0;title\x07\x1b[2J\n  all        well"})
            if request.path == "/meta":
                return json_answer({"installed_version": "3\u202e9\x9b2J"})
            return super().answer_to(request)

    monkeypatch.setenv("HOUSE_TOKEN", CANARY)
    async with Painter(CANARY) as server:
        write(home, house(server.url))
        code, out, err = await run(capsys, "platforms", "test", "house")
    assert code == 0
    assert all(line.isprintable() for line in (*out.splitlines(), *err.splitlines()))
    assert not any(line.startswith("  all ") for line in out.splitlines())


def test_what_is_shown_keeps_its_lines_and_nothing_else() -> None:
    assert output.shown("a\tb\r\nc\x1b[31md\x85\u2066e\u00e9") == "a\tb\nc\ufffd[31md\ufffd\ufffde\u00e9"
