"""What an address is on: configuration, known hosts, plugins, and the server itself, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamma import registry
from tamma.errors import ConfigError
from tamma.platforms import detection
from tamma.platforms.accounts import account
from tamma.platforms.detection import Detection, detect
from tamma.platforms.probing import LIFE, Probe, server_of
from tamma.platforms.urls import Address, Location, locate
from tests.support.raw_http import Answer, RawServer, Received, json_answer

GITEA = {"/api/v1/version": json_answer({"version": "1.25.1"})}
SERVERS = {
    "forgejo": {
        **GITEA,
        "/api/forgejo/v1/version": json_answer({"version": "13.0.2+gitea-1.22.0"}),
    },
    "gitea": GITEA,
    "gitlab": {"/api/v4/version": json_answer({"message": "401 Unauthorized"}, 401)},
    "bitbucket-dc": {
        "/rest/api/1.0/application-properties": json_answer({"displayName": "Bitbucket", "version": "9.4.1"})
    },
    "github": {"/api/v3/meta": json_answer({}, 401, x_github_enterprise_version="3.18.0")},
}
NOTHING = json_answer({"error": "no such page"}, 404)


class Forge(RawServer):
    """A server that answers some paths, and says 404 to others."""

    def __init__(self, pages: dict[str, Answer], otherwise: Answer = NOTHING) -> None:
        super().__init__()
        self.pages, self.otherwise = pages, otherwise

    def answer_to(self, request: Received) -> Answer:
        return self.pages.get(request.path, self.otherwise)


def at(server: RawServer) -> Location:
    location = locate(f"{server.url}/acme/tools")
    assert location is not None
    return location


@pytest.mark.parametrize("kind", SERVERS)
async def test_a_server_is_known_by_its_answers(kind: str) -> None:
    async with Forge(SERVERS[kind]) as server:
        assert await Probe()(at(server)) == kind
    for request in server.received:
        assert "authorization" not in request.headers
        assert "private-token" not in request.headers


@pytest.mark.parametrize(
    "otherwise",
    [
        NOTHING,
        json_answer({}, 401),
        json_answer({"message": "sign in"}, 401),
        Answer([b"<html>version</html>"], 200, content_type="text/html"),
        Answer([b'{"version": '], 200),
        json_answer(["version"], 200),
        Answer(["drop"]),
        Answer([b"x" * 1000] * 300),
        Answer([b"[" * 200_000], 200),
        Answer([b'{"version": ' + b"1" * 100_000 + b"}"], 200),
    ],
)
async def test_others_are_not_taken_for_one(otherwise: Answer) -> None:
    async with Forge({}, otherwise) as server:
        assert await Probe()(at(server)) is None


async def test_no_redirect_is_followed() -> None:
    async with Forge(SERVERS["gitea"]) as other:
        moved = Answer((), 302, {"location": f"{other.url}/api/v1/version"})
        async with Forge({}, moved) as server:
            assert await Probe()(at(server)) is None
        assert other.received == []


async def test_a_server_that_is_silent_costs_seconds_not_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamma.platforms.probing.TIMEOUT", 0.2)
    async with Forge({}, Answer(["hang"])) as server:
        there = at(server)
        assert await Probe()(there) is None
        await server.hung_up.wait()
    assert await Probe()(there) is None, "nor does one that is gone"


async def test_an_answer_is_kept_for_a_day(tmp_path: Path) -> None:
    now = 1_000_000.0
    folder = tmp_path / "cache"
    probe = Probe(folder, clock=lambda: now)
    async with Forge(SERVERS["gitea"]) as server:
        assert await probe(at(server)) == "gitea"
        asked = len(server.received)
        assert await Probe(folder, clock=lambda: now + LIFE - 1)(at(server)) == "gitea"
        assert len(server.received) == asked
        [file] = folder.iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        now += LIFE
        assert await probe(at(server)) == "gitea"
        assert len(server.received) > asked
        asked = len(server.received)
        file.write_text('{"type": "gitea"')
        assert await probe(at(server)) == "gitea"
        assert len(server.received) > asked, "what is spoilt counts as absent"


async def test_what_was_not_found_is_asked_again(tmp_path: Path) -> None:
    async with Forge({}) as server:
        assert await Probe(tmp_path / "cache")(at(server)) is None
        server.pages = SERVERS["gitea"]
        assert await Probe(tmp_path / "cache")(at(server)) == "gitea"


async def test_no_home_is_begun_for_it(tmp_path: Path) -> None:
    async with Forge(SERVERS["gitea"]) as server:
        assert await Probe(tmp_path / "absent" / "cache")(at(server)) == "gitea"
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("git@git.test:acme/tools.git", "https://git.test"),
        ("ssh://git@git.test:2222/acme/tools.git", "https://git.test"),
        ("http://git.test:8080/acme/tools", "https://git.test:8080"),
        ("https://git.test:8443/acme/tools", "https://git.test:8443"),
        ("http://127.0.0.1:3000/acme/tools", "http://127.0.0.1:3000"),
        ("http://[::1]:3000/acme/tools", "http://[::1]:3000"),
    ],
)
def test_only_this_machine_is_asked_without_tls(text: str, server: str) -> None:
    location = locate(text)
    assert location is not None
    assert server_of(location) == server


# --- the order ---------------------------------------------------------------------------------------

HOUSE = account("house", "gitlab", "https://git.test")


async def never(_: Location) -> str | None:
    raise AssertionError("a known host is not asked")


def no_plugin(_: str) -> str | None:
    raise AssertionError("a known host is no plugin's")


async def test_a_configured_host_comes_first() -> None:
    found = await detect("git@git.test:g/sub/tools.git", [HOUSE], claims=no_plugin, probe=never)
    assert found == Detection(
        "git.test",
        "gitlab",
        "house",
        Address("git.test", "g/sub", "tools"),
        "it is the account of the host 'git.test'",
    )


async def test_then_hosts_that_everybody_knows() -> None:
    found = await detect("https://codeberg.org/acme/tools/pulls/3", [HOUSE], claims=no_plugin, probe=never)
    assert (found.type, found.account) == ("forgejo", None)
    assert found.address == Address("codeberg.org", "acme", "tools", "pull_request", "3")


async def test_then_plugins_who_hear_no_secret() -> None:
    heard: list[str] = []

    def claims(url: str) -> str | None:
        heard.append(url)
        return "sourcehut"

    text = "https://me:canary-pw@git.sr.test/~ann/tools?private_token=canary-q"
    found = await detect(text, [HOUSE], claims=claims, probe=never)
    assert (found.type, found.reason) == ("sourcehut", "the plugin 'sourcehut' claims it")
    assert heard == ["https://git.sr.test/~ann/tools"]


async def test_then_the_server_is_asked() -> None:
    asked: list[str] = []

    async def probe(location: Location) -> str | None:
        asked.append(location.netloc)
        return "bitbucket-dc"

    found = await detect("https://bb.test/scm/shop/web.git", [HOUSE], claims=lambda _: None, probe=probe)
    assert (found.type, found.address) == ("bitbucket-dc", Address("bb.test", "SHOP", "web"))
    assert asked == ["bb.test"]
    offline = await detect("https://bb.test/scm/shop/web.git", [HOUSE])
    assert offline.type is None
    assert "was not asked" in offline.reason


async def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="no address"):
        await detect("./repo", [HOUSE])


class _Plugin:
    name = version = "x"

    def __init__(self, answer: bool | Exception) -> None:
        self._answer = answer

    def detect_from_url(self, url: str) -> bool:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class _Registry:
    """Three plugins: one that cannot be loaded, one that says no, one that says yes."""

    def list(self) -> tuple[registry.Entry, ...]:
        return tuple(registry.Entry(name, "m:C", "1", "dist") for name in ("broken", "no", "yes"))

    def get(self, name: str) -> _Plugin:
        return _Plugin({"broken": ConfigError("it is broken"), "no": False, "yes": True}[name])


def test_a_plugin_that_fails_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "platforms", _Registry())
    assert detection.plugin_that_claims("https://git.sr.test/~ann/tools") == "yes"
