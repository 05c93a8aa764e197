"""The report in a real browser: on a phone, in light and in dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamma.experiments.report.html import to_html
from tests.experiments.reports import made_report
from tests.support.browser import seen

pytestmark = pytest.mark.peers

LONG = "github:acme/a-repository-whose-name-has-no-end-and-no-place-to-break-it-whatsoever"


def page() -> str:
    """A report with names that are too long for a phone."""
    return to_html(made_report(30)).replace("github:acme/repo-0", LONG)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(tmp_path: Path, width: int) -> None:
    found = seen(tmp_path, page(), width=width)
    assert found["inner"] == width
    assert isinstance(found["scroll"], int)
    assert found["scroll"] <= width
    assert found["wide"] == []
    assert isinstance(found["drawn"], (int, float))
    assert found["drawn"] > 100


def test_something_too_wide_would_be_seen(tmp_path: Path) -> None:
    found = seen(tmp_path, page().replace("<main>", '<main><p style="width:500px">wide</p>'), width=390)
    assert isinstance(found["scroll"], int)
    assert found["scroll"] > 390


def test_dark_is_dark_in_the_page_and_in_its_pictures(tmp_path: Path) -> None:
    light = seen(tmp_path / "light", page(), width=390)
    dark = seen(tmp_path / "dark", page(), width=390, dark=True)
    assert (light["ground"], dark["ground"]) == ("rgb(246, 247, 249)", "rgb(16, 19, 23)")
    assert (light["ink"], dark["ink"]) == ("rgb(26, 31, 38)", "rgb(231, 234, 238)")
