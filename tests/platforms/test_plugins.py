"""Third-party platforms in their own process: what they do reaches us, what they break stays there."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pygit2
import pytest
import structlog

from tamma import errors, pools
from tamma.confine import landlock
from tamma.errors import (
    BadCredentials,
    ConfigError,
    Conflict,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    StaleHead,
    Transient,
    Unsupported,
    WebhookRefused,
)
from tamma.model.repository import EventKind, Ignored, IssueFilter, RateLimit, RepoRef, Target, WebhookEvent
from tamma.platforms.interface import COMMENTS, ISSUES, LABELS, WEBHOOKS, Platform, PlatformSettings
from tamma.platforms.plugins import hosted
from tamma.platforms.plugins.hosted import HostedPlatform, HostedPlugin
from tamma.plugins.confinement import TIERS, TierName
from tamma.plugins.limits import Limits, descendants
from tests.platforms.harness import make_bare
from tests.support import plugins
from tests.support.pace import PROMPT
from tests.support.plugins import PLATFORM, importable, install

TOKEN = "canary-plugin-token-0123456789"
HOOK = "canary-plugin-hook-0123456789"
REPO = RepoRef("mine", "octo", "hello")
CONFINED: list[TierName] = ["bwrap", "landlock"]
REFUSED = {"FileNotFoundError", "PermissionError", "OSError"}
SLOW = [pytest.mark.slow]
Opener = Callable[..., Platform]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the sample is installed."""
    folder = install(tmp_path_factory.mktemp("site"), sample=PLATFORM)
    with importable(folder):
        yield folder


@pytest.fixture
async def opened(home: Path) -> AsyncIterator[Opener]:
    """Makes hosted platforms of the sample, closed at the end."""
    async with AsyncExitStack() as stack:

        def make(
            *,
            name: str = "sample-forge",
            tiers: tuple[TierName, ...] = TIERS,
            limits: Limits | None = None,
            given: PlatformSettings | None = None,
            **options: Any,
        ) -> Platform:
            settings = given or PlatformSettings(
                "mine", name, token=TOKEN, webhook_secrets=(HOOK,), options=options
            )
            platform = HostedPlugin(entry_of(name), tiers, limits).create_platform(settings)
            stack.push_async_callback(platform.close)
            return platform

        yield make


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[Platform]:
    """One for the tests that do it no harm: its thread serves every test's loop."""
    options = {"issues": {str(number): f"issue {number}" for number in range(40)}}
    settings = PlatformSettings("mine", "sample-forge", token=TOKEN, webhook_secrets=(HOOK,), options=options)
    platform = HostedPlugin(entry_of("sample-forge")).create_platform(settings)
    yield platform
    asyncio.run(platform.close())


@pytest.fixture(params=CONFINED)
def tier(request: pytest.FixtureRequest) -> TierName:
    if request.param == "landlock" and landlock.abi() == 0:
        pytest.skip("this kernel has no Landlock")
    if request.param == "bwrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return request.param


def entry_of(name: str) -> Any:
    return next(entry for entry in plugins.platform_registry().list() if entry.name == name)


def pid_of(platform: Platform) -> int | None:
    return cast("HostedPlatform", platform).pid


async def told(platform: Platform, deed: str) -> str:
    """What the sample says after doing `deed`."""
    return (await platform.get_file(REPO, f"do/{deed}", "main")).decode("utf-8", "surrogateescape")


async def until(condition: Callable[[], bool], seconds: float = PROMPT) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def run(pids: list[int]) -> bool:
    """Whether one of them does."""
    return any(Path(f"/proc/{pid}").exists() for pid in pids)


# --- what it can do ---


async def test_a_small_forge_keeps_the_contract_of_what_it_has(opened: Opener) -> None:
    forge = opened(issues={"1": "first", "2": "second"})
    await forge.start()
    assert await forge.capabilities() == {ISSUES, COMMENTS, LABELS, WEBHOOKS}
    assert (await forge.check_credentials()).login == TOKEN
    assert await forge.rate_limit() == RateLimit()
    assert await forge.server_version() == "forge 3"
    first = await forge.list_issues(REPO, IssueFilter())
    second = await forge.list_issues(REPO, IssueFilter(), first.next_cursor)
    assert [issue.number for issue in (*first.items, *second.items)] == ["1", "2"]
    assert second.next_cursor is None
    target = Target("issue", "1")
    once = await forge.ensure_comment(REPO, target, "hello", "op-1")
    again = await forge.ensure_comment(REPO, target, "hello again", "op-1")
    assert (once.id, again.body) == (again.id, "hello again")
    await forge.set_labels(REPO, target, ("bug", "ü"))
    await forge.set_labels(REPO, target, (), remove=("bug",))
    issue = await forge.get_issue(REPO, "1")
    assert (issue.labels, issue.comments) == (("ü",), (again,))
    await forge.close_issue(REPO, "1")
    assert (await forge.get_issue(REPO, "1")).state == "closed"
    assert await forge.get_file(REPO, "any", "main") == bytes(range(256))
    assert (await forge.git_credentials(REPO)).token == TOKEN
    assert (await forge.get_repository(REPO)).clone_url == "https://forge.example/r.git"


async def test_many_calls_are_under_way_at_once(shared: Platform) -> None:
    found = await asyncio.gather(*(shared.get_issue(REPO, str(number)) for number in range(40)))
    assert [issue.number for issue in found] == [str(number) for number in range(40)]


async def test_errors_arrive_as_they_were_raised(shared: Platform) -> None:
    forge = shared
    with pytest.raises(NotFound, match="there is no issue '99'") as missing:
        await forge.get_issue(REPO, "99")
    assert (missing.value.hint, missing.value.status, missing.value.platform) == (
        "look at the list",
        404,
        "mine",
    )
    with pytest.raises(PlatformRateLimited, match="slow down") as limited:
        await told(forge, "limited")
    assert (limited.value.retry_after, limited.value.status) == (7.5, 429)
    with pytest.raises(Unsupported) as lacking:
        await forge.set_draft(REPO, "1", True)
    assert (lacking.value.capability, lacking.value.hint) == ("drafts", "none here")
    with pytest.raises(Conflict, match="1, None, new"):
        await forge.update_pr(REPO, "1", body="new")
    with pytest.raises(StaleHead, match="1 squash abc '' True"):
        await forge.merge_pr(REPO, "1", "squash", "abc", when_ready=True)


@pytest.mark.parametrize("owner", ["platforms", "others"])
async def test_errors_of_the_tree_cross_and_others_are_the_plugin_s_fault(
    shared: Platform, owner: str
) -> None:
    for name, kind in vars(errors).items():
        if not (isinstance(kind, type) and issubclass(kind, errors.TammaError)):
            continue
        ours = issubclass(kind, PlatformError | ConfigError)
        if ours != (owner == "platforms") or name in ("Unsupported", "PolicyRefused"):
            continue
        with pytest.raises(errors.TammaError) as raised:
            await told(shared, f"raise {name}")
        assert type(raised.value) is (kind if ours else PlatformError), name
        assert TOKEN not in f"{raised.value}{raised.value.hint}"


async def test_a_method_that_it_does_not_have_is_unsupported(shared: Platform) -> None:
    with pytest.raises(Unsupported, match="'list_threads'") as raised:
        await shared.list_threads(REPO, "1")
    assert "older than Tamma" in str(raised.value.hint)


async def test_a_result_of_another_type_is_an_error_and_no_crash(shared: Platform) -> None:
    forge = shared
    with pytest.raises(PlatformError, match="'sample-forge' raised TypeError: get_branch answered"):
        await forge.get_branch(REPO, "not a branch")
    pid = pid_of(forge)
    with pytest.raises(PlatformError, match="get_diff answered with a int"):
        await forge.get_diff(REPO, "number")
    assert pid_of(forge) == pid is not None
    assert await forge.get_diff(REPO, "surrogate") == "half \ufffd"


def test_what_is_no_method_is_no_attribute(shared: Platform) -> None:
    assert not hasattr(shared, "get_isue")
    assert shared.settings.id == "mine"


# --- webhooks ---


def signed(body: bytes, secret: str = HOOK) -> dict[str, str]:
    return {"X-Forge-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


async def test_webhooks_are_judged_there_and_waited_for_here(opened: Opener) -> None:
    """In the running loop, in another thread, and where nothing was started yet."""
    forge, body = opened(), b'{"what": "push", "x": "\xc3\xbc"}'
    forge.verify_webhook(signed(body), body)
    await asyncio.to_thread(forge.verify_webhook, signed(body), body)
    with pytest.raises(WebhookRefused) as raised:
        forge.verify_webhook(signed(body, "canary-other"), body)
    assert HOOK not in str(raised.value)
    pushed = forge.parse_webhook({"X-Delivery": "d1"}, body)
    assert pushed == WebhookEvent("d1", EventKind.PUSH, "updated", "octo", "hello", branch="main")
    ignored = forge.parse_webhook({"X-Delivery": "d2"}, b'{"what": "star"}')
    assert ignored == Ignored("a star means nothing", "d2")
    with pytest.raises(PlatformError, match="raised UnicodeDecodeError"):
        forge.parse_webhook({"X-Delivery": "d3"}, b"\xff")


async def test_a_webhook_holds_nobody_up_for_long(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    forge = opened(limits=Limits(cancel_seconds=0.2))
    await forge.start()
    pid = pid_of(forge)
    monkeypatch.setattr(hosted, "_BLOCKED_SECONDS", 0.5)
    begun = time.monotonic()
    with pytest.raises(Transient, match="no answer to verify_webhook"):
        forge.verify_webhook({}, b"block")
    assert time.monotonic() - begun < PROMPT
    await until(lambda: pid_of(forge) is None)
    monkeypatch.undo()
    body = b"{}"
    forge.verify_webhook(signed(body), body)
    assert pid_of(forge) not in (None, pid)


# --- tokens ---


class Renewed:
    """A source that has another token where the first is refused, once."""

    def __init__(self, *tokens: str) -> None:
        self.left = list(tokens)
        self.refusals: list[str] = []

    async def token(self) -> str | None:
        return self.left[0]

    async def refused(self, token: str) -> bool:
        self.refusals.append(token)
        if len(self.left) > 1:
            self.left.pop(0)
            return True
        return False


async def test_a_refused_token_is_renewed_here_and_the_call_made_again(opened: Opener) -> None:
    tokens = Renewed("canary-first-token", "canary-second-token")
    forge = opened(given=PlatformSettings("mine", "sample-forge", tokens=tokens))
    assert (await forge.check_credentials()).login == "canary-first-token"
    pid = pid_of(forge)
    assert await told(forge, "old canary-first-token") == "canary-second-token"
    with pytest.raises(BadCredentials) as raised:
        await told(forge, "old canary-second-token")
    assert tokens.refusals == ["canary-first-token", "canary-second-token"]
    assert "canary" not in str(raised.value)
    with pytest.raises(PlatformError, match="an oversight") as raised_too:
        await told(forge, "bug")
    assert "canary" not in str(raised_too.value)
    assert pid_of(forge) == pid


async def test_a_refused_token_without_another_is_asked_once(shared: Platform) -> None:
    with pytest.raises(BadCredentials, match="is over"):
        await told(shared, f"old {TOKEN}")


async def test_secrets_stand_in_no_message_and_no_log(shared: Platform) -> None:
    forge = shared
    await forge.start()
    with structlog.testing.capture_logs() as logs:
        with pytest.raises(PlatformError, match="raised ValueError: an oversight with") as raised:
            await told(forge, "bug")
        with pytest.raises(BadCredentials):
            await told(forge, "raise BadCredentials")
    (noted,) = [entry for entry in logs if entry["event"] == "a plugin failed"]
    assert "misdeeds.py" in noted["said"]
    assert TOKEN not in f"{raised.value}{raised.value.hint}{logs}"
    pid = pid_of(forge)
    assert pid is not None
    for process in (pid, *descendants(pid)):
        for name in ("cmdline", "environ"):
            assert "canary" not in await asyncio.to_thread(Path(f"/proc/{process}/{name}").read_text)


# --- what it may not ---


async def test_it_can_write_nowhere_but_in_its_own_folder(
    opened: Opener, tier: TierName, tmp_path: Path, home: Path
) -> None:
    (tmp_path / "ours").write_text("kept")
    forge = opened(tiers=(tier,))
    root = Path(__file__).parents[2]
    for path in (tmp_path / "new", root / "tamma/new", home / "sample_platform/new", Path.home() / "new",
                 Path("/usr/lib/new"), Path("/var/tmp/new"), Path("/dev/shm/new")):  # fmt: skip
        assert await told(forge, f"write {path}") in REFUSED, path
        assert await told(forge, f"mkdir {path}") in REFUSED, path
        assert not await asyncio.to_thread(os.path.exists, path)
    assert await told(forge, f"write {tmp_path}/ours") in REFUSED
    assert await told(forge, f"remove {tmp_path}/ours") in REFUSED
    assert await told(forge, f"remove {home}/sample_platform/raises.py") in REFUSED
    for path in (tmp_path / "ours", root / "pyproject.toml", Path("/etc/passwd")):
        assert await told(forge, f"read {path}") in REFUSED, path
    assert await told(forge, "temporary") == "kept"


async def test_it_reads_the_certificates_that_its_entry_names(opened: Opener, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("for you")
    (tmp_path / "other").write_text("canary")
    given = PlatformSettings("mine", "sample-forge", ca_file=str(tmp_path / "ca.pem"))
    forge = opened(given=given)
    assert await told(forge, f"read {tmp_path}/ca.pem") == "for you"
    assert await told(forge, f"read {tmp_path}/other") in REFUSED


async def test_a_repository_that_its_entry_grants_is_read_and_not_written(
    opened: Opener, tier: TierName, tmp_path: Path
) -> None:
    path = make_bare(tmp_path)
    forge = opened(tiers=(tier,), sandbox={"read": [str(path)]})
    head = str(pygit2.Repository(str(path)).head.target)
    assert await told(forge, f"head {path}") == head
    assert await told(forge, f"write {path}/HEAD") in REFUSED
    assert await told(forge, f"mkdir {path}/refs/heads/new") in REFUSED
    assert str(pygit2.Repository(str(path)).head.target) == head


async def test_it_chooses_neither_what_git_reads_nor_with_which_key(opened: Opener) -> None:
    forge = opened(clone="/home/mona/private", key="/home/mona/.ssh/id_ed25519")
    with pytest.raises(PlatformError, match="'/home/mona/private' to clone from"):
        await forge.get_repository(REPO)
    with pytest.raises(PlatformError, match="another ssh_key"):
        await forge.git_credentials(REPO)


# --- how it breaks ---


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        pytest.param("sample-raises", {}, "RuntimeError: this module", id="raises"),
        pytest.param("sample-shapeless", {}, "no create_platform, no", id="shapeless", marks=SLOW),
        pytest.param("sample-misnamed", {}, "calls itself 'sample-forge'", id="misnamed"),
        pytest.param("sample-versionless", {}, "calls itself .* 2", id="versionless", marks=SLOW),
        pytest.param("sample-forge", {"colour": "red"}, "a forge has no colour", id="refuses"),
        pytest.param("sample-forge", {"at_start": "crash"}, "SIGSEGV", id="crashes", marks=SLOW),
        pytest.param("sample-forge", {"at_start": "block"}, "within 2 s", id="hangs", marks=SLOW),
    ],
)
async def test_one_that_does_not_start_is_misconfigured(
    opened: Opener, name: str, options: dict[str, object], why: str
) -> None:
    before = set(threading.enumerate())
    limits = Limits(start_seconds=2 if "block" in options.values() else 30)
    platform = opened(name=name, limits=limits, **options)
    with pytest.raises(ConfigError, match=why) as raised:
        await platform.start()
    assert "platform 'mine'" in str(raised.value) or type(raised.value) is ConfigError
    assert TOKEN not in str(raised.value)
    assert pid_of(platform) is None
    assert not {thread.name for thread in set(threading.enumerate()) - before} & {"tamma-plugin-mine"}


@pytest.mark.slow
async def test_a_refused_credential_at_the_start_is_not_the_configurations_fault(opened: Opener) -> None:
    with pytest.raises(BadCredentials):
        await opened(at_start="raise BadCredentials").start()


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        pytest.param("crash", "SIGSEGV", id="crash"),
        pytest.param("exit", "code 7", id="exit", marks=SLOW),
    ],
)
async def test_a_crash_is_transient_and_the_next_call_works(opened: Opener, deed: str, why: str) -> None:
    forge = opened()
    await forge.start()
    first, waiting = pid_of(forge), asyncio.create_task(told(forge, "wait"))
    await asyncio.sleep(0)
    with pytest.raises(Transient, match=f"'mine'.*'sample-forge' failed: .*{why}") as raised:
        await told(forge, deed)
    assert raised.value.may_retry
    with pytest.raises(Transient):
        await waiting
    assert await told(forge, "hoard 1") == "1"
    assert pid_of(forge) not in (None, first)


@pytest.mark.slow
async def test_leaving_by_sys_exit_is_no_crash(opened: Opener) -> None:
    forge = opened()
    with pytest.raises(PlatformError, match="raised SystemExit"):
        await told(forge, "sys.exit")
    assert await told(forge, "hoard 1") == "1"


@pytest.mark.slow
async def test_one_that_keeps_crashing_is_left_alone(opened: Opener) -> None:
    forge = opened(limits=Limits(restarts=1))
    with pytest.raises(Transient):
        await told(forge, "exit")
    with pytest.raises(Transient, match="1 times within 60 s") as raised:
        await told(forge, "hoard 1")
    assert raised.value.retry_after is not None
    assert 0 < raised.value.retry_after <= 60


async def test_a_hang_ends_and_costs_other_calls_nothing(opened: Opener) -> None:
    forge = opened(limits=Limits(operation_seconds=0.3))
    await forge.start()
    pid = pid_of(forge)
    with pytest.raises(Transient, match="gave no answer in time"):
        await told(forge, "wait")
    assert await told(forge, "temporary") == "kept"
    assert pid_of(forge) == pid


async def test_one_that_blocks_is_ended(opened: Opener) -> None:
    forge = opened(limits=Limits(operation_seconds=0.3, cancel_seconds=0.2))
    await forge.start()
    with pytest.raises(Transient, match="gave no answer in time"):
        await told(forge, "block")
    await until(lambda: pid_of(forge) is None)
    assert await told(forge, "temporary") == "kept"


@pytest.mark.slow
async def test_a_cancelled_call_is_cancelled_there(opened: Opener) -> None:
    forge = opened(limits=Limits(cancel_seconds=0.2))
    await forge.start()
    call = asyncio.create_task(told(forge, "block"))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: pid_of(forge) is None)


async def test_a_long_answer_arrives_and_a_flood_does_not(opened: Opener) -> None:
    forge = opened()
    assert len(await told(forge, f"flood {4 << 20}")) == 4 << 20
    with pytest.raises((PlatformError, Transient), match=r"are the most|more than can be taken|memory"):
        await told(forge, f"flood {40 << 20}")
    assert await told(forge, "temporary") == "kept"


@pytest.mark.slow
async def test_what_does_not_fit_is_not_sent(opened: Opener) -> None:
    forge = opened()
    with pytest.raises(PlatformError, match="cannot be passed on to a plugin: a message of"):
        await forge.ensure_comment(REPO, Target("issue", "1"), "x" * (33 << 20), "op")
    assert await told(forge, "temporary") == "kept"


@pytest.mark.slow
async def test_memory_that_it_may_not_have_is_refused_to_it(opened: Opener) -> None:
    forge = opened()
    with pytest.raises(PlatformError, match="more memory than it may take"):
        await told(forge, "hoard 300")
    assert await told(forge, "hoard 20") == "20"


async def test_closing_ends_it_and_leaves_nothing(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(threading.enumerate())
    forge = opened()
    await forge.start()
    assert len(os.listdir(tmp_path)) == 1
    pid = pid_of(forge)
    assert pid is not None
    pids = [pid, *descendants(pid)]
    await forge.close()
    assert pid_of(forge) is None
    assert not run(pids)
    assert os.listdir(tmp_path) == []
    assert not {thread.name for thread in set(threading.enumerate()) - before} & {"tamma-plugin-mine"}
    await forge.close()


@pytest.mark.slow
async def test_without_a_sandbox_it_runs_only_where_that_is_allowed(opened: Opener) -> None:
    with pytest.raises(ConfigError, match="none works on this machine"):
        await opened(tiers=()).start()
    with pytest.raises(ConfigError, match="platform 'mine': the option 'sandbox'"):
        opened(sandbox={"allowNone": "yes"})
    assert "root" in await told(opened(tiers=(), sandbox={"allowNone": True}), "read /etc/passwd")


# --- how it is found ---


def test_a_plugin_judges_its_configuration_and_addresses_and_is_judged(home: Path) -> None:
    known = plugins.platform_registry()
    plugin = known.get("sample-forge")
    entry = PlatformSettings("mine", "sample-forge")
    assert plugin.validate_config(entry) == ("a forge needs any token",)
    assert plugin.validate_config(replace(entry, token=TOKEN)) == ()
    assert plugin.detect_from_url(f"https://mona:{TOKEN}@forge.example/octo/hello?t={TOKEN}")
    assert not plugin.detect_from_url("https://example.com/octo/hello")
    with pytest.raises(ConfigError, match="what an address"):
        plugin.detect_from_url("https://refuse.example/")
    entries = {each.name: each for each in known.list()}
    assert known.examine(entries["sample-forge"]) is None
    assert known.examine(entries["memory"]) is None
    assert "it has no name" in str(known.examine(entries["sample-shapeless"]))
    (sentence,) = known.get("sample-raises").validate_config(PlatformSettings("mine", "sample-raises"))
    assert "RuntimeError" in sentence
    assert "sample_platform" not in sys.modules


async def test_the_pool_starts_it_like_any_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamma.registry.platforms", plugins.platform_registry())
    settings = PlatformSettings("mine", "sample-forge", token=TOKEN, options={"issues": {"1": "first"}})
    pool = pools.Platforms(lambda name: settings)
    first, second = await asyncio.gather(pool.get("mine"), pool.get("mine"))
    assert first is second
    assert (await first.get_issue(REPO, "1")).title == "first"
    await pool.close()


@pytest.mark.slow
def test_the_sample_is_a_project_that_installs(tmp_path: Path) -> None:
    """Its own pyproject.toml says what `install` writes."""
    shutil.copytree(PLATFORM.source, tmp_path / "source")
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
        assert entry_of("sample-forge").version == "1.2.3"
