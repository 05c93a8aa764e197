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
            f"the run {task} has made no patch",
            hint="a run that suggests makes its first one with the failing test, others deliver a branch: "
            f"`tamma status {task}` shows where it stands, `tamma inspect {task} --diff` what it changed",
        )
    return made, suggested
