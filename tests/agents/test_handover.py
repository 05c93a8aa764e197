"""A history goes on with another provider."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.handover import without_foreign_reasoning
from tamma.model.conversation import Message, Part, Reasoning, Role, Text, ToolCall, user

SIGNED = Reasoning("I think", '{"signature": "x"}')
TYPES = {"main": "anthropic-claude", "spare": "anthropic-claude", "other": "openai"}


def said(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def for_type(wanted: str, *history: tuple[Message, str]) -> tuple[Message, ...]:
    return without_foreign_reasoning(history, lambda name: TYPES.get(name) == wanted)


def test_reasoning_of_the_same_type_is_replayed_unchanged() -> None:
    history = ((user("go"), ""), (said(SIGNED, Text("a")), "main"), (said(Reasoning("", "secret")), "spare"))
    assert for_type("anthropic-claude", *history) == tuple(message for message, _ in history)


def test_reasoning_of_another_type_loses_its_data() -> None:
    call = ToolCall("1", "view", "{}")
    history = (
        (user("go"), ""),
        (said(SIGNED, Text("a"), call), "main"),
        (said(Reasoning("", "encrypted"), Text("b")), "main"),
        (said(Reasoning("", "encrypted")), "gone from the configuration"),
        (said(Reasoning("mine", "own"), Text("c")), "other"),
    )
    assert for_type("openai", *history) == (
        user("go"),
        said(Reasoning("I think"), Text("a"), call),
        said(Text("b")),
        said(Text("(thinking)")),
        said(Reasoning("mine", "own"), Text("c")),
    )


def test_what_holds_nothing_foreign_is_the_very_same() -> None:
    plain = said(Reasoning("open"), Text("a"))
    assert for_type("openai", (plain, "main"))[0] is plain


PARTS: st.SearchStrategy[Part] = (
    st.builds(Reasoning, st.sampled_from(["", " ", "x"]), st.sampled_from([None, "", "data"]))
    | st.builds(Text, st.text(min_size=1, max_size=3))
    | st.just(ToolCall("1", "a", "{}"))
)


@given(st.lists(st.tuples(st.lists(PARTS, min_size=1, max_size=4), st.sampled_from(["main", "other", ""]))))
def test_nothing_but_foreign_reasoning_changes(turns: list[tuple[list[Part], str]]) -> None:
    history = [(said(*parts), maker) for parts, maker in turns]
    sent = for_type("openai", *history)
    assert len(sent) == len(history)
    for (message, maker), shown in zip(history, sent, strict=True):
        assert shown.parts
        assert shown.tool_calls == message.tool_calls
        foreign = [part for part in shown.parts if isinstance(part, Reasoning) and part.provider_data]
        assert maker == "other" or not foreign
    assert for_type("openai", *zip(sent, (maker for _, maker in history), strict=True)) == sent
