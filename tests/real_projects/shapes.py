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

# --- asgiref 3.2.10: tests that need a plugin, which setup.cfg names as an extra ---------------------------

_PATH_TEST = """\
import pytest

from asgiref.testing import ApplicationCommunicator
from asgiref.wsgi import WsgiToAsgi


@pytest.mark.asyncio
async def test_a_path_is_handed_on_as_its_bytes():
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    scope = {
        "type": "http",
        "http_version": "1.0",
        "method": "GET",
        "root_path": "/caf\u00e9",
        "path": "/\u03c0",
        "query_string": b"",
        "headers": [],
    }
    client = ApplicationCommunicator(WsgiToAsgi(application), scope)
    await client.send_input({"type": "http.request"})
    assert (await client.receive_output(20))["status"] == 200
    assert seen["SCRIPT_NAME"].encode("latin1").decode() == scope["root_path"]
    assert seen["PATH_INFO"].encode("latin1").decode() == scope["path"]
"""
_PATH_RED = "python -m pytest -q tests/test_wsgi_paths.py"


def _in_wsgi(old: str, new: str) -> dict[str, object]:
    return call("str_replace", path="asgiref/wsgi.py", old=old, new=new)


ASGIREF = Bug(
    release=Release("asgiref", "3.2.10"),
    title="WsgiToAsgi: WSGI applications get paths that are not latin1",
    body=(
        "For `GET /\u03c0` my WSGI application behind `WsgiToAsgi` has `environ['PATH_INFO'] == '/\u03c0'`. "
        "PEP 3333 wants the bytes of the path as latin1 (`'/\\xcf\\x80'`), and frameworks decode it from "
        "there: mine fails with a UnicodeEncodeError. `SCRIPT_NAME` is the same.\n"
    ),
    plan=plan(
        "build_environ hands the decoded paths on as they are",
        "a test with paths beyond ASCII",
        "hand on their UTF-8 as latin1",
        files=["asgiref/wsgi.py"],
        test="the application gets the bytes of both paths",
    ),
    red=[
        turn(call("grep", pattern="PATH_INFO", path="asgiref"), text="Where is the environ made?"),
        turn(call("create", path="tests/test_wsgi_paths.py", content=_PATH_TEST)),
        turn(call("bash", command=_PATH_RED)),
        finish_red("paths beyond ASCII", _PATH_RED, "tests/test_wsgi_paths.py"),
    ],
    fix=[
        turn(
            _in_wsgi('scope.get("root_path", ""),', '_as_bytes(scope.get("root_path", "")),'),
            _in_wsgi('"PATH_INFO": scope["path"],', '"PATH_INFO": _as_bytes(scope["path"]),'),
            _in_wsgi(
                "class WsgiToAsgi:\n",
                "def _as_bytes(path):\n"
                '    """A path\'s bytes as a string, as PEP 3333 has it."""\n'
                '    return path.encode("utf8").decode("latin1")\n\n\nclass WsgiToAsgi:\n',
            ),
        ),
        turn(call("bash", command="python -m pytest -q tests/test_wsgi.py tests/test_wsgi_paths.py")),
        turn(call("finish", summary="WSGI applications get the bytes of paths as latin1 strings.")),
    ],
    review=review("Both paths, by one function."),
    proof=Proof(
        Release("asgiref", "3.3.0"),
        ("tests",),
        ("-m", "pytest", "-q", "-p", "pytest_asyncio.plugin", "tests/test_wsgi.py", "-k", "path_encoding"),
    ),
    symptom="assert '/\u4e2d\u56fd' ==",
    changed=("asgiref/wsgi.py", "tests/test_wsgi_paths.py"),
    # Its other tests are older than Python 3.11, which forbids what two of them do.
    test_command="python -m pytest -q tests/test_wsgi.py tests/test_local.py",
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
    symptom="KeyError: 'map1'",
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
