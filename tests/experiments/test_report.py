"""Reports: every rendering of the same test, hostile words in it, and the same bytes again."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from importlib import util
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from tamma.cli.render_ab import bar, print_report
from tamma.errors import ConfigError
from tamma.experiments.report.build import Records, build_report
from tamma.experiments.report.changes import config_changes
from tamma.experiments.report.figures.agents import frontier
from tamma.experiments.report.html import to_html
from tamma.experiments.report.markdown import text, to_markdown
from tamma.experiments.report.model import ConfigPoint, Report, Standing
from tamma.experiments.report.tidy import COLUMNS, to_csv
from tamma.experiments.report.wire import to_json
from tamma.model.experiment import Arm, Metric, Mode
from tamma.model.verdict import ABTestState, Approver, Effect
from tests.experiments.made import PLAN, START, drawn, looks
from tests.experiments.reports import CONFIGS, made_report, unlooked_report

DOCS = Path(__file__).parents[2] / "docs" / "ab-reports.md"
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}$x^2$|`@all`\x1b[31m=cmd()\u202ekcab"


@pytest.fixture(scope="module")
def report() -> Report:
    return made_report()


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return to_html(report)


def terminal(report: Report, width: int = 130) -> str:
    out = io.StringIO()
    print_report(report, Console(file=out, width=width, highlight=False, color_system=None))
    return out.getvalue()


def unstyled(value: str) -> str:
    """Markdown without its escapes."""
    return re.sub(r"\\(.)", r"\1", value).replace("\u200b", "")


def renderings() -> dict[str, Callable[[Report], str]]:
    return {"html": to_html, "markdown": to_markdown, "csv": to_csv, "json": to_json, "terminal": terminal}


class Page(HTMLParser):
    """What a browser would make of a page, as far as the tests ask."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._styled = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._styled = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._styled:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


# --- what is in it --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["html", "markdown", "terminal"])
def test_the_verdict_and_its_reasons_come_first(report: Report, html: str, name: str) -> None:
    assert report.verdict is not None
    made = html if name == "html" else renderings()[name](report)
    shown = Page(made).text if name == "html" else unstyled(" ".join(made.replace("│", " ").split()))
    assert report.verdict.sentence in shown
    assert all(reason.value in shown for reason in report.verdict.reasons)
    assert shown.index(report.verdict.sentence) < shown.index("Working time")
    assert "builder@3" in shown
    assert "rollback goes to" in shown


def test_the_page_has_every_part(report: Report, html: str) -> None:
    page = Page(html)
    assert len(page.all("svg")) == 8
    for words in (
        "Why: every metric", "The looks", "Assignment", "Task by task", "Cost and time",
        "By task type and repository", "Use of the context window", "Over time",
        "What is different between the versions", "Notes",
    ):  # fmt: skip
        assert words in page.text
    wins = sum(row.won == "win" for row in report.pairs)
    assert f"Won by the candidate: {wins}" in page.text
    links = {link["href"] for link in page.all("a")}
    assert f"http://127.0.0.1:8233/run/{report.pairs[0].candidate.runs[0]}" in links
    assert "context.map_files" in page.text
    assert "version 3 applied" in page.text


def test_a_live_test_shows_no_pairs() -> None:
    page = Page(to_html(made_report(40, mode=Mode.LIVE, count=1, whole=False)))
    assert "Task by task" not in page.text
    assert "production runs split between them" in page.text


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_can_decide(metric: Metric) -> None:
    made = made_report(12, primary=metric, replicates=2, count=1, whole=False)
    assert all(render(made) for render in renderings().values())


@pytest.mark.parametrize("name", ["html", "markdown", "csv", "json", "terminal"])
def test_before_the_first_look_there_is_a_report_without_a_verdict(name: str) -> None:
    made = renderings()[name](unlooked_report())
    assert name in ("csv", "json") or "No look was taken yet" in made


def test_an_approver_who_was_only_named_is_marked(report: Report) -> None:
    approver = Approver("ada", "approve", START, authenticated=False)
    made = replace(report, standing=replace(report.standing, approver=approver))
    assert "not checked" in Page(to_html(made)).text
    assert "not authenticated" in to_markdown(made)
    assert "not authenticated" in " ".join(terminal(made).replace("│", " ").split())


@pytest.mark.parametrize("name", ["html", "markdown", "terminal"])
def test_a_rehearsal_is_never_shown_as_a_models_work(report: Report, name: str) -> None:
    render = renderings()[name]
    assert "No model worked" in render(replace(report, rehearsal=True))
    assert "No model worked" not in render(report)


def test_a_scripted_model_makes_a_rehearsal() -> None:
    assignments, outcomes = drawn(8, seed=1)
    played = [replace(each, served_models=("scripted:a",)) for each in outcomes]
    standing = Standing(ABTestState.RUNNING)
    records = Records("t", PLAN, looks(8, 1), assignments, played, (), standing)
    assert build_report(records, None).rehearsal
    assert not build_report(replace(records, outcomes=outcomes), None).rehearsal


# --- the page as a page ---------------------------------------------------------------------------


def test_the_page_needs_nothing_else_and_runs_nothing(html: str) -> None:
    page = Page(html)
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("img")
    assert not re.search(r"@import|url\((?!#)", html)
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    policy = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_can_be_read_aloud(html: str) -> None:
    page = Page(html)
    assert page.all("html")[0]["lang"] == "en"
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    named = [name for _, each in page.tags for name in (each.get("aria-labelledby") or "").split()]
    assert set(named) <= set(ids)
    assert all(svg["role"] == "img" and svg["aria-labelledby"] for svg in page.all("svg"))
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_colours_follow_the_theme(html: str) -> None:
    charts = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    assert not re.search(r"#[0-9a-fA-F]{6}\b", re.sub(r'href="#[^"]*"|url\(#[^)]*\)', "", charts))
    used = set(re.findall(r"var\(--([a-z]+)\)", html))
    themes = re.findall(r":root \{(.*?)\}", html, re.DOTALL)
    light, dark = (set(re.findall(r"--([a-z]+):", theme)) for theme in themes)
    assert light == dark
    assert used - {"tone"} <= light


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_have_contrast(html: str, scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", html, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
    for name in ("ink", "muted", "candidate", "good", "bad", "wait", "control"):
        for ground in ("page", "card"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, the ratio of relative luminances."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_missing_extra_is_told_with_what_to_do(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> object:
        return None if name == "jinja2" else util.find_spec(name)

    monkeypatch.setattr("tamma.pages.rendering.find_spec", lacking)
    with pytest.raises(ConfigError, match="jinja2") as error:
        to_html(report)
    assert error.value.hint is not None
    assert "tamma[reports]" in error.value.hint


@pytest.mark.parametrize("name", ["html", "markdown", "csv", "json", "terminal"])
def test_the_same_report_has_the_same_bytes(report: Report, html: str, name: str) -> None:
    render = renderings()[name]
    assert render(report) == (html if name == "html" else render(report))


def test_the_same_records_make_the_same_report(report: Report) -> None:
    assert made_report() == report


# --- hostile words --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile() -> Report:
    control = replace(PLAN.control, name=HOSTILE)
    made = made_report(20, plan=replace(PLAN, name=HOSTILE, note=HOSTILE, control=control))
    first = replace(made.pairs[0], unit=HOSTILE, repo=HOSTILE)
    cell = replace(
        first.control, success=0.0, error_type=HOSTILE, runs=(HOSTILE,), links=("javascript:alert(1)",)
    )
    change = replace(made.changes[0], path=HOSTILE, control=HOSTILE, candidate=HOSTILE)
    return replace(
        made,
        pairs=(replace(first, control=cell, won="loss"), *made.pairs[1:]),
        groups=tuple(replace(row, name=HOSTILE) for row in made.groups),
        changes=(change, replace(change, diff=(f"-{HOSTILE}", f"+{HOSTILE}"))),
        arms=tuple(
            replace(arm, agent=HOSTILE, errors={HOSTILE: 2}, served_models=(HOSTILE,)) for arm in made.arms
        ),
        configs=tuple(replace(point, name=HOSTILE) for point in made.configs),
        trends=tuple(replace(trend, agent=HOSTILE, metric=HOSTILE) for trend in made.trends),
        trials=tuple(
            replace(trial, unit=HOSTILE[::-1], error_type=HOSTILE, repo="=1+1") for trial in made.trials
        ),
        notes=(HOSTILE,),
        rollback_target=HOSTILE,
    )


def test_hostile_words_are_only_words_in_the_page(hostile: Report) -> None:
    html = to_html(hostile)
    page = Page(html)
    assert not page.all("script")
    assert "49" not in re.findall(r"\{\{.*?\}\}", html)
    assert "{{7*7}}" in page.text
    assert not {"\x1b", "\u202e"} & set(html)
    assert not [link for link in page.all("a") if "javascript" in (link["href"] or "")]
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_hostile_words_are_only_words_in_markdown(hostile: Report) -> None:
    made = to_markdown(hostile)
    assert "<script" not in made.replace("\\<", "")
    assert "@all" not in made
    assert "\u202e" not in made
    cells = [line for line in made.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) >= 5 for line in cells)
    assert text("a\n# b *c*") == "a \\# b \\*c\\*"


def test_hostile_words_are_no_formula_and_steer_no_terminal(hostile: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(hostile))))
    assert rows[0]["repository"] == "'=1+1"
    assert rows[0]["errorType"] == HOSTILE
    assert "\x1b" not in terminal(hostile)
    assert json.loads(to_json(hostile))["notes"] == [HOSTILE]


# --- CSV and JSON ---------------------------------------------------------------------------------


def test_the_csv_has_one_row_a_trial(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 120
    solved = sum(int(row["success"]) for row in rows if row["arm"] == "candidate")
    assert solved == sum(row.candidate.success for row in report.pairs)
    assert {row["agent"] for row in rows} == {"builder@3", "builder@4"}


def test_the_json_has_the_shape_that_is_documented(report: Report) -> None:
    shape = json.loads(to_json(report))
    assert shape["version"] == 1
    assert shape["winner"] in ("agentA", "agentB", "inconclusive")
    assert shape["evidence"]["primary"]["metric"] == "success"
    assert shape["verdict"]["mayAutoApply"] in (True, False)
    documented = set(re.findall(r"^\| `([A-Za-z]+)` \|", DOCS.read_text(), flags=re.MULTILINE))
    assert documented == set(shape)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]*", key) for key in _keys(shape["evidence"]))


def _keys(shape: object) -> set[str]:
    if isinstance(shape, dict):
        return {key for each, inner in shape.items() for key in (str(each), *_keys(inner))}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(shape, list):
        return {key for inner in shape for key in _keys(inner)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return set()


def test_no_rendering_has_a_number_that_is_none(report: Report) -> None:
    assert report.evidence is not None
    broken = replace(report.evidence.primary, estimate=float("nan"), low=None, high=float("inf"))
    made = replace(report, evidence=replace(report.evidence, primary=broken, mde=None))
    for render in renderings().values():
        assert not re.search(r"\b(nan|inf|NaN|Infinity|None)\b", render(made))


# --- its parts ------------------------------------------------------------------------------------


def test_a_configuration_is_compared_setting_by_setting() -> None:
    changes = {change.path: change for change in config_changes(*CONFIGS)}
    assert set(changes) == {"context.map_files", "prompts.system"}
    assert (changes["context.map_files"].control, changes["context.map_files"].candidate) == ("400", "120")
    assert "+Read little, then write." in changes["prompts.system"].diff
    assert config_changes(CONFIGS[0], CONFIGS[0]) == ()


def test_the_frontier_is_what_nothing_beats_in_both() -> None:
    points = [
        ConfigPoint(name, cost, value, 1) for name, cost, value in (("a", 1, 5), ("b", 2, 4), ("c", 3, 9))
    ]
    assert [point.name for point in frontier(points)] == ["a", "c"]


def test_groups_are_adjusted_for_their_number(report: Report) -> None:
    kinds = {row.kind for row in report.groups}
    assert kinds == {"task type", "repository"}
    assert sum(row.n for row in report.groups if row.kind == "repository") == 60
    assert all(row.p is None or row.p > 0.01 for row in report.groups)


def test_the_picture_of_an_interval_has_no_difference_in_its_middle() -> None:
    drawn = bar(Effect(Metric.SUCCESS, 0.05, -0.05, 0.10, 0.2, 50))
    assert drawn[16] == "┼"
    assert drawn.index("├") < 16 < drawn.index("●") < drawn.index("┤")
    assert bar(Effect(Metric.SUCCESS, None, None, None, None, 0)) == ""


def test_arms_are_summed_over_their_trials(report: Report) -> None:
    control = report.arms[0]
    trials = [trial for trial in report.trials if trial.arm is Arm.CONTROL]
    assert (control.trials, control.ended, control.assigned) == (60, 60, 60)
    assert control.success.value == sum(trial.success for trial in trials) / 60
    assert control.cost_per_success == pytest.approx(
        sum(trial.cost_usd or 0.0 for trial in trials) / sum(trial.success for trial in trials)
    )
