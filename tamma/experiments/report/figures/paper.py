"""What all charts share: size, colours that follow the reader's theme, and clean, deterministic SVG.

matplotlib knows no CSS. It draws with stand-in colours, which are then replaced by variables of the page, so
that one picture is right in light and in dark. Text stays text: it is read aloud, searched, and set in the
page's font. matplotlib's own types are incomplete, so that what draws is typed as anything here.
"""

from __future__ import annotations

import io
import re
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape
from typing import Any, cast

INK, MUTED, GRID = "#010101", "#010102", "#010103"
CONTROL, CANDIDATE = "#010104", "#010105"
GOOD, BAD = "#010106", "#010107"
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    CONTROL: "control",
    CANDIDATE: "candidate",
    GOOD: "good",
    BAD: "bad",
}
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
WIDTH = 5.0
"""Inches. On a phone 390 pixels wide the picture is shown at nearly its own size: the text stays readable."""
_SETTINGS = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name with two dollar signs is no formula
    "font.size": 10.5,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 10.0,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its words. `svg` is safe to put into a page as it is."""

    name: str
    title: str
    description: str
    """What it shows, in figures, for whoever does not see it."""
    svg: str


class Sheet:
    """A figure to draw on; a context manager, because matplotlib's settings are global."""

    def __init__(self, height: float) -> None:
        self._height = height
        self._settings = ExitStack()

    def __enter__(self) -> Any:
        from matplotlib.figure import Figure

        self._settings.enter_context(_matplotlib().rc_context(_SETTINGS))
        # The reader's browser has the fonts: what matplotlib's lacks does not matter.
        self._settings.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        return Figure(figsize=(WIDTH, self._height))

    def __exit__(self, *_error: object) -> None:
        self._settings.close()


def finish(figure: Any, name: str, title: str, description: str) -> Chart:
    """The figure as a chart. Call it within the sheet."""
    out = io.StringIO()
    # Ids are hashes of what is drawn and of this salt: no two pictures of a page share one.
    with _matplotlib().rc_context({"svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None})
    return Chart(name, title, description, _clean(out.getvalue(), name, title, description))


def axes(figure: Any, rows: int = 1, *, left: float = 0.66, below: float = 0.52) -> list[Any]:
    """Axes below each other, with room for a title above each, and so many inches to the left and below."""
    # Fixed margins: a layout that measures all text takes longer than drawing it.
    height, top = float(figure.get_figheight()), 0.28
    each = height / rows
    made: list[Any] = []
    for row in range(rows):
        bottom = (height - (row + 1) * each + below) / height
        made.append(
            figure.add_axes(
                (left / WIDTH, bottom, (WIDTH - left - 0.15) / WIDTH, (each - below - top) / height)
            )
        )
    return made


def _matplotlib() -> Any:
    import matplotlib as mpl

    return cast("Any", mpl)


def _clean(svg: str, name: str, title: str, description: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<style type=\"text/css\">.*?</style>", "", svg, flags=re.DOTALL)
    # Names like `line2d_12` occur in every picture; those that are referred to are hashes.
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)
    svg = re.sub(r"; font-family: [^;\"]*", "", svg)
    svg = re.sub(r'\s+transform="rotate\(-0 [^"]*\)"', "", svg)
    svg = re.sub(r"(\d+\.\d{2})\d+", r"\1", svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    box = re.search(r'viewBox="([^"]+)"', svg)
    assert box is not None
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box[1]}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
    )
    # At the end: titles and descriptions name what others named, too.
    return _CONTROLS.sub("\ufffd", opening + svg[svg.index(">") + 1 :].strip())
