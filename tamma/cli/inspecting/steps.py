"""A run as steps: each a model's answer, the calls that it made, and what they changed. Pure.

Steps stand in stages, as the run measured them. Which answer belongs to which stage is counted, not told by
clocks: a stage says how many answers it had, and they follow each other in the transcripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tamma.cli.trajectory import Session
from tamma.model.changed import StepChange
from tamma.model.conversation import Role, ToolResult
from tamma.model.ids import SessionId, TaskId
from tamma.model.metrics import RunMetrics, StepMetrics
from tamma.model.origin import Inherited
from tamma.model.task import DiffRef
from tamma.model.tries import SHARED, TryOutcome, is_try
from tamma.store.interface import Entry

_LAST = datetime.max.replace(tzinfo=UTC)
_CUT = frozenset({"terminated", "cancelled"})
"""Ends of stages that say nothing of their number of answers: all that follow in the session are theirs."""
_OWN_SESSION = frozenset({"plan", "choose", "review"})
"""Stages with a session of their name; all others share the agent's."""


@dataclass(frozen=True, slots=True)
class Change:
    """A diff: its figures and its text."""

    ref: DiffRef
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One of several tries at the change."""

    outcome: TryOutcome
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One answer of a model and what came of it."""

    number: int
    """From 1, through the whole run."""
    session: str
    """`plan`, `agent`, `review`."""
    session_id: SessionId
    answer: Entry
    given: tuple[Entry, ...] = ()
    """What the model was told before it."""
    results: Entry | None = None
    """What its calls gave; None where it made none, or they run now."""
    change: Change | None = None

    @property
    def tools_ms(self) -> int | None:
        """How long its calls took, by the store's clock."""
        begun, ended = self.answer.recorded_at, self.results.recorded_at if self.results else None
        if begun is None or ended is None:
            return None
        return max(round((ended - begun) / timedelta(milliseconds=1)), 0)


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps that follow each other for one purpose. `measured` is there once the run has ended."""

    name: str
    steps: tuple[Step, ...]
    measured: StepMetrics | None = None
    inherited: bool = False
    """Done and paid for by the run that this one goes on from."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the run is about, as far as it is known."""

    task_id: TaskId
    name: str = ""
    """`owner/repo#12`, or a trial's cell."""
    title: str = ""
    status: str = ""
    """A TaskStatus; empty where nobody says."""
    live: bool = False
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """All there is to see of a run."""

    subject: Subject
    sessions: tuple[Session, ...]
    stages: tuple[Stage, ...]
    run: RunMetrics | None = None
    """None while it goes on."""
    change: Change | None = None
    """The whole change, as it was looked at last."""
    inherited: Inherited | None = None
    """What it took over from the run that it goes on from."""
    tries: tuple[Tried, ...] = ()
    """Where the change was tried several times: what became of each."""

    @property
    def inherited_steps(self) -> int:
        """How many of the first steps are that other run's."""
        return sum(len(stage.steps) for stage in self.stages if stage.inherited)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for stage in self.stages for step in stage.steps)


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over some steps."""

    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)
    unpriced: int = 0
    milliseconds: int = 0


def totals(steps: Iterable[Step]) -> Totals:
    """The sums. `milliseconds`: models and tools together."""
    listed = tuple(steps)
    answers = [step.answer for step in listed]
    return Totals(
        steps=len(answers),
        input_tokens=sum(answer.input_tokens for answer in answers),
        output_tokens=sum(answer.output_tokens for answer in answers),
        cache_read_tokens=sum(answer.cache_read_tokens for answer in answers),
        cost_usd=sum((answer.cost_usd for answer in answers if answer.cost_usd is not None), start=Decimal()),
        unpriced=sum(answer.cost_usd is None for answer in answers),
        milliseconds=sum(step.answer.duration_ms + (step.tools_ms or 0) for step in listed),
    )


def build(
    subject: Subject,
    sessions: Sequence[Session],
    run: RunMetrics | None,
    changes: Mapping[tuple[SessionId, int], Change],
    change: Change | None,
    inherited: Inherited | None = None,
    tries: tuple[Tried, ...] = (),
) -> Trajectory:
    """Put a run's records together. `changes` by session and answer."""
    taken: dict[SessionId, list[Step]] = {
        session.id: _steps(_own(session), changes) for session in sessions if session.entries
    }
    before = _inherited(taken, inherited) if inherited is not None else []
    stages = _measured(taken, run) if run is not None else []
    stages += [Stage(_name(session), tuple(left)) for session, left in taken.items() if left]
    stages.sort(key=_begun)
    numbered = tuple(_numbered((*before, *stages)))
    return Trajectory(subject, tuple(sessions), numbered, run, change, inherited, tries)


def _own(session: Session) -> Session:
    """A try's transcript without the beginning that it shares: that stands in the run's own."""
    if not is_try(session.id):
        return session
    shared = [number for number, entry in enumerate(session.entries) if entry.cost_source == SHARED]
    rest = session.entries[shared[-1] + 1 :] if shared else session.entries
    if shared and rest and any(isinstance(part, ToolResult) for part in rest[0].message.parts):
        rest = rest[1:]
    return replace(session, entries=rest)


def _steps(session: Session, changes: Mapping[tuple[SessionId, int], Change]) -> list[Step]:
    found: list[Step] = []
    given: list[Entry] = []
    for entry in session.entries:
        if entry.message.role is Role.ASSISTANT:
            change = changes.get((session.id, entry.seq))
            found.append(Step(0, session.name, session.id, entry, tuple(given), change=change))
            given = []
        elif found and not given and any(isinstance(part, ToolResult) for part in entry.message.parts):
            found[-1] = replace(found[-1], results=entry)
        else:
            given.append(entry)
    return found


def _inherited(taken: dict[SessionId, list[Step]], inherited: Inherited) -> list[Stage]:
    """The steps of another run, taken out of `taken`: their copies stand first in each session."""
    stages: list[Stage] = []
    for session, left in taken.items():
        count = inherited.answers.get(session, 0)
        if own := tuple(left[:count]):
            stages.append(Stage(_name(session), own, inherited=True))
        del left[:count]
    return sorted(stages, key=lambda stage: stage.name != "plan")


def _measured(taken: dict[SessionId, list[Step]], run: RunMetrics) -> list[Stage]:
    """The measured stages, each with its answers taken out of `taken`."""
    stages: list[Stage] = []
    tries = iter([left for session, left in taken.items() if is_try(session)])
    for measured in run.steps:
        fitting = (left for session, left in taken.items() if left and _fits(session, measured))
        source = next(fitting, list[Step]())
        if measured.step == "implement":  # each try is a step of its own, in their order
            source = next(tries, source)
        count = len(source) if measured.error_type in _CUT else measured.turns
        stages.append(Stage(measured.step, tuple(source[:count]), measured))
        del source[:count]
    return stages


def _fits(session: SessionId, measured: StepMetrics) -> bool:
    name = _name(session)
    return name == measured.step if measured.step in _OWN_SESSION else name.startswith("agent")


def _name(session: SessionId) -> str:
    return session.rpartition("/")[2]


def _begun(stage: Stage) -> datetime:
    """By the store's clock, which stamps the answers."""
    if stage.steps:
        return stage.steps[0].answer.recorded_at or _LAST
    return stage.measured.started_at if stage.measured else _LAST


def _numbered(stages: Iterable[Stage]) -> Iterable[Stage]:
    number = 0
    for stage in stages:
        steps: list[Step] = []
        for step in stage.steps:
            number += 1
            steps.append(replace(step, number=number))
        yield replace(stage, steps=tuple(steps))


def patches(found: Iterable[StepChange], texts: Mapping[str, str]) -> dict[tuple[SessionId, int], Change]:
    """The changes by session and answer; `texts` by blob."""
    return {
        (each.session_id, each.seq): Change(each.diff, texts.get(each.diff.blob or "", "")) for each in found
    }
