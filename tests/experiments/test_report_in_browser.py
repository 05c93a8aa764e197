"""The report in a real browser: on a phone, in light and in dark."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tamma.experiments.report.html import to_html
from tests.experiments.reports import made_report
from tests.support.peers import absent

pytestmark = pytest.mark.peers

LONG = "github:acme/a-repository-whose-name-has-no-end-and-no-place-to-break-it-whatsoever"
FRAME = """<!DOCTYPE html><meta charset="utf-8"><title>waiting</title>
<iframe style="width:{width}px;height:800px;border:0" srcdoc="{page}"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const page = frame.contentDocument;
  for (const each of page.querySelectorAll("details")) each.open = true;
  const root = page.documentElement;
  const right = e => e.getBoundingClientRect().right;
  const wide = [...page.querySelectorAll("body *")].filter(e => right(e) > {width} + 1);
  document.title = JSON.stringify({{
    scroll: root.scrollWidth, inner: frame.contentWindow.innerWidth,
    wide: wide.slice(0, 3).map(e => e.outerHTML.slice(0, 90)),
    ground: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
    ink: frame.contentWindow.getComputedStyle(page.querySelector("svg text")).fill,
    drawn: Math.min(...[...page.querySelectorAll("svg")].map(e => e.getBoundingClientRect().height)),
  }});
}};
</script>"""


def seen(tmp_path: Path, page: str, *, width: int, dark: bool = False) -> dict[str, object]:
    """What a browser measures of a page in a window that wide."""
    browser = shutil.which("chromium") or absent("chromium")
    tmp_path.mkdir(exist_ok=True)
    file = tmp_path / "frame.html"
    file.write_text(FRAME.format(width=width, page=html.escape(page)), encoding="utf-8")
    done = subprocess.run(
        (
            browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--dump-dom", file.as_uri(),
        ),
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    assert title[1] != "waiting", done.stderr[-500:]
    return json.loads(html.unescape(title[1]))


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
