"""The shared HTTP layer over real sockets: whose turn it is, where credentials go, what is not repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pydantic import BaseModel

from tamma.errors import (
    BadCredentials,
    ConfigError,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, cursor_of, from_cursor, link_header, query_of
from tamma.platforms.http.credentials import HeaderCredentials, basic, bearer, token_source
from tamma.platforms.http.errors import Answer as Failed
from tamma.platforms.http.errors import Dialect, error_for, reason
from tamma.platforms.http.limits import rate_limit, retry_after, seconds_left
from tamma.platforms.http.messages import Request, Response, links
from tamma.platforms.http.throttle import Throttle
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings, TokenSource
from tamma.resilience.breaker import COOLDOWN, FAILURES
from tests.support.raw_http import Answer, RawServer, Received, json_answer

DIALECT = Dialect("Forge", "set FORGE_TOKEN")
TOKEN = "canary-t0ken"
OK = json_answer({"name": "x"})


class Named(BaseModel):
    name: str


class ByPath(RawServer):
    """Answers by the path alone."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__()
        self.by_path = dict(answers)

    def answer_to(self, request: Received) -> Answer:
        return self.by_path[request.path]


@asynccontextmanager
async def connected(
    server: RawServer, dialect: Dialect = DIALECT, tokens: TokenSource | None = None, **settings: object
) -> AsyncGenerator[Connection]:
    account = PlatformSettings("forge", "forge", server.url, TOKEN, tokens=tokens, timeout=5)
    account = replace(account, **settings)  # type: ignore[arg-type]
    transport = HttpTransport(account, server.url, HeaderCredentials(token_source(account), bearer))
    made = Connection(account, server.url, transport, dialect)
    yield made
    await made.close()


# --- answers ------------------------------------------------------------------------------------------


async def test_an_answer_is_typed_and_the_token_is_shown() -> None:
    async with RawServer(OK) as server, connected(server) as api:
        assert (await api.get(Named, "/x", {"q": "ü&"})).name == "x"
        assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert server.received[0].path == "/x?q=%C3%BC%26"


async def test_answers_that_are_not_as_described_name_the_field() -> None:
    async with RawServer(json_answer({"nom": 1}), json_answer({"a": 1})) as server, connected(server) as api:
        with pytest.raises(PlatformError, match="Named: name"):
            await api.get(Named, "/x")
        with pytest.raises(PlatformError, match="not a list"):
            await api.page(Named, "/x", {}, link_header)


async def test_a_page_of_a_proxy_is_no_answer() -> None:
    page = Answer([b"<html>Sign in</html>"], content_type="text/html")
    async with RawServer(page) as server, connected(server) as api:
        with pytest.raises(Transient, match="not JSON"):
            await api.get(Named, "/x")


@pytest.mark.parametrize("size", [0, 10, 65_536, 1_000_000])
async def test_only_the_end_of_a_log_is_kept(size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    pieces = [body[at : at + 9999] for at in range(0, len(body), 9999)]
    async with RawServer(Answer(pieces)) as server, connected(server) as api:
        response = await api.call(Request("GET", "/log", tail=size))
    assert response.body == (body[-size:] if size else b"")
    assert response.truncated is (len(body) > size)


async def test_all_pages_are_read_and_no_more() -> None:
    async with RawServer() as server:
        for number in (1, 2, 3):
            link = f'<{server.url}/x?page={number + 1}>; rel="next", <{server.url}/x?page=9>; rel="last"'
            more = {"link": link} if number < 3 else {}
            server.answers.append(json_answer([{"name": str(number)}], 200, **more))
        async with connected(server) as api:
            found = await api.every(Named, "/x", {"page": "1"}, link_header)
        assert [each.name for each in found] == ["1", "2", "3"]
        assert [request.path for request in server.received] == ["/x?page=1", "/x?page=2", "/x?page=3"]


# --- failures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "expected", "wait"),
    [
        (400, {}, PlatformError, None),
        (401, {}, BadCredentials, None),
        (403, {}, Forbidden, None),
        (404, {}, NotFound, None),
        (409, {}, Conflict, None),
        (412, {}, Conflict, None),
        (422, {}, PlatformError, None),
        (429, {}, PlatformRateLimited, 60.0),
        (429, {"retry-after": "7"}, PlatformRateLimited, 7.0),
        (500, {}, Transient, None),
        (503, {"retry-after": "3"}, Transient, 3.0),
    ],
)
async def test_a_failure_is_told_once_with_its_reason(
    status: int, headers: dict[str, str], expected: type[PlatformError], wait: float | None
) -> None:
    refusal = json_answer({"message": f"no, {TOKEN}!"}, status, **headers)
    async with RawServer(refusal) as server, connected(server) as api:
        with pytest.raises(expected) as caught:
            await api.send(Named, "POST", "/x", {"a": 1})
    assert len(server.received) == 1
    assert type(caught.value) is expected
    assert (caught.value.retry_after, caught.value.status) == (wait, status)
    assert f"Forge answered {status} to POST /x: no, ***!" in caught.value.message
    assert TOKEN not in f"{caught.value.message}{caught.value.hint}{caught.value!r}"


@pytest.mark.parametrize("steps", [["drop"], [b'{"na', "drop"]])
async def test_a_lost_connection_may_pass_and_nothing_is_repeated(steps: list[bytes]) -> None:
    async with RawServer(Answer(steps)) as server, connected(server) as api:
        with pytest.raises(Transient):
            await api.do("POST", "/x", {"a": 1})
        assert len(server.received) == 1


async def test_a_silent_service_is_not_waited_for() -> None:
    async with RawServer(Answer(["hang"])) as server, connected(server, timeout=0.2) as api:
        with pytest.raises(Transient, match="ReadTimeout"):
            await api.get(Named, "/x")


async def test_a_call_that_is_cancelled_hangs_up() -> None:
    async with RawServer(Answer([b"1", "hang"])) as server, connected(server) as api:
        call = asyncio.create_task(api.call(Request("GET", "/x")))
        await asyncio.wait_for(server.asked.wait(), 60)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(server.hung_up.wait(), 60)


# --- limits -------------------------------------------------------------------------------------------


async def test_none_is_sent_before_the_time_that_the_service_named() -> None:
    limited = json_answer({}, 429, retry_after="30")
    async with RawServer(limited) as server, connected(server) as api:
        for _ in range(50):
            with pytest.raises(PlatformRateLimited) as caught:
                await api.get(Named, "/x")
            assert 25 < (caught.value.retry_after or 0) <= 30
        assert len(server.received) == 1


async def test_another_account_of_the_same_credential_pauses_too() -> None:
    async with RawServer(json_answer({}, 429, retry_after="30")) as server:
        async with connected(server) as one, connected(server, id="other") as two:
            for api in (one, two):
                with pytest.raises(PlatformRateLimited):
                    await api.get(Named, "/x")
        async with connected(server, token="another-canary") as third:
            with pytest.raises(PlatformRateLimited):
                await third.get(Named, "/x")
    assert len(server.received) == 2


async def test_an_empty_budget_is_a_pause() -> None:
    headers = {"x_ratelimit_remaining": "0", "x_ratelimit_limit": "60"}
    answer = json_answer({"name": "x"}, 200, **headers, x_ratelimit_reset=str(int(time.time()) + 40))
    async with RawServer(answer) as server, connected(server) as api:
        assert (await api.get(Named, "/x")).name == "x"
        assert (api.budget.limit, api.budget.remaining) == (60, 0)
        with pytest.raises(PlatformRateLimited):
            await api.get(Named, "/x")
        assert len(server.received) == 1


async def test_a_service_that_keeps_failing_is_left_alone() -> None:
    async with RawServer(json_answer({"message": "down"}, 503)) as server, connected(server) as api:
        for _ in range(FAILURES + 3):
            with pytest.raises(Transient):
                await api.get(Named, "/x")
        assert len(server.received) == FAILURES
        with pytest.raises(Transient) as caught:
            await api.get(Named, "/x")
        assert "down" in caught.value.message
        assert (caught.value.retry_after or 0) > COOLDOWN - 10


async def test_refusals_open_no_breaker() -> None:
    async with RawServer(json_answer({}, 404)) as server, connected(server) as api:
        for _ in range(FAILURES * 2):
            with pytest.raises(NotFound):
                await api.get(Named, "/x")
        assert len(server.received) == FAILURES * 2


async def test_no_more_calls_at_once_than_declared() -> None:
    slow = Answer([b'{"name":', 0.05, b'"x"}'])
    async with RawServer(slow) as server, connected(server, max_concurrent=3) as api:
        await asyncio.gather(*(api.get(Named, "/x") for _ in range(12)))
    assert len(server.received) == 12
    assert server.connections <= 3


async def test_writes_keep_their_distance_and_reads_do_not_wait() -> None:
    polite = Dialect("Forge", "", write_interval=0.5, one_write_at_once=True)
    async with RawServer(OK) as server, connected(server, polite) as api:
        started = time.monotonic()
        writes = [asyncio.create_task(api.do("POST", "/w")) for _ in range(3)]
        await api.get(Named, "/r")
        assert not writes[2].done(), "the read overtook it"
        await asyncio.gather(*writes)
        assert time.monotonic() - started >= 1.0
    assert len(server.received) == 4


async def test_a_cancelled_write_gives_its_turn_away() -> None:
    throttle = Throttle(2, write_interval=30.0, one_write_at_once=True)
    async with throttle.turn(writes=True):
        pass

    async def wait_for_turn() -> None:
        async with throttle.turn(writes=True):
            raise AssertionError("30 s have not passed")

    waiting = asyncio.create_task(wait_for_turn())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with throttle.turn(writes=False):
        pass


# --- what was asked before ----------------------------------------------------------------------------


async def test_what_has_not_changed_is_not_sent_again() -> None:
    first = json_answer({"name": "x"}, 200, etag='"1"')
    async with RawServer(first, Answer([], 304), OK) as server, connected(server) as api:
        for _ in range(3):
            assert (await api.get(Named, "/x", cached=True)).name == "x"
        asked = [request.headers.get("if-none-match") for request in server.received]
        assert asked == [None, '"1"', '"1"']


async def test_a_list_knows_its_next_page_from_the_cache_too() -> None:
    async with RawServer() as server:
        link = f'<{server.url}/x?page=2>; rel="next"'
        server.answers += [json_answer([{"name": "a"}], 200, etag='"1"', link=link), Answer([], 304)]
        async with connected(server) as api:
            for _ in range(2):
                items, following = await api.page(Named, "/x", {}, link_header, cached=True)
                assert ([item.name for item in items], following) == (["a"], {"page": "2"})


# --- redirects ----------------------------------------------------------------------------------------


async def test_a_renamed_repository_is_followed_with_the_token() -> None:
    moved = Answer([], 301, {"location": "/repositories/1?q=1"})
    async with ByPath({"/old": moved, "/repositories/1?q=1": OK}) as server, connected(server) as api:
        assert (await api.get(Named, "/old")).name == "x"
        await api.do("PATCH", "/old", {"a": 1})
    assert {request.headers["authorization"] for request in server.received} == {f"Bearer {TOKEN}"}
    assert [(request.method, request.body) for request in server.received[2:]] == [
        ("PATCH", {"a": 1}),
        ("PATCH", {"a": 1}),
    ]


async def test_credentials_go_to_no_other_origin() -> None:
    async with RawServer(Answer([b"the log"])) as elsewhere:
        moved = Answer([], 302, {"location": f"{elsewhere.url}/log?sig=1"})
        async with RawServer(moved) as server, connected(server) as api:
            response = await api.call(Request("GET", "/log", headers={"x-secret": "canary"}))
    assert response.text == "the log"
    [request] = elsewhere.received
    assert "authorization" not in request.headers
    assert "canary" not in str(request.headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307])
async def test_a_write_goes_to_no_other_origin(status: int) -> None:
    async with RawServer(OK) as elsewhere:
        moved = Answer([], status, {"location": f"{elsewhere.url}/x"})
        async with RawServer(moved) as server, connected(server) as api:
            with pytest.raises(PlatformError):
                await api.do("POST", "/x", {"secret": "canary"})
    assert elsewhere.received == []


async def test_a_form_to_sign_in_is_not_written_to() -> None:
    moved = Answer([], 302, {"location": "/sign-in"})
    async with ByPath({"/x": moved, "/sign-in": OK}) as server, connected(server) as api:
        with pytest.raises(PlatformError, match="302"):
            await api.do("POST", "/x", {"a": 1})
        assert len(server.received) == 1


async def test_a_ring_of_redirects_ends() -> None:
    async with ByPath({"/x": Answer([], 302, {"location": "/x"})}) as server, connected(server) as api:
        with pytest.raises(PlatformError, match="302"):
            await api.get(Named, "/x")
        assert len(server.received) == 6


async def test_calls_go_through_the_account_s_proxy() -> None:
    async with RawServer(OK) as proxy, RawServer(OK) as server:
        async with connected(server, proxy=proxy.url) as api:
            assert (await api.get(Named, "/x")).name == "x"
        assert server.received == []
        assert [request.path for request in proxy.received] == [f"{server.url}/x"]
        assert "canary" not in repr(api.settings)


# --- credentials --------------------------------------------------------------------------------------


class Rotating:
    """A token that was changed where it is kept."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def token(self) -> str:
        return self.tokens[0]

    async def refused(self, token: str) -> bool:
        if self.tokens[0] == token and len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.tokens[0] != token


async def test_a_refused_token_is_replaced_once() -> None:
    refusal = json_answer({"message": "expired"}, 401)
    tokens = Rotating("old-canary", "new-canary")
    async with RawServer(refusal, OK, refusal) as server, connected(server, tokens=tokens) as api:
        assert (await api.send(Named, "POST", "/x", {"a": 1})).name == "x"
        shown = [request.headers["authorization"] for request in server.received]
        assert shown == ["Bearer old-canary", "Bearer new-canary"]
        with pytest.raises(BadCredentials):
            await api.get(Named, "/x")
        assert len(server.received) == 3


async def test_a_token_that_came_later_is_hidden_too() -> None:
    """Also the one before it, with which calls may be under way."""
    echo = json_answer({"message": "old-canary is not new-canary"}, 401)
    tokens = Rotating("old-canary", "new-canary")
    async with RawServer(echo, echo) as server, connected(server, tokens=tokens) as api:
        with pytest.raises(BadCredentials) as caught:
            await api.get(Named, "/x")
        assert len(server.received) == 2
    assert "*** is not ***" in caught.value.message


async def test_what_stands_for_a_token_in_its_header_is_a_secret() -> None:
    credentials = HeaderCredentials(Rotating("canary"), basic("mona"))
    assert list(credentials.secrets()) == []
    shown = (await credentials.headers())["authorization"]
    assert shown.startswith("Basic ")
    assert list(credentials.secrets()) == ["canary", shown.removeprefix("Basic ")]


def test_a_username_goes_with_its_token() -> None:
    assert basic("mona@example.test")("canary") == {"authorization": "Basic bW9uYUBleGFtcGxlLnRlc3Q6Y2FuYXJ5"}


# --- addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "git.example.com",
        "ftp://git.example.com",
        "http://git.example.com",
        "https://mona:canary@git.example.com",
        "https://git.example.com?token=canary",
        "https://git.example.com:port",
        "https://",
    ],
)
def test_addresses_that_are_wrong_or_unsafe_are_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        base_url(PlatformSettings("forge", "forge", url))
    assert "canary" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url", ["https://git.example.com/api/", "http://127.0.0.1:3000", "http://[::1]:3000/"]
)
def test_addresses_that_are_right(url: str) -> None:
    assert base_url(PlatformSettings("forge", "forge", url)) == url.rstrip("/")


def test_plain_http_can_be_allowed() -> None:
    allowed = PlatformSettings("forge", "forge", "http://git.lan", options={"allowInsecureHttp": True})
    assert base_url(allowed) == "http://git.lan"


# --- pure parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{"message": "Not Found", "errors": [{"field": "head", "code": "invalid"}, "x"]}',
            "Not Found; head invalid; x",
        ),
        ('{"message": {"base": ["must differ", "is gone"]}}', "base must differ; base is gone"),
        ('{"error": "invalid_grant", "error_description": "expired"}', "expired; invalid_grant"),
        ('{"type": "error", "error": {"message": "no such branch"}}', "no such branch"),
        ('{"errors": [{"context": null, "message": "a veto"}]}', "a veto"),
        ('{"errorMessages": ["gone"], "errors": {"summary": "is required"}}', "gone; summary is required"),
        ('["one", "two"]', "one; two"),
        ("{}", ""),
        ("plain words\n here", "plain words here"),
        ("[" * 100_000, "[" * 500),
    ],
)
def test_reasons_are_found_where_services_put_them(body: str, expected: str) -> None:
    assert reason(Response(400, {}, body.encode())) == expected


def test_a_page_is_no_reason() -> None:
    assert reason(Response(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>")) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("12", 12.0),
        ("-3", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("soon", 60.0),
    ],
)
def test_retry_after_in_both_forms(value: str | None, expected: float | None) -> None:
    assert retry_after({} if value is None else {"retry-after": value}, now=10.0) == expected


def test_budgets_of_several_services() -> None:
    github = rate_limit(
        {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000100"},
        1_800_000_000,
    )
    assert (github.limit, github.remaining, seconds_left(github, 1_800_000_000)) == (5000, 0, 100.0)
    gitlab = rate_limit(
        {"ratelimit-limit": "60", "ratelimit-remaining": "59", "ratelimit-reset": "1800000100"}, 0
    )
    assert (gitlab.limit, gitlab.remaining, seconds_left(gitlab, 0)) == (60, 59, None)
    relative = rate_limit({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 1_800_000_000)
    assert seconds_left(relative, 1_800_000_000) == 30.0
    assert seconds_left(rate_limit({"x-ratelimit-remaining": "none"}, 0), 0) is None
    assert rate_limit({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9e99"}, 0).resets_at is None


def test_links_and_cursors() -> None:
    header = '<https://h/x?page=2&label=a%2Cb&label=c>; rel="next", <https://h/x?page=1>; rel="first"'
    found = links(Response(200, {"link": header}, b""))
    assert set(found) == {"next", "first"}
    query = query_of(found["next"])
    assert query == {"page": "2", "label": ["a,b", "c"]}
    cursor = cursor_of(query)
    assert cursor is not None
    assert from_cursor(cursor) == query
    assert cursor_of(None) is None


def test_a_platform_says_first_what_a_status_means() -> None:
    own = Dialect("Forge", "", judge=lambda answer: Conflict("taken") if answer.status == 400 else None)
    assert isinstance(error_for(Failed(400, "", {}, "POST /x", "forge", True), own), Conflict)
    assert isinstance(error_for(Failed(404, "", {}, "GET /x", "forge", False), own), NotFound)
