"""Relative links lead somewhere, and files, variables and keys that pages name are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from scripts.docs_configuration import parts
from tamma.config import environment
from tests.test_docs.pages import PAGES, ROOT, Snippet, inline, name_of, prose

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_FILE = re.compile(r"(?:tamma|workflows|activities|tests|docs|scripts|requirements|bench)/[\w./-]+\.\w+")
_VARIABLE = re.compile(r"\bTAMMA_[A-Z_]+\b")
_NO_KEY = re.compile(r"\.(?:db|json)$")
_SECTIONS = "providers|platforms|database|temporal|worker|orchestrator|run"
_KEY = re.compile(rf"(?:{_SECTIONS})(?:\.[a-zA-Z]+(?:\[\])?)+")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(words.replace(" ", "-"))
    return found


LINKS = [(page, link) for page in PAGES for link in _LINK.findall(prose(page)) if "://" not in link]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_links_lead_somewhere(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.exists(), f"{name_of(page)} links to {link!r}"
    if anchor:
        assert anchor in anchors(target), f"{name_of(page)} links to {link!r}; there is {anchors(target)}"


def test_every_page_is_linked() -> None:
    linked = {(page.parent / link.partition("#")[0]).resolve() for page, link in LINKS}
    alone = [name_of(page) for page in PAGES if page not in linked and page.parent != ROOT]
    assert not [name for name in alone if "benchmarks" not in name], alone


# Decisions may name what has been, or what is only in the wheel.
FILES = [found for found in inline() if _FILE.fullmatch(found.text) and found.page.parent.name != "decisions"]


@pytest.mark.parametrize("found", FILES, ids=str)
def test_named_files_exist(found: Snippet) -> None:
    assert (ROOT / found.text).exists()


def test_named_variables_exist() -> None:
    known = {variable.name for variable in environment.VARIABLES} | set(environment.READ_ELSEWHERE)
    for page in PAGES:
        named = set(_VARIABLE.findall(page.read_text("utf-8")))
        unknown = [
            n
            for n in named - known
            if not n.startswith((*environment.OPEN_PREFIXES, environment.PLATFORM_PREFIX))
        ]
        assert not unknown, f"{name_of(page)} names {unknown}"


# The benchmarks' figures have names of the same form.
KEYS = [
    found
    for found in inline()
    if _KEY.fullmatch(found.text) and not _NO_KEY.search(found.text) and "benchmarks" not in str(found)
]


@cache
def known_keys() -> set[str]:
    """The paths of all keys and sections, entries of lists also without their brackets."""
    paths = {path for part in parts() for path in (part.path, *(key.path for key in part.keys))}
    return paths | {path.replace("[]", "") for path in paths}


@pytest.mark.parametrize("found", KEYS, ids=str)
def test_named_keys_exist(found: Snippet) -> None:
    assert found.text in known_keys()
