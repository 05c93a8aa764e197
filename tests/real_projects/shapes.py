"""Four known bugs of projects of other shapes.

A `src` folder whose version comes from Git, tests that need plugins, C extensions that do not compile, and
two projects in one repository. The issues and the changes are our own; of the projects only the lines stand
here that an edit must name.
"""

from __future__ import annotations

from tests.real_projects.bug import Bug, finish_red, plan, review
from tests.support.loop import call, turn
from tests.support.sdists import Proof, Release

# --- humanize 4.12.0: src layout, a version that the build takes from Git, plugins in an extra -------------

_BYTES_TEST = """\
from __future__ import annotations

import pytest

import humanize


@pytest.mark.parametrize(
    "value, gnu, expected",
    [(2.5, False, "2 Bytes"), (2.5, True, "2B"), ("999.9", False, "999 Bytes"), (2500.0, False, "2.5 kB")],
)
def test_bytes_are_whole(value: float | str, gnu: bool, expected: str) -> None:
    assert humanize.naturalsize(value, gnu=gnu) == expected
"""
_BYTES_RED = "python -m pytest -q tests/test_whole_bytes.py"

HUMANIZE = Bug(
    release=Release("humanize", "4.12.0", generated=("src/humanize/_version.py",)),
    title="naturalsize() shows fractions of bytes",
    body=(
        "I show average sizes, which are floats, and the small ones look odd:\n\n"
        "    >>> humanize.naturalsize(1.123456789)\n"
        "    '1.123456789 Bytes'\n\n"
        "With `gnu=True` it is `1.123456789B`. There is no part of a byte; above 1000 the format rounds.\n"
    ),
    plan=plan(
        "sizes below one unit are put into the text as they are, without the format",
        "a test with sizes that are no whole numbers",
        "cut them to whole bytes",
        files=["src/humanize/filesize.py"],
        test="2.5 is 2 Bytes",
    ),
    red=[
        turn(call("grep", pattern="Bytes", path="src/humanize/filesize.py"), text="Where is it written?"),
        turn(call("create", path="tests/test_whole_bytes.py", content=_BYTES_TEST)),
        turn(call("bash", command=_BYTES_RED)),
        finish_red("sizes that are no whole numbers", _BYTES_RED, "tests/test_whole_bytes.py"),
    ],
    fix=[
        turn(
            call(
                "str_replace",
                path="src/humanize/filesize.py",
                old='f"{bytes_}B" if gnu else f"{bytes_} Bytes"',
                new='f"{int(bytes_)}B" if gnu else f"{int(bytes_)} Bytes"',
            )
        ),
        turn(call("bash", command=_BYTES_RED)),
        turn(call("finish", summary="`naturalsize` cuts sizes below one unit to whole bytes.")),
    ],
    review=review("Only the branch for small sizes, in both forms."),
    proof=Proof(
        Release("humanize", "4.12.1"),
        ("tests", "src/humanize/_version.py"),
        ("-m", "pytest", "-q", "--color=no", "-o", "filterwarnings=", "tests/test_filesize.py"),
        sources="src",
    ),
    symptom="'1.123456789 Bytes' == '1 Bytes'",
    changed=("src/humanize/filesize.py", "tests/test_whole_bytes.py"),
)

# --- asgiref 3.9.0: tests that need a plugin, which setup.cfg names as an extra ----------------------------

_DELETE_TEST = """\
import asyncio

import pytest

from asgiref.local import Local


@pytest.mark.asyncio
async def test_a_task_deletes_for_itself_alone() -> None:
    local = Local()
    local.name = "outer"

    async def inner() -> None:
        del local.name
        assert not hasattr(local, "name")
        with pytest.raises(AttributeError):
            del local.name
        local.name = "inner"

    await asyncio.create_task(inner())
    assert local.name == "outer"
"""
_DELETE_RED = "python -m pytest -q tests/test_local_deletion.py"


def _in_local(old: str, new: str) -> dict[str, object]:
    return call("str_replace", path="asgiref/local.py", old=old, new=new)


ASGIREF = Bug(
    release=Release("asgiref", "3.9.0"),
    title="Deleting an attribute of a Local deletes it for every task",
    body=(
        "Since 3.9.0 `del local.value` in one asyncio task takes the value away from all others:\n\n"
        "```python\n"
        "local = Local()\n"
        "local.value = 123\n\n"
        "async def task():\n"
        "    del local.value\n\n"
        "await asyncio.create_task(task())\n"
        "local.value  # AttributeError, it was 123 up to 3.8\n"
        "```\n"
    ),
    plan=plan(
        "the storage of a Local drops the whole context variable, not its value in this context",
        "a test with a task that deletes",
        "mark the attribute as deleted in the context",
        files=["asgiref/local.py"],
        test="the outer task keeps its value",
    ),
    red=[
        turn(call("view", path="asgiref/local.py", start_line=8, end_line=40), text="How are they stored?"),
        turn(call("create", path="tests/test_local_deletion.py", content=_DELETE_TEST)),
        turn(call("bash", command=_DELETE_RED)),
        finish_red("a task that deletes", _DELETE_RED, "tests/test_local_deletion.py"),
    ],
    fix=[
        turn(
            _in_local("class _CVar:\n", "_DELETED = object()\n\n\nclass _CVar:\n"),
            _in_local(
                "            return var.get()\n        except LookupError:\n",
                "            value = var.get()\n        except LookupError:\n            value = _DELETED\n"
                "        if value is not _DELETED:\n            return value\n        else:\n",
            ),
            _in_local(
                "        if key in self._data:\n            del self._data[key]\n",
                "        var = self._data.get(key)\n"
                "        if var is not None and var.get(_DELETED) is not _DELETED:\n"
                "            var.set(_DELETED)\n",
            ),
        ),
        turn(call("bash", command="python -m pytest -q tests/test_local.py tests/test_local_deletion.py")),
        turn(
            call(
                "finish",
                summary="A deleted attribute of a `Local` is gone in the context that deleted it; the "
                "context variable stays for the others.",
            )
        ),
    ],
    review=review("Deletion is a value of the context now."),
    proof=Proof(
        Release("asgiref", "3.9.1"),
        ("tests",),
        ("-m", "pytest", "-q", "-p", "pytest_asyncio.plugin", "tests/test_local.py", "-k", "deletion"),
    ),
    symptom="object has no attribute 'value'",
    changed=("asgiref/local.py", "tests/test_local_deletion.py"),
    test_command="python -m pytest -q tests/test_local.py tests/test_sync_contextvars.py",
)

# --- fastavro 1.4.7: C of an old Cython, which Python 3.11 and later have no header for --------------------

_MAP_TEST = """\
from io import StringIO

import fastavro


def test_json_maps_of_lists():
    schema = {"type": "map", "values": {"type": "array", "items": "int"}}
    records = [{"few": [1], "none": [], "more": [2, 3]}]
    file = StringIO()
    fastavro.json_writer(file, schema, records)
    file.seek(0)
    assert list(fastavro.json_reader(file, schema)) == records
"""
_MAP_RED = "python -m pytest -q tests/test_json_maps.py"

FASTAVRO = Bug(
    release=Release("fastavro", "1.4.7"),
    title="json_reader fails with KeyError on maps of arrays and maps",
    body=(
        "`json_writer` writes a map whose values are arrays, and `json_reader` does not read it again:\n\n"
        "```python\n"
        'schema = {"type": "map", "values": {"type": "array", "items": "int"}}\n'
        "```\n\n"
        "    del self._current[self._key]\n"
        "    KeyError: 'a'\n"
    ),
    plan=plan(
        "the decoder takes the value out of the map before the map's own step removes it",
        "a test that writes and reads a map of lists",
        "look at the value, and let the map remove it",
        files=["fastavro/io/json_decoder.py"],
        test="a map of lists is read as it was written",
    ),
    red=[
        turn(call("grep", pattern=r"_current\.pop", path="fastavro/io"), text="Who takes values out?"),
        turn(call("create", path="tests/test_json_maps.py", content=_MAP_TEST)),
        turn(call("bash", command=_MAP_RED)),
        finish_red("a map of lists", _MAP_RED, "tests/test_json_maps.py"),
    ],
    fix=[
        turn(
            call(
                "str_replace",
                path="fastavro/io/json_decoder.py",
                old="self._current.pop(self._key)",
                new="self._current[self._key]",
            )
        ),
        turn(call("bash", command="python -m pytest -q tests/test_json.py tests/test_json_maps.py")),
        turn(call("finish", summary="Values of maps are looked at, and removed once, by the map's step.")),
    ],
    review=review("One word, and the map removes its values itself."),
    proof=Proof(
        Release("fastavro", "1.4.8"),
        ("tests",),
        ("-m", "pytest", "-q", "tests/test_json.py", "-k", "map_of_union_of_array_and_map"),
    ),
    symptom="KeyError",
    changed=("fastavro/io/json_decoder.py", "tests/test_json_maps.py"),
    test_command="python -m pytest -q tests/test_json.py tests/test_schema.py",
)

# --- semver 3.0.1 in a repository of two projects: plugins that only tox.ini names --------------------------

_REPLACE_TEST = '''\
from semver import Version


class Tagged(Version):
    """A version with its prefix."""


def test_a_replaced_part_keeps_the_class():
    replaced = Tagged(1, 2, 3).replace(major=2)
    assert type(replaced) is Tagged
    assert replaced == Tagged(2, 2, 3)
'''
_REPLACE_RED = "cd packages/semver && python -m pytest -q --no-cov tests/test_replaced_class.py"

SEMVER = Bug(
    release=Release("semver", "3.0.1"),
    title="replace() of a subclass returns a plain Version",
    body=(
        "I have a subclass that prints a `v` before the version. `version.replace(prerelease='dev.0')` gives "
        "a `Version` without it, while `bump_major()` gives one of my class. "
        "`semver.version.Version.replace` names the class itself.\n"
    ),
    plan=plan(
        "replace() makes a Version whatever class it is called on",
        "a test with a subclass",
        "make an object of the own class",
        files=["packages/semver/src/semver/version.py"],
        test="a subclass stays one",
    ),
    red=[
        turn(call("grep", pattern=r"return Version\(", path="packages/semver/src"), text="Who makes it?"),
        turn(call("create", path="packages/semver/tests/test_replaced_class.py", content=_REPLACE_TEST)),
        turn(call("bash", command=_REPLACE_RED)),
        finish_red("a subclass", _REPLACE_RED, "packages/semver/tests/test_replaced_class.py"),
    ],
    fix=[
        turn(
            call(
                "str_replace",
                path="packages/semver/src/semver/version.py",
                old="return Version(**version)",
                new="return type(self)(**version)",
            )
        ),
        turn(call("bash", command=_REPLACE_RED)),
        turn(call("finish", summary="`replace()` returns an object of the class it is called on.")),
    ],
    review=review("As the bump methods do it."),
    proof=Proof(
        Release("semver", "3.0.2"),
        ("tests",),
        ("-m", "pytest", "-q", "-o", "addopts=", "tests/test_subclass.py", "-k", "replace_from_subclass"),
        folder="packages/semver",
        sources="src",
    ),
    symptom="'1.1.0-dev.0' == 'v1.1.0-dev.0'",
    changed=("packages/semver/src/semver/version.py", "packages/semver/tests/test_replaced_class.py"),
    folder="packages/semver",
    beside={"packages/parse": Release("parse", "1.17.0")},
)
