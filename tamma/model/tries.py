"""Several tries at one change, of which the best is taken: what became of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import cast

from tamma.model.ids import BlobId, SessionId, TaskId

TRIES_JUDGED = "run.tries"
"""The event of a run whose tries were compared: what became of each, and which was taken."""
MOST = 8
"""Tries at one change: beyond that, money is better spent on a better model."""
SHARED = "shared"
"""The cost source of entries that stand at the beginning of a try's transcript as well as in the run's own:
they were paid there."""
_NAME = "agent-try-"
_WORKSPACE = "-try-"
_LONGEST = 300
_LISTED = 5


@dataclass(frozen=True, slots=True)
class TryOutcome:
    """What became of one try. `end` and `red` are in words; empty where there is nothing to say."""

    number: int
    """From 1."""
    agent: str
    """As `AgentChoice.label` tells it."""
    session_id: SessionId
    end: str = ""
    """Why it ended before the agent called its work done."""
    red: str = ""
    """The command that blocks."""
    passed: int = 0
    """Commands that did not block before that one."""
    refused: tuple[str, ...] = ()
    """What the diff policy refuses, and what takes something from the tests."""
    asks: int = 0
    """Findings to which a person has to agree."""
    diff: BlobId | None = None
    files: int = 0
    """Of the whole change; 0 where the try has added nothing to it."""
    added: int = 0
    removed: int = 0
    cost_usd: Decimal = Decimal(0)
    turns: int = 0
    chosen: bool = False

    @property
    def green(self) -> bool:
        """Whether it changes something, and nothing blocks that."""
        return self.files > 0 and not self.red and not self.refused

    @property
    def size(self) -> int:
        """Lines that it touches."""
        return self.added + self.removed


def short(outcome: TryOutcome) -> TryOutcome:
    """The same with its lists cut to what histories and screens bear."""
    refused = tuple(line[:_LONGEST] for line in outcome.refused[:_LISTED])
    return replace(outcome, refused=refused, red=outcome.red[:_LONGEST], end=outcome.end[:_LONGEST])


# --- names ---------------------------------------------------------------------------------------


def try_session(task_id: TaskId, number: int) -> SessionId:
    """The transcript of a try."""
    return SessionId(f"{task_id}/{try_purse(number)}")


def is_try(session_id: SessionId) -> bool:
    """Whether a transcript is a try's."""
    return session_id.rpartition("/")[2].startswith(_NAME)


def try_purse(number: int) -> str:
    """What the names of a try's reservations begin with."""
    return f"{_NAME}{number}"


def try_of_reservation(task_id: TaskId, key: str) -> SessionId | None:
    """The transcript of the try that made a reservation; None where it was no try."""
    purse, _, count = key.rpartition("-")
    session_id = SessionId(f"{task_id}/{purse}")
    return session_id if is_try(session_id) and count.isdecimal() else None


def try_workspace(task_id: TaskId, number: int) -> str:
    """The workspace of a try: the first one works in the run's own."""
    return task_id if number == 1 else f"{task_id}{_WORKSPACE}{number}"


def task_of(workspace_id: str) -> str:
    """The run that a workspace belongs to."""
    task, mark, number = workspace_id.rpartition(_WORKSPACE)
    return task if mark and number.isdecimal() else workspace_id


# --- the event -----------------------------------------------------------------------------------


def tries_data(outcomes: Sequence[TryOutcome], why: str) -> dict[str, str]:
    """A `TRIES_JUDGED` event's data."""
    rows = [{**asdict(outcome), "cost_usd": str(outcome.cost_usd)} for outcome in outcomes]
    return {"why": why, "tries": json.dumps(rows, separators=(",", ":"))}


def read_tries(data: Mapping[str, object]) -> tuple[str, tuple[TryOutcome, ...]]:
    """The inverse of `tries_data`; without tries where the data is none such."""
    try:
        rows = cast("list[dict[str, object]]", json.loads(str(data.get("tries", ""))))
        return str(data.get("why", "")), tuple(_outcome(row) for row in rows)
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation):
        return "", ()


def _outcome(row: Mapping[str, object]) -> TryOutcome:
    names = {each.name for each in fields(TryOutcome)}
    known = {name: value for name, value in row.items() if name in names}
    refused = cast("list[str]", known.pop("refused", []))
    cost = Decimal(str(known.pop("cost_usd", "0")))
    return TryOutcome(**known, refused=tuple(refused), cost_usd=cost)  # pyright: ignore[reportArgumentType] - as `tries_data` wrote it
