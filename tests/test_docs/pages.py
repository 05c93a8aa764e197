"""The pages that people read, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code in a page. `language` is empty for code within a sentence."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}: {' '.join(self.text.split())[:80]}"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(language: str) -> list[Snippet]:
    """The fenced blocks of a language, on all pages."""
    return [
        Snippet(page, language, match[3])
        for page in PAGES
        for match in _FENCE.finditer(page.read_text("utf-8"))
        if match[2] == language
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def inline() -> Iterator[Snippet]:
    """The code within sentences, on all pages."""
    for page in PAGES:
        for match in _INLINE.finditer(prose(page)):
            yield Snippet(page, "", match[1])
