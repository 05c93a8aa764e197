"""Which issues are taken and why the others not: a table of reasons, and what holds for any repository."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.ids import TaskId, forge_run_id
from tamma.model.references import RepoRef
from tamma.model.repository import Issue
from tamma.model.selection import Choice, FoundIssue, KnownRun, SelectionRules, Traffic
from tamma.model.task import Gate, Phase, TaskStatus, TaskView, Waiting
from tamma.selection.choosing import choose, oldest_first, unfit
from tamma.selection.files import meeting
from tamma.temporal.traffic import waits_for_issues

REPO = RepoRef("github.com", "Acme", "Calc")
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FREE = SelectionRules(concurrency=100, most=100, most_a_day=1000)


def found(number: int, *files: str, age: int | None = None) -> FoundIssue:
    """The older the smaller its number, unless its age in minutes is given."""
    created = NOW - MINUTE * (1000 - number if age is None else age)
    return FoundIssue(str(number), f"issue {number}", created, files)


def run(number: int, status: TaskStatus, *files: str, ended: timedelta | None = None) -> KnownRun:
    """A run of an issue that ended so long ago; None: a live one."""
    closed = None if ended is None else NOW - ended
    begun = (closed or NOW) - timedelta(hours=2)
    identity = forge_run_id(REPO, str(number))
    return KnownRun(identity, TaskId(f"t{number}"), str(number), status, begun, closed, files)


def traffic(*runs: KnownRun) -> Traffic:
    return Traffic(
        live=tuple(each for each in runs if each.live),
        past=tuple(each for each in runs if not each.live),
        begun_today=sum(each.started_at > NOW - DAY for each in runs),
        moved_at=max((each.moved_at for each in runs), default=None),
    )


def chosen(rules: SelectionRules, issues: list[FoundIssue], *runs: KnownRun) -> Choice:
    return choose(rules, REPO, issues, traffic(*runs), NOW)


def numbers(choice: Choice) -> list[str]:
    return [each.number for each in choice.take]


LIVE, DONE, FAILED = TaskStatus.RUNNING, TaskStatus.COMPLETED, TaskStatus.FAILED
HOURS = {hours: timedelta(hours=hours) for hours in (1, 30, 40)}


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ((), ""),
        ((run(1, LIVE),), "a run is under way (task t1)"),
        ((run(1, DONE, ended=HOURS[40]),), "its run completed (task t1); `tamma submit --again`"),
        ((run(1, TaskStatus.CANCELLED, ended=HOURS[40]),), "its run was cancelled (task t1)"),
        ((run(1, FAILED, ended=HOURS[1]),), "tried again from 2026-05-02 11:00 UTC on"),
        ((run(1, FAILED, ended=HOURS[30]),), ""),
        ((run(1, FAILED, ended=HOURS[30]), run(1, FAILED, ended=HOURS[40])), "failed 2 times"),
        ((run(1, DONE, ended=HOURS[30]), run(1, FAILED, ended=HOURS[40])), "its run completed"),
        ((run(1, FAILED, ended=HOURS[30]), run(1, DONE, ended=HOURS[40])), ""),
        ((run(2, LIVE),), ""),
        ((run(2, LIVE, "src/calc.py"),), "it is about calc.py, which the run of #2 changes"),
        ((run(2, DONE, "src/calc.py", ended=HOURS[1]),), ""),
    ],
)
def test_what_an_issue_itself_waits_for(runs: tuple[KnownRun, ...], reason: str) -> None:
    choice = chosen(FREE, [found(1, "calc.py")], *runs)
    assert bool(choice.take) != bool(reason)
    assert reason in "".join(each.reason for each in choice.left)


@pytest.mark.parametrize(
    ("rules", "runs", "taken", "reason"),
    [
        (SelectionRules(), (), ["1"], "1 of 1 runs at once are open"),
        (SelectionRules(concurrency=3), (run(9, LIVE),), ["1", "2"], "3 of 3 runs at once are open"),
        (SelectionRules(concurrency=1), (run(9, LIVE), run(8, LIVE)), [], "2 of 1 runs at once"),
        (replace(FREE, most=2), (), ["1", "2"], "a pass takes 2 at most"),
        (replace(FREE, most_a_day=2), (run(9, DONE, ended=HOURS[1]),), ["1"], "2 of 2 runs of 24 hours"),
        (replace(FREE, most_a_day=2), (run(9, DONE, ended=HOURS[30]),), ["1", "2"], "2 of 2 runs"),
        (replace(FREE, cool_down=3600), (), ["1"], "a pass takes 1 at most"),
        (replace(FREE, cool_down=3700), (run(9, DONE, ended=HOURS[1]),), [], "until 2026-05-01 12:01"),
        (replace(FREE, cool_down=3600), (run(9, DONE, ended=HOURS[1]),), ["1"], "a pass takes 1"),
        (replace(FREE, cool_down=7300), (run(9, LIVE),), [], "cools down"),
    ],
)  # fmt: skip
def test_limits(rules: SelectionRules, runs: tuple[KnownRun, ...], taken: list[str], reason: str) -> None:
    choice = chosen(rules, [found(1), found(2), found(3)], *runs)
    assert numbers(choice) == taken
    assert {each.number for each in choice.left} == {"1", "2", "3"} - set(taken)
    assert all(reason in each.reason for each in choice.left)


def test_the_second_of_two_issues_about_one_file_waits_and_holds_up_nobody() -> None:
    choice = chosen(FREE, [found(1, "a.py"), found(2, "b.py", "a.py"), found(3, "c.py")])
    assert numbers(choice) == ["1", "3"]
    assert choice.left[0].reason == "it is about a.py, as #1 is, which comes first"


def test_the_names_of_repositories_are_of_any_case() -> None:
    other = RepoRef("github.com", "acme", "CALC")
    assert choose(FREE, other, [found(1)], traffic(run(1, LIVE)), NOW).take == ()


def test_the_oldest_come_first_by_number_where_times_are_equal() -> None:
    same = [replace(found(1), number=number, created_at=NOW) for number in ("SHOP-12", "SHOP-9", "10", "9")]
    unknown, old = replace(found(1), number="0", created_at=None), found(77, age=5000)
    ordered = oldest_first([unknown, *same, old])
    assert [each.number for each in ordered] == ["77", "9", "10", "SHOP-9", "SHOP-12", "0"]


ISSUE = Issue("1", "t", "b", "open", labels=("Tamma", "bug"))
RULES = SelectionRules(labels=("tamma",), exclude_labels=("wontfix",))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"state": "closed"}, "it is closed"),
        ({"labels": ("bug",)}, "it lacks the label 'tamma'"),
        ({"labels": ("tamma", "WontFix")}, "it has the label 'wontfix'"),
        ({"assignees": ("ada",)}, "it is assigned to ada"),
        ({"assignees": ("ada", "The-Bot")}, ""),
    ],
)
def test_what_the_rules_alone_leave(change: dict[str, object], reason: str) -> None:
    assert unfit(RULES, "the-bot", replace(ISSUE, **change)) == reason  # pyright: ignore[reportArgumentType] - the table's


def test_all_labels_must_be_there_and_nobody_is_ours_without_a_login() -> None:
    assert unfit(SelectionRules(labels=("tamma", "ready")), "", ISSUE) == "it lacks the label 'ready'"
    assert unfit(SelectionRules(), "", replace(ISSUE, assignees=("ada",))) == "it is assigned to ada"


FILES = st.lists(st.sampled_from(["a.py", "b.py", "src/a.py", "c.py"]), max_size=2, unique=True)
STATUSES = st.sampled_from([DONE, FAILED, TaskStatus.CANCELLED])


def any_run(number: int, hours: int, files: list[str], status: TaskStatus) -> KnownRun:
    return run(number, status if hours else LIVE, *files, ended=timedelta(hours=hours) if hours else None)


def any_issue(number: int, files: list[str]) -> FoundIssue:
    return found(number, *files)


RUNS = st.builds(
    any_run,
    st.integers(1, 12),
    st.integers(0, 60),
    FILES,
    STATUSES,
)
ISSUES = st.lists(st.builds(any_issue, st.integers(1, 12), FILES), max_size=12).map(
    lambda issues: list({each.number: each for each in issues}.values())
)
ANY_RULES = st.builds(
    SelectionRules,
    concurrency=st.integers(1, 4),
    cool_down=st.sampled_from([0.0, 600.0, 8000.0]),
    most=st.integers(1, 4),
    most_a_day=st.integers(1, 6),
    retry_after=st.sampled_from([0.0, 86_400.0]),
    attempts=st.integers(1, 3),
)


@given(ANY_RULES, ISSUES, st.lists(RUNS, max_size=8))
def test_no_choice_breaks_a_limit(
    rules: SelectionRules, issues: list[FoundIssue], runs: list[KnownRun]
) -> None:
    choice = chosen(rules, issues, *runs)
    live = [each for each in runs if each.live]
    assert sorted([*numbers(choice), *(each.number for each in choice.left)]) == sorted(
        each.number for each in issues
    )
    assert all(each.reason for each in choice.left)
    assert list(choice.take) == list(oldest_first(choice.take))
    assert not choice.take or len(live) + len(choice.take) <= rules.concurrency
    assert len(choice.take) <= (min(rules.most, 1) if rules.cool_down else rules.most)
    assert not choice.take or traffic(*runs).begun_today + len(choice.take) <= rules.most_a_day
    assert not {each.issue for each in live} & set(numbers(choice))
    for position, each in enumerate(choice.take):
        assert all(meeting(each.files, other.files) is None for other in live)
        assert all(meeting(each.files, other.files) is None for other in choice.take[:position])


@given(ANY_RULES, ISSUES, st.lists(RUNS, max_size=8))
def test_the_order_of_listing_changes_nothing(
    rules: SelectionRules, issues: list[FoundIssue], runs: list[KnownRun]
) -> None:
    assert numbers(chosen(rules, issues, *runs)) == numbers(chosen(rules, issues[::-1], *runs[::-1]))


@given(ISSUES)
def test_without_limits_and_runs_all_that_do_not_meet_are_taken(issues: list[FoundIssue]) -> None:
    assert all("comes first" in each.reason for each in chosen(FREE, issues).left)


def test_what_depends_on_an_open_issue_waits_and_holds_up_nobody() -> None:
    issues = [replace(found(1), before=("2", "9")), found(2), found(3)]
    choice = chosen(FREE, issues)
    assert numbers(choice) == ["2", "3"]
    assert [each.reason for each in choice.left] == ["it depends on #2, #9, which are open"]


def test_issues_that_wait_for_each_other_are_for_a_person() -> None:
    choice = chosen(FREE, [replace(found(1), before=("2",)), replace(found(2), before=("1",)), found(3)])
    assert numbers(choice) == ["3"]
    assert [each.reason for each in choice.left] == [
        "it depends on #2, which depends on it: a person has to look",
        "it depends on #1, which depends on it: a person has to look",
    ]


def test_a_run_that_waits_for_an_issue_does_not_keep_it_from_being_taken() -> None:
    waiting = replace(run(2, LIVE, "src/calc.py"), waits=True)
    issues = [found(1, "calc.py"), replace(found(2, "calc.py"), before=("1",))]
    choice = chosen(SelectionRules(), issues, waiting)
    assert numbers(choice) == ["1"]
    assert [each.reason for each in choice.left] == ["a run is under way (task t2)"]
    assert numbers(chosen(SelectionRules(), issues, waiting, run(3, LIVE))) == [], "others count as before"


@pytest.mark.parametrize(
    ("phase", "gate", "waits"),
    [
        (Phase.ACCEPT, Gate.ORDER, True),
        (Phase.ACCEPT, Gate.PAUSED, False),
        (Phase.ACCEPT, None, False),
        (Phase.APPROVE_PLAN, Gate.ORDER, False),
    ],
)
def test_a_run_waits_for_issues_before_its_first_step(phase: Phase, gate: Gate | None, waits: bool) -> None:
    view = TaskView(
        TaskId("t1"),
        TaskStatus.RUNNING,
        phase,
        REPO,
        "1",
        waiting_for=Waiting(gate, "why", "what") if gate else None,
    )
    assert waits_for_issues(view) is waits
