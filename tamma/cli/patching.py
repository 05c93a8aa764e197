"""The patch of a run that pushes nothing, found in the store."""

from __future__ import annotations

from tamma.errors import TammaError
from tamma.model.suggestion import PATCH_MADE, SUGGESTED, PatchRef, read_patch
from tamma.store.interface import EventQuery, EventStore


class NoPatch(TammaError):
    """The run has made none."""


async def newest(events: EventStore, task: str) -> tuple[PatchRef, bool]:
    """The patch that counts, and whether it was handed over. Raises NoPatch."""
    query = EventQuery((PATCH_MADE, SUGGESTED), (f"task:{task}",))
    made: PatchRef | None = None
    suggested, after = False, 0
    while found := await events.read_events(query, after=after):
        for event in found:
            if event.type == PATCH_MADE:
                made, suggested = read_patch(event.data), False
            else:
                suggested = True
        after = found[-1].position
    if made is None:
        raise NoPatch(
            f"the run {task} has made no patch: it has come to no change yet, or delivers a branch instead",
            hint=f"`tamma inspect {task} --diff` shows what it changed; runs that were submitted with "
            "--workflow-type manual-assist make patches",
        )
    return made, suggested
