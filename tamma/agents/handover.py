"""What one provider's conversation may show to another.

When a session goes on with another provider (a fallback, a breaker that is open), its history holds what the
first one signed or encrypted: reasoning that only its own service can read, and that others refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from tamma.model.conversation import Message, Part, Reasoning, Text


def without_foreign_reasoning(
    history: Iterable[tuple[Message, str]], own: Callable[[str], bool]
) -> tuple[Message, ...]:
    """The messages of `history`, fit for the provider that goes on.

    Each message comes with the name of the provider that made it (`Entry.provider`; empty for what no
    provider made). `own` says whether the data of a provider of that name can be read by the one that goes
    on: whether both are of one type. Of all others the reasoning's `provider_data` is dropped, and reasoning
    that holds nothing else. The same history always gives the same messages, so that prompt caches and
    signatures over earlier messages stay valid.
    """
    return tuple(message if own(maker) else _plain(message) for message, maker in history)


def _plain(message: Message) -> Message:
    kept = tuple(_without_data(part) for part in message.parts if not _says_nothing(part))
    if kept == message.parts:
        return message
    return replace(message, parts=kept or (Text("(thinking)"),))  # services refuse empty turns


def _without_data(part: Part) -> Part:
    return replace(part, provider_data=None) if isinstance(part, Reasoning) else part


def _says_nothing(part: Part) -> bool:
    return isinstance(part, Reasoning) and not part.text.strip()
