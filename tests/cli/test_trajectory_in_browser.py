"""The page of a run in a real browser: on a phone, in light and in dark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tamma.cli.inspecting import reading
from tamma.cli.inspecting.page import to_html
from tamma.model.conversation import Text, ToolCall, ToolResult
from tests.cli.runs_made import ABOUT, AGENT, answer, given, made_run
from tests.support.browser import seen

pytestmark = pytest.mark.peers

LONG = "a/path/that/never/ends/" * 12 + "x" * 300


async def page() -> str:
    """A run with words and lines that are too long for a phone."""
    store = await made_run()
    call = ToolCall("5", "bash", f'{{"command": "cat {LONG}"}}')
    more = (answer(8, 15, Text(LONG), call), given(9, 16, ToolResult("5", f"{LONG}\n" * 20)))
    await store.append_entries(AGENT, more)
    return to_html(await reading.read(store, replace(ABOUT, title=LONG, live=True)))


@pytest.mark.parametrize(
    ("width", "dark", "ground", "ink"),
    [
        (390, False, "rgb(246, 247, 249)", "rgb(24, 112, 58)"),
        pytest.param(1280, True, "rgb(16, 19, 23)", "rgb(95, 207, 138)", marks=pytest.mark.slow),
    ],
)
async def test_nothing_is_wider_than_the_window_and_dark_is_dark(
    tmp_path: Path, width: int, dark: bool, ground: str, ink: str
) -> None:
    found = seen(tmp_path, await page(), width=width, dark=dark, ink=".diff .add", paint="color")
    assert found["inner"] == width
    assert isinstance(found["scroll"], int)
    assert found["scroll"] <= width
    assert found["wide"] == []
    assert (found["ground"], found["ink"]) == (ground, ink)
