"""Small writes to the store that workflows ask for."""

from __future__ import annotations

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface import PUT_TEXT, RECORD_EVENT, Done, PutText, RecordEvent, Stored
from activities.interface.metrics import RECORD_RUN, Recorded
from tamma.errors import StoreError
from tamma.model.experiment import ABTestId
from tamma.model.metrics import RunKind, RunMetrics
from tamma.model.origin import STANDING
from tamma.store.interface import NewEvent, Store


class StoreActivities:
    """Holds the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @activity.defn(name=RECORD_EVENT.name)
    @failing_well
    @heard
    async def record_event(self, given: RecordEvent) -> Done:
        """Append one event; its id comes from the run and the key, so twice is once."""
        data: dict[str, object] = dict(given.data)
        if given.standing:
            data[STANDING] = await self._store.put_blob(given.standing.encode(), "application/json")
        event = NewEvent(
            id=f"{given.task_id}/{activity.info().workflow_run_id}/{given.key}",
            type=given.type,
            tags=given.tags,
            actor=given.actor,
            data=data,
            correlation_id=given.task_id,
        )
        await self._store.append_events((event,))
        return Done()

    @activity.defn(name=RECORD_RUN.name)
    @failing_well
    @heard
    async def record_run(self, given: RunMetrics) -> Recorded:
        """Keep what a run measured of itself; once more replaces it."""
        await self._store.record_run(given)
        try:
            return Recorded(await self._awaited_by(given))
        except StoreError as error:
            # They look by themselves, too: what is kept does not fail for it.
            activity.logger.warning("no A/B test is told of a run's end: %s", error)
            return Recorded()

    async def _awaited_by(self, run: RunMetrics) -> tuple[ABTestId, ...]:
        """The live test that gave the run its arm, and the tests whose canary its version is."""
        if run.kind is not RunKind.PRODUCTION:
            return ()
        tests = [ABTestId(run.cell.test)] if run.cell else []
        if run.agent is not None:
            tests += await self._store.canaries(run.agent.agent_id, run.agent.version)
        return tuple(dict.fromkeys(tests))

    @activity.defn(name=PUT_TEXT.name)
    @failing_well
    @heard
    async def put_text(self, given: PutText) -> Stored:
        """Store a text that a person wrote."""
        return Stored(await self._store.put_blob(given.text.encode(), "text/markdown"))
