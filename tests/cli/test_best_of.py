"""Several tries, as they are ordered and as they are shown."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from tamma.cli import main, tries
from tamma.cli.choosing import all_chosen
from tamma.cli.handing_in import tries_words
from tamma.cli.inspecting import export, telling
from tamma.cli.inspecting.steps import Tried, build
from tamma.cli.ordering import Wishes
from tamma.cli.ordering import tries as wanted
from tamma.cli.trajectory import Session, read
from tamma.config.load import load_config
from tamma.errors import ConfigError
from tamma.model.conversation import Text, ToolResult
from tamma.model.task import AgentChoice
from tamma.model.tries import SHARED, TryOutcome, try_session
from tamma.store.memory import MemoryStore
from tests.activities.test_standings import OPENED, REQUEST
from tests.cli.runs_made import ABOUT, AGENT, answer, given, measured, stage, user_entry
from tests.cli.samples import TASK

LOST = TryOutcome(1, "careful@3", try_session(TASK, 1), red="pytest", files=1, added=2, removed=1, turns=4)
WON = TryOutcome(
    2, "other", try_session(TASK, 2), files=1, added=1, cost_usd=Decimal("0.25"), turns=3, chosen=True
)


def test_everybody_who_is_named_has_a_try() -> None:
    assert wanted(Wishes(), 1) == 1
    assert wanted(Wishes(), 3) == 3, "as configured"
    assert wanted(Wishes(best_with=("a", "b")), 1) == 3
    assert wanted(Wishes(best_of=5, best_with=("a",)), 5) == 5
    with pytest.raises(ConfigError, match="3 tries are needed") as few:
        wanted(Wishes(best_of=2, best_with=("a", "b")), 2)
    assert few.value.hint == "say `--best-of 3`"
    with pytest.raises(ConfigError, match="and there are 8"):
        wanted(Wishes(best_with=tuple("abcdefgh")), 1)


def test_it_is_told_before_what_they_may_cost() -> None:
    assert tries_words(REQUEST) is None
    request = replace(
        REQUEST, best_of=3, best_with=(AgentChoice("", name="careful@3"), AgentChoice("p", "m"))
    )
    assert tries_words(request) == (
        "3 tries, made by the run's own agent, careful@3, p/m: "
        "all together within 3.00 USD and 100 model calls"
    )
    scant = tries_words(replace(request, limits=replace(request.limits, max_turns=17)))
    assert scant is not None
    assert scant.endswith("and 17 model calls, which is room for 1")


async def test_a_providers_name_is_as_good_as_an_agents() -> None:
    loaded = load_config(env={}, flags={"providers.default": "scripted"})
    wishes = Wishes(provider="scripted", model="a-model", best_with=("scripted",))
    (other,) = await all_chosen(MemoryStore(), wishes.best_with, wishes, loaded)
    assert (other.provider, other.model, other.pinned) == ("scripted", None, True), "the model is another's"
    with pytest.raises(ConfigError, match="no agent 'nobody'"):
        await all_chosen(MemoryStore(), ("nobody",), wishes, loaded)


def test_a_dry_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issue = tmp_path / "bug.md"
    issue.write_text("# It breaks\n\nAlways.\n")
    words = ["submit", str(tmp_path), "--issue", str(issue), "--provider", "scripted", "--dry-run"]
    assert main.run([*words, "--best-with", "careful", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["bestOf"], shown["bestWith"]) == (2, ["careful"])
    assert main.run([*words, "--best-of", "4"]) == 0
    assert "4 tries: all together within 3.00 USD" in capsys.readouterr().out
    assert main.run([*words, "--best-of", "9"]) == 2


def test_what_became_of_each_is_shown() -> None:
    assert tries.lines((LOST, WON)) == [
        "  try 1 (careful@3): red (`pytest`), 1 file +2 -1; 4 model calls, 0.0000 USD",
        "* try 2 (other): green, 1 file +1 -0; 3 model calls, 0.2500 USD",
    ]


def test_steps_that_tries_share_stand_once() -> None:
    begun = (
        user_entry(0, 1, "Write the test."),
        answer(1, 2, Text("done")),
        given(2, 3, ToolResult("1", "")),
    )
    shared = (begun[0], replace(begun[1], cost_source=SHARED, cost_usd=Decimal(0)), begun[2])
    own = {
        each: (*shared, user_entry(3, 4, "Change it."), answer(4, 5 + each.number, Text(each.agent)))
        for each in (LOST, WON)
    }
    mended = (*own[WON], user_entry(5, 20, "Mend it."), answer(6, 21, Text("mended")))
    sessions = (Session(AGENT, begun), Session(LOST.session_id, own[LOST]), Session(WON.session_id, mended))
    names = enumerate(("test", "implement", "implement", "fix"), 1)
    run = measured(*(stage(number, name, 1) for number, name in names))
    told = build(ABOUT, sessions, run, {}, None, None, (Tried(LOST, "+ lost"), Tried(WON, "+ won")))
    assert [(each.name, [step.answer.message.text for step in each.steps]) for each in told.stages] == [
        ("test", ["done"]),
        ("implement", ["careful@3"]),
        ("implement", ["other"]),
        ("fix", ["mended"]),
    ]
    lines = telling.overview(told, diffs=True)
    assert "tries at the change:" in lines
    assert [line for line in lines if "+ lost" in line or "+ won" in line] == ["      + lost"]
    listed = cast("list[dict[str, object]]", export.document(told)["tries"])
    assert [(each["chosen"], each["patch"]) for each in listed] == [(False, "+ lost"), (True, "+ won")]


async def test_a_try_of_which_nothing_came_hides_no_other() -> None:
    store = MemoryStore()
    second = try_session(REQUEST.task_id, 2)
    await store.append_entries(second, OPENED)
    assert [session.id for session in await read(store, REQUEST.task_id)] == [second]
