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


@pytest.mark.parametrize("width", [390, 1280])
async def test_nothing_is_wider_than_the_window(tmp_path: Path, width: int) -> None:
    found = seen(tmp_path, await page(), width=width, ink=".diff .add", paint="color")
    assert found["inner"] == width
    assert isinstance(found["scroll"], int)
    assert found["scroll"] <= width
    assert found["wide"] == []


async def test_dark_is_dark_in_the_page_and_in_its_diffs(tmp_path: Path) -> None:
    shown = await page()
    light = seen(tmp_path / "light", shown, width=390, ink=".diff .add", paint="color")
    dark = seen(tmp_path / "dark", shown, width=390, dark=True, ink=".diff .add", paint="color")
    assert (light["ground"], dark["ground"]) == ("rgb(246, 247, 249)", "rgb(16, 19, 23)")
    assert (light["ink"], dark["ink"]) == ("rgb(24, 112, 58)", "rgb(95, 207, 138)")
