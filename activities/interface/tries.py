"""What a workflow needs for several tries at one change."""

from __future__ import annotations

from dataclasses import dataclass, field

from activities.interface import Activity, Done
from tamma.model.ids import BlobId, SessionId
from tamma.model.metrics import ModelUse
from tamma.model.task import AgentChoice, Spend


@dataclass(frozen=True, slots=True)
class ShareTranscript:
    """Begin other transcripts with the first `entries` of one."""

    session_id: SessionId
    entries: int
    to: tuple[SessionId, ...]


SHARE_TRANSCRIPT: Activity[ShareTranscript, Done] = Activity("share_transcript", Done)


@dataclass(frozen=True, slots=True)
class ChooseTry:
    """Have a model choose among diffs; in the order in which it is shown them."""

    session_id: SessionId
    agent: AgentChoice
    issue: BlobId
    plan: BlobId
    diffs: tuple[BlobId, ...]


@dataclass(frozen=True, slots=True)
class TryChosen:
    """Which of the diffs, from 0; None where the answer named none."""

    best: int | None
    why: str
    spend: Spend
    instead_of: tuple[str, ...] = ()
    """As in `PlanMade`."""
    use: ModelUse = field(default_factory=ModelUse)


CHOOSE_TRY: Activity[ChooseTry, TryChosen] = Activity("choose_try", TryChosen)
