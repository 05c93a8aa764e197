"""The guards guard: each is shown a breach and must see it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import network_guard
from tests.guards import environment, processes
from tests.guards.network import NetworkForbiddenError, Verdict, judge
from tests.support.pace import PROMPT

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (None, Verdict.ALLOW),
        ("", Verdict.ALLOW),
        ("localhost", Verdict.ALLOW),
        (b"localhost", Verdict.ALLOW),
        ("127.0.0.1", Verdict.ALLOW),
        ("127.9.9.9", Verdict.ALLOW),
        ("::1", Verdict.ALLOW),
        ("0.0.0.0", Verdict.ALLOW),
        ("app.localhost", Verdict.ALLOW),
        ("nowhere.invalid", Verdict.UNREACHABLE),
        ("192.0.2.7", Verdict.UNREACHABLE),
        ("api.github.com", Verdict.FORBID),
        ("notexample.org", Verdict.FORBID),
        ("10.0.0.1", Verdict.FORBID),
        ("fe80::1%eth0", Verdict.FORBID),
    ],
)
def test_which_hosts_are_reachable(host: object, verdict: Verdict) -> None:
    assert judge(host) is verdict


def test_leaving_the_machine_is_refused_and_remembered(request: pytest.FixtureRequest) -> None:
    with socket.socket() as sock, pytest.raises(NetworkForbiddenError, match=r"10\.0\.0\.1"):
        sock.connect(("10.0.0.1", 80))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(NetworkForbiddenError):
        sock.sendto(b"?", ("10.0.0.1", 53))
    with pytest.raises(NetworkForbiddenError):
        socket.getaddrinfo("api.github.com", 443)
    refused = network_guard(request.config).take_refusals()
    assert [line.split()[0] for line in refused] == ["socket.connect", "socket.sendto", "socket.getaddrinfo"]


async def test_asyncio_is_guarded_too(request: pytest.FixtureRequest) -> None:
    with pytest.raises(NetworkForbiddenError):
        await asyncio.open_connection("10.0.0.1", 80)
    assert network_guard(request.config).take_refusals()


def test_reserved_names_fail_like_a_network_that_is_down() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)
    with socket.socket() as sock, pytest.raises(OSError, match="unreachable"):
        sock.connect(("192.0.2.7", 80))


def test_loopback_and_unix_sockets_work(tamma_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tamma_home / "socket"))
        server.listen()
        client.connect(str(tamma_home / "socket"))


def test_a_child_that_asks_for_another_host_is_sent_to_a_closed_port() -> None:
    fetch = "import urllib.request; urllib.request.urlopen('http://198.51.100.1/', timeout=5)"
    child = subprocess.run([sys.executable, "-c", fetch], capture_output=True, text=True, check=False)
    assert child.returncode != 0
    assert "Connection refused" in child.stderr


def test_names_of_secrets_and_switches_are_unwanted() -> None:
    inherited = ["ANTHROPIC_API_KEY", "GITHUB_TOKEN", "AWS_PROFILE", "DATABASE_URL", "TAMMA_HOME", "PGHOST"]
    harmless = ["PATH", "LANG", "TAMMA_TEST_RUN", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "PYTEST_CURRENT_TEST"]
    assert environment.unwanted(inherited + harmless) == inherited


def test_home_and_tamma_home_are_private(tamma_home: Path) -> None:
    assert Path.home().name.startswith("tamma-t-")
    assert tamma_home.parent == Path.home()
    assert os.environ["TAMMA_HOME"] == str(tamma_home)
    assert not list(tamma_home.iterdir())
    assert len(str(tamma_home)) < 50, "room for a unix socket's name below"


def test_a_detached_process_is_found_named_and_ended() -> None:
    detach = (
        "import subprocess, sys;"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"
    )
    started = subprocess.run([sys.executable, "-c", detach], capture_output=True, text=True, check=True)
    pid = int(started.stdout)
    try:
        found: list[str] = []
        deadline = time.monotonic() + PROMPT  # a process that has just begun may not show its environment yet
        while not found and time.monotonic() < deadline:
            every = processes.leftovers(os.environ[processes.MARK], patience=0)
            found = [each.test.partition("::")[2] for each in every if each.process.pid == pid]
        assert found == ["test_a_detached_process_is_found_named_and_ended (call)"]
    finally:
        processes.end([processes.Leftover(psutil.Process(pid), "sleep", "")])
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_session_that_leaves_a_process_behind_fails(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_leak.py").write_text(
        "import subprocess\n"
        "def test_leak():\n"
        "    with open('pid', 'w') as file:\n"
        "        file.write(str(subprocess.Popen(['sleep', '60']).pid))\n"
    )
    pytest_here = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:asyncio"]
    ran = subprocess.run(
        [*pytest_here, "-n", workers, "test_leak.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 passed, 1 error" in ran.stdout
    assert "sleep 60 (started by test_leak.py::test_leak" in ran.stdout
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid)
