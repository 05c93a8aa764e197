"""What one platform's API has of its own, beside routes: who may call, and how it words errors."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead
from tests.support.forge.calls import ApiError, Call, Reply, Request, Routes
from tests.support.forge.description import Description
from tests.support.forge.world import World

TOKEN = "canary-t0ken-of-the-bot"
"""What an adapter under test is given; it is the bot's."""


@dataclass
class Tokens:
    """Which credentials are whose. An empty login: valid, and nobody's (a GitHub App's)."""

    logins: dict[str, str] = field(default_factory=dict[str, str])

    def bearer(self, request: Request) -> str | None:
        """`Authorization: Bearer …` or `token …`: whose it is; None: nobody's."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.logins.get(token) if scheme.lower() in ("bearer", "token") else None

    def basic(self, request: Request) -> str | None:
        """`Authorization: Basic …`: by the password alone."""
        scheme, _, coded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        return self.logins.get(base64.b64decode(coded).decode().partition(":")[2])

    def header(self, request: Request, name: str) -> str | None:
        """A header that holds the token alone."""
        return self.logins.get(request.headers.get(name, ""))


def worded(error: PlatformError) -> ApiError:
    """How most platforms word what the world refuses."""
    statuses: tuple[tuple[type[PlatformError], int], ...] = (
        (NotFound, 404),
        (StaleHead, 409),
        (Conflict, 409),
        (Forbidden, 403),
    )
    status = next((status for kind, status in statuses if isinstance(error, kind)), 422)
    return ApiError(status, error.message)


def message_body(error: ApiError) -> Reply:
    """`{"message": …}`."""
    return Reply(error.status, {"message": error.message}, dict(error.headers))


def no_headers(call: Call) -> dict[str, str]:
    return {}


def same_path(world: World, path: str) -> str:
    return path


@dataclass(frozen=True)
class Face:
    """One platform's API.

    `descriptions`: the first that has an operation counts. `authenticate`: whose the credentials are, None
    for bad ones; it may raise ApiError, or let a request pass without. `error`: the answer for a refusal.
    `headers`: of every answer, such as rate limits. `limited`: the refusal of a request too many.
    `translate`: what a route did not word itself.
    """

    name: str
    routes: Routes
    descriptions: Sequence[Description]
    authenticate: Callable[[Request, Tokens], str | None] = lambda request, tokens: tokens.bearer(request)
    error: Callable[[ApiError], Reply] = message_body
    headers: Callable[[Call], dict[str, str]] = no_headers
    limited: Callable[[], ApiError] = lambda: ApiError(429, "Too many requests")
    translate: Callable[[PlatformError], ApiError] = worded
    slashes: Sequence[str] = ()
    """Parameters of undescribed operations that hold slashes."""
    readdress: Callable[[World, str], str] = same_path
    """What a path that is not described stands for, as a repository's number for its name."""
    etags: bool = False
    """Whether answers to reads have an ETag, and 304 is answered where the caller has it."""
