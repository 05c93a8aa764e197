"""`tamma perf` over a real database and a real Temporal server."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.analysis import AnalysisActivities
from activities.store import StoreActivities
from tamma.analysis.periods import time_range
from tamma.analysis.sharing.groups import BOUNDS
from tamma.analysis.sharing.ledger import last_month, month_range
from tamma.cli import main
from tamma.model.agent import AgentConfig, Parameters
from tamma.model.analysis import TimeRange
from tamma.model.task import TASK_QUEUE
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tamma.temporal import analysis
from tests.analysis.made import add_agent, record, runs
from tests.cli.shop import configure
from tests.support.postgres import Server, postgres_server, postgres_servers
from workflows.performance_analysis import PerformanceAnalysis

__all__ = ["postgres_server", "postgres_servers"]

Captured = pytest.CaptureFixture[str]
Tamma = Callable[..., tuple[int, str, str]]
REPOS = tuple(f"canary-owner/repo-{number}" for number in range(12))


async def filled(dsn: str) -> PostgresStore:
    """Agents `shop` (worse of late) and `fast` (cheaper), runs of no agent, and a month that is over."""
    await migrate(dsn)
    store = PostgresStore(dsn, min_size=1, max_size=3)
    await store.open()
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    week = TimeRange(now - timedelta(days=7) + hour, now)
    earlier = TimeRange(week.start - timedelta(days=7), week.start - 2 * hour)
    (shop,) = await add_agent(store, "shop", AgentConfig("x", parameters=Parameters(temperature=0.9)))
    (fast,) = await add_agent(store, "fast", AgentConfig("x", model="small"))
    month = month_range(last_month(now), now)
    await record(
        store,
        runs(shop, 60, rate=0.9, within=earlier),
        runs(shop, 60, rate=0.5, seed=2, within=week),
        runs(fast, 60, rate=0.62, cost=0.04, seed=3, within=week),
        runs(None, 24, within=TimeRange(month.start, month.start + timedelta(days=1)), repos=REPOS),
    )
    return store


@pytest.fixture(scope="module")
def database(postgres_server: Server) -> str:
    dsn = postgres_server.dsn(postgres_server.create_database())

    async def prepare() -> None:
        await (await filled(dsn)).close()

    asyncio.run(prepare())
    return dsn


@pytest.fixture
def tamma(database: str, tamma_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Tamma:
    """Run `tamma perf ...`: its exit code, standard output, standard error."""
    monkeypatch.setenv("TAMMA_DATABASE_URL", database)
    (tamma_home / "config.json").write_text("{}")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main.run(("perf", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def of(tamma: Tamma, *arguments: str) -> Any:
    code, out, err = tamma(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def rows(tamma: Tamma, *arguments: str) -> list[dict[str, str]]:
    code, out, err = tamma(*arguments, "--csv")
    assert code == 0, err
    return list(csv.DictReader(io.StringIO(out)))


def test_a_report_of_one_agent_in_every_form(tamma: Tamma) -> None:
    code, out, err = tamma("report", "shop")
    assert (code, err) == (0, "")
    assert "worse than in the range before, at the same mix of tasks: success 90 % → 50 %" in out
    assert "\nsuccess\t50 %\t38 % to 62 %\t60\t90 %\n" in out
    assert "cost of a success\t0." in out
    assert "Worth testing" in out
    assert "tamma ab start --name rec-" in out
    shown = of(tamma, "report", "shop")
    assert shown["version"] == 1
    assert shown["agent"] == "shop"
    assert set(shown["metrics"]) >= {
        "averageDuration", "averageCost", "averageQuality", "successRate", "throughput", "contextEfficiency",
        "costPerSuccess", "durationP50", "durationP95", "errors",
    }  # fmt: skip
    assert shown["metrics"]["successRate"]["value"] == 0.5
    assert shown["previous"]["successRate"]["value"] == 0.9
    assert {"trends", "comparisons", "recommendations", "insights", "byTaskType", "byVersion"} <= set(shown)
    figures = {row["figure"]: row for row in rows(tamma, "report", "shop") if row["group"] == "range"}
    assert (figures["successRate"]["value"], figures["successRate"]["n"]) == ("0.5", "60")
    code, out, _ = tamma("report", "shop", "--markdown")
    assert "## Figures" in out
    assert "| success | 50 % | 38 % to 62 % | 60 | 90 % |" in out


def test_all_agents_side_by_side(tamma: Tamma) -> None:
    code, out, _ = tamma("report")
    assert code == 0
    assert "\nshop\t60\t50 % (38-62)\t" in out
    assert "\tsuccess worse\n" in out
    assert [each["agent"] for each in of(tamma, "report")["reports"]] == ["fast", "shop"]
    with_stock = of(tamma, "report", "--since", "3m")
    assert [each["agent"] for each in with_stock["reports"]] == ["fast", "shop", "(no agent)"]


def test_two_agents_are_compared(tamma: Tamma) -> None:
    code, out, _ = tamma("compare", "shop", "fast")
    assert code == 0
    assert "fast against shop: cost" in out
    assert "note: observed, not assigned: it suggests what to test, it proves nothing" in out
    cost = next(each for each in of(tamma, "compare", "shop", "fast")["metrics"] if each["metric"] == "cost")
    assert cost["significant"] is True
    assert 0.4 < cost["difference"] < 0.75
    assert [row["metric"] for row in rows(tamma, "compare", "shop", "fast")] == [
        "success",
        "quality",
        "cost",
        "duration",
    ]


def test_trends_with_their_regressions(tamma: Tamma) -> None:
    code, out, _ = tamma("trends", "shop", "--since", "14d", "--metric", "success")
    assert code == 0
    assert "shop\tsuccess\t120\tworse\tsuccess 90 % → 50 %" in out
    assert "Regressions" in out
    assert "shop: success 90 % → 50 %" in out
    (found,) = of(tamma, "trends", "shop", "--since", "14d", "--metric", "success")["trends"]
    assert found["direction"] == "worse"
    assert len(found["points"]) == 14
    assert len(rows(tamma, "trends", "shop", "--since", "14d")) == 4 * 14


def test_recommendations_and_insights(tamma: Tamma) -> None:
    found = of(tamma, "recommend", "shop")["recommendations"]
    peer = next(each for each in found if each["candidate"] == "fast@1")
    assert peer["command"].endswith("--live --repo '*:acme/calc' --primary cost")
    assert all(each["evidence"] for each in found)
    code, out, _ = tamma("recommend", "shop")
    assert code == 0
    assert f"{peer['id']} (cost, " in out
    assert {row["id"] for row in rows(tamma, "recommend", "shop")} == {each["id"] for each in found}
    code, out, _ = tamma("insights")
    assert "shop succeeded in 50 % (38 to 62 %, 60 runs)" in out
    assert all(any(letter.isdigit() for letter in line) for line in out.splitlines())
    assert of(tamma, "insights", "fast")["fast"]


def test_where_there_is_nothing_it_says_what_to_do(tamma: Tamma) -> None:
    for arguments in (
        ("report", "shop"),
        ("trends",),
        ("insights",),
        ("recommend",),
        ("compare", "shop", "fast"),
    ):
        code, _, err = tamma(*arguments, "--repo", "nowhere/at-all")
        assert code == 0, arguments
        assert "no run ended from" in err
        assert "hint: a longer --since" in err
    nothing = of(tamma, "report", "shop", "--repo", "nowhere/at-all")
    assert (nothing["metrics"]["runs"], nothing["insights"]) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ("report shpo", "no agent 'shpo'", "fast, shop"),
        ("report shop@9", "no version '9'", "1 to 1"),
        ("report --since soon", "no length of time", "36h"),
        ("report --from 2030-01-02 --to 2030-01-01", "is empty", "--from"),
        ("report --since 7d --last-week", "two time ranges", "one of them"),
        ("report --to 0001-01-02", "nothing is known of the time before 0001", "--to"),
        ("report --from 0001-01-01T00:00+14:00", "no day and no moment", "2030-01-31"),
        ("report --task-type cooking", "'cooking'", "--help"),
        ("compare shop", "AGENT", "--help"),
        ("share", "--preview or --export", "preview"),
        ("share --preview", "sharing is off", "privacy.md"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(tamma: Tamma, arguments: str, error: str, hint: str) -> None:
    code, out, told = tamma(*arguments.split())
    assert (code, out, error in told, hint in told) == (2, "", True, True), told


def test_what_is_shared_is_what_was_shown(tamma: Tamma, tamma_home: Path, tmp_path: Path) -> None:
    (tamma_home / "config.json").write_text('{"sharing": {"enabled": true, "epsilon": 0.5}}')
    code, preview, err = tamma("share", "--preview")
    assert code == 0
    assert "epsilon 0.5, drawn now, and kept; all releases so far: 0.5 of at most 12" in err
    file = tmp_path / "shared.json"
    code, out, err = tamma("share", "--export", str(file))
    assert (code, out) == (0, "")
    assert "drawn before; all releases so far: 0.5" in err
    assert "nothing was sent anywhere" in err
    assert file.read_text() == preview
    assert "canary" not in preview
    (group,) = json.loads(preview)["groups"]
    assert set(group["sums"]) == set(BOUNDS)
    code, _, err = tamma("share", "--preview", "--month", f"{datetime.now(UTC):%Y-%m}")
    assert (code, "is not over" in err) == (2, True)
    code, _, err = tamma("share", "--preview", "--month", "9999-12")
    assert (code, "is not over" in err) == (2, True)
    code, _, err = tamma("share", "--export", str(tmp_path / "nowhere" / "shared.json"))
    assert (code, "cannot be written: No such file" in err) == (2, True)


async def test_it_is_analysed_now_and_by_schedule(
    client: Client,
    temporal_address: str,
    database: str,
    tamma_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    configure(tamma_home, temporal_address, monkeypatch)
    monkeypatch.setenv("TAMMA_DATABASE_URL", database)

    async def perf(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main.run, ("perf", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    store = PostgresStore(database, min_size=1, max_size=3)
    await store.open()
    ours, small = AnalysisActivities(store, recommend=True), StoreActivities(store)
    handlers: list[Callable[..., Any]] = [
        ours.analyse_agents, ours.propose_test, ours.keep_proposals, small.record_event,
    ]  # fmt: skip
    try:
        async with Worker(
            client, task_queue=TASK_QUEUE, workflows=[PerformanceAnalysis], activities=handlers
        ):
            code, out, err = await perf("analyze")
            assert code == 0, err
            assert out.startswith("2 agents, 120 runs: ")
            assert "regression: shop: success" in out
            found = json.loads((await perf("analyze", "--json"))[1])
            assert found["key"].startswith("analysis/manual/")
        assert (await perf("schedule"))[1].startswith("nothing is scheduled")
        code, out, err = await perf("schedule", "--weekly")
        assert (code, out.splitlines()[0]) == (0, "analysed weekly"), err
        assert json.loads((await perf("schedule", "--show", "--json"))[1])["rhythm"] == "weekly"
        assert (await perf("schedule", "--daily"))[1].startswith("analysed daily\nnext  ")
        assert (await perf("schedule", "--off"))[1].startswith("nothing is scheduled")
    finally:
        await analysis.remove_schedule(client)
        await store.close()


def test_the_last_week_is_a_whole_one() -> None:
    found = time_range(datetime.now(UTC), last_week=True)
    assert (found.start.isoweekday(), found.end - found.start) == (1, timedelta(days=7))
