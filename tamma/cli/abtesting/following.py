"""Following a test until it ends, or until it waits for a person."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tamma.cli import output
from tamma.cli.abtesting.standing import Standing, lines, standing, standing_json
from tamma.model.verdict import ABTestState

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.store.interface import Store

PAUSE = 1.0
"""Seconds between two looks."""


async def follow(link: Link, store: Store, name: str, *, as_json: bool) -> None:
    """Tell what changes, a line each, until nothing will change by itself."""
    told = ""
    while True:
        found = await standing(link, store, name)
        if as_json:
            shown = standing_json(found)
            if (now := str(shown)) != told:
                output.json_line(shown)
                told = now
        elif (now := _brief(found)) != told:
            output.note(now)
            told = now
        if found.result.state.final:
            break
        if found.result.state is ABTestState.AWAITING_APPROVAL and not as_json:
            break
        await asyncio.sleep(PAUSE)
    if not as_json:
        for line in lines(found):
            output.data(line)


def _brief(found: Standing) -> str:
    view = found.view
    if view is None:
        return found.result.state.value
    words = f"{view.state.value}: {view.units} of {view.units_planned}, {view.spent_usd:.2f} USD"
    if view.looks:
        words += f", look {len(view.looks)}"
    return words + (f", {view.verdict.decision.value}" if view.verdict else "")
