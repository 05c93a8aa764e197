"""A whole conversation as one prompt, for services that take a question and keep no history of ours. Pure.

A turn begins with a marker line such as `=== user`. What a turn says can never pass for a marker: the run of
`=` grows until no line of the conversation begins with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby

from tamma.model.conversation import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult

_RUN = re.compile(r"^[ \t]*(=+)", re.MULTILINE)
_LEFT_OUT = "[an image was left out: it cannot be shown here]"


@dataclass(frozen=True, slots=True)
class Flat:
    """One prompt, and the images that its `[image 1]`, `[image 2]`… stand for, in that order."""

    text: str
    images: tuple[Image, ...] = ()


def flatten(messages: Sequence[Message], *, system: str = "", vision: bool = False) -> Flat:
    """The prompt for `messages`: a single question stays as it is, anything longer gets role markers.

    `system` is put first, for services that have no place of their own for it. Without `vision`, images are
    replaced by a note. Reasoning is left out: it belongs to the model that had it.
    """
    images = tuple(part for message in messages for part in message.parts if isinstance(part, Image))
    turns = list(_turns(messages, vision))
    if not system.strip() and len(turns) == 1 and turns[0][0] == str(Role.USER):
        return Flat(turns[0][1], images if vision else ())
    if system.strip():
        turns.insert(0, ("system", system.strip()))
    mark = _marker(text for _, text in turns)
    said = "\n\n".join(f"{mark} {title}\n{text}" for title, text in turns)
    return Flat(f"{_rule(mark)}\n\n{said}\n\n{_order(mark)}", images if vision else ())


def _rule(mark: str) -> str:
    return (
        "This is a conversation, oldest turn first. A turn begins with a line that starts with "
        f'"{mark} " and says whose turn it is.'
    )


def _order(mark: str) -> str:
    order = "Write the assistant's next turn: its words only, without a marker line."
    return f"{mark} end of the conversation\n{order}"


def _turns(messages: Iterable[Message], vision: bool) -> Iterable[tuple[str, str]]:
    """Title and text of each turn; neighbours with one title are joined, empty ones left out."""
    numbers = count(1)
    pieces = [
        piece
        for message in messages
        for part in message.parts
        if (piece := _piece(message.role, part, numbers if vision else None))[1].strip()
    ]
    for title, group in groupby(pieces, key=lambda piece: piece[0]):
        yield title, "\n\n".join(text for _, text in group)


def _piece(role: Role, part: Part, numbers: Iterator[int] | None) -> tuple[str, str]:
    match part:
        case Text(text):
            return str(role), text
        case Image():
            return str(role), _LEFT_OUT if numbers is None else f"[image {next(numbers)}]"
        case ToolCall(call_id, name, args_json):
            return f"assistant calls the tool {_word(name)}, call {_word(call_id)}", args_json or "{}"
        case ToolResult(call_id, content, is_error):
            what = "error" if is_error else "result"
            return f"{what} of call {_word(call_id)}", content or "(nothing)"
        case Reasoning():
            return str(role), ""


def _word(text: str) -> str:
    """`text` as it may stand in a marker line: names and ids come from models, and may hold anything."""
    return " ".join(text.split())[:100] or "?"


def _marker(texts: Iterable[str]) -> str:
    longest = max((len(found[1]) for text in texts for found in _RUN.finditer(text)), default=0)
    return "=" * max(3, longest + 1)
