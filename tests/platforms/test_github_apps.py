"""Accounts that are no person's: GitHub Apps, and tokens that are renewed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tamma.errors import BadCredentials, ConfigError, PlatformRateLimited, Transient
from tamma.model.repository import Target
from tamma.platforms.github.platform import GitHub
from tamma.platforms.interface import AppSettings
from tests.platforms.forge_harness import ForgeHarness
from tests.support.forge.faces.github.apps import GitHubApp

BOT = "tamma-app[bot]"
TOKENS = ("canary-first-token", "canary-second-token")


@cache
def keys() -> tuple[str, str]:
    """A private and a public key, PEM."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@pytest.fixture
async def app(hub: ForgeHarness) -> AsyncIterator[GitHub]:
    """An App that is installed once, for octo."""
    private, public = keys()
    hub.world.extra["app"] = GitHubApp("4711", public, {77: "octo"}, list(TOKENS))
    hub.server.tokens.logins.update(dict.fromkeys(TOKENS, BOT))
    hub.hello.members[BOT] = "write"
    settings = replace(hub.platform.settings, token=None, auth="app", app=AppSettings("4711", private))
    platform = GitHub(settings)
    yield platform
    await platform.close()


def with_app(platform: GitHub, hub: ForgeHarness, **changes: str) -> GitHub:
    """The same with other settings of the App."""
    assert platform.settings.app is not None
    return GitHub(replace(platform.settings, app=replace(platform.settings.app, **changes)))


async def test_an_app_acts_with_a_token_of_its_installation(hub: ForgeHarness, app: GitHub) -> None:
    [number] = await hub.add_issues(1)
    for body in ("one", "two"):
        await app.ensure_comment(hub.repo, Target("issue", number), body, "op")
    [comment] = hub.hello.issues[int(number)].comments
    assert (comment.author, hub.world.effects["comment"]) == (BOT, 1)
    asked = [request for request in hub.server.requests if request.startswith("POST /app")]
    assert asked == ["POST /app/installations/77/access_tokens"], "one token serves all of it"
    assert (await app.check_credentials()).login == ""
    assert (await app.git_credentials(hub.repo)).token == TOKENS[0]


async def test_only_the_bot_of_the_app_itself_is_trusted_and_ours(hub: ForgeHarness, app: GitHub) -> None:
    [number] = await hub.add_issues(1)
    target = Target("issue", number)
    await hub.comment(target, "quoted\n\n<!-- tamma:op=op -->", "other-app[bot]")
    await app.ensure_comment(hub.repo, target, "ours", "op")
    comments = await app.list_comments(hub.repo, target)
    assert [(each.body, each.trusted) for each in comments] == [("quoted", False), ("ours", True)]


async def test_a_token_is_made_anew_before_it_ends(hub: ForgeHarness, app: GitHub) -> None:
    hub.world.extra["app"].life = timedelta(minutes=5)
    assert (await app.git_credentials(hub.repo)).token == TOKENS[0]
    assert (await app.git_credentials(hub.repo)).token == TOKENS[1]


async def test_a_token_that_was_revoked_is_made_anew(hub: ForgeHarness, app: GitHub) -> None:
    await app.get_branch(hub.repo, "main")
    del hub.server.tokens.logins[TOKENS[0]]
    assert (await app.get_branch(hub.repo, "main")).name == "main"
    assert hub.world.extra["app"].tokens == []


async def test_which_installation_is_meant_has_to_be_clear(hub: ForgeHarness, app: GitHub) -> None:
    hub.world.extra["app"].installations = {77: "octo", 78: "acme"}
    with pytest.raises(ConfigError, match=r"77 \(octo\), 78 \(acme\)"):
        await app.get_branch(hub.repo, "main")
    named = with_app(app, hub, installation_id="78")
    assert (await named.get_branch(hub.repo, "main")).name == "main"
    await named.close()


@pytest.mark.parametrize("wrong", ["key", "no key", "installation", "suspended"])
async def test_an_app_that_is_not_taken_says_what_to_check(
    hub: ForgeHarness, app: GitHub, wrong: str
) -> None:
    private = keys()[0]
    if wrong == "key":
        hub.world.extra["app"].public_key = _another_public_key()
    platform = with_app(
        app,
        hub,
        private_key="canary-of-no-key" if wrong == "no key" else private,
        installation_id="99" if wrong == "installation" else "77",
    )
    hub.world.extra["app"].suspended = wrong == "suspended"
    with pytest.raises(BadCredentials) as caught:
        await platform.get_branch(hub.repo, "main")
    await platform.close()
    assert caught.value.hint
    assert "canary" not in caught.value.message
    assert private.splitlines()[1] not in f"{caught.value.message}{platform.settings!r}"


def _another_public_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return made.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


async def test_a_service_that_fails_while_a_token_is_made_may_pass(hub: ForgeHarness, app: GitHub) -> None:
    hub.server.fail("POST", "/access_tokens", "error")
    with pytest.raises(Transient):
        await app.get_branch(hub.repo, "main")
    hub.server.fail("POST", "/access_tokens", "rate_limit", retry_after=13)
    with pytest.raises(PlatformRateLimited) as caught:
        await app.get_branch(hub.repo, "main")
    assert caught.value.retry_after == 13
    hub.server.fail("POST", "/access_tokens", "no_connection")
    with pytest.raises(Transient, match="no answer"):
        await app.get_branch(hub.repo, "main")
    assert (await app.get_branch(hub.repo, "main")).name == "main"


async def test_an_app_on_an_enterprise_server(hub: ForgeHarness, app: GitHub) -> None:
    platform = GitHub(replace(app.settings, base_url=f"{hub.server.url}/api/v3"))
    assert (await platform.get_branch(hub.repo, "main")).name == "main"
    await platform.close()
    assert "POST /api/v3/app/installations/77/access_tokens" in hub.server.requests


@dataclass
class Renewed:
    """A source of tokens as OAuth's: the first is over, and renewing gives the second."""

    tokens: list[str] = field(default_factory=lambda: ["canary-old", "canary-new"])
    renewals: int = 0

    async def token(self) -> str:
        return self.tokens[0]

    async def refused(self, token: str) -> bool:
        if token == self.tokens[0] and len(self.tokens) > 1:
            self.tokens.pop(0)
            self.renewals += 1
        return token != self.tokens[0]


async def test_a_write_with_a_token_that_is_over_is_done_with_the_next(hub: ForgeHarness) -> None:
    source = Renewed()
    hub.server.tokens.logins["canary-new"] = "tamma-bot"
    platform = GitHub(replace(hub.platform.settings, token=None, auth="oauth", tokens=source))
    sha = (await hub.platform.get_branch(hub.repo, "main")).sha
    await platform.ensure_branch(hub.repo, "b", sha)
    assert (source.renewals, hub.world.effects["branch"]) == (1, 1)
    hub.server.tokens.logins.pop("canary-new")
    with pytest.raises(BadCredentials) as caught:
        await platform.get_branch(hub.repo, "b")
    await platform.close()
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"
