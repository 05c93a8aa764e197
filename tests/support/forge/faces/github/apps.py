"""GitHub Apps: requests signed with their key, and tokens for an installation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt

from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import ROUTES, user
from tests.support.forge.schemas import Json

LIFE = timedelta(hours=1)


@dataclass
class GitHubApp:
    """`world.extra["app"]`. `tokens` are given out in turn; the server has to know them as the bot's."""

    id: str
    public_key: str
    installations: dict[int, str]
    """The account of each."""
    tokens: list[str] = field(default_factory=list[str])
    suspended: bool = False
    life: timedelta = LIFE


def _app(call: Call) -> GitHubApp:
    """The one whose key signed the request: RS256, ten minutes at most (docs.github.com/apps, "JWT")."""
    app: GitHubApp | None = call.world.extra.get("app")
    token = call.request.headers.get("authorization", "").partition(" ")[2]
    if app is None:
        raise ApiError(404, "Integration not found")
    try:
        claims = jwt.decode(token, app.public_key, ["RS256"], issuer=app.id, leeway=5)
    except jwt.PyJWTError as error:
        raise ApiError(401, "A JSON web token could not be decoded") from error
    if claims["exp"] - claims["iat"] > 660:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    return app


@ROUTES("GET /app/installations")
def list_installations(call: Call) -> Reply:
    app = _app(call)
    found = [_installation(call, app, number, login) for number, login in app.installations.items()]
    return Reply(200, found)


def _installation(call: Call, app: GitHubApp, number: int, login: str) -> Json:
    values = {
        "id": number,
        "app_id": int(app.id),
        "account": user(call, login),
        "target_type": "Organization",
    }
    return call.api.fill("installation", values)


@ROUTES("POST /app/installations/{installation_id}/access_tokens")
def create_token(call: Call) -> Reply:
    app = _app(call)
    if call.number("installation_id") not in app.installations:
        raise ApiError(404, "Not Found")
    if app.suspended:
        raise ApiError(403, "This installation has been suspended")
    ends = datetime.now(UTC) + app.life
    token = app.tokens.pop(0)
    return Reply(201, {"token": token, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "permissions": {}})
