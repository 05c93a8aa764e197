"""An agent session: one stage of the work, as a conversation between a model and its tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tamma.model.budget import PurseState
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.metrics import ModelUse
from tamma.model.repository import RepoRef
from tamma.model.task import AgentChoice, Gate, Limits, Spend, Waiting

HELP_STEP = "stuck"
"""The configuration's word (`providers.steps`) for a model's turns that has taken over from another."""


class Stage(StrEnum):
    """What a session is for."""

    RED_TEST = "red-test"
    IMPLEMENT = "implement"
    FIX = "fix"

    @property
    def step(self) -> str:
        """The configuration's word for it (`providers.steps`)."""
        return "test" if self is Stage.RED_TEST else self.value


@dataclass(frozen=True, slots=True)
class WorkspaceRef:
    """Where a run's workspace is, and how to get it back."""

    id: str
    queue: str
    """The task queue of the host that has it."""
    base_sha: str
    base_branch: str
    branch: str
    checkpoint: BlobId | None = None
    sandbox_tier: str = ""


@dataclass(frozen=True, slots=True)
class WorkspaceOrder:
    """What `prepare_workspace` is asked for. Credentials are the worker's own business."""

    task_id: TaskId
    repo: RepoRef
    clone_url: str
    base_branch: str
    base_sha: str
    branch: str
    checkpoint: BlobId | None = None
    base_only: bool = False
    """Of trials: nothing that came after the base is fetched."""
    instructions: BlobId | None = None
    """Of trials: what stands as AGENTS.md below the work."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a session begins with: a prompt's name, stored texts and short words to fill it in."""

    prompt: str
    refs: Mapping[str, BlobId] = field(default_factory=dict[str, BlobId])
    words: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool call of a turn, in small: enough to decide, nothing to read."""

    name: str
    fingerprint: str
    """A short hash over name and arguments: equal actions have equal fingerprints."""
    brief: str = ""
    """For people who watch: the command or path, at most 120 characters."""


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """What a model call gave. The answer itself is in the transcript at `seq`."""

    seq: int
    """Of the assistant's entry; the next entry is `seq + 1`."""
    tools: tuple[ToolUse, ...]
    finish: str
    spend: Spend
    text: str = ""
    """The beginning of what the model said, at most 300 characters."""
    served_model: str = ""
    seconds: float = 0.0
    instead_of: tuple[str, ...] = ()
    """A line for each provider that should have answered and could not: who, why, and who did."""
    use: ModelUse = field(default_factory=ModelUse)
    helper: bool = False
    """Whether another model takes over where this one goes in circles (`providers.steps.stuck`)."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The agent called `finish`."""

    summary: str
    test_command: str = ""
    test_files: tuple[str, ...] = ()
    no_test_reason: str = ""
    answers: str = ""
    """To the numbered remarks of a review, a line `N: ...` each."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What a batch of tool calls gave. The results are in the transcript at `seq`."""

    seq: int
    errors: tuple[str, ...]
    """The kinds of errors, one per failed call, with a short hash of the message."""
    changed: bool
    finished: Finished | None = None
    checkpoint: BlobId | None = None


@dataclass(frozen=True, slots=True)
class LoopMemory:
    """What the stuck detector remembers: the last few actions, errors and silences."""

    actions: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    monologues: int = 0
    nudges: int = 0


@dataclass(frozen=True, slots=True)
class SessionState:
    """All that a session carries across continue-as-new; a few hundred bytes."""

    next_seq: int
    spend: Spend = field(default_factory=Spend)
    memory: LoopMemory = field(default_factory=LoopMemory)
    pending: tuple[str, ...] = ()
    """Messages for the agent that it has not been given yet."""
    finished: Finished | None = None
    opened: bool = False
    awaiting_tools: int | None = None
    """The seq of an assistant entry whose tool calls have not run yet."""
    paused: bool = False
    finish_now: bool = False
    """A person has it end."""
    finishing: int = 0
    """Turns since it was told so."""
    instead_of: tuple[str, ...] = ()
    """Providers that could not answer when another did, each with its reasons, once."""
    use: ModelUse = field(default_factory=ModelUse)
    helper: bool = False
    """Whether there is a model to take over when this one goes in circles; as its last turn said."""
    helped: bool = False
    """Whether it has taken over, to the end of the stage."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """The input of the `AgentSession` workflow."""

    task_id: TaskId
    session_id: SessionId
    stage: Stage
    opening: Opening
    agent: AgentChoice
    workspace: WorkspaceRef
    limits: Limits
    budget_left: Decimal
    """US dollars that this session may still spend; it pauses before the call that would follow."""
    turns_left: int
    state: SessionState
    rebuild: WorkspaceOrder
    """How to get the workspace back when its host is gone."""
    label: str = ""
    """`owner/repo#12`, for summaries."""
    unattended: float | None = None
    """As in `DevRequest`."""
    purse: PurseState | None = None
    """What its run holds of the limits that runs share. None: it keeps to none, as in trials."""
    hours_left: float | None = None
    """Hours that this session may still work. None: as long as it takes."""


class SessionEnd(StrEnum):
    FINISHED = "finished"
    REJECTED = "rejected"
    """It ended at a gate: a person said no, or there is nobody to ask."""
    CANCELLED = "cancelled"
    """Its run was cancelled; what it spent until then counts."""


@dataclass(frozen=True, slots=True)
class SessionResult:
    """How a session ended, and where the transcript and the workspace stand."""

    end: SessionEnd
    finished: Finished
    next_seq: int
    spend: Spend
    workspace: WorkspaceRef
    instead_of: tuple[str, ...] = ()
    use: ModelUse = field(default_factory=ModelUse)
    gate: Gate | None = None
    """Where it ended, if at a gate."""
    purse: PurseState | None = None
    """What it holds now, where it was given a purse."""
    unread: tuple[str, ...] = ()
    """Words that the agent was not given: they came after its last turn, or it had none."""


class SessionOrder(StrEnum):
    """What a run tells its session."""

    STEER = "steer"
    PAUSE = "pause"
    RESUME = "resume"
    BUDGET = "budget"
    FINISH = "finish"
    """Stop after the current turn with what there is."""
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class SessionMessage:
    """The one signal of a session."""

    order: SessionOrder
    text: str = ""
    add_usd: Decimal = Decimal(0)
    add_turns: int = 0
    add_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionNews:
    """What a session tells its run: why it stands still, or that it goes on."""

    waiting: Waiting | None
    spend: Spend
    session_id: SessionId | None = None
    """Whose news it is: several may work at once. None: from before they said so."""


@dataclass(frozen=True, slots=True)
class SessionProgress:
    """The answer of a session's `progress` query."""

    session_id: SessionId
    stage: Stage
    spend: Spend
    next_seq: int
    doing: str = ""
    """`model`, or the tool that runs now."""
    last: tuple[str, ...] = ()
    """The last few actions in words, newest last."""
