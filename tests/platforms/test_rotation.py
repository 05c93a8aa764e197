"""From the configuration to a real adapter: credentials change under way, and no call fails for it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tamma.config.load import load_config
from tamma.config.resolve import settings_for_platform
from tamma.errors import BadCredentials
from tamma.model.repository import RepoRef
from tamma.platforms.interface import Platform
from tamma.pools import Platforms
from tamma.telemetry.logs import configure_logging
from tests.support.raw_http import Answer, RawServer, Received, json_answer
from tests.support.token_server import token_server


class Api(RawServer):
    """Takes one token, and says whose it is; a `slow` answer takes its time."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.slow = False
        self.came = asyncio.Event()
        """A slow one did."""

    def answer_to(self, request: Received) -> Answer:
        if self.token not in request.headers.get("authorization", ""):
            return json_answer({"message": "Bad credentials"}, 401)
        made = json_answer({"login": "tess", "id": 1, "type": "User"})
        if not self.slow:
            return made
        self.came.set()
        return Answer([0.3, *made.steps], 200, {}, made.content_type)

    @property
    def shown(self) -> list[str]:
        """The tokens that came with the requests."""
        return [request.headers.get("authorization", "").split()[-1] for request in self.received]


async def account(home: Path, env: dict[str, str], **entry: Any) -> tuple[Platforms, Platform]:
    made = {"platformId": "house", "platformType": "github", **entry}
    (home / "config.json").write_text(json.dumps({"platforms": {"available": [made]}}))
    loaded = load_config(env={"TAMMA_HOME": str(home), **env})
    pool = Platforms(lambda name: settings_for_platform(loaded, name))
    return pool, await pool.get("house")


async def test_a_file_is_replaced_while_the_worker_runs(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("canary-first-token")
    file.chmod(0o600)
    async with Api("canary-first-token") as api:
        given = {"accessToken": f"file:{file}"}
        pool, platform = await account(tmp_path, {}, baseUrl=api.url, credentials=given)
        assert (await platform.check_credentials()).login == "tess"
        api.slow = True
        under_way = asyncio.ensure_future(platform.check_credentials())
        await api.came.wait()
        api.slow, api.token = False, "canary-second-token"
        with pytest.raises(BadCredentials):
            await platform.check_credentials()
        file.write_text("canary-second-token")
        assert (await platform.check_credentials()).login == "tess"
        assert (await under_way).login == "tess", "it ends with the token that it began with"
        assert (await platform.git_credentials(RepoRef("house", "a", "b"))).token == "canary-second-token"
        await pool.close()
    assert api.shown == ["canary-first-token"] * 4 + ["canary-second-token"]


async def test_an_oauth_token_is_renewed_in_the_middle_of_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("debug")
    with token_server() as auth:
        async with Api("canary-access-1") as api:
            given = {
                "clientId": "id",
                "clientSecret": "env:CS",
                "refreshToken": "env:RT",
                "accessToken": "env:AT",
                "tokenUrl": auth.url,
            }
            env = {"CS": "canary-client-secret", "RT": "canary-refresh-0", "AT": "canary-access-0"}
            pool, platform = await account(
                tmp_path, env, baseUrl=api.url, authType="oauth", credentials=given
            )
            many = await asyncio.gather(*(platform.check_credentials() for _ in range(5)))
            assert {who.login for who in many} == {"tess"}
            assert auth.granted == 1, "they were all refused, and one renewal served them"
            await pool.close()
            pool, platform = await account(
                tmp_path, env, baseUrl=api.url, authType="oauth", credentials=given
            )
            assert (await platform.check_credentials()).login == "tess"
            assert auth.granted == 1, "the next worker finds what was kept"
            await pool.close()
    said = capsys.readouterr()
    assert "platform.token_renewed" in said.err
    assert "canary" not in said.out + said.err
