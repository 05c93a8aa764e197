"""What one provider's conversation may show to another.

When a session goes on with another provider (a fallback, a breaker that is open), its history holds what the
first one signed or encrypted: reasoning that only its own service can read, and that others refuse. The ids
and names of tool calls are of the first one's making, too: `functions.bash:0`, the same in every turn, or
none at all, where others insist on few characters and on no id twice.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from tamma.model.conversation import Message, Part, Reasoning, Text, ToolCall, ToolResult

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]+")
LONGEST_NAME = 64


def handed_over(history: Iterable[tuple[Message, str]], own: Callable[[str], bool]) -> tuple[Message, ...]:
    """The messages of `history`, fit for the provider that goes on.

    Each message comes with the name of the provider that made it (`Entry.provider`; empty for what no
    provider made). `own` says whether the data of a provider of that name can be read by the one that goes
    on: whether both are of one type. Of all others the reasoning's `provider_data` is dropped, and reasoning
    that holds nothing else. The same history always gives the same messages, so that prompt caches and
    signatures over earlier messages stay valid.

    Tool calls of others get ids and names that every service takes; their results follow them.
    """
    calls = _Calls()
    return tuple(
        calls.fitted(message if own(maker) else _plain(message), own=own(maker)) for message, maker in history
    )


class _Calls:
    """The ids of a conversation's calls, old to new, message by message."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._open: defaultdict[str, deque[str]] = defaultdict(deque)
        """The new ids of calls without a result yet, by the old one: it may stand there more than once."""

    def fitted(self, message: Message, *, own: bool) -> Message:
        """`message` with ids and names for its calls that every service takes, unless they are its own."""
        if message.tool_calls:
            self._open.clear()  # results follow their calls at once: what has none by now gets none
        parts = tuple(self._fitted(part, own) for part in message.parts)
        return message if parts == message.parts else replace(message, parts=parts)

    def _fitted(self, part: Part, own: bool) -> Part:
        match part:
            case ToolCall():
                fit = part if own else self._call(part)
                self._used.add(fit.id)
                self._open[part.id].append(fit.id)
                return fit
            case ToolResult() if waiting := self._open[part.call_id]:
                return replace(part, call_id=waiting.popleft())
            case _:
                return part

    def _call(self, call: ToolCall) -> ToolCall:
        fit = call.id if _ID.fullmatch(call.id) and call.id not in self._used else self._made_up(call.id)
        return replace(call, id=fit, name=_STRANGE.sub("_", call.name)[:LONGEST_NAME] or "unnamed")

    def _made_up(self, call_id: str) -> str:
        seed = f"{len(self._used)} {call_id}".encode(errors="replace")
        return f"call_{hashlib.sha256(seed).hexdigest()[:24]}"


def _plain(message: Message) -> Message:
    kept = tuple(_without_data(part) for part in message.parts if not _says_nothing(part))
    if kept == message.parts:
        return message
    return replace(message, parts=kept or (Text("(thinking)"),))  # services refuse empty turns


def _without_data(part: Part) -> Part:
    return replace(part, provider_data=None) if isinstance(part, Reasoning) else part


def _says_nothing(part: Part) -> bool:
    return isinstance(part, Reasoning) and not part.text.strip()
