"""How a run stands, and what another one that goes on from there is given of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from activities.interface import AcceptedIssue, Activity, ProjectReport, PublishedBranch
from activities.interface.catching_up import Replayed
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.origin import Origin
from tamma.model.planning import Decided, OpenPoints
from tamma.model.session import Finished, Opening, Stage
from tamma.model.suggestion import PatchStage
from tamma.model.task import AgentChoice, DevRequest, Phase, Spend, TestRun
from tamma.model.tries import TryOutcome


@dataclass(frozen=True, slots=True)
class Standing:
    """A run's memory at one moment, without contents: those are in the store.

    It is kept as JSON and read by later versions: fields may be added with defaults, never renamed.
    """

    request: DevRequest
    issue: AcceptedIssue
    phase: Phase
    project: ProjectReport | None = None
    plan: BlobId | None = None
    plan_agreed: bool = False
    open: OpenPoints = field(default_factory=OpenPoints)
    """What the plan leaves open; asked about again where it was not agreed."""
    decided: tuple[Decided, ...] = ()
    red_test: TestRun | None = None
    red_output: BlobId | None = None
    proof: BlobId | None = None
    untested_because: str = ""
    session_id: SessionId | None = None
    next_seq: int = 0
    stage: Stage | None = None
    """What the agent was at, with what that began with and at which entry."""
    opening: Opening | None = None
    since: int = 0
    solved: bool = False
    checkpoint: BlobId | None = None
    """The work after the last tools that wrote."""
    left: BlobId | None = None
    """The work tree at the run's end, where it was looked at."""
    agreed: tuple[str, ...] = ()
    patches_agreed: tuple[PatchStage, ...] = ()
    """Of a run that pushes nothing: the stages whose patch a person agreed to."""
    words: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    """Reviews that were done as they said."""
    summary: str = ""
    review: str = ""
    approved: bool | None = None
    published: PublishedBranch | None = None
    pull_request: str = ""
    pull_request_url: str = ""
    published_on: str = ""
    """The commit that the published change was made on."""
    replayed: Replayed | None = None
    """What a replay left to be solved, and to be looked at as a whole before it is published."""
    doubtful: tuple[str, ...] = ()
    """Conflicts that the agent decided: a person looks at them before they are merged."""
    proof_base: str = ""
    spend: Spend = field(default_factory=Spend)
    spent_before: Spend = field(default_factory=Spend)
    worker: AgentChoice | None = None
    """Whose try was taken, where that is not the run's own agent."""
    tries: tuple[TryOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeUp:
    task_id: TaskId
    """Of the run that goes on."""
    branch: str
    """The branch that it works on."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What a run goes on with. Its conversations are its own: copies of the other's."""

    standing: Standing
    """As it was there, on this run's branch."""
    plan_markdown: str = ""
    plans: int = 0
    """Answers in the planning conversation."""
    next_seq: int = 0
    stage: Stage | None = None
    opened: bool = False
    """That stage's first words were given already."""
    awaiting_tools: int | None = None
    """The answer whose calls are still to be run."""
    finished: Finished | None = None
    """The stage's end, where the last answer was that."""
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


TAKE_UP: Activity[TakeUp, TakenUp] = Activity("take_up", TakenUp)
