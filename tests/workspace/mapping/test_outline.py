"""The map of a repository: real commits, ranked by use, never larger than its budget, the same every time."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.workspace.base import BaseTree
from tamma.workspace.mapping.drawing import drawn
from tamma.workspace.mapping.outline import outline
from tamma.workspace.mapping.quoting import without_quoted
from tamma.workspace.mapping.ranking import ranked, uses
from tamma.workspace.mapping.symbols import is_mapped, searchable, signature, symbols_in
from tamma.workspace.naming import named_in
from tests.workspace.conftest import git, write
from tests.workspace.mapping.samples import SAMPLES
from tests.workspace.mapping.styles import STYLES


def committed(folder: Path, files: Mapping[str, str | bytes]) -> BaseTree:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    write(folder, files)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-qm", "first")
    return BaseTree(folder / ".git", git(folder, "rev-parse", "HEAD"))


def map_of(path: str, text: str) -> list[str]:
    text = searchable(text)
    return [f"{'  ' * symbol.depth}{signature(text, symbol)}" for symbol in symbols_in(path, text)]


_LONG = 40_000
"""Characters: enough that what takes a time that grows as the square of it takes a thousand times as long."""


def processor_time(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def costs_at_most(times: float, work: Callable[[], object], measure: Callable[[], object]) -> bool:
    """Whether the work costs so many times the measure, both taken here and now.

    Once in three is enough: a collection of garbage in between is not the work's.
    """
    return any(
        processor_time(work) <= times * max(processor_time(measure) for _ in range(2)) for _ in range(3)
    )


MONEY = """\
class Money:
    def rounded(self): ...


def from_cents(cents: int) -> Money: ...
"""
CART = """\
from shop.money import Money, from_cents


def cart_total(lines) -> Money:
    return from_cents(1)
"""
VIEWS = """\
from shop.cart import cart_total
from shop.money import Money


def show_cart(): cart_total([])
"""
SHOP: dict[str, str | bytes] = {
    "shop/money.py": MONEY,
    "shop/cart.py": CART,
    "shop/views.py": VIEWS,
    "shop/rare.py": "def seldom_used(): ...\n",
    "web/app.ts": "export class CartView {\n  render(cart: Cart): void {\n    if (x) {\n    }\n  }\n}\n",
    "vendor/lib.py": "def vendored(): from_cents()\n",
    "README.md": "# shop\n",
    "data.py": b"\x00def binary(): ...\n",
}
DRAWN = """\
shop/money.py
  class Money
    def rounded(self): ...
  def from_cents(cents: int) -> Money: ...
"""


def test_what_is_used_most_stands_first(tmp_path: Path) -> None:
    found = outline(committed(tmp_path, SHOP), "", 4000)
    files = [line for line in found.common.splitlines() if not line.startswith(" ")]
    assert files[0] == "shop/money.py"
    assert files.index("shop/cart.py") < files.index("shop/rare.py")
    assert "vendor/lib.py" not in files
    assert "data.py" not in files
    assert found.files == 5
    assert found.common.startswith(DRAWN)
    assert "web/app.ts\n  export class CartView\n    render(cart: Cart): void" in found.common
    assert found.for_issue == ""


def test_the_part_for_all_issues_is_the_same_whatever_the_issue_says(tmp_path: Path) -> None:
    tree = committed(tmp_path, SHOP)
    plain, asked = outline(tree, "", 150), outline(tree, "`seldom_used` in rare.py is slow", 150)
    assert plain.common == asked.common
    assert "rare.py" not in plain.common
    assert asked.for_issue.startswith("shop/rare.py\n  def seldom_used()")


def test_the_same_commit_gives_the_same_map(tmp_path: Path) -> None:
    """Whatever the order of a set: a process with other hashes draws the same."""
    committed(tmp_path, SHOP)
    code = (
        "import sys; from pathlib import Path; from tamma.workspace.base import BaseTree; "
        "from tamma.workspace.mapping.outline import outline; "
        "print(outline(BaseTree(Path(sys.argv[1]), 'HEAD'), 'cart_total() and `Money`', 400))"
    )
    maps = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / ".git")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(maps) == 1
    assert "cart_total" in maps.pop()


@pytest.mark.parametrize("path", SAMPLES)
def test_definitions_by_language(path: str) -> None:
    text, wanted = SAMPLES[path]
    assert map_of(path, text) == wanted


@pytest.mark.parametrize("style", STYLES)
def test_names_by_style(style: str) -> None:
    path, text, wanted = STYLES[style]
    assert [symbol.name for symbol in symbols_in(path, text)] == wanted


@settings(max_examples=60)
@given(
    st.sampled_from(["a.py", "a.ts", "a.rb", "a.java", "a.c", "a.lua"]),
    st.lists(
        st.sampled_from(
            ['"""', "'''", "'", '"', "`", "=`", "\\", "\n", "/*", "*/", "//", "#", "<<~A\n", "A", " "]
        )
    ),
)
def test_what_is_quoted_is_blanked_and_nothing_moves(path: str, pieces: list[str]) -> None:
    text = "".join(pieces)
    left = without_quoted(path, text)
    assert len(left) == len(text)
    assert all(a == b or (b == " " and a != "\n") for a, b in zip(text, left, strict=True))


names = st.from_regex(r"[a-z]{1,12}(/[a-z]{1,8}){0,2}\.py", fullmatch=True)
lines = st.lists(st.tuples(st.floats(0, 9), st.text("aü ", min_size=1, max_size=20)), max_size=16)


@settings(max_examples=60)
@given(st.dictionaries(names, lines, max_size=12), st.integers(0, 600), st.integers(0, 12))
def test_a_map_is_never_larger_than_its_room(
    files: dict[str, list[tuple[float, str]]], room: int, most: int
) -> None:
    text, taken = drawn(sorted(files), files.__getitem__, room, most)
    assert len(text) <= room
    assert list(taken) == sorted(files)[: len(taken)]
    shown = text.split("\n") if text else []
    assert sum(line in files for line in shown) >= len(taken)


@settings(max_examples=30)
@given(st.integers(0, 900))
def test_both_parts_together_are_within_the_budget(room: int) -> None:
    found = outline(_shared(), "cart_total, `seldom_used` and web/app.ts", room)
    assert len(found.common) + len(found.for_issue) <= room


_TREES: list[BaseTree] = []


def _shared() -> BaseTree:
    assert _TREES, "made by the fixture below"
    return _TREES[0]


@pytest.fixture(autouse=True, scope="module")
def _tree(tmp_path_factory: pytest.TempPathFactory) -> None:  # pyright: ignore[reportUnusedFunction] - autouse
    _TREES.append(committed(tmp_path_factory.mktemp("shared"), SHOP))


def test_rank_flows_to_what_is_used() -> None:
    defined = {"a": ["alpha"], "b": ["beta"], "c": ["gamma"], "d": ["main_", "main_"]}
    words = {"a": {"beta"}, "b": set[str](), "c": {"beta", "alpha"}, "d": {"gamma"}}
    graph = uses(defined, words)
    assert ranked(graph, {})[0][0] == "b"
    assert sum(weight for _, weight in ranked(graph, {})) == pytest.approx(1)
    assert ranked(graph, {"d": 50.0})[0][0] == "d"
    assert ranked(uses({}, {}), {}) == []


def test_a_name_that_everybody_defines_says_nothing() -> None:
    defined = {f"f{n:02}": ["setUp"] for n in range(13)} | {"user": ["user_"]}
    graph = uses(defined, {path: {"setUp"} for path in defined})
    assert graph.definers.keys() == {"user_"}


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200_000,
        "def f(" * 30_000,
        ("a " * 140 + "\n") * 600,
        ("x" * 299 + "(\n") * 600,
        "public " * 40 + "\n" + ("public static " * 20 + "\n") * 600,
        ("const " + "a" * 290 + "\n") * 600,
        ("impl " + "a<" * 140 + "\n") * 600,
        ("int " + "a *" * 95 + "(\n") * 600,
        ("((((" * 70 + "{\n") * 600,
        ("a::" * 99 + "(\n") * 600,
        ("a<b> " * 59 + "(\n") * 600,
        ("template <a> [[b]] @a(b) " * 11 + "{\n") * 600,
        "=`\n\\`\n" * 30_000,
        '"""\\' * 50_000,
        "<<~A\n" * 40_000,
        "/*\n" * 60_000,
    ],
    ids=range(16),
)
@pytest.mark.parametrize("ending", ["py", "ts", "go", "rs", "java", "kt", "c", "rb", "ex", "sh"])
def test_a_file_that_was_made_to_take_long_does_not(ending: str, text: str) -> None:
    """Compared with code of the same length as people write it, which takes some thousandths of a second."""
    path = f"a.{ending}"
    common = next(sample for name, (sample, _) in SAMPLES.items() if name.endswith(f".{ending}"))
    common = (common * (_LONG // len(common) + 1))[:_LONG]
    assert costs_at_most(20, lambda: map_of(path, text[:_LONG]), lambda: map_of(path, common))


@pytest.mark.parametrize(
    ("text", "files", "words"),
    [
        ("see src/shop/cart.py:12 and `Money`", ("src/shop/cart.py",), {"Money"}),
        ("cart.py is wrong.", ("src/shop/cart.py",), set[str]()),
        ("shop.cart.total() fails", ("src/shop/cart.py",), {"total"}),
        (r"C:\src\shop\cart.py", ("src/shop/cart.py",), set[str]()),
        ("in index.ts", (), set[str]()),
        ("the Makefile of cart", (), set[str]()),
        ("cartTotal and CartView, snake_case", (), {"cartTotal", "CartView", "snake_case"}),
        ("../../etc/passwd and ./src/shop/cart.py", ("src/shop/cart.py",), set[str]()),
    ],
)
def test_what_an_issue_names(text: str, files: tuple[str, ...], words: set[str]) -> None:
    paths = ["src/shop/cart.py", "Makefile", *(f"p{n}/index.ts" for n in range(5))]
    found = named_in(text, paths)
    assert (found.files, found.words) == (files, words)


def test_what_is_no_work_of_people_is_not_mapped() -> None:
    for path in (
        "vendor/a.go",
        "web/node_modules/a/b.js",
        "a.min.js",
        "x_pb2.py",
        "a.pb.go",
        "a.json",
        "LICENSE",
    ):
        assert not is_mapped(path), path
    assert is_mapped("src/builder.py")


def test_links_are_followed_within_the_commit_alone(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    (tmp_path / "outside.py").write_text("def canary(): ...\n")
    (folder / "link.py").symlink_to("real.py")
    (folder / "out.py").symlink_to("../outside.py")
    (folder / "loop.py").symlink_to("loop.py")
    tree = committed(folder, {"real.py": "def real(): ...\n"})
    assert tree.read("link.py", 100) == "def real(): ...\n"
    assert tree.read("out.py", 100) is None
    assert tree.read("loop.py", 100) is None
    assert tree.read("real.py", 3) is None


def large(files: int) -> dict[str, str | bytes]:
    """As many modules as that, each of which defines three names and uses those of others."""
    dice = random.Random(7)
    names = [f"name_{n}" for n in range(3 * files)]
    body = "        value = {} + {}({})\n        # a comment that says something about {}\n"
    made: dict[str, str | bytes] = {}
    for n in range(files):
        functions = [
            f"class Class{n}_{k}:\n    def {names[3 * n + k]}(self, value):\n"
            + "".join(body.format(*dice.choices(names, k=4)) for _ in range(8))
            for k in range(3)
        ]
        made[f"pkg{n % 100}/mod{n}.py"] = "\n".join(functions)
    return made


@pytest.mark.slow
def test_ten_times_the_files_cost_about_ten_times_as_much(tmp_path: Path) -> None:
    some, many = committed(tmp_path / "some", large(120)), committed(tmp_path / "many", large(1_200))
    issue = "name_17 in pkg3/mod103.py is wrong"
    found = outline(many, issue, 7000)
    assert found.files == 1_200
    assert re.match("pkg3/mod103.py", found.for_issue)
    assert len(found.common) + len(found.for_issue) <= 7000
    # Ten times in earnest, and some more where the larger one finds no room in a processor's cache.
    assert costs_at_most(30, lambda: outline(many, issue, 7000), lambda: outline(some, issue, 7000))
