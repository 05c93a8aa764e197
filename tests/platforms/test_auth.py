"""Tokens that change: looked up again, renewed once for all who wait, kept before anybody uses them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tamma.config import sealed
from tamma.config.sealed import SealedFile
from tamma.config.vault import FOLDER, SERVICE, KeptGrants
from tamma.errors import BadCredentials, ConfigError, PlatformError, PlatformRateLimited, Transient
from tamma.platforms.auth import endpoint as endpoints
from tamma.platforms.auth.endpoint import TokenEndpoint
from tamma.platforms.auth.expiry import ends_within
from tamma.platforms.auth.grant import Grant, seed_of
from tamma.platforms.auth.oauth import YOUNG, OAuthToken
from tamma.platforms.auth.static import StaticToken
from tamma.platforms.interface import OAuthSettings
from tamma.telemetry.redaction import redact_text
from tests.support.keychain import MemoryKeychain, keychain
from tests.support.token_server import Fault, TokenServer, token_server

__all__ = ["keychain"]

FIRST = "canary-refresh-0"


class Clock:
    """Seconds since the epoch, as a test wants them."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def source(
    server: TokenServer,
    home: Path,
    clock: Clock,
    *,
    access: str | None = None,
    refresh: str = FIRST,
    **more: float,
) -> OAuthToken:
    settings = OAuthSettings(server.url, "client", "canary-client-secret", refresh)
    store = KeptGrants(home, {}, "forge")
    return OAuthToken(TokenEndpoint("forge", settings), store, access_token=access, clock=clock, **more)


# --- tokens that stand somewhere ---------------------------------------------------------------------


async def test_a_refused_token_is_looked_up_again() -> None:
    now = "canary-old"
    looked = 0

    def look_up() -> str | None:
        nonlocal looked
        looked += 1
        return now

    tokens = StaticToken("forge", now, look_up)
    assert await tokens.token() == "canary-old"
    assert not await tokens.refused("canary-old"), "it stands there unchanged"
    now = "canary-new"
    assert await tokens.token() == "canary-old", "nobody refused it yet"
    assert await tokens.refused("canary-old")
    assert await tokens.token() == "canary-new"
    assert await tokens.refused("canary-old"), "a call that began with the old one"
    assert looked == 2


async def test_a_place_that_cannot_be_read_is_no_new_token() -> None:
    def look_up() -> str | None:
        raise ConfigError("others may read it")

    tokens = StaticToken("forge", "canary-old", look_up)
    assert not await tokens.refused("canary-old")
    assert await tokens.token() == "canary-old"


# --- renewing ----------------------------------------------------------------------------------------


async def test_a_token_is_renewed_before_its_end(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        tokens = source(server, tmp_path, clock)
        assert await tokens.token() == "canary-access-1"
        assert server.forms == [
            {
                "grant_type": "refresh_token",
                "refresh_token": FIRST,
                "client_id": "client",
                "client_secret": "canary-client-secret",
            }
        ]
        clock.now += 3600 - 301
        assert await tokens.token() == "canary-access-1"
        clock.now += 2
        assert await tokens.token() == "canary-access-2"
        assert server.forms[-1]["refresh_token"] == "canary-refresh-1"
        assert redact_text("canary-access-2 canary-refresh-2") == "[redacted] [redacted]"


async def test_the_configured_token_is_used_while_it_is_good(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        tokens = source(server, tmp_path, clock, access="canary-access-0", expires_at=clock.now + 1000)
        assert await tokens.token() == "canary-access-0"
        assert await tokens.refused("canary-access-0")
        assert await tokens.token() == "canary-access-1"
        assert server.granted == 1


async def test_a_refusal_is_worth_one_renewal(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        tokens = source(server, tmp_path, clock)
        first = await tokens.token()
        assert not await tokens.refused(first), "it was granted a moment ago: another one would not help"
        clock.now += YOUNG
        assert await tokens.refused(first)
        assert await tokens.refused(first), "a call that was told later finds the new one"
        assert server.granted == 2
        server.faults.append((400, {"error": "invalid_grant"}))
        clock.now += YOUNG
        assert not await tokens.refused("canary-access-2")


async def test_many_who_wait_are_served_by_one_renewal(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        tokens = source(server, tmp_path, clock)
        assert set(await asyncio.gather(*(tokens.token() for _ in range(50)))) == {"canary-access-1"}
        clock.now += YOUNG
        assert all(await asyncio.gather(*(tokens.refused("canary-access-1") for _ in range(50))))
        assert server.granted == 2


async def test_who_stops_waiting_does_not_stop_the_renewal(tmp_path: Path, clock: Clock) -> None:
    with token_server(hold=threading.Event()) as server:
        tokens = source(server, tmp_path, clock)
        waiting = asyncio.ensure_future(tokens.token())
        assert await asyncio.to_thread(server.asked.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert server.hold is not None
        server.hold.set()
        assert await tokens.token() == "canary-access-1"
        assert server.granted == 1
        assert await source(server, tmp_path, clock).token() == "canary-access-1", "it was kept"


async def test_the_newest_grant_is_kept_for_the_next_process(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        await source(server, tmp_path, clock).token()
        clock.now += 4000
        assert await source(server, tmp_path, clock).token() == "canary-access-2"
        again = source(server, tmp_path, clock, access="canary-configured-long-ago")
        assert await again.token() == "canary-access-2"
        assert server.granted == 2


async def test_another_configured_refresh_token_begins_anew(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        await source(server, tmp_path, clock).token()
        server.good = "canary-authorised-again"
        tokens = source(server, tmp_path, clock, refresh="canary-authorised-again")
        assert await tokens.token() == "canary-access-2"


async def test_servers_may_keep_the_refresh_token_and_say_no_end(tmp_path: Path, clock: Clock) -> None:
    with token_server(rotates=False, expires_in=None) as server:
        tokens = source(server, tmp_path, clock)
        await tokens.token()
        clock.now += 10**9
        assert await tokens.token() == "canary-access-1"
        assert await tokens.refused("canary-access-1")
        assert [form["refresh_token"] for form in server.forms] == [FIRST, FIRST]


async def test_short_lives_are_not_renewed_at_every_call(tmp_path: Path, clock: Clock) -> None:
    with token_server(expires_in="60") as server:
        tokens = source(server, tmp_path, clock)
        for _ in range(5):
            await tokens.token()
            clock.now += 10
        assert server.granted == 1
        clock.now += 5
        await tokens.token()
        assert server.granted == 2


# --- when it fails -----------------------------------------------------------------------------------


FAILURES: list[tuple[Fault, type[PlatformError], str]] = [
    ((400, {"error": "invalid_grant"}), BadCredentials, "invalid_grant"),
    ((401, {"error": "invalid_client"}), BadCredentials, "invalid_client"),
    ((200, {"error": "bad_refresh_token"}), BadCredentials, "bad_refresh_token"),
    ((400, {"error": "invalid_request"}), PlatformError, "invalid_request"),
    ((200, {}), PlatformError, "200"),
    ((200, {"access_token": 12}), PlatformError, "200"),
    ((302, {}), PlatformError, "302"),
    ((404, {}), PlatformError, "404"),
    ((429, {}), PlatformRateLimited, "pause"),
    ((500, {}), Transient, "500"),
    ("lost", Transient, "no answer"),
]


@pytest.mark.parametrize(("fault", "error", "said"), FAILURES)
async def test_failures_say_whether_to_come_back(
    tmp_path: Path, clock: Clock, fault: Fault, error: type[PlatformError], said: str
) -> None:
    with token_server(faults=[fault]) as server:
        with pytest.raises(PlatformError, match=said) as caught:
            await source(server, tmp_path, clock).token()
        assert type(caught.value) is error
        assert "canary" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
        assert len(server.forms) == 1


async def test_a_failure_before_the_end_costs_nothing(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        tokens = source(server, tmp_path, clock)
        await tokens.token()
        clock.now += 3400
        server.faults.append((500, {}))
        assert await tokens.token() == "canary-access-1", "good for some minutes yet"
        assert await tokens.token() == "canary-access-2"
        clock.now += 4000
        server.faults.append((500, {}))
        with pytest.raises(Transient):
            await tokens.token()
        assert await tokens.token() == "canary-access-3"


async def test_no_grant_is_used_before_it_is_kept(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        tokens = source(server, tmp_path, clock)
        (tmp_path / FOLDER).mkdir()
        blocked = tmp_path / FOLDER / sealed.KEY_FILE
        blocked.mkdir()  # where the key would be: root may write anywhere, so modes prove nothing
        with pytest.raises(Transient, match="cannot be kept"):
            await tokens.token()
        blocked.rmdir()
        assert await tokens.token() == "canary-access-1", "the one that was granted, and no second one"
        assert server.granted == 1
        assert await source(server, tmp_path, clock).token() == "canary-access-1"


CRASH = """
import asyncio, os, sys
from pathlib import Path
from tamma.config.vault import KeptGrants
from tamma.platforms.auth.endpoint import TokenEndpoint
from tamma.platforms.auth.oauth import OAuthToken
from tamma.platforms.interface import OAuthSettings

url, home, how = sys.argv[1:]

class Store(KeptGrants):
    async def save(self, grant):
        if how == "before":
            os._exit(9)
        await super().save(grant)
        if how == "after":
            os._exit(9)

async def main():
    settings = OAuthSettings(url, "client", None, "canary-refresh-0")
    tokens = OAuthToken(TokenEndpoint("forge", settings), Store(Path(home), {}, "forge"))
    print(await tokens.token())

asyncio.run(main())
"""


def process(server: TokenServer, home: Path, how: str = "") -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(Path(sealed.__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", CRASH, server.url, str(home), how],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ends(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code, and the last line that it printed to standard output."""
    out, _ = process.communicate(timeout=30)
    lines = [line for line in out.splitlines() if line.startswith("canary")]
    return process.returncode, lines[-1] if lines else ""


async def test_a_crash_after_the_grant_was_kept_loses_nothing(tmp_path: Path) -> None:
    with token_server() as server:
        assert ends(process(server, tmp_path, "after")) == (9, "")
        tokens = OAuthToken(
            TokenEndpoint("forge", OAuthSettings(server.url, "client", None, FIRST)),
            KeptGrants(tmp_path, {}, "forge"),
        )
        assert await tokens.token() == "canary-access-1"
        assert server.granted == 1


async def test_a_crash_between_answer_and_store_is_told_as_what_it_is(tmp_path: Path, clock: Clock) -> None:
    with token_server() as server:
        assert ends(process(server, tmp_path, "before")) == (9, "")
        assert server.granted == 1
        with pytest.raises(BadCredentials, match="invalid_grant") as caught:
            await source(server, tmp_path, clock).token()
        assert "authorise Tamma anew" in (caught.value.hint or "")
        server.good = FIRST  # servers that allow a second use for a while
        assert await source(server, tmp_path, clock).token() == "canary-access-2"


async def test_two_processes_at_once_renew_once(tmp_path: Path) -> None:
    with token_server(hold=threading.Event()) as server:
        both = [process(server, tmp_path) for _ in range(2)]
        assert await asyncio.to_thread(server.asked.wait, 20)
        assert server.hold is not None
        server.hold.set()
        told = [await asyncio.to_thread(ends, each) for each in both]
        assert told == [(0, "canary-access-1")] * 2
        assert server.granted == 1


async def test_a_lock_that_is_held_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = KeptGrants(tmp_path, {}, "forge"), KeptGrants(tmp_path, {}, "forge")
    async with one.locked():
        async with KeptGrants(tmp_path, {}, "another").locked():
            pass
        waiting = asyncio.ensure_future(_enter(other))
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 60)
    monkeypatch.setattr("tamma.config.vault._PATIENCE", 0.0)
    async with one.locked():
        with pytest.raises(Transient, match="another process"):
            await _enter(other)


async def _enter(store: KeptGrants) -> None:
    async with store.locked():
        pass


@pytest.mark.parametrize("url", ["http://auth.test/token", "https://me:canary-pw@auth.test/t", "auth.test"])
async def test_secrets_go_to_safe_addresses_alone(url: str) -> None:
    with pytest.raises(ConfigError, match="not an https address") as caught:
        await TokenEndpoint("forge", OAuthSettings(url, "c", None, FIRST)).renew(FIRST, 0.0)
    assert "canary" not in f"{caught.value} {caught.value.hint}"


async def test_an_answer_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "LONGEST", 100)
    with token_server(faults=[(200, {"access_token": "canary" + "x" * 1000})]) as server:
        endpoint = TokenEndpoint("forge", OAuthSettings(server.url, "c", None, FIRST))
        with pytest.raises(Transient, match="larger"):
            await endpoint.renew(FIRST, 0.0)


# --- keeping -----------------------------------------------------------------------------------------

GRANT = Grant("canary-access", "canary-refresh", 1_800_000_000.0, 1_700_000_000.0, seed_of(FIRST))


async def test_without_a_keychain_grants_are_sealed(tmp_path: Path) -> None:
    store = KeptGrants(tmp_path, {}, "forge")
    assert await store.load() is None
    await store.save(GRANT)
    assert await KeptGrants(tmp_path, {}, "forge").load() == GRANT
    assert await KeptGrants(tmp_path, {}, "Forge").load() is None
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    files = list((tmp_path / FOLDER).iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert len(files) == 2, "the grant and the key, and nothing half-written"
    assert not any(b"canary" in file.read_bytes() for file in files)
    assert "canary" not in repr(GRANT)


async def test_the_keychain_comes_first(tmp_path: Path, keychain: MemoryKeychain) -> None:
    store = KeptGrants(tmp_path, {}, "forge")
    await store.save(GRANT)
    [(service, _)] = keychain.held
    assert service == SERVICE
    assert not await asyncio.to_thread(lambda: list(tmp_path.rglob("*.sealed")))
    assert await store.load() == GRANT
    assert await KeptGrants(tmp_path / "other", {}, "forge").load() is None, "another home, another grant"


async def test_what_was_sealed_is_found_once_there_is_a_keychain(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await KeptGrants(tmp_path, {}, "forge").save(GRANT)
    request.getfixturevalue("keychain")
    assert await KeptGrants(tmp_path, {}, "forge").load() == GRANT


@pytest.mark.parametrize(
    "key", ["ab" * 32, "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", "canary correct horse"]
)
def test_the_key_may_come_from_outside(tmp_path: Path, key: str) -> None:
    path = tmp_path / "x.sealed"
    SealedFile(path, "label", {sealed.VARIABLE: key}).write("canary-text")
    assert SealedFile(path, "label", {sealed.VARIABLE: key}).read() == "canary-text"
    assert not (tmp_path / sealed.KEY_FILE).exists()
    for label, other in (("label", "canary wrong horse"), ("another", key)):
        with pytest.raises(ConfigError, match="does not open") as caught:
            SealedFile(path, label, {sealed.VARIABLE: other}).read()
        assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_each_write_is_sealed_anew_and_replaces_the_file_whole(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "x.sealed", "label", {sealed.VARIABLE: "ab" * 32})
    file.write("same")
    first = json.loads((tmp_path / "x.sealed").read_text())
    file.write("same")
    second = json.loads((tmp_path / "x.sealed").read_text())
    assert first["nonce"] != second["nonce"]
    assert first["content"] != second["content"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.sealed"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"salt": 1, "nonce": 2, "content": 3}'])
def test_a_spoilt_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.sealed").write_bytes(content)
    with pytest.raises(ConfigError, match="kept tokens") as caught:
        SealedFile(tmp_path / "x.sealed", "label", {}).read()
    assert "authorise Tamma anew" in (caught.value.hint or "")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "x.sealed", "label", {})
    file.write("canary-text")
    (tmp_path / sealed.KEY_FILE).chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        file.read()


# --- the end of a token ------------------------------------------------------------------------------


def test_the_end_of_a_token_is_told_two_weeks_before() -> None:
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert ends_within(None, now) is None
    assert ends_within(now + timedelta(days=15), now) is None
    assert ends_within(now + timedelta(days=13, hours=23), now) == "ends in 13 days, on 2026-12-12"
    assert ends_within(now + timedelta(hours=30), now) == "ends in 1 day, on 2026-11-29"
    assert ends_within(now + timedelta(hours=3), now) == "ends in 3 hours, on 2026-11-28"
    assert ends_within(now - timedelta(seconds=1), now) == "ended on 2026-11-28"
