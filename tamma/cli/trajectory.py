"""The conversations of a run, read from the store and told as text or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from tamma.cli import story
from tamma.cli.shapes import Json, number
from tamma.model.conversation import Image, Part, Reasoning, Role, Text, ToolCall, ToolResult
from tamma.model.ids import SessionId, TaskId
from tamma.model.tries import MOST, try_session
from tamma.store.interface import Entry, TranscriptStore

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
    """A run's transcripts in the order in which they began: plan, agent, its tries, review."""
    found: list[Session] = []
    for name in ("plan", "agent", "choose", "review"):
        await _add(store, SessionId(f"{task_id}/{name}"), found)
    for count in range(1, MOST + 1):  # of some nothing may have come, while others were at work
        await _add(store, try_session(task_id, count), found)
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


def parts(entry: Entry) -> list[str]:
    """An entry for reading, whole: what was said, what was called, what came back."""
    return [line for part in entry.message.parts for line in _part(part).splitlines()]


def _part(part: Part) -> str:
    match part:
        case Text(text):
            return text.rstrip()
        case Reasoning(text):
            return f"(thinks) {text.rstrip()}" if text else "(thinks)"
        case ToolCall(_, name, args):
            return f"> {name} {readable(args)}"
        case ToolResult(_, content, is_error):
            return f"< {'error: ' if is_error else ''}{content.rstrip()}"
        case Image():
            return picture(part)


def picture(image: Image) -> str:
    """What stands for an image where only text can."""
    return f"[{image.media_type}, {len(image.data_base64) * 3 // 4} bytes]"


def readable(args_json: str) -> str:
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


def session_json(session: Session) -> Json:
    """A whole transcript, nothing cut."""
    return {"sessionId": session.id, "entries": [entry_json(entry) for entry in session.entries]}


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
