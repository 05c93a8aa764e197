"""Third-party providers in their own process: every limit is reached, every break made, and we go on."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
import structlog

from tamma import pools
from tamma.confine import landlock
from tamma.errors import (
    AuthFailed,
    ConfigError,
    InvalidRequest,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import CostSource, TokenCount
from tamma.plugins.confinement import MANIFEST, TIERS, TierName
from tamma.plugins.limits import Limits, descendants
from tamma.providers.interface import Price, ProviderSettings, complete
from tamma.providers.plugins.hosted import HostedPlugin, HostedProvider
from tests.providers.vendors.base import MODEL, ask
from tests.support import plugins
from tests.support.pace import PROMPT
from tests.support.plugins import importable, install

KEY = "canary-plugin-key-0123456789"
CONFINED: list[TierName] = ["bwrap", "landlock"]
Opener = Callable[..., HostedProvider]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the sample is installed."""
    folder = install(tmp_path_factory.mktemp("site"))
    with importable(folder):
        yield folder


@pytest.fixture
async def opened(home: Path) -> AsyncIterator[Opener]:
    """Makes hosted providers of the sample, closed at the end."""
    async with AsyncExitStack() as stack:

        def make(
            *,
            name: str = "sample-echo",
            tiers: tuple[TierName, ...] = TIERS,
            limits: Limits | None = None,
            **options: Any,
        ) -> HostedProvider:
            settings = ProviderSettings(
                "mine", name, api_key=KEY, model=MODEL, options={"say": {}, **options}
            )
            plugin = HostedPlugin(entry_of(name), tiers, limits)
            provider = cast("HostedProvider", plugin.create_provider(settings))
            stack.push_async_callback(provider.close)
            return provider

        yield make


async def test_a_configured_price_goes_before_what_the_plugin_says(home: Path) -> None:
    price = Price(Decimal(2), Decimal(10))
    options = {"say": {"input": 1_000_000, "output": 500_000}}
    settings = ProviderSettings("mine", "sample-echo", model=MODEL, price=price, options=options)
    provider = HostedPlugin(entry_of("sample-echo")).create_provider(settings)
    cost = (await complete(provider, ask())).finish.cost
    assert (cost.usd, cost.source) == (Decimal(7), CostSource.CONFIG)
    await provider.close()


def entry_of(name: str) -> Any:
    return next(entry for entry in plugins.registry().list() if entry.name == name)


async def told(provider: HostedProvider, deed: str, **more: Any) -> str:
    return (await complete(provider, ask(deed, **more))).message.text


async def until(condition: Callable[[], bool], seconds: float = PROMPT) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def run(pids: list[int]) -> bool:
    """Whether one of them does."""
    return any(Path(f"/proc/{pid}").exists() for pid in pids)


# --- what it sees ---


@pytest.fixture(params=CONFINED)
def tier(request: pytest.FixtureRequest) -> TierName:
    if request.param == "landlock" and landlock.abi() == 0:
        pytest.skip("this kernel has no Landlock")
    if request.param == "bwrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return request.param


async def test_it_reads_and_writes_nothing_of_ours(opened: Opener, tier: TierName, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    provider = opened(tiers=(tier,))
    root = Path(__file__).parents[2]
    for path in ("/etc/passwd", str(secret), str(root / "pyproject.toml"), "/proc/1/environ", __file__):
        assert await told(provider, f"read {path}") in {"FileNotFoundError", "PermissionError"}, path
    for path in (tmp_path / "new", root / "tamma/new", "/usr/lib/new", Path.home() / "new"):
        refused = await told(provider, f"write {path}")
        assert refused in {"FileNotFoundError", "PermissionError", "OSError"}, path
        assert not await asyncio.to_thread(os.path.exists, path)
    raised = await told(provider, "raise_limit")
    assert raised == "PermissionError" or "not allowed to raise" in raised
    assert await told(provider, f"signal {os.getpid()}") in {"PermissionError", "ProcessLookupError"}


async def test_it_reads_what_its_entry_grants(opened: Opener, tier: TierName, tmp_path: Path) -> None:
    granted = tmp_path / "granted"
    granted.mkdir()
    (granted / "words").write_text("for you")
    (tmp_path / "other").write_text("canary")
    provider = opened(tiers=(tier,), sandbox={"read": [str(granted)]})
    assert await told(provider, f"read {granted}/words") == "for you"
    assert await told(provider, f"write {granted}/words") in {"PermissionError", "OSError"}
    assert await told(provider, f"read {tmp_path}/other") in {"FileNotFoundError", "PermissionError"}


async def test_what_the_manifest_needs_must_be_granted(opened: Opener, home: Path) -> None:
    manifest = home / "sample_provider" / MANIFEST
    manifest.write_text(json.dumps({"read": ["/etc/passwd"]}))
    try:
        with pytest.raises(ConfigError, match='needs to read "/etc/passwd"') as raised:
            await opened().start()
        assert '{"sandbox": {"read": ["/etc/passwd"]}}' in str(raised.value.hint)
        assert "root" in await told(opened(sandbox={"read": ["/etc/passwd"]}), "read /etc/passwd")
        manifest.write_text('{"read": ["relative"]}')
        with pytest.raises(ConfigError, match="no absolute path"):
            await opened().start()
    finally:
        manifest.unlink()


async def test_it_has_a_place_for_temporary_files(opened: Opener, tier: TierName) -> None:
    provider = opened(tiers=(tier,))
    assert await told(provider, "temporary") == "kept"


async def test_its_environment_and_command_line_hold_no_key(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-of-another")
    for name in [name for name in os.environ if name.upper().endswith("_PROXY") or name.startswith("SSL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    provider = opened()
    names = set((await told(provider, "environment")).split())
    assert names - {"PWD"} == {"HOME", "HTTPS_PROXY", "LANG", "PATH", "PYTHONPATH", "TMPDIR"}
    assert provider.pid is not None
    for pid in (provider.pid, *descendants(provider.pid)):
        for name in ("cmdline", "environ"):
            assert "canary" not in await asyncio.to_thread(Path(f"/proc/{pid}/{name}").read_text)


async def test_the_network_is_there(opened: Opener, tier: TierName) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello from the service")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        provider = opened(tiers=(tier,))
        assert await told(provider, f"connect 127.0.0.1:{port}") == "hello from the service"


async def test_without_a_sandbox_it_runs_only_where_that_is_allowed(opened: Opener) -> None:
    with pytest.raises(ConfigError, match="none works on this machine") as raised:
        await opened(tiers=()).start()
    assert '"allowNone": true' in str(raised.value.hint)
    allowed = opened(tiers=(), sandbox={"allowNone": True})
    assert "root" in await told(allowed, "read /etc/passwd")


@pytest.mark.parametrize(
    "given", [True, {"allowNone": "yes"}, {"read": "/etc"}, {"read": ["etc"]}, {"reed": []}, [1]], ids=str
)
def test_a_misspelt_grant_is_refused(opened: Opener, given: object) -> None:
    if given == {"read": "/etc"}:
        assert opened(sandbox=given)
        return
    with pytest.raises(ConfigError, match="option 'sandbox'"):
        opened(sandbox=given)


# --- what it takes ---


async def test_memory_that_a_process_may_not_have_is_refused_to_it(opened: Opener) -> None:
    provider = opened()
    await provider.start()
    pid = provider.pid
    with pytest.raises(ProviderError, match="more memory than it may take"):
        await told(provider, "hoard 300")
    assert await told(provider, "hoard 100") == "100"
    assert await told(provider, "threads 20") == "ran"
    assert provider.pid == pid


async def test_memory_of_several_processes_counts_together(opened: Opener) -> None:
    with pytest.raises(StreamInterrupted, match="MB of memory, 256 MB are allowed"):
        await told(opened(), "share 150")


async def test_processes_are_counted(opened: Opener) -> None:
    with pytest.raises(StreamInterrupted, match="processes, 8 are allowed"):
        await told(opened(limits=Limits(processes=8)), "fork 20")


async def test_it_gets_four_fifths_of_a_processor(opened: Opener) -> None:
    provider = opened(limits=Limits(cpu_share=0.3))  # far below what a busy machine would leave it
    before = float(await told(provider, "spin 0"))
    begun = time.monotonic()
    used = float(await told(provider, "spin 4")) - before
    share = used / (time.monotonic() - begun)
    assert share < 0.5, f"{share:.2f} of a processor; a burst of 0.5 s is allowed"
    assert Limits().cpu_share == 0.8


async def test_a_call_takes_no_longer_than_it_may(opened: Opener) -> None:
    provider = opened(limits=Limits(operation_seconds=0.3))
    await provider.start()
    pid = provider.pid
    with pytest.raises(ProviderTimeout, match="gave no answer in time"):
        await told(provider, "wait")
    assert await told(provider, "environment")
    assert provider.pid == pid, "a call that can be cancelled costs no restart"


async def test_a_stall_is_noticed(home: Path) -> None:
    settings = ProviderSettings("mine", "sample-echo", stall_timeout=0.3, options={"say": {}})
    provider = HostedPlugin(entry_of("sample-echo")).create_provider(settings)
    await provider.start()
    with pytest.raises(ProviderTimeout):
        await complete(provider, ask("wait"))
    await provider.close()


# --- how it ends ---


@pytest.mark.parametrize(("deed", "why"), [("crash", "SIGSEGV"), ("exit", "code 7")], ids=["crash", "exit"])
async def test_a_crash_is_an_error_and_the_next_call_works(
    opened: Opener, tier: TierName, deed: str, why: str
) -> None:
    provider = opened(tiers=(tier,))
    await provider.start()
    first, waiting = provider.pid, asyncio.create_task(told(provider, "wait"))
    await asyncio.sleep(0)
    with pytest.raises(StreamInterrupted, match=f"'mine'.*'sample-echo' failed: .*{why}") as raised:
        await told(provider, deed)
    assert raised.value.may_retry
    with pytest.raises(StreamInterrupted):
        await waiting
    assert await told(provider, "hoard 1") == "1"
    assert provider.pid not in (None, first)


async def test_leaving_by_sys_exit_is_no_crash(opened: Opener) -> None:
    provider = opened()
    with pytest.raises(ProviderError, match="raised SystemExit"):
        await told(provider, "sys.exit")
    assert await told(provider, "hoard 1") == "1"


async def test_one_that_keeps_crashing_is_left_alone(opened: Opener) -> None:
    provider = opened(limits=Limits(restarts=2))
    for _ in range(2):
        with pytest.raises(StreamInterrupted):
            await told(provider, "exit")
    with pytest.raises(Overloaded, match="2 times within 60 s") as raised:
        await told(provider, "hoard 1")
    assert raised.value.retry_after is not None
    assert 0 < raised.value.retry_after <= 60


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("sample-raises", {}, "RuntimeError: this module cannot be imported"),
        ("sample-shapeless", {}, "it has no name, no version, no create_provider, no validate_config"),
        ("sample-echo", {"at_start": "exit"}, "code 7"),
        ("sample-echo", {"at_start": "crash"}, "SIGSEGV"),
        ("sample-echo", {"at_start": "bug"}, "ValueError"),
        ("sample-echo", {"at_start": "block"}, "did not start within 2 s"),
        ("sample-echo", {"colour": "red"}, "a sample has no colour"),
    ],
    ids=["raises", "shapeless", "exits", "crashes", "bug", "hangs", "refuses"],
)
async def test_one_that_does_not_start_is_misconfigured(
    opened: Opener, name: str, options: dict[str, object], why: str
) -> None:
    provider = opened(
        name=name, limits=Limits(start_seconds=2 if "block" in options.values() else 30), **options
    )
    with pytest.raises(ConfigError, match=why) as raised:
        await provider.start()
    assert KEY not in str(raised.value)
    assert provider.pid is None
    assert not (await provider.check()).ok


async def test_a_refused_key_is_not_the_configurations_fault(opened: Opener) -> None:
    with pytest.raises(AuthFailed, match="no such key"):
        await opened(at_start="refuse").start()


@pytest.mark.parametrize("deed", ["block", "deaf"])
async def test_a_cancelled_call_ends_at_any_price(opened: Opener, deed: str) -> None:
    provider = opened()
    await provider.start()
    assert provider.pid is not None
    inner = descendants(provider.pid)
    async with aclosing(provider.stream(ask(deed))) as events:
        await anext(events)
    await until(lambda: provider.pid is None)
    await until(lambda: not run(inner))
    assert await told(provider, "hoard 1") == "1"


async def test_a_cancelled_call_disturbs_no_other(opened: Opener) -> None:
    provider = opened()
    await provider.start()
    pid = provider.pid
    long = asyncio.create_task(told(provider, "spin 0.5"))
    for _ in range(3):
        waiting = asyncio.create_task(told(provider, "wait"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert float(await long) > 0
    assert provider.pid == pid


@pytest.mark.parametrize("deed", ["wait", "block"])
async def test_it_does_not_outlive_us(home: Path, tier: TierName, deed: str) -> None:
    """Killed like a worker that ran out of memory: nobody is left to clean up."""
    code = f"""
import asyncio, sys
from tamma.providers.interface import ProviderSettings
from tamma.providers.plugins.hosted import HostedPlugin
from tamma.plugins.limits import descendants
from tests.providers.test_plugins import entry_of
from tests.providers.vendors.base import ask

async def main():
    settings = ProviderSettings("x", "sample-echo")
    provider = HostedPlugin(entry_of("sample-echo"), ({tier!r},)).create_provider(settings)
    await provider.start()
    async for _ in provider.stream(ask({deed!r})):
        print("pids", provider.pid, *descendants(provider.pid), flush=True)

sys.path.insert(0, {str(home)!r})
asyncio.run(main())
"""
    ours = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    try:
        assert ours.stdout is not None
        async with asyncio.timeout(120):
            while not (line := await ours.stdout.readline()).startswith(b"pids"):
                assert line, "it has ended"
        pids = [int(word) for word in line.split()[1:]]
        assert len(pids) >= 2
    finally:
        ours.send_signal(signal.SIGKILL)
        await ours.wait()
    await until(lambda: not run(pids))


async def test_closing_ends_it_and_leaves_nothing(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    provider = opened()
    await provider.start()
    assert len(os.listdir(tmp_path)) == 1
    assert provider.pid is not None
    pids = [provider.pid, *descendants(provider.pid)]
    await provider.close()
    assert provider.pid is None
    assert not run(pids)
    assert os.listdir(tmp_path) == []


# --- what it says ---


async def test_printing_disturbs_nothing(opened: Opener) -> None:
    provider = opened()
    assert await told(provider, "print") == "nothing to read"
    assert await told(provider, "hoard 1") == "1"


async def test_our_errors_cross_without_secrets(opened: Opener) -> None:
    provider = opened()
    with pytest.raises(RateLimited, match="slow down") as raised:
        await told(provider, "limited")
    error = raised.value
    assert (error.hint, error.retry_after, error.provider, error.model) == ("wait", 7.5, "mine", "m")
    assert KEY not in str(error)
    with pytest.raises(InvalidRequest, match="no such thing"):
        await told(provider, "invalid")


async def test_an_oversight_is_named_and_its_traceback_logged_without_secrets(opened: Opener) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(ProviderError) as raised:
        await told(opened(), "bug")
    assert type(raised.value) is ProviderError
    assert "the plugin 'sample-echo' raised ValueError" in str(raised.value)
    (noted,) = [entry for entry in logs if entry["event"] == "a plugin failed"]
    assert "misdeeds.py" in noted["said"]
    assert KEY not in f"{raised.value}{logs}"


async def test_a_stream_without_its_end_is_no_answer(opened: Opener) -> None:
    with pytest.raises(StreamInterrupted, match="without its terminal event"):
        await told(opened(), "no end")


async def test_half_a_character_costs_no_answer(opened: Opener) -> None:
    assert await told(opened(), "surrogate") == "half \ufffd"


async def test_a_long_answer_arrives_and_a_flood_does_not(opened: Opener) -> None:
    provider = opened()
    assert len(await told(provider, f"flood {1 << 20}")) == 1 << 20
    with pytest.raises(ProviderError, match="are the most"):
        await told(provider, f"flood {40 << 20}")
    flooding = opened(say={"pieces": ["x" * (1 << 20)] * 20})
    async with aclosing(flooding.stream(ask("go"))) as events:
        await anext(events)
        await until(lambda: flooding.pid is None)
        with pytest.raises(StreamInterrupted, match="more than can be taken"):
            _ = [event async for event in events]


async def test_everything_else_is_asked_of_the_plugin(opened: Opener) -> None:
    provider = opened()
    assert provider.capabilities("m").source == "plugin: not started"
    await provider.start()
    assert provider.capabilities("other").context_window == 4096 + len(MODEL)
    await told(provider, "hoard 1")
    assert provider.capabilities(MODEL).model == MODEL
    assert [model.id for model in await provider.models()] == ["sample-small", "sample-large"]
    assert await provider.count_tokens(ask()) == TokenCount(1, estimated=False)
    check = await provider.check()
    assert (check.ok, check.detail) == (True, "a sample needs any key")


def test_a_plugin_judges_its_configuration_and_is_judged(home: Path) -> None:
    known = plugins.registry()
    plugin = known.get("sample-echo")
    assert plugin.validate_config(ProviderSettings("mine", "sample-echo")) == ("a sample needs any key",)
    assert plugin.validate_config(ProviderSettings("mine", "sample-echo", api_key=KEY)) == ()
    found = {entry.name: known.examine(entry) for entry in known.list()}
    assert found["sample-echo"] is None
    assert found["scripted"] is None
    assert "RuntimeError" in str(found["sample-raises"])
    assert "it has no name" in str(found["sample-shapeless"])
    (sentence,) = known.get("sample-raises").validate_config(ProviderSettings("mine", "sample-raises"))
    assert "RuntimeError" in sentence
    assert "sample_provider" not in sys.modules


async def test_the_pool_starts_it_like_any_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamma.registry.providers", plugins.registry())
    settings = ProviderSettings("mine", "sample-echo", api_key=KEY, model=MODEL)
    pool = pools.Providers(lambda name: settings)
    first, second = await asyncio.gather(pool.get("mine"), pool.get("mine"))
    assert first is second
    assert (await complete(first, ask("hello"))).message.text == "you said 'hello'"
    await pool.close()


@pytest.mark.slow
def test_it_works_as_an_installer_leaves_it(tmp_path: Path) -> None:
    """The same by pip, from the project's own pyproject.toml."""
    shutil.copytree(plugins.SOURCE, tmp_path / "source")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(tmp_path / "source")], check=True)
    with importable(tmp_path / "site"):
        known = plugins.registry()
        assert known.names() == ("sample-echo", "sample-raises", "sample-shapeless", "scripted")
        assert known.get("sample-echo").version == "1.2.3"
        assert known.examine(entry_of("sample-echo")) is None
