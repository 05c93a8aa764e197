"""python-gitlab as the way to GitLab: where the token goes, what is not repeated, what cancelling does."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tamma.errors import BadCredentials, Forbidden, PlatformRateLimited, Transient
from tamma.model.repository import RepoRef
from tamma.platforms.gitlab.platform import GitLab
from tamma.platforms.gitlab.transport import PythonGitLab
from tamma.platforms.http.credentials import Fixed
from tamma.platforms.http.messages import NoAnswer, Request
from tamma.platforms.interface import PlatformSettings
from tests.support.pace import PROMPT
from tests.support.raw_http import Answer, RawServer, Received, Step, json_answer

TOKEN = "canary-t0ken"
REPO = RepoRef("gitlab", "group/sub", "app")
USER = json_answer({"id": 7, "username": "tamma"})


def settings(server: RawServer, **more: object) -> PlatformSettings:
    plain = PlatformSettings("gitlab", "gitlab", server.url, TOKEN, timeout=5)
    return replace(plain, **more)  # pyright: ignore[reportArgumentType]  (checked by what reads it)


@asynccontextmanager
async def account(server: RawServer, **more: object) -> AsyncGenerator[GitLab]:
    made = GitLab(settings(server, **more))
    yield made
    await made.close()


@asynccontextmanager
async def transport(server: RawServer, **more: object) -> AsyncGenerator[PythonGitLab]:
    made = PythonGitLab(settings(server, **more), server.url, Fixed(TOKEN))
    yield made
    await made.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - threads and sockets set no event
            await asyncio.sleep(0.01)


# --- the token ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [("pat", "private-token", TOKEN), ("oauth", "authorization", f"Bearer {TOKEN}")],
)
async def test_the_token_travels_as_its_kind_does(auth: str, name: str, value: str) -> None:
    async with RawServer(USER) as server, account(server, auth=auth) as lab:
        await lab.server_version()
    [asked] = server.received
    assert asked.path == "/api/v4/version"
    assert asked.headers[name] == value
    assert len({"private-token", "authorization"} & set(asked.headers)) == 1
    assert asked.headers["user-agent"] == "tamma"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_token_follows_a_redirect_to_no_other_host(status: int) -> None:
    """What requests does by itself: it takes `Authorization` away there, and leaves `PRIVATE-TOKEN` on."""
    async with RawServer(Answer([b"the log"])) as storage:
        moved = Answer([], status, {"location": f"{storage.url}/trace?signature=canary-x"})
        async with RawServer(moved) as server, account(server) as lab:
            log = await lab.get_job_log(REPO, "5")
    assert log.text == "the log"
    [asked] = storage.received
    assert "private-token" not in asked.headers
    assert "authorization" not in asked.headers
    assert len(server.received) == 1


async def test_the_token_goes_along_within_the_host() -> None:
    moved = Answer([], 301, {"location": "/api/v4/projects/12?x=1"})
    async with RawServer(moved, _project()) as server, account(server) as lab:
        found = await lab.get_repository(REPO)
    assert found.ref == RepoRef("gitlab", "new/place", "app")
    assert [asked.path for asked in server.received] == [
        "/api/v4/projects/group%2Fsub%2Fapp",
        "/api/v4/projects/12?x=1",
    ]
    assert all(asked.headers["private-token"] == TOKEN for asked in server.received)


def _project() -> Answer:
    return json_answer({"id": 12, "path_with_namespace": "new/place/app", "default_branch": "main"})


async def test_a_new_token_is_used_where_the_old_one_is_refused() -> None:
    class Two:
        now = "canary-old"

        async def token(self) -> str:
            return self.now

        async def refused(self, token: str) -> bool:
            again, self.now = token == "canary-old", "canary-new"
            return again

    refused = json_answer({"message": "401 Unauthorized"}, 401)
    echo = json_answer({"message": "no canary-new, no canary-old"}, 403)
    about = json_answer({"scopes": ["api"]})
    async with RawServer(refused, USER, about, echo) as server, account(server, tokens=Two()) as lab:
        assert (await lab.check_credentials()).login == "tamma"
        with pytest.raises(Forbidden, match=r"no \*\*\*, no \*\*\*"):
            await lab.server_version()
    assert [asked.headers["private-token"] for asked in server.received] == [
        "canary-old",
        "canary-new",
        "canary-new",
        "canary-new",
    ]


async def test_nobody_else_s_credentials_are_taken_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests reads ~/.netrc by itself, and keeps cookies."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password canary-mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    first = Answer([b"{}"], 200, {"set-cookie": "_gitlab_session=canary-c; path=/"}, "application/json")
    async with RawServer(first) as server, account(server, token=None) as lab:
        await lab.get_job_log(REPO, "5")
        await lab.get_job_log(REPO, "6")
    for asked in server.received:
        assert not {"authorization", "private-token", "cookie"} & set(asked.headers)


async def test_no_failure_tells_the_token() -> None:
    refused = json_answer({"message": f"bad token {TOKEN}"}, 401)
    async with RawServer(refused) as server, account(server) as lab:
        with pytest.raises(BadCredentials) as caught:
            await lab.check_credentials()
    assert TOKEN not in f"{caught.value} {caught.value.hint} {lab.settings!r}"
    assert "scope api" in (caught.value.hint or "")


# --- failures ---------------------------------------------------------------------------------------------


async def test_a_limit_is_not_slept_out_and_its_headers_are_read() -> None:
    limited = Answer([b"Retry later\n"], 429, {"retry-after": "30"}, "text/plain")
    async with RawServer(limited) as server, account(server) as lab:
        began = time.monotonic()
        with pytest.raises(PlatformRateLimited) as caught:
            await lab.server_version()
    assert caught.value.retry_after == 30
    assert time.monotonic() - began < PROMPT
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 520])
async def test_a_failing_server_is_asked_once(status: int) -> None:
    async with RawServer(json_answer({"message": "no"}, status)) as server, account(server) as lab:
        with pytest.raises(Transient):
            await lab.close_issue(REPO, "1")
    assert len(server.received) == 1


CUT: tuple[tuple[Sequence[Step], dict[str, str]], ...] = (
    (["drop"], {}),
    ([b"[{", "drop"], {}),
    ([b"[{"], {"content-length": "100", "transfer-encoding": "identity"}),
)


@pytest.mark.parametrize(("steps", "headers"), CUT)
async def test_an_answer_that_is_cut_short_is_none(steps: Sequence[Step], headers: dict[str, str]) -> None:
    class Closing(RawServer):
        def answer_to(self, request: Received) -> Answer:
            return Answer([*steps, "drop"], 200, headers)

    async with Closing() as server, transport(server) as way:
        with pytest.raises(NoAnswer):
            await way.send(Request("GET", "/x"))


async def test_a_silent_server_is_given_up() -> None:
    async with RawServer(Answer([b"{", "hang"])) as server, transport(server, timeout=0.2) as way:
        with pytest.raises(NoAnswer):
            await way.send(Request("GET", "/x"))


# --- bodies -----------------------------------------------------------------------------------------------


async def test_the_end_of_a_large_log_is_kept() -> None:
    async with RawServer(Answer([b"a" * 300_000, b"b" * 10, b"end"])) as server, transport(server) as way:
        cut = await way.send(Request("GET", "/x", tail=8))
        whole = await way.send(Request("GET", "/x"))
    assert (cut.body, cut.truncated) == (b"bbbbbend", True)
    assert (len(whole.body), whole.truncated) == (300_013, False)


async def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(json.dumps({"version": "18.1.0-ee"}).encode())
    compressed = Answer([body[:9], body[9:]], 200, {"content-encoding": "gzip"}, "application/json")
    async with RawServer(compressed) as server, account(server) as lab:
        assert await lab.server_version() == "18.1.0-ee"
    assert "gzip" in server.received[0].headers["accept-encoding"]


# --- threads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [["hang"], [b"{", "hang"], [b"{", *[0.01, b" "] * 2000]])
async def test_cancelling_takes_the_connection_from_the_thread(steps: Sequence[Step]) -> None:
    """Also from one that a server keeps busy with a byte now and then, which no timeout ends."""
    async with RawServer(Answer(steps)) as server, transport(server) as way:
        asking = asyncio.create_task(way.send(Request("POST", "/x", json={"a": 1})))
        await until(lambda: len(server.received) == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(server.hung_up.wait(), 60)
        again = asyncio.create_task(way.send(Request("GET", "/y")))
        await until(lambda: len(server.received) == 2)
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)


async def test_threads_are_no_more_than_calls_at_once_and_end_with_the_account() -> None:
    before = threading.active_count()
    async with RawServer(json_answer({"version": "1"})) as server:
        async with transport(server, max_concurrent=3) as way:
            await asyncio.gather(*(way.send(Request("GET", "/version")) for _ in range(20)))
            assert threading.active_count() - before <= 3
        assert server.connections <= 3
    await until(lambda: threading.active_count() <= before)


# --- the network ------------------------------------------------------------------------------------------


async def test_a_proxy_of_the_account_s_own() -> None:
    async with RawServer(json_answer({"version": "18.0.0"})) as proxy, RawServer() as server:
        lab = GitLab(settings(server, proxy=proxy.url))
        assert await lab.server_version() == "18.0.0"
        await lab.close()
        assert [asked.path for asked in proxy.received] == [f"{server.url}/api/v4/version"]
        assert server.received == []


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1 that signs itself."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    named = "-subj /CN=here -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *named.split(), *files], check=True, capture_output=True)
    return key, certificate


async def test_an_authority_of_the_account_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's certificate is believed by its file alone, whatever REQUESTS_CA_BUNDLE says."""
    key, certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "no-such-file"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"version": "18.2.0"}'
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        known = GitLab(PlatformSettings("gitlab", "gitlab", url, TOKEN, ca_file=str(certificate)))
        assert await known.server_version() == "18.2.0"
        await known.close()
        unknown = GitLab(PlatformSettings("gitlab", "gitlab", url, TOKEN))
        with pytest.raises(Transient, match="certificate"):
            await unknown.server_version()
        await unknown.close()
