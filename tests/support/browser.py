"""A page in a real browser: opened whole, in a frame of a given width."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.support.peers import absent

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
    ink: frame.contentWindow.getComputedStyle(page.querySelector("{ink}")).{paint},
    drawn: Math.min(999, ...[...page.querySelectorAll("svg")].map(e => e.getBoundingClientRect().height)),
  }});
}};
</script>"""


def seen(
    tmp_path: Path,
    page: str,
    *,
    width: int,
    dark: bool = False,
    ink: str = "svg text",
    paint: str = "fill",
) -> dict[str, object]:
    """What a browser measures of a page in a window that wide; `ink` is the `paint` of the first element
    that this selector finds."""
    browser = shutil.which("chromium") or absent("chromium")
    tmp_path.mkdir(exist_ok=True)
    file = tmp_path / "frame.html"
    file.write_text(FRAME.format(width=width, page=html.escape(page), ink=ink, paint=paint), encoding="utf-8")
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
