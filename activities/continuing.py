"""What a run goes on with that another one has begun: its conversations, its work, its decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface.continuing import TAKE_UP, Standing, TakenUp, TakeUp
from activities.standings import Place, place_of, read_standing, spent, spent_in_tries
from tamma.model.changed import STEP_CHANGED, StepChange, read_step, step_data
from tamma.model.conversation import Role
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.origin import RUN_CONTINUED, Inherited, Origin, inherited_data
from tamma.store.interface import Entry, Event, EventQuery, NewEvent, Store
from tamma.workspace.checkpoint import base_of, on_branch

PLAN_SHOWN = 6000


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of the other run's conversations, and of what its steps changed."""

    plan: tuple[Entry, ...]
    agent: tuple[Entry, ...]
    session: SessionId
    changes: tuple[StepChange, ...]


class ContinuingActivities:
    """Holds the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @activity.defn(name=TAKE_UP.name)
    @failing_well
    @heard
    async def take_up(self, given: TakeUp) -> TakenUp:
        """Copy the other run's conversations as far as they are kept; say where the work stands then.

        Nothing of the other run is changed. Doing it twice is once: copies have names of their own.
        """
        origin = given.origin
        old = await read_standing(self._store, origin.standing)
        kept = await self._read(origin, old)
        await self._copy(given.task_id, origin, kept)
        place = place_of(kept.agent, old, kept.session)
        words = old.words
        if origin.instructions is not None:
            words = (*words, (await self._store.get_blob(origin.instructions)).decode())
        standing, notes = await self._standing(given, old, kept, place)
        return TakenUp(
            standing=standing,
            plan_markdown=(await self._store.get_blob(old.plan)).decode()[:PLAN_SHOWN] if old.plan else "",
            plans=_answers(kept.plan),
            next_seq=place.next_seq,
            stage=place.stage,
            opened=place.opened,
            awaiting_tools=place.awaiting_tools,
            finished=place.finished,
            words=words,
            notes=(_whence(origin), *notes),
        )

    async def _read(self, origin: Origin, old: Standing) -> _Kept:
        plan_session = SessionId(f"{origin.task_id}/plan")
        session = old.session_id or SessionId(f"{origin.task_id}/agent")
        if origin.session_id is not None and _is_agents(origin.session_id):
            session = origin.session_id
        plan = await self._store.read_entries(plan_session)
        agent = await self._store.read_entries(session)
        if origin.fork:
            if origin.session_id == plan_session:
                plan, agent = plan[: origin.entries], ()
            else:
                agent = agent[: origin.entries if origin.session_id == session else old.next_seq]
        changes = [read_step(event.data) for event in await self._changes(origin.task_id)]
        here = (each for each in changes if each.session_id == session and each.seq < len(agent))
        return _Kept(plan, agent, session, tuple(here))

    async def _changes(self, task_id: TaskId) -> list[Event]:
        query = EventQuery((STEP_CHANGED,), (f"task:{task_id}",))
        found: list[Event] = []
        while events := await self._store.read_events(query, after=found[-1].position if found else 0):
            found += events
        return found

    async def _copy(self, task_id: TaskId, origin: Origin, kept: _Kept) -> None:
        """The conversations, what their steps changed, and whence they are."""
        plan, agent = SessionId(f"{task_id}/plan"), SessionId(f"{task_id}/agent")
        await self._store.append_entries(plan, kept.plan)
        await self._store.append_entries(agent, kept.agent)
        tags = (f"task:{task_id}",)
        changes = [
            NewEvent(
                f"{STEP_CHANGED}/{agent}/{each.seq}",
                STEP_CHANGED,
                tags,
                actor="agent",
                data=step_data(agent, each.seq, each.diff, each.checkpoint),
                correlation_id=task_id,
            )
            for each in kept.changes
        ]
        answers = {plan: _answers(kept.plan), agent: _answers(kept.agent)}
        data = inherited_data(Inherited(origin.task_id, origin.step, answers))
        whence = NewEvent(
            f"{RUN_CONTINUED}/{task_id}", RUN_CONTINUED, tags, "tamma", data, correlation_id=task_id
        )
        await self._store.append_events((whence, *changes))

    async def _standing(
        self, given: TakeUp, old: Standing, kept: _Kept, place: Place
    ) -> tuple[Standing, tuple[str, ...]]:
        origin = given.origin
        checkpoint, notes = _checkpoint(origin, old, kept, place)
        old, checkpoint = await self._on_one_base(old, checkpoint, fork=origin.fork)
        if not origin.fork:
            before = old.spent_before + old.spend + place.unaccounted
            before += await spent_in_tries(self._store, origin.task_id, kept.session)
            return replace(old, checkpoint=checkpoint, spent_before=before), notes
        if checkpoint is not None:
            checkpoint = await on_branch(self._store, checkpoint, given.branch)
        forked = replace(
            old,
            issue=replace(old.issue, branch=given.branch),
            checkpoint=checkpoint,
            plan_agreed=old.plan_agreed and bool(kept.agent),
            published=None,
            pull_request="",
            pull_request_url="",
            heard=(),
            spent_before=spent((*kept.plan, *kept.agent)),
        )
        return forked, notes

    async def _on_one_base(
        self, old: Standing, checkpoint: BlobId | None, *, fork: bool
    ) -> tuple[Standing, BlobId | None]:
        """The work and the commit that it is on, made to fit: the change may have been put onto another base
        since the agent's last step, or after the step that a fork begins at."""
        if checkpoint is None or (base := await base_of(self._store, checkpoint)) == old.issue.base_sha:
            return old, checkpoint
        if not fork and old.checkpoint and await base_of(self._store, old.checkpoint) == old.issue.base_sha:
            return old, old.checkpoint
        return replace(old, issue=replace(old.issue, base_sha=base), replayed=None), checkpoint


def _checkpoint(
    origin: Origin, old: Standing, kept: _Kept, place: Place
) -> tuple[BlobId | None, tuple[str, ...]]:
    """The work as the last step that is kept left it."""
    if not origin.fork and old.left is not None and place.awaiting_tools is None:
        return old.left, ()
    if not kept.changes:
        return (old.checkpoint if kept.agent else None), ()
    newest = kept.changes[-1]
    if newest.checkpoint is not None:
        return newest.checkpoint, ()
    earlier = [each.checkpoint for each in kept.changes if each.checkpoint is not None]
    note = "no work tree was kept at that step: this one goes on from an earlier state of the files"
    return (earlier[-1] if earlier else old.checkpoint), (note,)


def _whence(origin: Origin) -> str:
    if origin.fork:
        return f"forked from step {origin.step} of the run {origin.task_id}"
    return f"goes on from where the run {origin.task_id} ended"


def _answers(entries: Sequence[Entry]) -> int:
    return sum(entry.message.role is Role.ASSISTANT for entry in entries)


def _is_agents(session: SessionId) -> bool:
    return session.rpartition("/")[2].startswith("agent")
