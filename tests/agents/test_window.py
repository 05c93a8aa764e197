"""Keeping a conversation in its window: old results go first, and the cut is stable."""

from __future__ import annotations

from tamma.agents.window import STRATEGY, estimate_tokens, fit
from tamma.model.agent import ContextStrategy
from tamma.model.conversation import Message, Reasoning, Role, Text, ToolCall, ToolResult, user

WINDOW = 20_000


def conversation(steps: int, size: int = 3500) -> tuple[Message, ...]:
    messages: list[Message] = [user("solve it")]
    for number in range(steps):
        messages.append(Message(Role.ASSISTANT, (Text("next"), ToolCall(str(number), "bash", "{}"))))
        messages.append(Message(Role.USER, (ToolResult(str(number), "x" * size),)))
    return tuple(messages)


def total(messages: tuple[Message, ...]) -> int:
    return sum(map(estimate_tokens, messages))


def test_a_short_conversation_is_sent_as_it_is() -> None:
    messages = conversation(3)
    assert fit(messages, WINDOW).messages == messages


def test_a_long_one_fits_and_keeps_its_newest_messages() -> None:
    messages = conversation(60)
    sent = fit(messages, WINDOW).messages
    assert total(messages) > WINDOW
    assert total(sent) < WINDOW
    assert sent[-STRATEGY.keep_messages :] == messages[-STRATEGY.keep_messages :]
    assert sent[0] == messages[0]
    assert [message.role for message in sent] == [message.role for message in messages]


def test_the_sent_prefix_stays_the_same_between_two_cuts() -> None:
    """The service's prompt cache works on equal prefixes: a cut at every turn would defeat it."""
    changes = 0
    before: tuple[Message, ...] = ()
    for steps in range(1, 60):
        sent = fit(conversation(steps), WINDOW).messages
        if sent[: len(before)] != before:
            changes += 1
        before = sent
    assert changes < 60 / 4


def test_a_cut_takes_the_reasoning_that_it_would_invalidate() -> None:
    """A signed thought is refused once something before it has changed."""
    messages = tuple(
        Message(message.role, (Reasoning("hm", '{"signature": "s"}'), *message.parts))
        if message.role is Role.ASSISTANT
        else message
        for message in conversation(60)
    )
    sent = fit(messages, WINDOW).messages
    last_change = max(i for i, (a, b) in enumerate(zip(sent, messages, strict=True)) if a != b)
    thoughtful = [
        i for i, message in enumerate(sent) if any(isinstance(part, Reasoning) for part in message.parts)
    ]
    assert all(index > last_change for index in thoughtful)
    assert all(message.parts for message in sent)


def test_a_strategy_says_when_it_is_cut_and_what_stays_whole() -> None:
    messages = conversation(60)
    early = fit(messages, WINDOW, strategy=ContextStrategy(compact_at=0.4, keep_messages=4))
    late = fit(messages, WINDOW, strategy=ContextStrategy(compact_at=0.9, keep_messages=16))
    assert total(early.messages) < 0.4 * WINDOW
    assert total(early.messages) < total(late.messages) < 0.9 * WINDOW
    for fitted, keep in ((early, 4), (late, 16)):
        assert fitted.messages[-keep:] == messages[-keep:]
    assert early.cuts[0] < late.cuts[0]


def test_without_compaction_it_is_sent_whole() -> None:
    messages = conversation(60)
    fitted = fit(messages, WINDOW, strategy=ContextStrategy(compaction="none"))
    assert (fitted.messages, fitted.cuts) == (messages, ())


def test_each_cut_counts_at_one_call() -> None:
    """Every call folds the whole conversation again; a cut belongs to the call that met it first."""
    whole = fit(conversation(60), WINDOW)
    counted = sum(fit(messages, WINDOW).cuts_since(messages) for messages in map(conversation, range(61)))
    assert counted == len(whole.cuts) > 3
