"""Several tries at one change, as the run remembers them while they work and are judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from tamma.agents.best import Shares
from tamma.model.ids import BlobId, SessionId
from tamma.model.session import Opening, SessionEnd, SessionMessage, SessionOrder, SessionResult
from tamma.model.task import AgentChoice, DiffRef, GateOutcome, TestRun
from tamma.model.tries import TryOutcome
from workflows.measuring import StepBegun
from workflows.workspace_link import WorkspaceLink


@dataclass(frozen=True, slots=True)
class Seen:
    """What the commands and the diff said of a try's work."""

    tests: TestRun | None
    green: bool | None
    gates: dict[str, GateOutcome]
    diff: DiffRef


@dataclass(slots=True)
class Attempt:
    """One try, from its workspace to its judgement."""

    number: int
    agent: AgentChoice
    hint: str
    session_id: SessionId
    link: WorkspaceLink
    begun: StepBegun | None = None
    ended: StepBegun | None = None
    result: SessionResult | None = None
    """None of one that did not end by itself."""
    accounted: bool = False
    trouble: str = ""
    """Why its session did not begin."""
    given_up: bool = False
    """It was told to end, for it only waited."""
    told: set[int] = field(default_factory=set[int])
    """Which of the race's messages its session has."""
    seen: Seen | None = None
    outcome: TryOutcome | None = None

    @property
    def finished(self) -> bool:
        """Whether the agent called its work done."""
        return self.result is not None and self.result.end is SessionEnd.FINISHED

    @property
    def why_ended(self) -> str:
        """Why it ended before that; empty where it did not."""
        if self.result is None:
            return self.trouble or "its session was ended from outside"
        return "" if self.finished else self.result.finished.summary


@dataclass(slots=True)
class Race:
    """What the tries have in common."""

    opening: Opening
    shares: Shares
    begins_at: int
    """Entries that their transcripts share."""
    words: tuple[str, ...]
    """What people said meanwhile: each of them is told."""
    attempts: list[Attempt]
    checkpoint: BlobId | None = None
    """The work that they begin with."""
    diff: BlobId | None = None
    """The same as a diff."""
    said: list[SessionMessage] = field(default_factory=list[SessionMessage])
    """What people said since they began: whichever is slow to start is told when it has."""
    taken: Attempt | None = None

    @property
    def steered(self) -> tuple[str, ...]:
        """All that people said to the agent, before and since."""
        return (*self.words, *(text for _, text in self.steers))

    @property
    def steers(self) -> list[tuple[int, str]]:
        """Of `said`, what is for the agent to read."""
        return [(n, each.text) for n, each in enumerate(self.said) if each.order is SessionOrder.STEER]


def unheard(race: Race, attempt: Attempt) -> tuple[str, ...]:
    """What people said that the agent does not know yet in the conversation in which it goes on."""
    if attempt.result is None:
        return race.steered  # that conversation is cut, the next one begins with nothing
    unread = (word for word in attempt.result.unread if word != attempt.hint)
    return (*unread, *(text for number, text in race.steers if number not in attempt.told))
