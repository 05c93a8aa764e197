"""`tamma ab` over real servers: from a plan's figures to an applied version and its report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.cli.main import run
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.cli.shop import configure
from tests.support.experiments import Lab, lab
from tests.support.postgres import Server, postgres_server, postgres_servers

__all__ = ["postgres_server", "postgres_servers"]


@dataclass
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Tamma = Callable[..., Coroutine[Any, Any, Said]]


@dataclass
class Desk:
    """A lab, and the command line beside it."""

    lab: Lab
    tamma: Tamma

    @property
    def arms(self) -> list[str]:
        return ["--control", "plain", "--candidate", "bold", "--suite", "drill"]


@asynccontextmanager
async def desk(
    client: Client,
    folder: Path,
    home: Path,
    address: str,
    server: Server,
    patch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    **rates: Any,
) -> AsyncGenerator[Desk]:
    dsn = server.dsn(server.create_database())
    await migrate(dsn)
    configure(home, address, patch)
    patch.setenv("TAMMA_DATABASE_URL", dsn)
    store = PostgresStore(dsn, min_size=1, max_size=5)
    await store.open()

    async def tamma(*arguments: str) -> Said:
        code = await asyncio.to_thread(run, ("ab", *arguments))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    try:
        async with lab(client, folder, tasks=24, store=store, **rates) as made:
            yield Desk(made, tamma)
    finally:
        await store.close()


@pytest.mark.slow
async def test_a_test_from_its_plan_to_its_report(
    client: Client,
    temporal_address: str,
    postgres_server: Server,
    tmp_path: Path,
    tamma_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = (tmp_path, tamma_home, temporal_address, postgres_server, monkeypatch, capsys)
    async with desk(client, *given, control=0.1, candidate=0.95) as it:
        tamma, name = it.tamma, "quicker"

        small = await tamma("plan", *it.arms)
        assert small.code == 2
        assert "the suite has 24" in small.err
        assert "choose --sample-size 24 " in small.err

        plan = tmp_path / "plan.yaml"
        plan.write_text(
            f"name: {name}\ncontrol: plain\ncandidate: bold@1\nsuite: drill\nsampleSize: 24\n"
            "minimumEffectSize: 0.2\nconcurrency: 12\ncanary: {runs: 0}\n"
            "guardrails: [{metric: cost, margin: 1}]\n"
        )
        shown = await tamma("plan", "--plan", str(plan))
        assert shown.code == 0, shown.err
        assert "quicker: plain@1 against bold@1, on the suite drill" in shown.out
        assert "assumed" in shown.out
        forecast = (await tamma("plan", "--plan", str(plan), "--looks", "3", "--json")).json
        assert forecast["forecast"]["trials"] == 48
        assert [look["units"] for look in forecast["looks"]] == [8, 16, 24]

        unasked = await tamma("start", "--plan", str(plan))
        assert (unasked.code, "--yes" in unasked.err) == (2, True)
        assert (await tamma("list", "--json")).json == []

        started = await tamma("start", "--plan", str(plan), "--yes", "--json")
        assert started.code == 0, started.err
        test_id = started.json["testId"]
        assert "trials" in started.err
        watched = await tamma("watch", name)
        assert watched.code == 0, watched.err
        assert "awaiting-approval" in watched.out
        status = (await tamma("status", test_id[:18], "--json")).json
        assert status["winner"] == "agentB"
        assert status["agentA"] == "plain@1"
        assert status["verdict"]["decision"] == "winner"
        assert status["progress"]["units"] >= status["progress"]["looks"][-1]["units"] > 5

        paused = await tamma("pause", name)
        assert paused.code == 1
        assert "nothing to pause" in paused.err
        said = await asyncio.gather(tamma("approve", name, "--reason", "good"), tamma("approve", name))
        assert sorted(each.code for each in said) == [0, 1]
        final = (await tamma("watch", name, "--json")).out.splitlines()[-1]
        assert json.loads(final)["state"] == "applied"
        again = await tamma("approve", name)
        assert again.code == 1
        assert "is over" in again.err
        status = await tamma("status", name)
        assert "applied    plain@2" in status.out
        rows = (await tamma("list")).out.splitlines()
        assert rows[0].split("\t")[:3] == ["NAME", "ID", "STATE"]
        assert rows[1].split("\t")[2:4] == ["applied", "winner"]

        for option in ("--bundle", "--html"):
            lost = await tamma("report", name, option, str(tmp_path / "nowhere" / "file"))
            assert (lost.code, "cannot be written: No such file" in lost.err) == (2, True)
        kept = tmp_path / "bundle.json"
        report = await tamma("report", name, "--markdown", "--bundle", str(kept))
        assert report.code == 0, report.err
        assert report.out.startswith("# A/B test: quicker")
        again = await tamma("report", "--from-bundle", str(kept), "--markdown")
        assert (again.code, again.err) == (0, "")
        changed = json.loads(kept.read_text())
        bare = tmp_path / "bare.json"
        bare.write_text(json.dumps({**changed, "looks": []}))
        claimed = await tamma("report", "--from-bundle", str(bare), "--csv")
        assert (claimed.code, "no look that it follows from" in claimed.err) == (1, True)
        for outcome in changed["outcomes"]:
            outcome["success"] = True
        kept.write_text(json.dumps(changed))
        wrong = await tamma("report", "--from-bundle", str(kept), "--csv")
        assert wrong.code == 1
        assert "does not come out as it was recorded" in wrong.err
        assert len(wrong.out.splitlines()) > 10


MISTAKES = (
    (("status", "nothing"), "there is no A/B test 'nothing'"),
    (("plan", "--control", "plain"), "candidate: is missing"),
    (("plan", "--control", "plian", "--candidate", "bold"), "there is no agent 'plian'"),
    (("plan", "--control", "plain@9", "--candidate", "bold"), "no version 9"),
    (("plan", "--control", "plain", "--candidate", "bold", "--suite", "x"), "there are: drill"),
    (("plan", "--control", "plain", "--candidate", "plain"), "same configuration"),
    (("plan", "--control", "plain", "--candidate", "bold", "--live"), "people's repositories"),
    (("plan", "--guardrail", "cost"), "is no guardrail"),
    (("plan", "--guardrail", "cots=0.1"), "no metric 'cots'"),
    (
        ("plan", "--control", "plain", "--candidate", "bold", "--confidence", "95"),
        "--confidence: 95.0",
    ),
    (("report",), "name a test"),
    (("report", "--from-bundle", "/nowhere"), "cannot be read"),
)
"""All are told as the user's, with exit code 2."""


async def test_what_cannot_be_understood_is_said(
    client: Client,
    temporal_address: str,
    postgres_server: Server,
    tmp_path: Path,
    tamma_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = (tmp_path, tamma_home, temporal_address, postgres_server, monkeypatch, capsys)
    async with desk(client, *given) as it:
        for arguments, words in MISTAKES:
            said = await it.tamma(*arguments)
            assert (said.code, said.out) == (2, ""), said
            assert words in said.err


def test_a_plan_file_with_a_strange_key_names_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"control": "a", "candidate": "b", "sampelSize": 3}')
    from tamma.experiments.plan_form import form_of, read_plan_file

    with pytest.raises(Exception, match="sampelSize") as caught:
        form_of(read_plan_file(plan))
    assert "sampleSize" in str(getattr(caught.value, "hint", ""))
