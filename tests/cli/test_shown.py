"""Runs in plain lines, on a sheet, in the live display, and as JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from tamma.cli import shapes, sheet, story
from tamma.cli.lines import Teller
from tamma.cli.render import Picture
from tamma.cli.story import Frame, Mark
from tamma.model.repository import RepoRef
from tamma.model.task import Phase, Spend, TaskStatus, TaskView
from tests.cli import samples
from tests.cli.samples import ASKING, BEGUN, CHOOSING, DONE, FAILED, GATED, PLANNED, progress, record

UI = "http://127.0.0.1:8233"


def test_lines_tell_a_whole_run_once() -> None:
    teller = Teller()
    told: list[str] = []
    for seconds, view, live in (
        (1, BEGUN, None),
        (2, BEGUN, None),
        (9, PLANNED, None),
        (12, PLANNED, progress(1, "view parse.py")),
        (12, PLANNED, progress(1, "view parse.py")),
        (14, PLANNED, progress(3, "view parse.py", "create tests/test_parse.py", "bash pytest")),
        (60, DONE, None),
        (61, DONE, None),
    ):
        told += teller.tell(Frame(view, live, seconds, UI))
    assert told == [
        f"acme/tools#12: Empty input crashes (anthropic-claude/claude-x) · task {samples.TASK}",
        "  http://127.0.0.1:8233",
        "[00:01] Workspace",
        "  sandbox bwrap",
        "  The parser takes empty input for a number.",
        "[00:09] Failing test",
        "    view parse.py  (2 turns, $0.0165)",
        "    create tests/test_parse.py",
        "    bash pytest  (4 turns, $0.0365)",
        "  red, as it must be: pytest tests/test_parse.py (exit 1)",
        "  green: pytest (exit 0)",
        "  2 files, +14 -3",
        "  https://github.com/acme/tools/pull/7",
        "  0123456789 on main",
        "  note: the repository's own tests were red before",
        (
            "[01:00] completed · merged into main as 0123456789 · 9 turns · 41.2k in (30.0k cached) "
            "· 1.9k out · $0.18 of $3.00 · 1m 00s"
        ),
    ]


def test_lines_say_what_waits_and_that_it_goes_on() -> None:
    teller = Teller()
    teller.tell(Frame(BEGUN))
    assert teller.tell(Frame(GATED))[-2:] == [
        "  waiting for you (plan): the plan waits for approval",
        f"    `tamma approve {samples.TASK}`",
    ]
    assert teller.tell(Frame(GATED)) == []
    assert "  goes on" in teller.tell(Frame(PLANNED))


def test_questions_and_options_are_shown_where_they_wait() -> None:
    told = Teller().tell(Frame(ASKING))
    assert told[-7:] == [
        "  waiting for you (questions): the issue leaves open what is wanted",
        "    1. An error?",
        "       - why it matters: callers",
        "       - a) an error",
        "       - b) nothing (default)",
        "    2. Since when?",
        f"    `tamma answer {samples.TASK}`",
    ]
    assert "  [!] Plan" in "\n".join(sheet.lines(Frame(ASKING)))
    chosen = sheet.lines(Frame(CHOOSING))
    for line in (
        "    1. guard (recommended): return early",
        "       - against: bigger",
        "    An error? nothing (ada)",
        "    Since when? always (the plan's default)",
    ):
        assert line in chosen
    assert any("2. Since when?" in line for line in draw(Frame(ASKING), 80))


def test_lines_admit_steps_that_passed_between_two_looks() -> None:
    teller = Teller()
    teller.tell(Frame(PLANNED, progress(1, "a")))
    assert "    … 7 more steps" in teller.tell(Frame(PLANNED, progress(10, "x", "y")))


def test_a_failure_names_its_reason() -> None:
    assert "failed · the change cannot be published: it is empty" in Teller().tell(Frame(FAILED))[-1]


@pytest.mark.parametrize(
    ("view", "marks"),
    [
        (BEGUN, {Phase.ACCEPT: Mark.DONE, Phase.CONTEXT: Mark.NOW, Phase.MERGE: Mark.TODO}),
        (GATED, {Phase.PLAN: Mark.DONE, Phase.APPROVE_PLAN: Mark.WAITING}),
        (FAILED, {Phase.PLAN: Mark.DONE, Phase.RED_TEST: Mark.FAILED, Phase.IMPLEMENT: Mark.TODO}),
        (DONE, {Phase.MERGE: Mark.DONE, Phase.CLOSE: Mark.DONE}),
        (replace(DONE, merge_sha=""), {Phase.MERGE: Mark.TODO, Phase.PUBLISH: Mark.DONE}),
    ],
)
def test_marks(view: TaskView, marks: dict[Phase, Mark]) -> None:
    found = {step.phase: step.mark for step in story.steps(Frame(view))}
    assert {phase: found[phase] for phase in marks} == marks


def test_plain_git_has_no_checks_and_gates_show_only_while_they_stand() -> None:
    local = replace(BEGUN, repo=RepoRef("plain-git", "", "/srv/tools"))
    assert Phase.CHECKS in {step.phase for step in story.steps(Frame(BEGUN))}
    assert Phase.CHECKS not in {step.phase for step in story.steps(Frame(local))}
    assert Phase.APPROVE_PLAN not in {step.phase for step in story.steps(Frame(PLANNED))}
    assert story.label(local) == "tools#12"


def test_sheet_of_a_gated_run() -> None:
    text = "\n".join(sheet.lines(Frame(GATED, None, 75, UI)))
    assert "  status       paused (approve-plan)" in text
    assert "  [!] Plan approval" in text
    assert "  waiting for you (plan): the plan waits for approval" in text
    assert f"tamma approve {samples.TASK}" in text
    assert "    2. Mend it" in text


def draw(frame: Frame, width: int, encoding: str = "utf-8") -> list[str]:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    console = Console(file=out, width=width, height=50, force_terminal=False, get_time=lambda: 0.0)
    console.print(Picture(frame))
    out.flush()
    out.seek(0)
    return out.read().splitlines()


def test_the_display_at_120_columns() -> None:
    drawn = draw(Frame(PLANNED, progress(2, "view parse.py", "bash pytest"), 42, UI), 120)
    assert drawn[:8] == [
        "acme/tools#12  Empty input crashes",
        f"anthropic-claude/claude-x · task {samples.TASK}",
        "",
        "✓ Issue          Empty input crashes",
        "✓ Workspace      sandbox bwrap",
        "✓ Plan           The parser takes empty input for a number.",
        "⠋ Failing test   ",
        "                 view parse.py",
    ]
    assert "                 asking the model …" in drawn
    assert "running · 3 turns · 2.9k in · 450 out · $0.0265 of $3.00 · 42s" in drawn
    assert drawn[-1] == UI


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_display_cuts_lines_instead_of_wrapping_steps(width: int) -> None:
    long = replace(PLANNED, plan="word " * 60, title="word " * 60)
    drawn = draw(Frame(long, progress(2, "bash " + "x" * 200), 1), width)
    assert max(len(line) for line in drawn) <= width
    steps = drawn[3 : 3 + len(story.steps(Frame(long))) + 2]
    assert all(line[0] in "✓·⠋ " for line in steps), "no step takes two lines"


def test_a_display_without_unicode_uses_what_there_is() -> None:
    drawn = draw(Frame(PLANNED), 80, "ascii")
    assert drawn[3].startswith("x Issue")
    assert any(line.startswith("| Failing test") for line in drawn)


def test_task_json_has_the_promised_keys() -> None:
    shape = shapes.task_json(record(DONE), DONE, UI)
    assert json.loads(json.dumps(shape)) == shape
    promised = {"taskId", "workflowId", "runId", "workflowType", "issueReference", "status", "phase"}
    assert promised | {"branch", "pullRequest", "costUsd", "uiUrl", "waitingFor"} <= shape.keys()
    assert shape["status"] == "completed"
    assert shape["costUsd"] == 0.1834
    assert shape["pullRequest"] == {"number": "7", "url": "https://github.com/acme/tools/pull/7"}
    assert shape["uiUrl"] == f"{UI}/namespaces/default/workflows/dev%2Fgithub.com%2Facme%2Ftools%2F12/run-1"


def test_task_json_without_a_worker_has_the_same_first_keys() -> None:
    silent = shapes.task_json(record(), None, None)
    full = shapes.task_json(record(), BEGUN, None)
    assert silent.keys() <= full.keys()
    assert silent["live"] is False
    assert silent["costUsd"] is None
    assert silent["uiUrl"] is None


def test_task_json_counts_the_session_that_is_going_on() -> None:
    assert shapes.task_json(record(), PLANNED, None, progress(2))["turns"] == 3


def test_questions_and_options_are_told_in_json() -> None:
    asking, choosing = (shapes.task_json(record(), view, None) for view in (ASKING, CHOOSING))
    assert asking["questions"] == [
        {
            "id": "q1",
            "question": "An error?",
            "why": "callers",
            "suggestions": ["an error", "nothing"],
            "default": "nothing",
        },
        {"id": "q2", "question": "Since when?", "why": None, "suggestions": [], "default": None},
    ]
    assert choosing["options"] == [
        {"name": "guard", "what": "return early", "for": [], "against": [], "recommended": True},
        {"name": "grammar", "what": None, "for": [], "against": ["bigger"], "recommended": False},
    ]
    assert choosing["decided"] == [
        {"question": "An error?", "answer": "nothing", "by": "ada"},
        {"question": "Since when?", "answer": "always", "by": None},
    ]


def test_waiting_is_told_in_json() -> None:
    assert shapes.task_json(record(), GATED, None)["waitingFor"] == {
        "gate": "plan",
        "reason": "the plan waits for approval",
        "hint": "`tamma approve TASK`",
        "person": True,
    }


@pytest.mark.parametrize(
    ("spend", "words"),
    [
        (Spend(), "$0.00 of $3.00"),
        (Spend(cost_usd=Decimal("0.00123")), "$0.0012 of $3.00"),
        (Spend(cost_usd=Decimal("1.5")), "$1.50 of $3.00"),
        (Spend(unpriced_calls=2), "price unknown"),
        (Spend(cost_usd=Decimal("1.5"), unpriced_calls=2), "$1.50 of $3.00 + 2 unpriced"),
    ],
)
def test_unknown_prices_are_said(spend: Spend, words: str) -> None:
    assert story.cost(spend, Decimal("3.00")) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (185, "3m 05s"), (3725, "1h 02m")]
)
def test_durations(seconds: float, words: str) -> None:
    assert story.duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0"), (999, "999"), (1000, "1.0k"), (999_949, "999.9k"), (1_200_000, "1.2M")]
)
def test_counts(number: int, words: str) -> None:
    assert story.count(number) == words


def test_every_phase_has_a_label() -> None:
    assert set(story.LABELS) == set(Phase) - {Phase.DONE}


def test_a_run_that_stands_still_is_not_over() -> None:
    over = {status for status in TaskStatus if status.final}
    assert set(TaskStatus) - over == {TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.PAUSED}
