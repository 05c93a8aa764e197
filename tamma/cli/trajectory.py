"""The conversations of a run, read from the store and told as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from tamma.cli import story
from tamma.cli.shapes import Json, number
from tamma.model.conversation import Image, Part, Reasoning, Role, Text, ToolCall, ToolResult
from tamma.model.ids import SessionId, TaskId
from tamma.store.interface import Entry, TranscriptStore

CUT = 1200
"""Characters of a part that are shown unless everything is wanted."""
BRIEF = 100
_LAST = datetime.max.replace(tzinfo=UTC)
_MORE_SESSIONS = 50
"""A stage that was started again has a transcript `agent-<n>`; nobody has so many."""


@dataclass(frozen=True, slots=True)
class Session:
    """One transcript."""

    id: SessionId
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]


async def read(store: TranscriptStore, task_id: TaskId) -> tuple[Session, ...]:
    """A run's transcripts in the order in which they began: plan, agent, review."""
    found: list[Session] = []
    for name in ("plan", "agent", "review"):
        await _add(store, SessionId(f"{task_id}/{name}"), found)
    for attempt in range(1, _MORE_SESSIONS):
        if not await _add(store, SessionId(f"{task_id}/agent-{attempt}"), found) and attempt > 1:
            break
    return tuple(sorted(found, key=lambda session: session.entries[0].recorded_at or _LAST))


async def _add(store: TranscriptStore, session_id: SessionId, found: list[Session]) -> bool:
    entries = await store.read_entries(session_id)
    if entries:
        found.append(Session(session_id, entries))
    return bool(entries)


# --- text ----------------------------------------------------------------------------------------


def lines(sessions: Sequence[Session], *, full: bool) -> list[str]:
    """The whole trajectory for reading: what the model said, what it called, what came back, what it cost."""
    told: list[str] = []
    for session in sessions:
        told += [f"=== {session.name} ({session.id})", ""]
        turn = 0
        for entry in session.entries:
            turn += entry.message.role is Role.ASSISTANT
            told += [_heading(entry, turn), *_parts(entry.message.parts, full=full), ""]
    told.append(_totals(sessions))
    return told


def _heading(entry: Entry, turn: int) -> str:
    if entry.message.role is not Role.ASSISTANT:
        return f"--- {entry.seq}. to the model"
    tokens = f"{story.count(entry.input_tokens)} in, {story.count(entry.output_tokens)} out"
    cached = f", {story.count(entry.cache_read_tokens)} cached" if entry.cache_read_tokens else ""
    cost = "price unknown" if entry.cost_usd is None else story.usd(entry.cost_usd)
    return (
        f"--- {entry.seq}. turn {turn}: {entry.provider}/{entry.model} "
        f"({tokens}{cached}, {cost}, {entry.duration_ms / 1000:.1f} s)"
    )


def _parts(parts: Sequence[Part], *, full: bool) -> list[str]:
    told: list[str] = []
    for part in parts:
        told += _part(part, full=full).splitlines()
    return told


def _part(part: Part, *, full: bool) -> str:
    match part:
        case Text(text):
            return cut(text, full=full)
        case Reasoning(text):
            return f"(thinks) {cut(text, full=full)}" if text else "(thinks)"
        case ToolCall(_, name, args):
            return f"> {name} {cut(_readable(args), full=full)}"
        case ToolResult(_, content, is_error):
            return f"< {'error: ' if is_error else ''}{cut(content, full=full)}"
        case Image(media_type, data):
            return f"[{media_type}, {len(data) * 3 // 4} bytes]"


def _readable(args_json: str) -> str:
    """Arguments as `name: value` lines where they are what they should be, else as they came."""
    try:
        args: object = json.loads(args_json)
    except ValueError:
        return args_json
    if not isinstance(args, dict):
        return args_json
    rows = [
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in cast("dict[str, object]", args).items()
    ]
    return "\n  ".join(rows)


def cut(text: str, *, full: bool) -> str:
    """Head and tail of a long text, saying what is left out."""
    text = text.rstrip()
    if full or len(text) <= CUT:
        return text
    left_out = len(text) - CUT
    return f"{text[: CUT // 2]}\n[… {left_out} characters, --full shows them …]\n{text[-CUT // 2 :]}"


def _totals(sessions: Sequence[Session]) -> str:
    answers = [
        entry for session in sessions for entry in session.entries if entry.message.role is Role.ASSISTANT
    ]
    spent = sum((entry.cost_usd for entry in answers if entry.cost_usd is not None), start=story.ZERO)
    unpriced = sum(entry.cost_usd is None for entry in answers)
    words = (
        f"{len(answers)} model {story.plural('call', len(answers))}",
        f"{story.count(sum(entry.input_tokens for entry in answers))} in",
        f"{story.count(sum(entry.output_tokens for entry in answers))} out",
        story.usd(spent) + (f" + {unpriced} unpriced" if unpriced else ""),
    )
    return "=== " + " · ".join(words)


def brief(entry: Entry) -> str:
    """One line on an answer: the tools it called, else its first words."""
    calls = entry.message.tool_calls
    if not calls:
        return _brief_text(entry.message.text)[:BRIEF] or "(no words)"
    return "; ".join(f"{call.name} {_brief_args(call.args_json)}".strip() for call in calls)[: 2 * BRIEF]


def _brief_text(text: str) -> str:
    """The first words; of a plan or a review, which are JSON, the summary."""
    start, end = text.find("{"), text.rfind("}")
    summary = _field(text[start : end + 1], ("summary",)) if 0 <= start < end else ""
    return summary or story.first_line(text)


def _brief_args(args_json: str) -> str:
    return _field(args_json, ("command", "path", "pattern", "summary"))[:BRIEF]


def _field(text: str, keys: tuple[str, ...]) -> str:
    """The first of `keys` that is a string in the JSON object `text`, on one line, or nothing."""
    try:
        found: object = json.loads(text)
    except ValueError:
        return ""
    values = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    return next((" ".join(value.split()) for key in keys if isinstance(value := values.get(key), str)), "")


# --- JSON ----------------------------------------------------------------------------------------


def document(task_id: TaskId, sessions: Sequence[Session]) -> Json:
    """Everything, nothing cut."""
    return {
        "taskId": task_id,
        "sessions": [
            {"sessionId": session.id, "entries": [entry_json(entry) for entry in session.entries]}
            for session in sessions
        ],
    }


def entry_json(entry: Entry) -> Json:
    """One entry of a transcript. The figures are there for the model's own entries alone."""
    shape: Json = {
        "seq": entry.seq,
        "role": entry.message.role.value,
        "parts": [_part_json(part) for part in entry.message.parts],
        "recordedAt": entry.recorded_at.isoformat() if entry.recorded_at else None,
    }
    if entry.message.role is Role.ASSISTANT:
        shape |= {
            "provider": entry.provider,
            "model": entry.model,
            "finish": entry.finish,
            "tokens": {
                "input": entry.input_tokens,
                "output": entry.output_tokens,
                "cacheRead": entry.cache_read_tokens,
            },
            "costUsd": None if entry.cost_usd is None else number(entry.cost_usd),
            "costSource": entry.cost_source or None,
            "durationMs": entry.duration_ms,
        }
    return shape


def _part_json(part: Part) -> Json:
    match part:
        case Text(text):
            return {"kind": "text", "text": text}
        case Reasoning(text):
            return {"kind": "reasoning", "text": text}
        case ToolCall(call_id, name, args):
            return {"kind": "toolCall", "id": call_id, "name": name, "args": _parsed(args)}
        case ToolResult(call_id, content, is_error):
            return {"kind": "toolResult", "callId": call_id, "content": content, "isError": is_error}
        case Image(media_type, data):
            return {"kind": "image", "mediaType": media_type, "dataBase64": data}


def _parsed(args_json: str) -> object:
    """The arguments as JSON; what a model broke stays the string that it sent."""
    try:
        return json.loads(args_json)
    except ValueError:
        return args_json
