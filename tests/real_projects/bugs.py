"""Three known bugs of projects that lie flat in their repositories.

The issues and the changes are our own; of the projects only the lines stand here that an edit must name.
"""

from __future__ import annotations

from tests.real_projects.bug import Bug, finish_red, plan, review
from tests.support.loop import call, turn
from tests.support.sdists import Proof, Release

# --- cachetools 4.2.0: a cache that may not store what it makes ----------------------------------------

_CACHE_TEST = '''\
import unittest

from cachetools import LFUCache, LRUCache, MRUCache


def squares(base):
    """A cache of squares that keeps only those that fit."""

    class Squares(base):
        def __missing__(self, key):
            try:
                self[key] = key * key
            except ValueError:
                pass
            return key * key

    return Squares(maxsize=9, getsizeof=lambda value: value)


class NotStoredTest(unittest.TestCase):
    def test_what_was_not_stored_is_never_evicted(self):
        for base in (LFUCache, LRUCache, MRUCache):
            with self.subTest(base=base.__name__):
                cache = squares(base)
                self.assertEqual(cache[4], 16)
                self.assertEqual(cache[3], 9)
                self.assertEqual(cache[2], 4)
                self.assertEqual(list(cache.items()), [(2, 4)])
                self.assertEqual(cache.popitem(), (2, 4))
'''
_CACHE_RED = "python -m pytest -q tests/test_not_stored.py"


def _only_if_stored(path: str, update: str) -> dict[str, object]:
    read = "        value = cache_getitem(self, key)\n"
    look = "        if key in self:  # __missing__ need not store what it returns\n"
    return call(
        "str_replace",
        path=path,
        old=f"{read}        {update}\n",
        new=f"{read}{look}            {update}\n",
    )


CACHETOOLS = Bug(
    release=Release("cachetools", "4.2.0"),
    title="KeyError from popitem() when __missing__ does not store the value",
    body=(
        "I subclass `LRUCache` with a `__missing__` that computes the value and tries to store it. Values "
        "that are larger than the whole cache cannot be stored, so it catches the `ValueError` and just "
        "returns them:\n\n"
        "```python\n"
        "class Squares(LRUCache):\n"
        "    def __missing__(self, key):\n"
        "        try:\n"
        "            self[key] = key * key\n"
        "        except ValueError:\n"
        "            pass\n"
        "        return key * key\n\n"
        "cache = Squares(maxsize=9, getsizeof=lambda v: v)\n"
        "cache[4]  # 16, not stored: fine\n"
        "cache[3]  # 9, stored\n"
        "cache[2]  # KeyError: 4\n"
        "```\n\n"
        "The cache still believes that it has the key 4, and fails when it wants to evict it. `LFUCache` and "
        "`MRUCache` do the same.\n"
    ),
    plan=plan(
        "LFU, LRU and MRU caches note a use of a key even when __missing__ did not store it",
        "a test with a cache whose values may be too large",
        "note the use only of keys that are in the cache",
        files=["cachetools/lfu.py", "cachetools/lru.py", "cachetools/mru.py"],
        test="popitem() of each cache returns what was stored, after a value that was not",
    ),
    red=[
        turn(
            call("grep", pattern="def __getitem__", path="cachetools"),
            call("view", path="cachetools/lru.py"),
            text="Let me see where uses are noted.",
        ),
        turn(call("create", path="tests/test_not_stored.py", content=_CACHE_TEST)),
        turn(call("bash", command=_CACHE_RED)),
        finish_red("a cache whose values may be too large", _CACHE_RED, "tests/test_not_stored.py"),
    ],
    fix=[
        turn(
            _only_if_stored("cachetools/lfu.py", "self.__counter[key] -= 1"),
            _only_if_stored("cachetools/lru.py", "self.__update(key)"),
            _only_if_stored("cachetools/mru.py", "self.__update(key)"),
        ),
        turn(call("bash", command="python -m pytest -q")),
        turn(
            call(
                "finish",
                summary="The caches that keep an order or a count (LFU, LRU, MRU) noted the use of a key "
                "even when `__missing__` had not stored it, and failed on evicting it. They now look whether "
                "the key is there. All tests pass.",
            )
        ),
    ],
    review=review("Small, the same in all three caches, and tested for each."),
    proof=Proof(
        Release("cachetools", "4.2.1"),
        ("tests",),
        ("-m", "unittest", "tests.test_lfu", "tests.test_lru", "tests.test_mru", "-k", "missing_getsizeof"),
    ),
    symptom="KeyError: 3",
    changed=("cachetools/lfu.py", "cachetools/lru.py", "cachetools/mru.py", "tests/test_not_stored.py"),
)

# --- parse 1.17.0: a compiled parser that remembers the base of the first number -------------------------

_BASE_TEST = """\
import unittest

import parse


class BaseOfEachNumberTest(unittest.TestCase):
    def test_a_parser_forgets_the_base(self):
        for numbers in (("10", "0x10", "0b10"), ("0x10", "0o10", "10")):
            parser = parse.compile("{:d}")
            found = [parser.parse(number)[0] for number in numbers]
            self.assertEqual(found, [int(number, 0) for number in numbers])
"""
_BASE_RED = "python -m unittest test_base"


def _in_parse(old: str, new: str) -> dict[str, object]:
    return call("str_replace", path="parse.py", old=old, new=new)


PARSE = Bug(
    release=Release("parse", "1.17.0"),
    title="A compiled parser reads later numbers in the base of the first one",
    body=(
        "Since 1.16.0, when I compile a format once and use it for several lines, `{:d}` goes wrong as soon "
        "as the lines have numbers of different bases:\n\n"
        "    >>> p = parse.compile('{:d}')\n"
        "    >>> p.parse('1234')[0]\n"
        "    1234\n"
        "    >>> p.parse('0b1011')[0]\n"
        "    1011\n\n"
        "The second one should be 11. With `parse.parse('{:d}', '0b1011')` it is.\n"
    ),
    plan=plan(
        "int_convert keeps the base that it detected for the first number",
        "a test that parses numbers of several bases with one parser",
        "keep the detected base in a local variable",
        files=["parse.py"],
        test="one parser reads 10, 0x10 and 0b10",
    ),
    red=[
        turn(call("grep", pattern=r"self\.base", path="parse.py"), text="Who remembers the base?"),
        turn(call("create", path="test_base.py", content=_BASE_TEST)),
        turn(call("bash", command=_BASE_RED)),
        finish_red("one parser, numbers of several bases", _BASE_RED, "test_base.py"),
    ],
    fix=[
        turn(
            _in_parse(
                "        if self.base is None:\n", "        base = self.base\n        if base is None:\n"
            ),
            _in_parse("self.base = 10\n", "base = 10\n"),
            _in_parse("self.base = 2\n", "base = 2\n"),
            _in_parse("self.base = 8\n", "base = 8\n"),
            _in_parse("self.base = 16\n", "base = 16\n"),
            _in_parse("CHARS[: self.base]", "CHARS[:base]"),
            _in_parse("int(string, self.base)", "int(string, base)"),
        ),
        turn(call("bash", command=f"{_BASE_RED} && python -m unittest test_parse")),
        turn(
            call(
                "finish",
                summary="`int_convert` wrote the detected base into itself, so that a compiled parser read "
                "every later number in the base of the first. The base is now local to each call.",
            )
        ),
    ],
    review=review("The state is gone, nothing else changed."),
    proof=Proof(
        Release("parse", "1.18.0"),
        ("test_parse.py",),
        ("-m", "unittest", "test_parse", "-k", "int_convert_stateless_base"),
    ),
    symptom="1011 != 11",
    changed=("parse.py", "test_base.py"),
)

# --- sqlparse 0.5.0: whitespace that is not stripped -----------------------------------------------------

_SPACE_TEST = """\
import pytest

import sqlparse


@pytest.mark.parametrize("sql, expected", [
    ("( where foo = bar  ) from", "(where foo = bar) from"),
    ("select ( a  +  b   )", "select (a + b)"),
])
def test_no_whitespace_before_a_closing_parenthesis(sql, expected):
    assert sqlparse.format(sql, strip_whitespace=True) == expected
"""
_SPACE_RED = "python -m pytest -q tests/test_closing_parenthesis.py"
_SPACE_LOOP = "        while tlist.tokens[-2].is_whitespace:\n            tlist.tokens.pop(-2)\n"

SQLPARSE = Bug(
    release=Release("sqlparse", "0.5.0"),
    title="strip_whitespace leaves a blank before a closing parenthesis",
    body=(
        "`sqlparse.format('( where foo = bar  ) from', strip_whitespace=True)` gives\n\n"
        "    (where foo = bar ) from\n\n"
        "I expect `(where foo = bar) from`. Without the `where` it is right: `( foo  )` becomes `(foo)`.\n"
    ),
    plan=plan(
        "the blanks belong to the WHERE group inside of the parenthesis, where nobody looks for them",
        "a test for blanks at the end of an inner group",
        "strip blanks at the end of the last group too",
        files=["sqlparse/filters/others.py"],
        test="no blank before a closing parenthesis",
    ),
    red=[
        turn(
            call("grep", pattern="_stripws_parenthesis", path="sqlparse"),
            call("view", path="sqlparse/filters/others.py", start_line=58, end_line=105),
        ),
        turn(call("create", path="tests/test_closing_parenthesis.py", content=_SPACE_TEST)),
        turn(call("bash", command=_SPACE_RED)),
        finish_red("blanks at the end of an inner group", _SPACE_RED, "tests/test_closing_parenthesis.py"),
    ],
    fix=[
        turn(
            call(
                "str_replace",
                path="sqlparse/filters/others.py",
                old=_SPACE_LOOP,
                new=f"{_SPACE_LOOP}        last = tlist.tokens[-2]\n"
                "        while last.is_group and last.tokens[-1].is_whitespace:\n"
                "            last.tokens.pop()\n",
            )
        ),
        turn(call("bash", command="python -m pytest -q tests/test_format.py && git diff --stat")),
        turn(
            call(
                "finish",
                summary="Blanks before a closing parenthesis may belong to the last group inside of it (a "
                "WHERE clause): they are stripped there too.",
            )
        ),
    ],
    review=review("Strips only what is blank, and is tested."),
    proof=Proof(
        Release("sqlparse", "0.5.1"),
        ("tests",),
        ("-m", "pytest", "-q", "tests/test_format.py", "-k", "removes_trailing_ws_in_groups"),
    ),
    symptom="(where foo = bar ) from",
    changed=("sqlparse/filters/others.py", "tests/test_closing_parenthesis.py"),
    test_command="python -m pytest -q tests/test_format.py",
)
