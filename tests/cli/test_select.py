"""`tamma select` as it is typed: rules, a dry run, a schedule, a pass, and what is wrong said in words."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.cli import main
from tamma.cli.reference import parse_repository
from tamma.cli.selecting.options import Length, length, rules_of
from tamma.config.load import load_config
from tamma.errors import ConfigError
from tamma.model.references import PLAIN_GIT, RepoRef
from tamma.platforms.accounts import Account
from tamma.temporal import selection
from tests.cli.shop import configure, shop_of
from tests.workflows.test_issue_selection import issue, yard

Captured = pytest.CaptureFixture[str]


@pytest.mark.slow
async def test_a_repository_is_watched_from_start_to_stop(
    client: Client,
    temporal_address: str,
    tmp_path: Path,
    tamma_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    configure(tamma_home, temporal_address, monkeypatch)
    repo = shop_of(tmp_path).repo
    name = f"memory:{repo.full_name}"

    async def select(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main.run, ("select", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    async def told(*arguments: str) -> Any:
        code, out, err = await select(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    asked = ("--label", "tamma", "--provider", "scripted")
    async with yard(client, tmp_path, {"1": issue("first"), "2": issue("second")}) as it:
        try:
            code, out, err = await select("start", name, *asked, "--dry-run")
            assert (code, out.splitlines()) == (
                0,
                ["would take #1\tfirst", "left #2\tsecond\t1 of 1 runs at once are open"],
            ), err
            assert await it.live() == []
            assert (await select("status", name))[1].endswith("`tamma select start` does that\n")

            found = await told(
                "start", name, *asked, "--cool-down", "10m", "--approve", "all", "--every", "1h"
            )
            assert (found["scheduled"], found["everySeconds"]) == (True, 3600)
            assert (found["approve"], found["agent"]) == ("all", "scripted")
            assert (found["rules"]["labels"], found["rules"]["coolDown"]) == (["tamma"], 600)
            await it.until_indexed(lambda now: len(now.live) == 1)
            await it.rested()
            code, out, err = await select("status", name)
            assert code == 0, err
            assert f"{repo.full_name}: every 1h\n" in out
            assert "with tamma; without needs-human-review; 1 at once; cool-down 10m" in out
            listed = await told("list")
            assert repo.full_name in [each["repository"] for each in listed["selections"]]

            # Without options a pass goes by the rules that are scheduled.
            again = await told("run-once", name)
            assert [each["issue"] for each in again["left"]] == ["1", "2"]
            both = await told("run-once", name, *asked, "--concurrency", "2")
            assert [each["issue"] for each in both["taken"]] == ["2"]
            assert "took #2\tsecond\ttask " in (await select("status", name))[1]

            code, out, err = await select("stop", name)
            assert (code, out) == (0, f"{repo.full_name}: nothing more is taken\n")
            assert "open runs go on" in err
            assert (await told("stop", name))["stopped"] is False
            assert await it.live() == ["1", "2"]
        finally:
            await selection.stop_schedule(client, repo)


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ("start acme/calc", "no label says which issues are meant", "--any-issue"),
        ("start acme/calc --label x --cool-down soon", "'soon' is no length of time", "--help"),
        ("start acme/calc --label x --every 1s", "selection.every", "60"),
        ("start acme/calc --label x --any-issue", "exclude each other", "--help"),
        ("start acme/calc#1 --label x", "names no repository", "owner/repo"),
        ("start calc --label x", "names no repository", "owner/repo"),
        ("start nowhere:acme/calc --label x", "no platform called 'nowhere'", "configured:"),
        ("status plain-git:acme/calc", "plain Git", "tamma submit PATH"),
        ("start acme/calc --label x --agent a --model m", "exclude each other", "leave one out"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_started(
    tamma_home: Path, capsys: Captured, arguments: str, error: str, hint: str
) -> None:
    code = main.run(("select", *arguments.split()))
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert error in said.err
    assert hint in said.err


@pytest.mark.parametrize(
    ("flags", "labels"),
    [({}, ("ready",)), ({"selection.labels": ("x",)}, ("x",)), ({"selection.labels": ()}, None)],
)
def test_labels_are_the_commands_else_the_configurations(
    tamma_home: Path, flags: dict[str, object], labels: tuple[str, ...] | None
) -> None:
    (tamma_home / "config.json").write_text('{"selection": {"labels": ["ready"], "most": 2}}')
    loaded = load_config(flags)
    if labels is None:
        with pytest.raises(ConfigError, match="no label"):
            rules_of(loaded)
        loaded = load_config({**flags, "selection.anyIssue": True})
    rules = rules_of(loaded)
    assert (rules.labels, rules.most) == (labels or (), 2)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("24h", 86_400), ("7d", 604_800)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert Length().convert(text, None, None) == seconds
    assert Length().convert(length(seconds), None, None) == seconds


FORGE = Account("code.example", "gitlab", ("code.example",))
BITBUCKET = Account("bitbucket.org", "bitbucket", ("bitbucket.org",))
ACCOUNTS = (FORGE, BITBUCKET, Account(PLAIN_GIT, PLAIN_GIT, (PLAIN_GIT,)))


@pytest.mark.parametrize(
    "text",
    ["code.example:group/sub/shop", "gitlab:group/sub/shop", "https://code.example/group/sub/shop.git"],
)
def test_a_repository_has_one_name(text: str) -> None:
    found = parse_repository(text, accounts=ACCOUNTS, default="code.example")
    assert found == RepoRef("code.example", "group/sub", "shop")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("bitbucket.org:team/shop", "bitbucket has no issues"),
        ("https://code.example/group/shop/-/issues/3", "no address of a repository"),
        ("https://user:canary@elsewhere.example/group/shop", "no address of a repository"),
        ("", "names no repository"),
    ],
)
def test_what_is_no_repository_with_issues_is_refused(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error) as refused:
        parse_repository(text, accounts=ACCOUNTS, default="code.example")
    assert "canary" not in f"{refused.value} {refused.value.hint}"
