"""The install phase: network by allowlist alone, a cache, and failures that are reports."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.server
import os
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from tamma.store.memory import MemoryStore
from tamma.workspace.indexes import read_indexes
from tamma.workspace.local import LocalWorkspaces
from tamma.workspace.proxy import AllowlistProxy
from tamma.workspace.sandbox.profile import SandboxPolicy
from tests.workspace.conftest import Origin, quiet, tier_or_skip, tree_of, use


class _Index(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture
def index(short: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package index on loopback with one package; the machine's pip is configured for it."""
    folder = short / "index"
    (folder / "simple/tinydep").mkdir(parents=True)
    make_wheel(folder / "simple/tinydep/tinydep-1.0-py3-none-any.whl")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Index, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name in tuple(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def make_wheel(path: Path) -> None:
    files = {
        "tinydep.py": b"ANSWER = 42\n",
        "tinydep-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tinydep\nVersion: 1.0\n",
        "tinydep-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(content)}\n"
        wheel.writestr("tinydep-1.0.dist-info/RECORD", record + "tinydep-1.0.dist-info/RECORD,,\n")


TEST = """import unittest, tinydep
class T(unittest.TestCase):
    def test_it(self): self.assertEqual(tinydep.ANSWER, 42)
"""


@pytest.fixture(
    params=["bwrap", *(pytest.param(tier, marks=pytest.mark.slow) for tier in ("namespaces", "landlock"))]
)
async def workspaces(
    request: pytest.FixtureRequest, short: Path, store: MemoryStore
) -> AsyncIterator[LocalWorkspaces]:
    await tier_or_skip(request.param, short / "scratch")
    found = LocalWorkspaces(
        short / "a/ws", store, sandbox=SandboxPolicy(tiers=(request.param,), prewarm=False)
    )
    yield found
    await found.aclose()


@pytest.fixture
async def best(short: Path, store: MemoryStore) -> AsyncIterator[LocalWorkspaces]:
    """The tier that this machine would take."""
    found = LocalWorkspaces(short / "a/ws", store, sandbox=SandboxPolicy(prewarm=False))
    yield found
    await found.aclose()


async def test_a_projects_dependencies_are_installed_once_and_shared(
    workspaces: LocalWorkspaces, origin: Origin, index: str
) -> None:
    origin.commit({"requirements.txt": "tinydep\n", "test_it.py": TEST})
    for number, cached in ((1, False), (2, True)):
        await workspaces.prepare(origin.spec(f"task-{number}"), quiet)
        workspace = await workspaces.open(f"task-{number}")
        if (await workspaces.tier()) == "landlock":
            cached = False  # paths are the host's: each workspace has its own
        profile = await workspace.profile()
        report = await workspace.install(profile, quiet)
        assert (report.ok, report.cached) == (True, cached), report.log_tail
        assert profile.test is not None
        result = await workspace.run(profile.test.command, timeout=60, progress=quiet)
        assert result.exit_code == 0, result.output
        # Read-only, and no way out, once it is built.
        output = await use(
            workspace, "bash",
            command=f"touch $VIRTUAL_ENV/x; python -c 'import urllib.request as u; u.urlopen(\"http://{index}\")'",
        )  # fmt: skip
        assert "Read-only" in output.result.content or "Permission denied" in output.result.content
        assert "URLError" in output.result.content
        again = await workspace.install(profile, quiet)
        assert (again.ok, again.cached) == (True, True)


@pytest.mark.usefixtures("index")
async def test_what_cannot_be_installed_is_a_report(best: LocalWorkspaces, origin: Origin) -> None:
    workspaces = best
    origin.commit(
        {
            "requirements.txt": "no-such-package-here\nx @ http://elsewhere.invalid/x-1.0-py3-none-any.whl\n",
            "a.py": "",
        }
    )
    await workspaces.prepare(origin.spec(), quiet)
    workspace = await workspaces.open("task-1")
    report = await workspace.install(await workspace.profile(), quiet)
    assert (report.ok, report.cached) == (False, False)
    assert "elsewhere.invalid" in report.log_tail
    assert len(report.log_tail) <= 4000
    assert (await use(workspace, "bash", command="echo still works")).result.content == "still works"


async def test_the_standard_library_alone_is_installed_at_once(best: LocalWorkspaces, origin: Origin) -> None:
    workspaces = best
    origin.commit({"test_app.py": "import unittest\nclass T(unittest.TestCase):\n    def test(self): ...\n"})
    await workspaces.prepare(origin.spec(), quiet)
    workspace = await workspaces.open("task-1")
    profile = await workspace.profile()
    report = await workspace.install(profile, quiet)
    assert (report.ok, report.cached) == (True, True)
    assert profile.test is not None
    result = await workspace.run(profile.test.command, timeout=60, progress=quiet)
    assert (result.exit_code, "OK" in result.output) == (0, True), result.output
    assert not (tree_of(workspaces) / "__pycache__").exists()


@pytest.mark.usefixtures("index")
async def test_a_project_that_cannot_be_built_is_tested_from_its_tree(
    workspaces: LocalWorkspaces, origin: Origin
) -> None:
    broken = BACKEND.replace("import pathlib", "raise SystemExit('error: no C compiler')\nimport pathlib")
    needing = PYPROJECT + 'dependencies = ["tinydep"]\n'
    origin.commit({"pyproject.toml": needing, "backend.py": broken, "test_it.py": TEST})
    for _ in range(2):  # it is tried again each time
        await workspaces.prepare(origin.spec(), quiet)
        workspace = await workspaces.open("task-1")
        profile = await workspace.profile()
        report = await workspace.install(profile, quiet)
        assert (report.ok, report.cached) == (False, False)
        assert "error: no C compiler" in report.log_tail
        assert report.log_tail.endswith("[installed without the project itself]")
        assert profile.test is not None
        result = await workspace.run(profile.test.command, timeout=60, progress=quiet)
        assert result.exit_code == 0, result.output
    # Nobody else finds it.
    await workspaces.prepare(origin.spec("task-2"), quiet)
    other = await (await workspaces.open("task-2")).run("python -m unittest", timeout=60, progress=quiet)
    assert "No module named 'tinydep'" in other.output


# --- the proxy -----------------------------------------------------------------------------------------


async def ask(proxy: AllowlistProxy, request: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(proxy.socket)
    writer.write(request.encode())
    answer = await asyncio.wait_for(reader.read(300), 30)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT evil.example:443 HTTP/1.1",
        "CONNECT index.test:22 HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "GET http://evil.example/ HTTP/1.1",
        "GET ftp://index.test/ HTTP/1.1",
        "GET http://index.test:8080/ HTTP/1.1",
        "CONNECT index.test.evil.example:443 HTTP/1.1",
        "CONNECT index.test:99999999 HTTP/1.1",
    ],
)
async def test_the_proxy_refuses_what_is_not_on_its_list(request_line: str) -> None:
    async with AllowlistProxy(("index.test",), environ={}) as proxy:
        assert b" 403 " in await ask(proxy, f"{request_line}\r\nHost: index.test\r\n\r\n")
        assert proxy.refused


async def test_the_proxy_speaks_both_ways(index: str) -> None:
    async with AllowlistProxy((index,), environ={}) as proxy:
        direct = await ask(proxy, f"GET http://{index}/simple/tinydep/ HTTP/1.1\r\nHost: {index}\r\n\r\n")
        assert b" 200 OK" in direct
        reader, writer = await asyncio.open_unix_connection(proxy.socket)
        writer.write(f"CONNECT {index} HTTP/1.1\r\n\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET /simple/ HTTP/1.0\r\n\r\n")
        assert b"tinydep" in await reader.read()
        writer.close()
        # Malformed requests and a client that goes away harm nobody.
        assert b" 400 " in await ask(proxy, "hello\r\n\r\n")
        reader, silent = await asyncio.open_unix_connection(proxy.socket)
        silent.write_eof()
        assert b" 502 " in await reader.read()
        silent.close()


def test_indexes_with_credentials_stay_outside(tmp_path: Path) -> None:
    found = read_indexes(
        "global.index-url='https://pypi.example.org/simple'\n"
        f"global.extra-index-url='https://u:p@private.example.org/simple file://{tmp_path}'\n"
        f":env:.find-links='{tmp_path}/absent'\n",
        {"npm_config_registry": "https://npm.example.org/", "SSL_CERT_FILE": "/etc/ssl/x"},
    )
    assert found.hosts == ("npm.example.org", "pypi.example.org")
    assert found.folders == (str(tmp_path),)
    assert "private" not in str(found.env)
    assert found.env["PIP_EXTRA_INDEX_URL"] == f"file://{tmp_path}"
    assert found.env["SSL_CERT_FILE"] == "/etc/ssl/x"


PYPROJECT = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "made"
version = "1.2"
"""
BACKEND = """import pathlib, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    pathlib.Path("src/_version.py").write_text("VERSION = '1.2'\\n")
    name = "made-1.2-py3-none-any.whl"
    info = "made-1.2.dist-info/"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("made.pth", str(pathlib.Path("src").absolute()))
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: made\\nVersion: 1.2\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
def build_wheel(folder, config_settings=None, metadata_directory=None):
    raise NotImplementedError
"""


async def test_what_a_build_leaves_in_the_tree_comes_with_the_cache(
    best: LocalWorkspaces, origin: Origin
) -> None:
    """As setuptools-scm writes a version, and extension modules stand beside their sources."""
    origin.commit(
        {
            "pyproject.toml": PYPROJECT,
            "backend.py": BACKEND,
            ".gitignore": "src/_version.py\n",
        }
    )
    for number, cached in ((1, False), (2, True)):
        await best.prepare(origin.spec(f"task-{number}"), quiet)
        workspace = await best.open(f"task-{number}")
        report = await workspace.install(await workspace.profile(), quiet)
        assert (report.ok, report.cached) == (True, cached), report.log_tail
        told = await use(workspace, "bash", command="python -c 'import _version; print(_version.VERSION)'")
        assert told.result.content == "1.2"


async def test_a_build_cannot_make_the_worker_read_or_write_elsewhere(
    workspaces: LocalWorkspaces, origin: Origin, short: Path
) -> None:
    """The worker keeps notes beside the environment, and files that a build leaves in the tree."""
    outside, secret = short / "outside", short / "secret"
    outside.mkdir()
    secret.write_text("the worker's own")
    hostile = f"""import os, pathlib
here = pathlib.Path(os.environ["VIRTUAL_ENV"])
for place in (here, here.parent):
    for name in ("done", ".tamma-done", "products/made.txt", ".tamma-products/made.txt"):
        try:
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).symlink_to({str(secret)!r})
        except OSError:
            pass
if not os.path.islink("out"):
    os.makedirs("out", exist_ok=True)
    pathlib.Path("out/made.txt").write_text("planted")
"""
    origin.commit({"pyproject.toml": PYPROJECT, "backend.py": hostile + BACKEND})
    for number in (1, 2):
        if number == 2:  # a commit with a link where the build made a folder
            (origin.path / "out").symlink_to(outside)
            origin.commit({"second": ""})
        await workspaces.prepare(origin.spec(f"task-{number}"), quiet)
        workspace = await workspaces.open(f"task-{number}")
        report = await workspace.install(await workspace.profile(), quiet)
        assert (report.ok, "the worker's own" in report.log_tail) == (True, False), report.log_tail
        kept = (path for path in tree_of(workspaces, f"task-{number}").rglob("made.txt"))
        assert [path.read_text() for path in kept] in ([], ["planted"])
    assert list(outside.iterdir()) == []
    assert secret.read_text() == "the worker's own"
