"""Where a prompt shows what runs of one repository have in common."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.layout import arranged
from tamma.agents.prompting import first_message, prompt, render

WORDS = {
    "issue": "<issue>THE ISSUE</issue>",
    "plan": "<plan>THE PLAN</plan>",
    "context": "<context>THE MAP</context>",
    "test_command": "pytest",
    "feedback": "",
}


def test_the_map_stands_first_or_behind_the_task() -> None:
    shared, own = first_message("red_test", WORDS, "stable-first")
    assert shared == "<context>THE MAP</context>\n\n"
    assert own.startswith("<issue>")
    (whole,) = first_message("red_test", WORDS, "task-first")
    assert whole.index("THE ISSUE") < whole.index("THE PLAN") < whole.index("THE MAP") < whole.index("Stage")


def test_what_stands_before_the_map_is_shared_too() -> None:
    shared, own = first_message("plan", WORDS, "stable-first")
    assert shared.startswith("Plan the work")
    assert shared.strip().endswith("</context>")
    assert "THE ISSUE" in own
    (whole,) = first_message("plan", WORDS, "task-first")
    assert whole.index("THE ISSUE") < whole.index("THE MAP")


def test_a_prompt_that_weaves_its_places_in_stays_as_it_is() -> None:
    own = {"plan": "Given {{context}}, solve {{issue}}."}
    for layout in ("stable-first", "task-first"):
        assert first_message("plan", WORDS, layout, own) == (render("plan", WORDS, own),)


paragraphs = st.lists(
    st.sampled_from(["{{issue}}", "{{plan}}", "{{context}}", "{{diff}}", "words", "more words {{issue}}"]),
    max_size=7,
)


@given(paragraphs, st.sampled_from(["stable-first", "task-first"]))
def test_nothing_is_lost_and_nothing_but_the_map_moves(given_: list[str], layout: str) -> None:
    made = arranged("\n\n".join(given_), "stable-first" if layout == "stable-first" else "task-first")
    pieces = [piece for piece in (made.shared, made.own) if piece]
    after = "\n\n".join(pieces).split("\n\n") if pieces else []
    assert sorted(after) == sorted(given_)
    assert [each for each in after if each != "{{context}}"] == [e for e in given_ if e != "{{context}}"]


def test_the_built_in_prompts_that_begin_a_conversation_have_a_common_part() -> None:
    for name in ("plan", "red_test", "implement_untested"):
        assert "{{context}}" in arranged(prompt(name), "stable-first").shared
        assert arranged(prompt(name), "task-first").shared == ""
