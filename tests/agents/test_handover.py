"""A history goes on with another provider."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.handover import handed_over
from tamma.model.conversation import Message, Part, Reasoning, Role, Text, ToolCall, ToolResult, user

SIGNED = Reasoning("I think", '{"signature": "x"}')
TYPES = {"main": "anthropic-claude", "spare": "anthropic-claude", "other": "openai"}


def said(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def for_type(wanted: str, *history: tuple[Message, str]) -> tuple[Message, ...]:
    return handed_over(history, lambda name: TYPES.get(name) == wanted)


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
def test_nothing_but_foreign_reasoning_and_ids_change(turns: list[tuple[list[Part], str]]) -> None:
    history = [(said(*parts), maker) for parts, maker in turns]
    sent = for_type("openai", *history)
    assert len(sent) == len(history)
    for (message, maker), shown in zip(history, sent, strict=True):
        assert shown.parts
        assert [call.name for call in shown.tool_calls] == [call.name for call in message.tool_calls]
        assert maker != "other" or shown.tool_calls == message.tool_calls
        foreign = [part for part in shown.parts if isinstance(part, Reasoning) and part.provider_data]
        assert maker == "other" or not foreign
    assert for_type("openai", *zip(sent, (maker for _, maker in history), strict=True)) == sent


def answers(*ids: str) -> Message:
    return Message(Role.USER, tuple(ToolResult(call_id, f"of {call_id}") for call_id in ids))


def test_calls_of_others_get_ids_and_names_that_every_service_takes() -> None:
    strange = ["functions.bash:0", "", "a b", "é", "x" * 65, "\ud800", "fine-1_A"]
    asked = said(*(ToolCall(call_id, f"{call_id}", "{}") for call_id in strange))
    calls, results = for_type("openai", (asked, "main"), (answers(*strange), ""))
    ids = [call.id for call in calls.tool_calls]
    for call in calls.tool_calls:
        assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", call.id)
        assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", call.name)
    assert len(set(ids)) == len(ids)
    assert ids[-1] == "fine-1_A"
    assert [(part.call_id, part.content) for part in results.parts if isinstance(part, ToolResult)] == [
        (new, f"of {old}") for new, old in zip(ids, strange, strict=True)
    ]


def test_no_id_stands_there_twice() -> None:
    turn = (said(ToolCall("call_0", "view", "{}"), ToolCall("call_0", "bash", "{}")), "main")
    history = [turn, (answers("call_0", "call_0"), "")] * 3
    sent = for_type("openai", *history)
    ids = [call.id for message in sent for call in message.tool_calls]
    assert len(set(ids)) == len(ids) == 6
    results = [part.call_id for message in sent for part in message.parts if isinstance(part, ToolResult)]
    assert results == ids
    assert for_type("openai", *history, turn)[:6] == sent  # prompt caches stay valid


def test_a_call_without_a_result_does_not_take_the_next_ones() -> None:
    turn = (said(ToolCall("call_0", "view", "{}")), "main")
    sent = for_type("openai", turn, turn, (answers("call_0"), ""))
    assert [part.call_id for part in sent[2].parts if isinstance(part, ToolResult)] == [
        sent[1].tool_calls[0].id
    ]


def test_own_calls_stay_as_they_are() -> None:
    history = (
        (said(ToolCall("functions.bash:0", "a b", "{}")), "other"),
        (answers("functions.bash:0"), ""),
        (said(ToolCall("functions.bash:0", "a", "{}")), "main"),
        (answers("functions.bash:0"), ""),
    )
    sent = for_type("openai", *history)
    assert sent[:2] == tuple(message for message, _ in history[:2])
    assert sent[2].tool_calls[0].id == next(p.call_id for p in sent[3].parts if isinstance(p, ToolResult))
