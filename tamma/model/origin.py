"""Where a run goes on from: another one of the same issue, at its end or at one of its steps."""

from __future__ import annotations

from dataclasses import dataclass

from tamma.model.ids import BlobId, SessionId, TaskId

STANDING = "standing"
"""The name, in an event's data, of the blob that says how its run stood then."""
REPLAYED = "change.replayed"
"""The event of a change that was put onto another commit of its base."""
RUN_CONTINUED = "run.continued"
"""The event of a run that goes on from another one: which, from which step, and how much it took over."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The run that this one goes on from."""

    task_id: TaskId
    standing: BlobId
    """How it stood, as one of its events says."""
    step: int = 0
    """Of a fork: the last step that is kept, as `tamma inspect` counts them. 0: all of them."""
    session_id: SessionId | None = None
    """Of a fork: the conversation of that step, of which `entries` are kept."""
    entries: int = 0
    instructions: BlobId | None = None
    """What the agent is told beside what it was told there."""

    @property
    def fork(self) -> bool:
        """Whether it leaves the other one's way, on a branch of its own."""
        return self.step > 0


@dataclass(frozen=True, slots=True)
class Inherited:
    """The data of a `RUN_CONTINUED` event."""

    task_id: TaskId
    step: int
    answers: dict[SessionId, int]
    """By conversation: how many of the model's answers were taken over, and paid for there."""


def inherited_data(inherited: Inherited) -> dict[str, object]:
    """The inverse of `read_inherited`."""
    return {
        "from": inherited.task_id,
        "step": inherited.step,
        "answers": {str(session): count for session, count in inherited.answers.items()},
    }


def read_inherited(data: object) -> Inherited | None:
    """None for what is no such data."""
    if not isinstance(data, dict):
        return None
    values: dict[str, object] = {str(key): value for key, value in data.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - it comes from the store
    answers, step = values.get("answers"), values.get("step")
    counts: dict[SessionId, int] = {}
    if isinstance(answers, dict):
        for session, count in answers.items():  # pyright: ignore[reportUnknownVariableType]
            if isinstance(count, int):
                counts[SessionId(str(session))] = count  # pyright: ignore[reportUnknownArgumentType]
    return Inherited(TaskId(str(values.get("from", ""))), step if isinstance(step, int) else 0, counts)
