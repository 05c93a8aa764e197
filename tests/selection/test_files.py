"""Which files a text names, and when two lists of files meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.selection.files import MOST_FILES, files_named, files_planned, meeting

SEGMENTS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".py")


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("`mean([2, 4])` gives 2.0, e.g. in calc.py.", ("calc.py",)),
        ("1. divide by len (`src/calc.py`, `./tests/test_calc.py`)", ("src/calc.py", "tests/test_calc.py")),
        ('File "/app/src/main.rs:12:4", see calc.py:7', ("app/src/main.rs", "calc.py")),
        ("https://example.com/a/b.py and and/or, i.e. Node.js 20.1 on example.com", ()),
        ("README.md, Makefile and pyproject.toml; .github/workflows/ci.yml",
         ("README.md", "Makefile", "pyproject.toml", ".github/workflows/ci.yml")),
        ("../../etc/passwd.txt", ()),
        ("calc.py calc.py CALC.PY", ("calc.py", "CALC.PY")),
        ("", ()),
    ],
)  # fmt: skip
def test_files_are_found_in_texts(text: str, files: tuple[str, ...]) -> None:
    assert files_named(text) == files


@given(st.lists(PATHS, max_size=8, unique=True), st.sampled_from([" ", "\n- ", ", ", "` and `"]))
def test_whatever_is_written_as_a_path_is_found(paths: list[str], between: str) -> None:
    assert files_named(f"see `{between.join(paths)}`.") == tuple(paths)


@given(st.text(max_size=400))
def test_any_text_is_borne(text: str) -> None:
    found = files_named(text)
    assert len(found) == len(set(found))


def test_there_is_a_limit() -> None:
    assert len(files_named(" ".join(f"f{number}.py" for number in range(200)))) == MOST_FILES


@given(st.lists(PATHS, max_size=5), st.lists(PATHS, max_size=5))
def test_meeting_goes_both_ways(ours: list[str], theirs: list[str]) -> None:
    assert (meeting(ours, theirs) is None) == (meeting(theirs, ours) is None)
    if set(ours) & set(theirs):
        assert meeting(ours, theirs) is not None


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (("calc.py",), ("src/calc.py",), "calc.py"),
        (("src/calc.py",), ("calc.py",), "src/calc.py"),
        (("a/calc.py",), ("b/calc.py",), None),
        (("alc.py",), ("calc.py",), None),
        ((), ("calc.py",), None),
    ],
)
def test_a_bare_name_may_be_in_any_folder(
    ours: tuple[str, ...], theirs: tuple[str, ...], found: str | None
) -> None:
    assert meeting(ours, theirs) == found


PLAN = """mean() of stats.py is wrong, as README.md says

1. write the test (`tests/test_calc.py`)
2. divide by len (`calc.py`, `docs/CHANGELOG.md`)

**Failing test:** mean([2, 4]) in other.py

**Risks**
- 3. party code reads third.py
"""


@pytest.mark.parametrize(
    ("plan", "files"),
    [
        (PLAN, ("tests/test_calc.py", "calc.py")),
        ("Change calc.py, then say so in NEWS.md.", ("calc.py",)),
        ("1) calc.py\n2) just do it", ("calc.py",)),
        ("1. think\n\n**Risks**\n- calc.py", ()),
        ("", ()),
    ],
)
def test_what_a_plan_changes_stands_in_its_steps(plan: str, files: tuple[str, ...]) -> None:
    assert files_planned(plan) == files
