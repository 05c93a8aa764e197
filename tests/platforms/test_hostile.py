"""Servers that lie, and names that lead elsewhere: what the shared HTTP layer makes of them."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

import pytest

from tamma.errors import (
    LONGEST_RETRY_AFTER,
    BadCredentials,
    ConfigError,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)
from tamma.platforms.gitlab.platform import GitLab
from tamma.platforms.http.limits import clock, rate_limit, retry_after, seconds_left
from tamma.platforms.http.messages import Request, Response, links
from tamma.platforms.http.throttle import Throttle, throttle_for
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.probing import Probe
from tamma.platforms.urls import locate
from tests.platforms.test_http import OK, Named, connected
from tests.support.pace import effort
from tests.support.raw_http import Answer, RawServer, json_answer

NOW = time.time()


def _used_up(reset: float, **headers: str) -> Answer:
    left = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(reset))}
    return Answer([b'{"name": "x"}'], 200, {**left, **headers}, "application/json")


# --- limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remaining", ["nan", "inf", "-inf", "1e400", "0x10", "٣.٣.٣", ""])
@pytest.mark.parametrize("reset", ["nan", "-1e18", "1e18", "3999999999", "-5"])
def test_a_budget_that_is_no_number_is_none(remaining: str, reset: str) -> None:
    told = rate_limit({"x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}, NOW)
    assert told.remaining is None
    assert seconds_left(told, NOW) is None


@pytest.mark.parametrize("value", ["nan", "inf", "Mon, 01 Jan 99999999999 00:00:00 GMT", "soon", "-7"])
def test_a_pause_is_a_number_of_seconds_whatever_is_said(value: str) -> None:
    assert retry_after({"retry-after": value}, NOW) in (0.0, 60.0)


async def test_a_budget_without_end_is_asked_again_after_a_day() -> None:
    now = 0.0
    throttle = Throttle(1, clock=lambda: now)
    throttle.block(40 * 365 * 86_400)
    assert throttle.blocked() == LONGEST_RETRY_AFTER
    async with RawServer(_used_up(NOW + 40 * 365 * 86_400)) as server, connected(server) as api:
        assert (await api.get(Named, "/x")).name == "x"
        with pytest.raises(PlatformRateLimited):
            await api.get(Named, "/x")


async def test_a_reset_is_meant_by_the_clock_of_the_service() -> None:
    """Ours is a year behind: an hour of theirs is an hour."""
    theirs = NOW + 365 * 86_400
    assert clock({"date": "no date"}) == pytest.approx(time.time(), abs=5)

    answer = _used_up(theirs + 3600, date=formatdate(theirs, usegmt=True))
    async with RawServer(answer) as server, connected(server) as api:
        await api.get(Named, "/x")
        with pytest.raises(PlatformRateLimited) as caught:
            await api.get(Named, "/x")
    assert 3500 < (caught.value.retry_after or 0) < 3700


# --- where requests go --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/repos/o/r/raw/../../../user", "/repos/./r", "/repos/o/.."])
async def test_no_name_leads_out_of_its_place_in_the_path(path: str) -> None:
    async with RawServer(OK) as server, connected(server) as api:
        for request in (Request("GET", path), Request("DELETE", server.url + path)):
            with pytest.raises(NotFound, match="no names"):
                await api.call(request)
        assert not server.received


@pytest.mark.parametrize("where", ["http://[bad/x", "http://h:99999999/", "http://h:b/", "//[::1"])
async def test_a_redirect_to_no_address_is_a_refusal(where: str) -> None:
    async with RawServer(Answer([b"x"], 302, {"location": where})) as server, connected(server) as api:
        with pytest.raises((PlatformError, Transient)):
            await api.get(Named, "/x")


@pytest.mark.parametrize("where", ["http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/"])
async def test_no_redirect_is_followed_to_where_a_cloud_keeps_its_credentials(where: str) -> None:
    async with RawServer(Answer([b"x"], 302, {"location": where})) as server, connected(server) as api:
        with pytest.raises(PlatformError) as caught:
            await api.call(Request("GET", "/x"))
    assert caught.value.status == 302


async def test_a_question_that_is_posted_stays_with_the_service() -> None:
    async with RawServer(OK) as other:
        moved = Answer([b"x"], 307, {"location": f"{other.url}/graphql".replace("127.0.0.1", "localhost")})
        async with RawServer(moved) as server, connected(server) as api:
            with pytest.raises(PlatformError):
                await api.call(Request("POST", "/graphql", json={"query": "private"}, reads=True))
        assert not other.received


# --- the token ----------------------------------------------------------------------------------------

BROKEN = (
    "canary-t0ken\n",
    "canary-t0k\u2026",
    "canary-t0ken\r\nx-admin: yes",
    "canary\x1bt0ken",
    "canary t0ken",
)


@pytest.mark.parametrize("token", BROKEN)
async def test_a_token_that_can_be_none_is_told_and_not_repeated(token: str) -> None:
    """Clients put a header that they cannot send into their error."""
    async with RawServer(OK) as server, connected(server, token=token) as api:
        settings = PlatformSettings("gitlab", "gitlab", server.url, token)
        lab = GitLab(settings)
        for call in (api.get(Named, "/x"), lab.check_credentials()):
            with pytest.raises(BadCredentials, match="no token has") as caught:
                await call
            assert "canary" not in f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"
        await lab.close()
        assert not server.received


@pytest.mark.parametrize("proxy", ["socks5://canary:canary@h:1", "socks4://canary@h", "http://[::1"])
async def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """It stands in the environment of many a machine, for other programs."""
    for name in ("NO_PROXY", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    location = locate("https://git.example.invalid/o/r")
    assert location is not None
    with pytest.raises(ConfigError, match="proxy") as caught:
        async with RawServer(OK) as server, connected(server) as api:
            await api.get(Named, "/x")
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(ConfigError, match="proxy"):
        await Probe()(location)


# --- what is read and told ----------------------------------------------------------------------------


async def test_halves_of_characters_neither_leave_nor_arrive() -> None:
    broken = Answer([b'{"name": "\\uD83D!"}'], 200, {}, "application/json")
    async with RawServer(broken) as server, connected(server) as api:
        assert (
            await api.send(Named, "POST", "/x", {"body": "\ud83d!", "\ude00": ["\ude00"]})
        ).name == "\ufffd!"
        assert server.received[0].body == {"body": "\ufffd!", "\ufffd": ["\ufffd"]}


async def test_what_a_service_says_cannot_steer_a_terminal() -> None:
    said = "no\x1b[2J\x1b]0;title\x07 \u202egnirts\x85\nok: the token is fine"
    async with RawServer(json_answer({"message": said}, 400)) as server, connected(server) as api:
        with pytest.raises(PlatformError) as caught:
            await api.get(Named, "/x")
    assert caught.value.message.isprintable()
    assert "the token is fine" in caught.value.message


@pytest.mark.parametrize(
    "header",
    [
        '<https://h/x?labels=a,b;c&page=2>; rel="next", <https://h/x?page=9>; rel="last"',
        '<https://h/x?labels=a,b;c&page=2>; title="a, b; rel=last"; rel=next',
        '<https://h/x?page=1>; rel="prev",<https://h/x?labels=a,b;c&page=2>;rel="next"',
    ],
)
def test_addresses_in_links_have_commas(header: str) -> None:
    found = links(Response(200, {"link": header}, b""))
    assert found["next"] == "https://h/x?labels=a,b;c&page=2"


@pytest.mark.parametrize("header", ["<" * 60_000, "<x>" * 20_000, "<x>" + ";a=" * 20_000, '<x>;a="' * 9_000])
def test_links_are_read_with_little_effort(header: str) -> None:
    assert effort(lambda: links(Response(200, {"link": header}, b""))) < 20


def test_a_pause_ends_with_the_event_loop_that_it_was_for() -> None:
    """A new loop may stand where an old one stood, with another one's locks and pauses."""

    async def mine() -> Throttle:
        return throttle_for("git.example.com", "canary", at_once=1)

    kept = [asyncio.run(mine()) for _ in range(50)]
    assert len({id(each) for each in kept}) == len(kept)
