"""`tamma bench` over a real database and a real Temporal, with a worker in this process."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.cli import main
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.suites.test_swebench import instance, write
from tests.support.loop import running_loop
from tests.support.postgres import Server, postgres_server, postgres_servers
from tests.support.trials import stored_agent
from tests.workflows.test_bench_runs import GOOD, POOR

__all__ = ["postgres_server", "postgres_servers"]

Tamma = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
async def tamma(
    client: Client,
    temporal_address: str,
    postgres_server: Server,
    tamma_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Tamma]:
    """Run `tamma bench ...` beside a worker: its exit code, standard output, standard error."""
    dsn = postgres_server.dsn(postgres_server.create_database())
    await migrate(dsn)
    store = PostgresStore(dsn, min_size=1, max_size=8)
    await store.open()
    for name in ("good", "poor"):
        await stored_agent(store, name)
    monkeypatch.setenv("TAMMA_DATABASE_URL", dsn)
    monkeypatch.setenv("TAMMA_TEMPORAL_ADDRESS", temporal_address)
    # The worker is this test's own: the command is to start none.
    (tamma_home / "config.json").write_text(json.dumps({"mode": "orchestrator"}))

    async def run(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main.run, ("bench", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    async with running_loop(client, tmp_path, store=store, accounts=(GOOD, POOR)):
        yield run
    await store.close()


async def test_from_a_suite_to_a_report(tamma: Tamma) -> None:
    code, out, _ = await tamma("import", "--rehearsal", "20", "--name", "small", "--json")
    assert code == 0
    assert json.loads(out)["tasks"] == 20
    code, out, err = await tamma(
        "run", "small", "--agent", "good@1", "--agent", "poor@1", "--concurrency", "8", "--watch", "--json"
    )
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    assert found["state"] == "completed"
    good, poor = found["arms"]
    assert good["ended"] == poor["ended"] == 20
    assert good["success"] > poor["success"]
    low, high = good["successInterval"]
    assert low < good["success"] < high
    assert found["comparisons"][0]["success"]["method"] == "mcnemar-exact"
    assert found["comparisons"][0]["losses"] > found["comparisons"][0]["wins"]
    assert "scripted outcomes" in found["reportNotes"][0]

    code, out, _ = await tamma("report", found["benchId"][-6:], "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 40
    assert sum(int(row["solved"]) for row in rows if row["agent"] == "good@1") == good["solved"]
    code, out, _ = await tamma("report", "--markdown")
    assert f"| good@1 | {good['solved']}/20 |" in out
    code, out, _ = await tamma("report")
    heads, row = (line.split("\t") for line in out.splitlines()[:2])
    assert dict(zip(heads, row, strict=True))["SOLVED"] == f"{good['solved']}/20"
    assert f"good@1 failed of: hidden-tests ({20 - good['solved']})" in out
    code, out, _ = await tamma("list", "--json")
    assert [each["benchId"] for each in json.loads(out)] == [found["benchId"]]
    code, out, _ = await tamma("status")
    assert "20 tasks" in out
    assert "40 of 40 ended" in out
    code, _, err = await tamma("stop")
    assert code == 2
    assert "is over: completed" in err


async def test_results_of_others_are_kept_with_unknown_costs(tamma: Tamma, tmp_path: Path) -> None:
    lines = [instance(instance_id=f"acme__calc-{n}") for n in range(4)]
    code, _, err = await tamma("import", str(write(tmp_path, *lines)), "--name", "verified")
    assert code == 0, err
    report = {
        "total_instances": 4, "resolved_ids": ["acme__calc-0", "acme__calc-1"], "schema_version": 2,
        "unresolved_ids": ["acme__calc-2", "other-1"], "empty_patch_ids": [], "error_ids": [],
    }  # fmt: skip
    path = tmp_path / "some-model.run1.json"
    path.write_text(json.dumps(report))
    code, out, err = await tamma("import", str(path), "--results", "--suite", "verified", "--json")
    assert code == 0, err
    made = json.loads(out)
    assert made["state"] == "imported"
    assert "1 tasks are not in the suite" in made["reason"]
    code, out, _ = await tamma("report", "--json")
    arm = json.loads(out)["arms"][0]
    assert (arm["label"], arm["solved"], arm["ended"], arm["missing"]) == ("some-model", 2, 3, 1)
    assert arm["costUsd"] is None
    assert arm["medianSeconds"] is None

    predictions = tmp_path / "preds.json"
    predictions.write_text(json.dumps([{"instance_id": "acme__calc-0", "model_patch": "x"}]))
    code, _, err = await tamma("import", str(predictions), "--results", "--suite", "verified")
    assert code == 2
    assert "predictions: they do not say which tasks they solve" in err


async def test_what_is_wrong_is_said_before_anything_runs(tamma: Tamma, tmp_path: Path) -> None:
    code, _, err = await tamma("report")
    assert (code, "there are no benchmarks" in err) == (2, True)
    await tamma("import", "--rehearsal", "3", "--name", "tiny")
    cases = [
        (("run", "tinny", "--agent", "good@1"), "did you mean 'tiny'?"),
        (("run", "tiny", "--agent", "goood@1"), "did you mean 'good'?"),
        (("run", "tiny", "--agent", "good"), "has no active version"),
        (("run", "tiny", "--agent", "good@9"), "has no version 9"),
        (("run", "tiny", "--agent", "good@x"), "names no version"),
        (("run", "tiny", "--agent", "good@1", "--agent", "good@1"), "is given twice"),
        (("run", "tiny", "--agent", "good@1", "--budget", "NaN"), "positive amount"),
        (("run", "tiny", "--agent", "good@1", "--instructions", "none.md"), "cannot be read"),
        (("report", "nothing"), "there is no one benchmark"),
        (("report", "--csv", "--json"), "give one of"),
        (("import",), "give a FILE"),
        (("import", str(write(tmp_path, "{broken")), "--name", "x"), "line 1: this is not JSON"),
        (("show", "none"), "there is no suite 'none'"),
    ]
    for arguments, said in cases:
        code, out, err = await tamma(*arguments)
        assert code == 2, arguments
        assert said in err, arguments
        assert out == ""


async def test_a_suite_is_shown_without_its_tests_and_solutions(tamma: Tamma, tmp_path: Path) -> None:
    await tamma("import", str(write(tmp_path, instance())), "--name", "one")
    for form in ((), ("--json",)):
        code, out, _ = await tamma("show", "one", *form)
        assert code == 0
        assert "acme__calc-12" in out
        assert "mean() is too small" in out
        assert "def test_two" not in out
        assert "len(values)\n" not in out


async def test_the_samples_are_imported(tamma: Tamma, tamma_home: Path) -> None:
    code, out, err = await tamma("import", "--samples", "--json")
    assert code == 0, err
    assert json.loads(out)["tasks"] == 5
    assert (tamma_home / "suites/samples/textkit/.git").is_dir()
    code, out, _ = await tamma("list", "--suites", "--json")
    assert [suite["name"] for suite in json.loads(out)] == ["samples"]
