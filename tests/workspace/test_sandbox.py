"""Sandboxes: the traps of running a model's commands, each tried for real in each tier that works here."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tamma.workspace.sandbox.host import choose_tier
from tamma.workspace.sandbox.output import KEEP_CHARS
from tamma.workspace.sandbox.profile import HOME, Limits, SandboxPolicy
from tamma.workspace.sandbox.run import Sandbox
from tests.support.pace import PROMPT
from tests.support.processes import eventually
from tests.workspace.boxes import make_sandbox
from tests.workspace.conftest import quiet, running, tier_or_skip

FENCED = ("bwrap", "namespaces")
ALL = (*FENCED, "container", "landlock", "none")


@pytest.fixture(params=FENCED)
async def fenced(request: pytest.FixtureRequest, short: Path) -> AsyncIterator[Sandbox]:
    """The tiers that keep their promise alone: no network, no other files, no other processes."""
    await tier_or_skip(request.param, short / "scratch")
    sandbox = await make_sandbox(request.param, short)
    yield sandbox
    await sandbox.aclose()


@pytest.fixture(params=ALL)
async def sandbox(request: pytest.FixtureRequest, short: Path) -> AsyncIterator[Sandbox]:
    """Every tier."""
    await tier_or_skip(request.param, short / "scratch")
    sandbox = await make_sandbox(request.param, short)
    yield sandbox
    await sandbox.aclose()


async def out(sandbox: Sandbox, script: str, timeout: float = 20) -> str:
    return (await sandbox.run(script, timeout=timeout, progress=quiet)).output.strip()


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def gone(marker: str, within: float = PROMPT) -> bool:
    deadline = time.monotonic() + within
    while running(marker):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def begun(marker: str, count: int, within: float = 20) -> None:
    """Wait until `count` processes run `sleep marker`."""
    deadline = time.monotonic() + within
    while len(running(f"sleep\0{marker}")) < count:
        assert time.monotonic() < deadline, "the command did not start"
        await asyncio.sleep(0.02)


def a_marker() -> str:
    """An argument of `sleep` that no other process of this machine has."""
    return f"9{uuid.uuid4().int % 10**9:09d}.5"


# --- what every tier does ------------------------------------------------------------------------


async def test_runs_a_script_and_tells_its_exit_code(sandbox: Sandbox) -> None:
    result = await sandbox.run("echo out; echo err >&2; exit 3", timeout=20, progress=quiet)
    assert (result.exit_code, result.output, result.timed_out) == (3, "out\nerr\n", False)


async def test_a_signal_is_128_and_its_number(sandbox: Sandbox) -> None:
    result = await sandbox.run("sh -c 'kill -SEGV $$'", timeout=20, progress=quiet)
    assert result.exit_code == 128 + signal.SIGSEGV


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux chooses whom to kill")
@pytest.mark.parametrize("tier", ["bwrap", "namespaces"])
async def test_a_command_is_the_first_to_go_where_memory_runs_out(tier: str, short: Path) -> None:
    await tier_or_skip(tier, short / "probe")
    sandbox = await make_sandbox(tier, short)
    assert (
        await out(sandbox, "cat /proc/self/oom_score_adj; sh -c 'cat /proc/self/oom_score_adj'")
        == "1000\n1000"
    )
    await sandbox.aclose()


async def test_variables_of_a_call_reach_the_script_and_no_other_call(sandbox: Sandbox) -> None:
    first = await sandbox.run('echo "$A"', timeout=20, progress=quiet, env={"A": "it's $HOME"})
    assert first.output == "it's $HOME\n"
    assert await out(sandbox, 'echo "[$A]"') == "[]"


async def test_a_long_script_with_quotes_and_unicode_arrives_whole(sandbox: Sandbox) -> None:
    text = "ä'\"\\$" * 30_000
    quoted = "'" + text.replace("'", "'\\''") + "'"
    assert await out(sandbox, f"printf %s {quoted} | wc -c") == str(len(text.encode()))


async def test_a_script_that_reads_standard_input_finds_its_end(sandbox: Sandbox) -> None:
    assert await out(sandbox, "cat; echo done") == "done"


async def test_bytes_that_are_no_text_are_replaced(sandbox: Sandbox) -> None:
    result = await sandbox.run(r"printf 'a\xff\x00b\033[31mred\033[0m'", timeout=20, progress=quiet)
    assert result.output == "a��bred"


async def test_the_deadline_ends_daemons_that_left_their_session(sandbox: Sandbox) -> None:
    marker = a_marker()
    script = f"""python3 - <<'X'
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        os.execvp("sleep", ["sleep", "{marker}"])
    os._exit(0)
os.wait()
X
echo started; sleep {marker}"""
    ticks: list[str] = []
    result = await sandbox.run(script, timeout=1.4, progress=ticks.append)
    assert result.timed_out
    assert result.exit_code == 137
    assert result.output == "started\n"
    assert await gone(marker)
    assert 1 <= len(ticks) <= 3


async def test_what_a_command_leaves_in_the_background_ends_with_it(sandbox: Sandbox) -> None:
    marker = a_marker()
    result = await sandbox.run(f"setsid sleep {marker} >/dev/null 2>&1 & echo ok", timeout=20, progress=quiet)
    assert result.output == "ok\n"
    assert not result.timed_out
    assert await gone(marker)


async def test_a_cancelled_call_returns_when_its_processes_are_gone(sandbox: Sandbox) -> None:
    marker = a_marker()
    task = asyncio.create_task(
        sandbox.run(f"setsid sleep {marker} & sleep {marker}", timeout=60, progress=quiet)
    )
    await begun(marker, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(marker, within=1)


async def test_a_worker_that_is_killed_takes_its_commands_along(sandbox: Sandbox, short: Path) -> None:
    marker = a_marker()
    worker = start_worker(sandbox.tier.name, short, f"setsid sleep {marker} & sleep {marker}")
    try:
        await begun(marker, 2)
    finally:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()
    assert await gone(f"sleep\0{marker}")


WORKER = """
import asyncio, sys
from pathlib import Path
from tamma.workspace.sandbox.harden import harden_process
from tests.workspace.boxes import make_sandbox
async def main():
    sandbox = await make_sandbox(sys.argv[1], Path(sys.argv[2]))
    result = await sandbox.run(sys.argv[3], timeout=60, progress=lambda line: None)
    print(result.output, flush=True)
harden_process()
asyncio.run(main())
"""


def start_worker(tier: str, folder: Path, script: str, **env: str) -> subprocess.Popen[bytes]:
    """A worker of its own, with `env` in the environment that it was started with."""
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, tier, str(folder), script],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.parametrize("tier", ["bwrap", "namespaces", "landlock"])
async def test_no_process_environment_holds_the_workers_secrets(tier: str, short: Path) -> None:
    await tier_or_skip(tier, short / "scratch")
    canary = f"canary{uuid.uuid4().hex}"
    script = (
        f"env; grep -alz {canary[:10]} /proc/[0-9]*/environ 2>/dev/null; cat /proc/*/environ | tr '\\0' '\\n'"
    )
    worker = start_worker(tier, short, script, TAMMA_TEST_TOKEN=canary)
    output, _ = await asyncio.to_thread(worker.communicate)
    assert worker.returncode == 0, output
    assert b"HOME=" in output  # it did read environments: its own
    assert canary.encode() not in output


# --- output --------------------------------------------------------------------------------------


async def test_a_gigabyte_of_output_costs_little_memory_and_no_disk(short: Path) -> None:
    tier = await choose_tier(SandboxPolicy(), short / "scratch")
    sandbox = await make_sandbox(tier.name, short)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = await sandbox.run("echo first; yes | head -c 1000000000; echo last", timeout=60, progress=quiet)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert result.exit_code == 0
    assert result.output.startswith("first\ny\n")
    assert result.output.endswith("y\nlast\n")
    assert len(result.output) < 2 * KEEP_CHARS + 100
    assert result.truncated_bytes == 1_000_000_011 - 2 * KEEP_CHARS
    assert grown_kb < 20_000
    assert disk_use(short) < 1000
    await sandbox.aclose()


def disk_use(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


# --- what the fenced tiers promise ------------------------------------------------------------------


async def test_there_is_no_network(fenced: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        datagrams.settimeout(0.3)
        tcp, udp = server.getsockname()[1], datagrams.getsockname()[1]
        script = (
            f"(exec 3<>/dev/tcp/127.0.0.1/{tcp}) 2>&1 && echo connected; echo x >/dev/udp/127.0.0.1/{udp};"
            " ls /sys/class/net 2>/dev/null; cat /proc/net/route | wc -l"
        )
        output = await out(fenced, script)
        assert "Connection refused" in output
        assert "connected" not in output
        assert output.endswith("\n1")  # the table's heading and no route
        with pytest.raises(TimeoutError):
            datagrams.recv(10)


async def test_a_command_can_talk_to_itself_over_loopback(fenced: Sandbox) -> None:
    script = """python3 - <<'X'
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
print("talked")
X"""
    assert await out(fenced, script) == "talked"


async def test_files_outside_do_not_exist(fenced: Sandbox, short: Path) -> None:
    (short / "secret").write_text("hidden")
    home = Path(os.environ["HOME"]) / "tamma-probe"
    home.write_text("hidden")
    try:
        script = (
            f"cat {short}/secret {home}; ls /run /var /root/.ssh /sys {os.getcwd()} 2>/dev/null;"
            " cat /etc/shadow"
        )
        assert "hidden" not in (output := await out(fenced, script))
        assert "root:" not in output
        assert output.count("No such file") >= 2
    finally:
        home.unlink()


async def test_only_three_places_can_be_written(fenced: Sandbox) -> None:
    script = """for place in / /usr /etc /opt /dev /proc/sys/kernel /home /bin
do touch $place/x 2>/dev/null && echo $place; done
for place in /workspace /tmp $HOME /dev/shm; do touch $place/x && echo $place; done"""
    assert (await out(fenced, script)).split() == ["/workspace", "/tmp", HOME, "/dev/shm"]


@pytest.mark.parametrize("path", ["/proc/sys/kernel/core_pattern", "/proc/irq/default_smp_affinity"])
async def test_the_machines_root_cannot_reach_the_kernel_by_proc(fenced: Sandbox, path: str) -> None:
    """uid 0 owns these files whatever its capabilities. Opened for appending and not written."""
    if not os.path.exists(path):  # noqa: ASYNC240
        pytest.skip(f"this kernel has no {path}")
    assert "opened" not in await out(fenced, f"(: >> {path}) && echo opened")


async def test_there_are_no_capabilities_and_none_to_gain(fenced: Sandbox) -> None:
    output = await out(fenced, "grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs' /proc/self/status")
    values = dict(line.split(":\t") for line in output.splitlines())
    assert {values[name].strip() for name in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
    assert values["NoNewPrivs"] == "1"
    assert "works" not in await out(fenced, "mount -t tmpfs none /tmp && echo works; chroot / echo works")


async def test_other_processes_are_not_there(fenced: Sandbox) -> None:
    pids = (await out(fenced, "ls /proc | grep -E '^[0-9]+$'")).split()
    assert len(pids) < 8
    assert "no" in await out(fenced, f"kill -0 {os.getpid()} 2>/dev/null && echo yes || echo no")


async def test_a_fork_bomb_is_bounded_and_ends(fenced: Sandbox) -> None:
    result = await fenced.run("bomb() { bomb | bomb & }; bomb; sleep 30", timeout=1, progress=quiet)
    assert result.timed_out
    assert result.seconds < 30, "no longer than its command would have slept"
    assert await out(fenced, "echo still fine") == "still fine"


async def test_a_file_has_a_largest_size(short: Path) -> None:
    for tier in FENCED:
        await tier_or_skip(tier, short / "scratch")
        sandbox = await make_sandbox(tier, short, limits=Limits(processes=200, file_bytes=1 << 20))
        result = await sandbox.run("head -c 3000000 /dev/zero > big", timeout=20, progress=quiet)
        assert result.exit_code != 0
        assert (short / "tree/big").stat().st_size == 1 << 20
        await sandbox.aclose()


async def test_memory_has_a_limit(short: Path) -> None:
    for tier in FENCED:
        await tier_or_skip(tier, short / "scratch")
        sandbox = await make_sandbox(tier, short, limits=Limits(processes=200, data_bytes=200 << 20))
        assert "MemoryError" in await out(sandbox, "python3 -c 'x = bytearray(400_000_000)'")
        await sandbox.aclose()


# --- started ahead ---------------------------------------------------------------------------------


def shells(leader: psutil.Process) -> list[psutil.Process]:
    """The shell of a sandbox, once it is there and waits for its script."""
    inside = leader.children(recursive=True) or [leader]
    return [each for each in inside if each.name() in {"sh", "bash", "dash"} and each.status() == "sleeping"]


async def test_one_that_is_closed_in_mid_run_starts_no_other(short: Path) -> None:
    tier = await choose_tier(SandboxPolicy(), short / "scratch")
    sandbox = await make_sandbox(tier.name, short, prewarm=True)
    marker = a_marker()
    running = asyncio.create_task(sandbox.run(f"sleep {marker}", timeout=2, progress=quiet))
    await begun(marker, 1)
    await sandbox.aclose()
    assert (await running).timed_out
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sandbox.waiting is None


async def test_a_sandbox_started_ahead_is_used_once(short: Path) -> None:
    tier = await choose_tier(SandboxPolicy(), short / "scratch")
    sandbox = await make_sandbox(tier.name, short, prewarm=True)
    outputs = [await out(sandbox, "echo $$; echo x >> /tmp/count; wc -l < /tmp/count") for _ in range(3)]
    assert [output.split()[1] for output in outputs] == ["1", "2", "3"]  # /tmp is the workspace's
    await sandbox.aclose()
    await sandbox.aclose()
    assert await out(sandbox, "echo again") == "again"
    await sandbox.aclose()


async def test_one_that_died_while_it_waited_is_replaced(short: Path) -> None:
    tier = await choose_tier(SandboxPolicy(), short / "scratch")
    sandbox = await make_sandbox(tier.name, short, prewarm=True)
    await out(sandbox, "true")
    await asyncio.sleep(0)  # the loop's next round starts it
    waiting = sandbox.waiting
    assert waiting is not None
    leader = psutil.Process(waiting)
    await eventually(lambda: shells(leader))  # while it starts, its launcher does not end with its parent yet
    family = [leader, *leader.children(recursive=True)]
    leader.kill()
    # Without a round of the loop, which is thus not told. What still dies might yet read the script.
    while any(map(runs, family)):
        time.sleep(0.01)  # noqa: ASYNC251
    assert await out(sandbox, "echo fine") == "fine"
    await sandbox.aclose()
