"""Keeping a conversation inside a model's window, without losing the prompt cache at every turn.

Old tool results are by far the largest part of an agent's conversation and the least needed. When the
estimate passes a share of the window, the results of all but the newest messages are replaced by a note; the
agent's strategy says which share, and how many messages stay whole. The whole transcript stays in the store;
only what is sent is shortened. The cut is a fold over the transcript, so the same transcript always gives the
same cut, and between two cuts the sent prefix stays the same: the service's prompt cache keeps working.

Reasoning that a service signed is only accepted while nothing before it has changed, so a cut also takes the
reasoning of the turns it passes over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tamma.model.agent import ContextStrategy
from tamma.model.conversation import Message, Part, Reasoning, Role, Text, ToolCall, ToolResult

STRATEGY = ContextStrategy()
CHARACTERS_PER_TOKEN = 3.5
"""Code is denser than prose; low, so that the estimate is on the high side."""
SMALL = 400
"""Results up to this many characters are not worth dropping."""


def estimate_tokens(message: Message) -> int:
    """About how many tokens a message takes."""
    return int(sum(_characters(part) for part in message.parts) / CHARACTERS_PER_TOKEN) + 8


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is sent of a conversation."""

    messages: tuple[Message, ...]
    cuts: tuple[int, ...] = ()
    """At which messages the conversation had grown too large, each time dropping older results."""

    def cuts_since(self, messages: tuple[Message, ...]) -> int:
        """How many cuts this call made that the one before, which the last answer came from, had not."""
        answers = [at for at, message in enumerate(messages) if message.role is Role.ASSISTANT]
        return sum(cut >= (answers[-1] if answers else 0) for cut in self.cuts)


def fit(
    messages: tuple[Message, ...], window: int, overhead: int = 0, strategy: ContextStrategy = STRATEGY
) -> Fitted:
    """The messages to send: `messages`, with old tool results dropped where they would overflow.

    `window` and `overhead` (system prompt and tools) are in tokens.
    """
    if strategy.compaction == "none":
        return Fitted(messages)
    high = int(window * strategy.compact_at) - overhead
    keep = strategy.keep_messages
    sizes = [estimate_tokens(message) for message in messages]
    sent: list[Message] = list(messages)
    total = 0
    cut = 0
    cuts: list[int] = []
    for index in range(len(messages)):
        total += sizes[index]
        if total > high and index - keep > cut:
            shortened = [_drop_results(old) for old in sent[cut : index - keep]]
            if shortened != sent[cut : index - keep]:
                cuts.append(index)
            sent[cut : index - keep] = shortened
            for old in range(cut, index + 1):
                sent[old] = _drop_reasoning(sent[old])
            total = sum(map(estimate_tokens, sent[: index + 1]))
            cut = index - keep
    return Fitted(tuple(sent), tuple(cuts))


def _drop_results(message: Message) -> Message:
    return replace(message, parts=tuple(_shorten(part) for part in message.parts))


def _drop_reasoning(message: Message) -> Message:
    kept = tuple(part for part in message.parts if not isinstance(part, Reasoning))
    if len(kept) == len(message.parts):
        return message
    return replace(message, parts=kept or (Text("(thinking)"),))


def _shorten(part: Part) -> Part:
    if isinstance(part, ToolResult) and len(part.content) > SMALL:
        note = f"[{len(part.content)} characters of output dropped to save room; run it again if needed]"
        return replace(part, content=note)
    return part


def _characters(part: Part) -> int:
    match part:
        case Text(text):
            return len(text)
        case ToolCall(_, name, args_json):
            return len(name) + len(args_json)
        case ToolResult(_, content, _):
            return len(content)
        case Reasoning(text, provider_data):
            return len(text) + len(provider_data or "")
        case _:
            return 6000  # an image: about 1,600 tokens at most services
