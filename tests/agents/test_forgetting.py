"""What is sent of a conversation that went in circles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.forgetting import without_loops
from tamma.agents.machine import TAKE_OVER, USE_TOOLS
from tamma.agents.stuck import ADVICES
from tamma.model.conversation import Message, Role, Text, ToolCall, ToolResult

OPENING = Message(Role.USER, (Text("Do it."),))
TALKS, FAILS, REPEATS, ALTERNATES = (Message(Role.USER, (Text(words),)) for words in ADVICES)


def act(command: str, number: int, result: str = "ok") -> list[Message]:
    """A turn and what its tool said."""
    made = ToolCall(f"c{number}", "bash", f'{{"command": "{command}"}}')
    return [Message(Role.ASSISTANT, (made,)), Message(Role.USER, (ToolResult(made.id, result),))]


def test_repetitions_go_and_the_first_time_stays() -> None:
    before, first = act("ls", 0), act("pytest", 1, "1 failed")
    looped = [message for number in range(2, 5) for message in act("pytest", number, "1 failed")]
    after = act("cat calc.py", 5)
    found = without_loops([OPENING, *before, *first, *looped, REPEATS, *after])
    assert list(found) == [OPENING, *before, *first, REPEATS, *after]


def test_two_actions_in_turn_are_kept_once() -> None:
    pairs = [act("ls" if number % 2 else "pwd", number) for number in range(6)]
    found = without_loops([OPENING, *(message for pair in pairs for message in pair), ALTERNATES])
    assert list(found) == [OPENING, *pairs[0], *pairs[1], ALTERNATES]


def test_talk_is_kept_once() -> None:
    talk = [Message(Role.ASSISTANT, (Text(f"Let me think about {number}."),)) for number in range(3)]
    told = Message(Role.USER, (Text(USE_TOOLS),))
    last = Message(Role.USER, (Text(f"{USE_TOOLS}\n\n{ADVICES[0]}"),))
    found = without_loops([OPENING, talk[0], told, talk[1], told, talk[2], last])
    assert list(found) == [OPENING, talk[0], told, last]


def test_a_person_between_turns_ends_what_is_dropped() -> None:
    word = Message(Role.USER, (Text("Look at parser.py."),))
    messages = [OPENING, *act("ls", 0), word, *act("ls", 1), *act("ls", 2), REPEATS]
    assert list(without_loops(messages)) == [OPENING, *act("ls", 0), word, *act("ls", 1), REPEATS]


def test_who_takes_over_does_not_read_the_loop_either() -> None:
    words = Message(Role.USER, (Text(TAKE_OVER.format(reason="the same action 4 times in a row")),))
    looped = [message for number in range(4) for message in act("ls", number)]
    assert list(without_loops([OPENING, *looped, words])) == [OPENING, *act("ls", 0), words]


def test_without_a_loop_nothing_is_dropped() -> None:
    looped = [message for number in range(3) for message in act("ls", number)]
    assert list(without_loops([OPENING, *looped])) == [OPENING, *looped]
    different = [message for number in range(3) for message in act(f"ls {number}", number, "denied")]
    assert list(without_loops([OPENING, *different, FAILS])) == [OPENING, *different, FAILS]


@given(st.lists(st.sampled_from(["ls", "pwd", "talk", "advice", "alternates"]), max_size=30))
def test_whole_turns_are_dropped_and_those_of_before_a_word_stay(course: list[str]) -> None:
    messages = [OPENING]
    for number, kind in enumerate(course):
        if kind == "talk":
            messages += [Message(Role.ASSISTANT, (Text("hm"),)), Message(Role.USER, (Text(USE_TOOLS),))]
        elif kind in ("advice", "alternates"):
            messages.append(REPEATS if kind == "advice" else ALTERNATES)
        else:
            messages += act(kind, number)
    sent = without_loops(messages)
    calls = [call.id for message in sent for call in message.tool_calls]
    results = [part.call_id for message in sent for part in message.parts if isinstance(part, ToolResult)]
    assert calls == results  # no call without its result, none twice
    assert sent[0] == OPENING
    words = [message for message in messages if message in (REPEATS, ALTERNATES)]
    assert [message for message in sent if message in words] == words
    more = [*messages, *act("other", 99)]
    assert without_loops(more)[: len(sent)] == sent  # what comes later changes nothing of it
