"""A run that only suggests, as it is handed in, shown, and its patch printed."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.cli import gates, lines, main, output, patching, shapes, sheet, story
from tamma.cli.commands.approve import aimed
from tamma.cli.story import Frame
from tamma.model.ids import BlobId
from tamma.model.suggestion import PATCH_MADE, SUGGESTED, PatchRef, PatchStage, patch_data
from tamma.model.task import Approval, Gate, Phase, TaskStatus, Waiting
from tamma.store.interface import NewEvent
from tamma.store.memory import MemoryStore
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tamma.temporal.run_errors import RunRefused
from tests.cli.samples import DONE, PLANNED, TASK, record
from tests.cli.shop import shop_of
from tests.cli.test_agent_runs import terminal
from tests.cli.test_commands import Terminal
from tests.support.loop import git
from tests.support.postgres import postgres_dsn, postgres_server, postgres_servers

__all__ = ["postgres_dsn", "postgres_server", "postgres_servers", "terminal"]

PATCH = PatchRef(BlobId("sha256:" + "1" * 64), "a" * 40, PatchStage.CHANGE, 321, ("parse.py",), 1, 4, 2)
WAITS = replace(
    PLANNED,
    phase=Phase.IMPLEMENT,
    status=TaskStatus.PAUSED,
    branch="",
    session_workflow="",
    workflow_type="manual-assist",
    patch=PATCH,
    waiting_for=Waiting(Gate.PATCH, "the change: 1 file, +4 -2", "`tamma patch TASK` shows it"),
)
SUGGESTS = replace(
    DONE,
    branch="",
    pull_request="",
    pull_request_url="",
    merge_sha="",
    workflow_type="manual-assist",
    patch=replace(PATCH, stage=PatchStage.SUGGESTION),
    suggested=True,
)


# --- shown ---------------------------------------------------------------------------------------


def test_it_is_shown_without_what_it_never_does() -> None:
    labels = [step.label for step in story.steps(Frame(WAITS))]
    assert labels[-2:] == ["Review", "Suggest"]
    assert not {"Publish", "Checks", "Merge", "Close"} & set(labels)
    assert "Suggest" not in [step.label for step in story.steps(Frame(DONE))]
    told = sheet.lines(Frame(WAITS))
    assert "  pushes       nothing: manual-assist" in told
    assert f"  patch        1 file, +4 -2: `tamma patch {TASK}`" in told
    assert f"  hint: `tamma patch {TASK}` shows it" in told
    assert not any(line.strip().startswith("branch") for line in told)


def test_it_ends_with_the_word_suggested() -> None:
    told = sheet.lines(Frame(SUGGESTS))
    assert "  status       completed (suggested)" in told
    assert f"  [x] Suggest        1 file, +4 -2: `tamma patch {TASK}`" in told
    ending = lines.ending(Frame(SUGGESTS))
    assert f"completed · suggested 1 file, +4 -2: `tamma patch {TASK}` · " in ending
    left = replace(SUGGESTS, suggested=False, status=TaskStatus.CANCELLED)
    assert f" · left 1 file, +4 -2: `tamma patch {TASK}` · " in lines.ending(Frame(left))


def test_its_json_says_what_it_is() -> None:
    shape = shapes.task_json(replace(record(SUGGESTS), workflow_type="manual-assist"), SUGGESTS, None)
    assert (shape["workflowType"], shape["suggested"], shape["branch"]) == ("manual-assist", True, None)
    assert shape["patch"] == {
        "stage": "suggestion",
        "blob": PATCH.blob,
        "baseSha": "a" * 40,
        "bytes": 321,
        "files": ["parse.py"],
        "filesTotal": 1,
        "added": 4,
        "removed": 2,
    }
    plain = shapes.task_json(record(DONE), DONE, None)
    assert (plain["workflowType"], plain["patch"], plain["suggested"]) == ("autonomous-dev", None, False)


def test_a_person_at_the_terminal_is_asked_for_the_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    answer = gates.ask(WAITS)
    assert answer is not None
    assert answer == replace(gates.approval(Gate.PATCH, "approve"), patch=PATCH)


def test_a_yes_is_to_the_patch_that_was_seen() -> None:
    yes = Approval(Gate.PLAN, "approve", by="ada")
    to_patch = replace(yes, gate=Gate.PATCH, patch=PATCH)
    assert aimed(WAITS, yes, None, None) == to_patch
    assert aimed(WAITS, yes, Gate.PATCH, "change") == to_patch
    with pytest.raises(RunRefused, match="the patch that waits is the change, not the failing-test"):
        aimed(WAITS, yes, Gate.PATCH, "failing-test")
    elsewhere = replace(WAITS, waiting_for=Waiting(Gate.MERGE, "why", "what"))
    assert aimed(elsewhere, yes, None, None) == replace(yes, gate=Gate.MERGE)
    assert aimed(elsewhere, yes, Gate.PATCH, "change") == replace(yes, gate=Gate.PATCH), "the run refuses it"


# --- handed in -----------------------------------------------------------------------------------


def submitted(tmp_path: Path, *more: str) -> list[str]:
    issue = tmp_path / "bug.md"
    issue.write_text("# Bug\n\nIt crashes.\n")
    (tmp_path / "repo").mkdir(exist_ok=True)
    where = ["submit", str(tmp_path / "repo"), "--issue", str(issue), "--provider", "scripted"]
    return [*where, "--dry-run", "--json", *more]


def test_it_is_handed_in_with_every_gate(
    tmp_path: Path, tamma_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(submitted(tmp_path, "--workflow-type", "manual-assist")) == 0
    order = json.loads(capsys.readouterr().out)
    assert (order["workflowType"], order["approve"], order["merge"]) == ("manual-assist", "all", "never")
    (tamma_home / "config.json").write_text('{"run": {"workflowType": "manual-assist", "approve": "plan"}}')
    assert main.run(submitted(tmp_path)) == 0
    assert json.loads(capsys.readouterr().out)["approve"] == "all", "a configured policy is for other runs"
    assert main.run(submitted(tmp_path, "--workflow-type", "autonomous-dev")) == 0
    assert json.loads(capsys.readouterr().out)["approve"] == "plan"


@pytest.mark.parametrize("wish", [("--approve", "plan"), ("--merge", "auto")])
def test_wishes_that_it_cannot_keep_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wish: tuple[str, str]
) -> None:
    assert main.run(submitted(tmp_path, "--workflow-type", "manual-assist", *wish)) == 2
    assert "asks at every gate and merges nothing" in capsys.readouterr().err


# --- the patch -----------------------------------------------------------------------------------


async def test_the_newest_patch_counts() -> None:
    store = MemoryStore()
    with pytest.raises(patching.NoPatch, match="the run t1 has made no patch"):
        await patching.newest(store, "t1")
    tags = ("task:t1",)
    await store.append_events((NewEvent("p1", PATCH_MADE, tags, "agent", patch_data(PATCH)),))
    assert await patching.newest(store, "t1") == (PATCH, False)
    last = replace(PATCH, stage=PatchStage.SUGGESTION)
    await store.append_events(
        (
            NewEvent("p2", PATCH_MADE, tags, "agent", patch_data(last)),
            NewEvent("s", SUGGESTED, tags, "tamma", {}),
        )
    )
    assert await patching.newest(store, "t1") == (last, True)
    await store.append_events((NewEvent("p3", PATCH_MADE, tags, "agent", patch_data(PATCH)),))
    assert await patching.newest(store, "t1") == (PATCH, False), "it was worked on since"


def test_bytes_are_printed_as_they_are_but_not_to_a_terminal(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    output.exact(b"+caf\xe9\r\n+\x1b[2J\n")
    assert capfdbinary.readouterr().out == b"+caf\xe9\r\n+\x1b[2J\n"
    monkeypatch.setattr(output, "terminal", lambda: True)
    output.exact(b"+caf\xe9\r\n+\x1b[2J\n")
    assert b"\x1b" not in capfdbinary.readouterr().out


def test_json_holds_a_patch_that_is_text() -> None:
    document = shapes.patch_document("t1", PATCH, b"+a\n", suggested=True)
    assert (document["patch"], document["stage"], document["suggested"]) == ("+a\n", "change", True)
    assert shapes.patch_document("t1", PATCH, b"+\xe9\n", suggested=True)["patch"] is None


@pytest.fixture
async def store(postgres_dsn: str) -> AsyncIterator[PostgresStore]:
    await migrate(postgres_dsn)
    store = PostgresStore(postgres_dsn, min_size=1, max_size=4)
    await store.open()
    yield store
    await store.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_as_it_is_typed(
    client: Client, tmp_path: Path, terminal: Terminal, store: PostgresStore
) -> None:
    async with shop_of(tmp_path).worker(client, tmp_path, store=store) as loop:
        submit = ("submit", terminal.issue, "--provider", "scripted", "--workflow-type", "manual-assist")
        code, out, err = await terminal.type(*submit, "--watch")
        assert code == 1, err
        assert "waiting for you (plan)" in out
        code, _, err = await terminal.type("patch", terminal.issue)
        assert (code, "has made no patch" in err) == (1, True)
        for stage in ("failing test", "change", "suggestion"):
            assert (await terminal.type("approve", terminal.issue))[0] == 0
            assert (await terminal.type(*submit, "--watch"))[0] == 1, "it waits again"
            shown = await terminal.json("status", terminal.issue)
            assert (shown["waitingFor"]["gate"], shown["patch"]["stage"]) == ("patch", stage)
        file = tmp_path / "suggestion.patch"
        code, out, err = await terminal.type("patch", terminal.issue, "--output", str(file))
        assert (code, out, err) == (0, "", f"written: {file}\n")
        said = await terminal.json("patch", terminal.issue)
        assert (said["patch"], said["suggested"]) == (file.read_text(), False)
        code, out, err = await terminal.type("patch", terminal.issue)
        assert (code, out) == (0, file.read_text())
        git(tmp_path, "clone", "-q", str(loop.remote), "clone")
        git(tmp_path / "clone", "apply", "--3way", str(file))
        assert "/ len(values)" in (tmp_path / "clone/calc.py").read_text()

        assert (await terminal.type("approve", terminal.issue, "--gate", "patch"))[0] == 0
        code, out, err = await terminal.type("watch", terminal.issue)
        assert code == 0, err
        assert "completed · suggested 2 files, " in out
        shown = await terminal.json("status", terminal.issue)
        assert (shown["workflowType"], shown["suggested"], shown["branch"]) == ("manual-assist", True, None)
        assert (await terminal.json("patch", terminal.issue))["suggested"]
