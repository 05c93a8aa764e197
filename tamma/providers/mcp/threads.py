"""Which of the server's own conversations goes on with which of ours: best effort, bounded, in memory.

A server that keeps history is sent only what is new. Nothing depends on it: a conversation that is not known
here, or no longer there, is sent whole.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from tamma.model.conversation import Message, Reasoning, Role, Text

KEPT = 256
"""Conversations remembered; the server forgets them as well (PAL after 3 hours)."""


class Threads:
    """From the conversation so far to the server's name for it."""

    def __init__(self, kept: int = KEPT) -> None:
        self._names: OrderedDict[bytes, str] = OrderedDict()
        self._kept = kept

    def take(self, model: str, system: str, messages: Sequence[Message]) -> tuple[str | None, int]:
        """The name, and how many messages the server has already; (None, 0) where it has none of them.

        It is forgotten here: the server's record grows with the call, whether or not its answer arrives, so
        that the same call again must not build upon it.
        """
        for seen in range(len(messages) - 1, 0, -1):
            if messages[seen - 1].role is Role.ASSISTANT:
                name = self._names.pop(_digest(model, system, messages[:seen]), None)
                return (name, seen) if name else (None, 0)
        return None, 0

    def keep(self, name: str, model: str, system: str, messages: Sequence[Message], answer: str) -> None:
        """The server's name for `messages` and the answer to them."""
        key = _digest(model, system, (*messages, Message(Role.ASSISTANT, (Text(answer),))))
        self._names[key] = name
        self._names.move_to_end(key)
        while len(self._names) > self._kept:
            self._names.popitem(last=False)


def _digest(model: str, system: str, messages: Sequence[Message]) -> bytes:
    """Of what was said. Reasoning does not count: nobody repeats it to this kind of service."""
    said = [
        (str(message.role), tuple(part for part in message.parts if not isinstance(part, Reasoning)))
        for message in messages
    ]
    return hashlib.sha256(repr((model, system, said)).encode("utf-8", "surrogatepass")).digest()
