"""A run step by step: which steps there are, how they are told, and the files that are made of them."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace
from html.parser import HTMLParser
from importlib import util
from pathlib import Path
from typing import Any, cast

import pytest

from tamma.cli.inspecting import export, files, mini_swe_agent, reading, telling
from tamma.cli.inspecting.page import diff_lines, to_html
from tamma.cli.inspecting.steps import Trajectory, build
from tamma.cli.trajectory import Session
from tamma.errors import ConfigError
from tamma.model.conversation import Text, ToolCall, ToolResult
from tamma.model.ids import SessionId
from tamma.telemetry import redaction
from tests.cli.runs_made import (
    ABOUT,
    AGENT,
    KNOWN_CANARY,
    PATCH,
    PATTERN_CANARY,
    STAGES,
    answer,
    given,
    made_run,
    measured,
    stage,
    user_entry,
)
from tests.cli.samples import TASK


@pytest.fixture
async def told(monkeypatch: pytest.MonkeyPatch) -> Trajectory:
    monkeypatch.setattr(redaction, "_secrets", {KNOWN_CANARY})
    return await reading.read(await made_run(), ABOUT)


# --- steps ---------------------------------------------------------------------------------------


def test_steps_stand_in_the_stages_that_were_measured(told: Trajectory) -> None:
    assert [(stage.name, [step.number for step in stage.steps]) for stage in told.stages] == [
        ("plan", [1]),
        ("test", [2, 3]),
        ("implement", [4]),
        ("review", [5]),
    ]
    assert [stage.measured for stage in told.stages] == list(STAGES)
    second, fourth = told.steps[1], told.steps[3]
    assert second.results is not None
    assert (second.results.seq, second.tools_ms) == (2, 2000)
    assert [entry.seq for entry in fourth.given] == [5]
    assert [step.change is not None for step in told.steps] == [False, False, False, True, False]
    assert fourth.change is not None
    assert fourth.change.patch == PATCH
    assert told.change is not None
    assert told.change.ref.files == ("src/parse.py",), "the newest look counts"


async def test_a_run_that_goes_on_is_shown_by_its_sessions() -> None:
    live = await reading.read(await made_run(), replace(ABOUT, live=True, status="running"))
    assert live.run is None
    assert [(stage.name, len(stage.steps)) for stage in live.stages] == [
        ("plan", 1),
        ("agent", 3),
        ("review", 1),
    ]
    assert mini_swe_agent.exit_status(live) == ""


def test_what_was_cut_off_belongs_to_the_stage_that_was_ended() -> None:
    """A terminated session reports no answers; its next one has another transcript."""
    call = ToolCall("1", "bash", "{}")
    first = (user_entry(0, 1, "go"), answer(1, 2, call), given(2, 3, ToolResult("1", "")), answer(3, 4, call))
    sessions = [
        Session(AGENT, first),
        Session(SessionId(f"{TASK}/agent-2"), (user_entry(0, 5, "again"), answer(1, 6, Text("done")))),
    ]
    run = measured(stage(1, "implement", 0, "terminated"), stage(2, "implement", 1))
    stages = build(ABOUT, sessions, run, {}, None).stages
    assert [[step.answer.seq for step in stage.steps] for stage in stages] == [[1, 3], [1]]
    assert stages[0].steps[1].results is None


def test_answers_that_no_stage_counted_are_shown_all_the_same() -> None:
    sessions = [Session(AGENT, (user_entry(0, 1, "go"), answer(1, 2, Text("a")), answer(2, 3, Text("b"))))]
    stages = build(ABOUT, sessions, measured(stage(1, "implement", 1)), {}, None).stages
    assert [(stage.name, len(stage.steps)) for stage in stages] == [("implement", 1), ("agent", 1)]


# --- text ----------------------------------------------------------------------------------------


def test_a_line_a_step(told: Trajectory) -> None:
    lines = telling.overview(told, diffs=False)
    assert lines[0] == "acme/tools#12  Empty input <crashes>  completed"
    assert "test: 2 steps · 2.4k in · 160 out · $0.0400 · 9s" in lines
    assert "   2    1.5s    2.0s  $0.0200    1.2k in     80 out  bash ls -l; view a.py" in lines, lines
    assert any(line.endswith("str_replace  [src/parse.py +1 -1]") and " ? " in line for line in lines)
    assert "=== 5 steps · 6.0k in · 400 out · $0.0800 + 1 unpriced · 12s" in lines
    assert "changed: src/parse.py +1 -1" in lines
    assert "  tests: 88 (weight 1), green" in lines
    assert not any(line.lstrip().startswith("+    if") for line in lines)
    assert "      +    if not text: return None" in telling.overview(told, diffs=True)


def test_a_step_in_full(told: Trajectory) -> None:
    lines = telling.one(telling.find(told, 2), diffs=False)
    assert lines[0] == "=== step 2 (agent 1): p/m"
    assert lines[1] == "    1.2k in (1.0k cached) · 80 out · $0.0200 · model 1.5s · tools 2.0s"
    for line in ("Do it.", "Let me look.", "> bash command: ls  -l", "< error: no such file"):
        assert line in lines
    changed = telling.one(telling.find(told, 4), diffs=True)
    assert "> str_replace {broken" in changed
    assert "+    if not text: return None" in changed
    assert "(--diff shows it)" in telling.one(telling.find(told, 4), diffs=False)
    with pytest.raises(ConfigError, match="no step 6") as error:
        telling.find(told, 6)
    assert error.value.hint == "the run's steps are: 1 to 5"
    whole = telling.in_full(told, diffs=True)
    assert sum(line.startswith("=== step ") for line in whole) == 5


# --- JSON ----------------------------------------------------------------------------------------


def test_the_export_is_whole_and_steps_refer_to_the_transcripts(told: Trajectory) -> None:
    read = json.loads(json.dumps(export.document(told)))
    assert read["format"] == "tamma-trajectory-1"
    assert read["run"] == {
        "name": "acme/tools#12",
        "title": "Empty input <crashes>",
        "status": "completed",
        "agent": "careful@3",
    }
    entries = {each["sessionId"]: each["entries"] for each in read["sessions"]}
    steps = [step for stage in read["stages"] for step in stage["steps"]]
    assert [step["number"] for step in steps] == [1, 2, 3, 4, 5]
    second = steps[1]
    agent = entries[second["sessionId"]]
    assert agent[second["answer"]]["parts"][1] == {
        "kind": "toolCall",
        "id": "1",
        "name": "bash",
        "args": {"command": "ls  -l"},
    }
    assert agent[second["results"]]["parts"][1]["content"] == "no such file"
    assert (second["costUsd"], steps[3]["costUsd"], second["toolsMs"]) == (0.02, None, 2000)
    assert steps[3]["change"]["patch"] == read["change"]["patch"] == PATCH
    assert read["totals"]["unpricedSteps"] == 1
    assert read["totals"]["costUsd"] == read["metrics"]["costUsd"] - 0.02, "of unknown price: not in the sum"
    assert read["stages"][2]["measured"] == 3
    assert "tokens" not in agent[0]


DOCUMENTED = Path(__file__).parents[2] / "docs" / "trajectories.md"


def keys(value: object) -> set[str]:
    """Every key in it, at any depth."""
    if isinstance(value, dict):
        held = cast("dict[str, object]", value)
        return set(held) | {key for item in held.values() for key in keys(item)}
    items = cast("list[object]", value) if isinstance(value, list) else []
    return {key for item in items for key in keys(item)}


def test_every_key_of_the_export_is_documented(told: Trajectory) -> None:
    text = DOCUMENTED.read_text("utf-8")
    own = json.loads(json.dumps(export.document(told)))
    own.pop("metrics")  # as `tamma status --json` has them
    for entry in own["sessions"][1]["entries"]:
        for part in entry["parts"]:
            part.pop("args", None)  # a model's own keys
    assert {key for key in keys(own) if f"`{key}`" not in text} == set()


# --- mini-swe-agent ------------------------------------------------------------------------------


def pages_of(messages: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """How mini-swe-agent's inspector makes pages of messages (its `_messages_to_steps`), in our words."""
    pages: list[list[dict[str, Any]]] = [[]]
    for message in messages:
        if message.get("extra", {}).get("actions") or message["role"] == "assistant":
            pages.append([])
        pages[-1].append(message)
    return pages


def test_mini_swe_agents_readers_find_what_they_look_for(told: Trajectory) -> None:
    read = json.loads(json.dumps(mini_swe_agent.document(told)))
    assert read["trajectory_format"] == "mini-swe-agent-1.1"
    info = read["info"]
    assert info["model_stats"] == {"instance_cost": 0.08, "api_calls": 5}
    assert (info["exit_status"], info["submission"]) == ("Submitted", PATCH)
    assert set(info["config"]) >= {"agent", "agent_type", "model", "model_type"}
    assert info["config"]["model"]["model_name"] == "p/m"
    messages = read["messages"]
    assert {message["role"] for message in messages} == {"user", "assistant", "tool", "exit"}
    assert all(isinstance(message["content"], str) for message in messages)
    pages = pages_of(messages)
    assert len(pages) == 1 + 5
    assert [message["role"] for message in pages[2]] == ["assistant", "tool", "tool"]
    looked, *results = pages[2]
    assert looked["content"] == "Let me look."
    assert looked["tool_calls"][0] == {
        "id": "1",
        "type": "function",
        "function": {"name": "bash", "arguments": '{"command": "ls  -l"}'},
    }
    assert looked["extra"]["actions"][0] == {"command": "ls  -l", "tool_call_id": "1"}
    assert looked["extra"]["actions"][1]["command"] == 'view {"path": "a.py"}'
    assert looked["extra"]["cost"] == 0.02
    assert looked["extra"]["response"]["usage"]["prompt_tokens"] == 1200
    assert [each["tool_call_id"] for each in results] == ["1", "2"]
    assert results[1]["extra"]["raw_output"] == results[1]["content"] == "no such file"
    assert pages[3][0]["reasoning_content"] == "hm"
    assert messages[-1]["extra"] == {"exit_status": "Submitted", "submission": PATCH}
    assert sum(message.get("extra", {}).get("cost", 0.0) for message in messages) == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("budget", "LimitsExceeded"),
        ("turns", "LimitsExceeded"),
        ("timeout", "TimeExceeded"),
        ("stuck", "stuck"),
    ],
)
def test_ends_have_mini_swe_agents_names_where_it_has_one(error: str, status: str) -> None:
    told = build(ABOUT, [], measured(error=error), {}, None)
    assert mini_swe_agent.exit_status(told) == status


# --- the page ------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """What a browser would make elements of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_what_it_shows_is_text(told: Trajectory) -> None:
    page = to_html(told)
    tags = Tags(page)
    assert tags.open == []
    assert not {"script", "img", "link", "iframe", "object"} & set(tags.names)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "href")]
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<title>acme/tools#12</title>" in page
    assert "Empty input &lt;crashes&gt;" in page
    assert tags.names.count("details") >= 5
    assert page.count('class="step"') == 5
    assert '<span class="add">+    if not text: return None</span>' in page
    assert '<span class="del">--- text</span>' in page, "a removed line, and no file's name"
    assert to_html(told) == page


def test_a_page_of_nothing_says_so() -> None:
    assert "No model has been called yet" in to_html(build(ABOUT, [], None, {}, None))


def test_lines_of_a_diff_are_told_apart() -> None:
    tones = [line.tone for line in diff_lines(PATCH)]
    assert tones == ["file", "file", "file", "file", "hunk", "", "del", "add", ""]


def test_a_page_needs_jinja2_alone(told: Trajectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> object:
        return None if name in absent else util.find_spec(name)

    absent = {"matplotlib"}
    monkeypatch.setattr("tamma.pages.rendering.find_spec", lacking)
    to_html(told)
    absent.add("jinja2")
    with pytest.raises(ConfigError, match="jinja2") as error:
        to_html(told)
    assert "tamma[reports]" in (error.value.hint or "")


# --- files and secrets ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["overview", "full", "tamma", "mini", "html"])
def test_no_form_shows_a_secret(told: Trajectory, name: str) -> None:
    form = {
        "overview": lambda: "\n".join(telling.overview(told, diffs=True)),
        "full": lambda: "\n".join(telling.in_full(told, diffs=True)),
        "tamma": lambda: json.dumps(export.document(told)),
        "mini": lambda: json.dumps(mini_swe_agent.document(told)),
        "html": lambda: to_html(told),
    }[name]()
    assert not re.search("canary", form)
    assert (redaction.HIDDEN in form) == (name != "overview"), "the place where they stood is shown"


async def test_the_secrets_were_there_to_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set[str]())
    store = await made_run()
    raw = "".join(
        part.content
        for entry in await store.read_entries(AGENT)
        for part in entry.message.parts
        if isinstance(part, ToolResult)
    )
    assert PATTERN_CANARY in raw
    text = json.dumps(export.document(await reading.read(store, ABOUT)))
    assert KNOWN_CANARY in text, "nothing was hidden that is not a secret"


def test_files_are_the_owners_and_hold_half_characters(told: Trajectory, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    half = Session(
        AGENT, (user_entry(0, 1, "?"), answer(1, 2, ToolCall("1", "bash", '{"command": "\\ud800"}')))
    )
    files.export(build(ABOUT, [half], None, {}, None), file, "tamma")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    read = json.loads(file.read_text("utf-8"))
    assert read["sessions"][0]["entries"][1]["parts"][0]["args"] == {"command": "\ud800"}
    files.export(told, file, "mini-swe-agent")
    assert json.loads(file.read_text("utf-8"))["trajectory_format"] == "mini-swe-agent-1.1"
    with pytest.raises(ConfigError, match="cannot be written"):
        files.write(tmp_path / "nowhere" / "page.html", "")
