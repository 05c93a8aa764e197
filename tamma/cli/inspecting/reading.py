"""Which run is meant, and all that the store has of it, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

from tamma.cli import trajectory
from tamma.cli.inspecting.steps import Change, Subject, Trajectory, Tried, build, patches
from tamma.cli.trajectory import Session
from tamma.errors import BlobMissing
from tamma.model.changed import CHANGE_COLLECTED, STEP_CHANGED, read_diff, read_step
from tamma.model.conversation import Part
from tamma.model.ids import BlobId, TaskId
from tamma.model.metrics import RunMetrics
from tamma.model.origin import RUN_CONTINUED, read_inherited
from tamma.model.task import DiffRef, TaskStatus
from tamma.model.trial import trial_id, trial_task
from tamma.model.tries import TRIES_JUDGED, read_tries
from tamma.store.interface import Event, EventQuery, Store
from tamma.telemetry.redaction import redact_text
from tamma.temporal.run_errors import RunNotFound

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.temporal.run_index import RunRecord

PartT = TypeVar("PartT", bound=Part)
TRIAL = "trial/"
_KINDS = (STEP_CHANGED, CHANGE_COLLECTED, RUN_CONTINUED, TRIES_JUDGED)


async def subject(link: Link, store: Store, task: str, issue_file: str | None) -> Subject:
    """The run that a person named: an issue's, or a trial of a benchmark or an A/B test, by its workflow id
    (`trial/<test>/<arm>/<unit>/<replicate>`), its task id, or the run id that reports show.

    Trials are found in the store: Temporal forgets them earlier. Raises ConfigError, RunNotFound,
    RunAmbiguous.
    """
    if task.startswith(TRIAL):
        task_id = trial_task(task)
        run = await store.newest_run(task_id)
        if run is None and not await trajectory.read(store, task_id):
            raise RunNotFound(
                f"nothing is stored of a trial {task!r}", hint="write it as trial/TEST/ARM/TASK/NUMBER"
            )
        return _measured(task_id, run, task)
    try:
        return _recorded(await link.find(task, issue_file))
    except RunNotFound:
        run = await store.newest_run(task) or await store.read_run(task)
        if run is None:
            raise
        return _measured(run.task_id, run, "")


def _recorded(record: RunRecord) -> Subject:
    return Subject(
        record.task_id,
        f"{record.repo}#{record.issue}",
        record.title,
        record.status.value,
        record.live,
        record.agent,
    )


def _measured(task_id: TaskId, run: RunMetrics | None, name: str) -> Subject:
    """A trial: what was measured of it is all that says how it ended."""
    if run is None:
        return Subject(task_id, name)
    return Subject(
        task_id,
        trial_id(run.cell) if run.cell else name or run.issue,
        run.issue,
        (TaskStatus.COMPLETED if run.success else TaskStatus.FAILED).value,
        agent=f"{run.agent.name}@{run.agent.version}" if run.agent else run.provider,
    )


async def read(store: Store, about: Subject) -> Trajectory:
    """The run with its diffs. Secrets that this process knows, and what looks like one, are left out.

    What can be missing is: a run that goes on is not measured, older ones noted no diffs.
    """
    sessions = await trajectory.read(store, about.task_id)
    run = None if about.live else await store.newest_run(about.task_id)
    events = await _events(store, about.task_id)
    found = [read_step(event.data) for event in events if event.type == STEP_CHANGED]
    texts = await _texts(store, {change.diff.blob for change in found if change.diff.blob})
    inherited = [read_inherited(event.data) for event in events if event.type == RUN_CONTINUED]
    whole = [read_diff(event.data) for event in events if event.type == CHANGE_COLLECTED]
    return build(
        about,
        [_clean(session) for session in sessions],
        run,
        patches(found, texts),
        await _whole(store, whole[-1]) if whole else None,
        inherited[0] if inherited else None,
        await _tries(store, events),
    )


async def _tries(store: Store, events: list[Event]) -> tuple[Tried, ...]:
    """The tries that were compared last, with their diffs."""
    compared = [read_tries(event.data)[1] for event in events if event.type == TRIES_JUDGED]
    if not compared:
        return ()
    texts = await _texts(store, {each.diff for each in compared[-1] if each.diff})
    return tuple(Tried(each, texts.get(each.diff or "", "")) for each in compared[-1])


async def _events(store: Store, task_id: TaskId) -> list[Event]:
    query = EventQuery(_KINDS, (f"task:{task_id}",))
    found: list[Event] = []
    while events := await store.read_events(query, after=found[-1].position if found else 0):
        found += events
    return found


async def _whole(store: Store, ref: DiffRef) -> Change:
    texts = await _texts(store, {ref.blob} if ref.blob else set())
    return Change(ref, texts.get(ref.blob or "", ""))


async def _texts(store: Store, blobs: set[BlobId]) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for blob in blobs:
        try:
            texts[blob] = redact_text((await store.get_blob(blob)).decode("utf-8", "replace"))
        except BlobMissing:
            continue  # somebody tidied up: the figures are still there
    return texts


def _clean(session: Session) -> Session:
    entries = tuple(
        replace(
            entry,
            message=replace(entry.message, parts=tuple(_clean_part(part) for part in entry.message.parts)),
        )
        for entry in session.entries
    )
    return replace(session, entries=entries)


def _clean_part(part: PartT) -> PartT:
    texts = {field.name: getattr(part, field.name) for field in fields(part)}
    return replace(part, **{name: redact_text(text) for name, text in texts.items() if isinstance(text, str)})
