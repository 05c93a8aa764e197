"""`tamma budget show`, `set` and `remove` over a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tamma.cli import main
from tamma.model.budget import Reservation, Settlement
from tamma.model.ids import TaskId
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.support.postgres import Server, postgres_server, postgres_servers

__all__ = ["postgres_server", "postgres_servers"]

Tamma = Callable[..., tuple[int, str, str]]


@pytest.fixture
def database(postgres_server: Server) -> str:
    dsn = postgres_server.dsn(postgres_server.create_database())
    asyncio.run(migrate(dsn))
    return dsn


@pytest.fixture
def tamma(
    tamma_home: Path, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tamma:
    """Run `tamma budget ...`: its exit code, standard output, standard error."""
    monkeypatch.setenv("TAMMA_DATABASE_URL", database)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main.run(("budget", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


async def spend(database: str) -> None:
    """One run has spent 1.25 USD, another holds a dollar."""
    store, now = PostgresStore(database, min_size=1, max_size=1), datetime.now(UTC)
    await store.open()
    for task, spent in (("a", Decimal("1.25")), ("b", None)):
        wish = Reservation(TaskId(task), "run-0", "github:acme/calc", f"dev/{task}", "r")
        await store.reserve(wish, Decimal(1), Decimal(1), now, Settlement(""))
        if spent is not None:
            await store.settle(TaskId(task), Settlement("run-0", spent), now)
    await store.close()


def test_limits_are_set_shown_changed_and_removed(tamma: Tamma, database: str) -> None:
    code, out, err = tamma("show")
    assert (code, out) == (0, "")
    assert "tamma budget set" in err
    asyncio.run(spend(database))
    assert tamma("set", "20", "--per", "month")[:2] == (0, "")
    assert tamma("set", "$2.5", "--repo", "Acme/*", "--per", "day")[0] == 0
    assert tamma("set", "0", "--repo", "acme/*", "--per", "total")[0] == 0
    code, out, err = tamma("show", "--json")
    assert code == 0, err
    shown = json.loads(out)
    figures = {
        (each["scope"], each["per"]): (
            each["limitUsd"],
            each["spentUsd"],
            each["reservedUsd"],
            each["leftUsd"],
        )
        for each in shown["limits"]
    }
    assert figures == {
        ("*", "month"): (20, 1.25, 1, 17.75),
        ("*:acme/*", "day"): (2.5, 1.25, 1, 0.25),
        ("*:acme/*", "total"): (0, 1.25, 1, 0),
    }
    assert [each["turnsAt"] is None for each in shown["limits"]] == [False, False, True]
    assert [(each["taskId"], each["usd"]) for each in shown["reservations"]] == [("b", 1)]
    assert tamma("remove", "--repo", "acme/*", "--per", "total")[0] == 0
    code, out, _ = tamma("show")
    assert out.splitlines()[1].startswith("all\tmonth\t$20.00\t$1.25\t$1.00\t$17.75")
    assert "never" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("set", "-1", "--per", "day"), "no such option"),
        (("set", "nan", "--per", "day"), "no positive amount"),
        (("set", "5", "--per", "week"), "'week'"),
        (("set", "5"), "--per"),
        (("remove", "--per", "day"), "there is no limit for '*' per 'day'"),
    ],
)
def test_what_makes_no_sense_is_refused(tamma: Tamma, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = tamma(*arguments)
    assert (code, out) == (2, "")
    assert words.lower() in err.lower()
