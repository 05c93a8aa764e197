"""What is noted of changes of the work tree, as events: by each step, and by the run as a whole.

The diffs themselves are blobs. They are for people, and for what people export: nothing decides by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tamma.model.foreign import mend_text
from tamma.model.ids import BlobId, SessionId
from tamma.model.task import DiffRef

STEP_CHANGED = "step.changed"
"""A batch of tools changed something."""
CHANGE_COLLECTED = "change.collected"
"""The whole change was looked at; the newest such event says how it stands."""


@dataclass(frozen=True, slots=True)
class StepChange:
    """What the tool calls of the answer at `seq` of a session did to the work tree."""

    session_id: SessionId
    seq: int
    diff: DiffRef
    checkpoint: BlobId | None = None
    """The work as it stood then."""


def step_data(
    session_id: SessionId, seq: int, diff: DiffRef, checkpoint: BlobId | None = None
) -> Mapping[str, object]:
    """A `STEP_CHANGED` event's data."""
    return {"session": session_id, "seq": seq, "checkpoint": checkpoint, **diff_data(diff)}


def diff_data(diff: DiffRef) -> Mapping[str, object]:
    """A `CHANGE_COLLECTED` event's data."""
    return {
        "diff": diff.blob,
        "files": [mend_text(path) for path in diff.files],
        "filesTotal": diff.files_total,
        "added": diff.added,
        "removed": diff.removed,
    }


def read_step(data: Mapping[str, object]) -> StepChange:
    """The inverse of `step_data`."""
    checkpoint = data.get("checkpoint")  # there since runs can go on from a step
    return StepChange(
        SessionId(str(data["session"])),
        _number(data["seq"]),
        read_diff(data),
        BlobId(str(checkpoint)) if checkpoint else None,
    )


def read_diff(data: Mapping[str, object]) -> DiffRef:
    """The inverse of `diff_data`."""
    return DiffRef(
        blob=BlobId(str(data["diff"])) if data["diff"] else None,
        files=tuple(str(path) for path in cast("list[object]", data["files"])),
        files_total=_number(data["filesTotal"]),
        added=_number(data["added"]),
        removed=_number(data["removed"]),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
