"""Asking a platform whether it knows us, for the person who wants to know whether an account works."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from tamma.config.platform_settings import platform_entry, token_ends, tracking_for_platform
from tamma.config.resolve import settings_for_platform
from tamma.errors import NotFound, TammaError
from tamma.model.repository import Identity, RateLimit, RepoRef
from tamma.platforms.auth.expiry import ends_within
from tamma.platforms.http.errors import one_line
from tamma.pools import Platforms

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.platforms.interface import Platform

Row = dict[str, object]


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    name: str
    type: str = ""
    ok: bool = False
    detail: str = ""
    hint: str | None = None
    warning: str | None = None
    exit_code: int = 0
    identity: Identity | None = None
    limit: RateLimit | None = None
    version: str = ""
    capabilities: list[str] = field(default_factory=list[str])
    repository: Row | None = None

    def as_json(self) -> Row:
        """By the names that all JSON has."""
        who, limit = self.identity, self.limit
        return {
            "name": self.name,
            "type": self.type,
            "ok": self.ok,
            "detail": self.detail,
            "hint": self.hint,
            "warning": self.warning,
            "login": who and (who.login or None),
            "scopes": list(who.scopes) if who else [],
            "expiresAt": who.expires_at.isoformat() if who and who.expires_at else None,
            "serverVersion": self.version or None,
            "rateLimit": limit and limit.limit,
            "rateRemaining": limit and limit.remaining,
            "rateResetsAt": limit.resets_at.isoformat() if limit and limit.resets_at else None,
            "capabilities": self.capabilities,
            "repository": self.repository,
        }

    def lines(self) -> list[str]:
        """For people: what is not known is left out. Servers say most of it: each stays on its line."""
        who, limit = self.identity, self.limit
        told = [("", self.detail)]
        if who is not None:
            told.append(("as", who.login or "no user (an app)"))
            told.append(("scopes", ", ".join(who.scopes)))
            told.append(("ends", f"{who.expires_at:%Y-%m-%d}" if who.expires_at else ""))
        told.append(("server", self.version))
        if limit is not None and limit.remaining is not None:
            of = f" of {limit.limit:,}" if limit.limit is not None else ""
            told.append(("calls left", f"{limit.remaining:,}{of}"))
        told.append(("can", ", ".join(self.capabilities)))
        if self.repository is not None:
            told.append(("repository", f"{self.repository['name']} on {self.repository['defaultBranch']}"))
        lines = [(name, one_line(value)) for name, value in told if value]
        return [f"  {name:<12}{value}" if name else f"  {value}" for name, value in lines]


async def run(loaded: LoadedConfig, name: str, repository: str | None) -> Outcome:
    """Ask `name` who we are and what it can do. Errors of the platform are an outcome, not raised."""
    entry = platform_entry(loaded, name)
    outcome = Outcome(name, entry.platform_type)
    pool = Platforms(
        lambda each: settings_for_platform(loaded, each), lambda each: tracking_for_platform(loaded, each)
    )
    try:
        await _ask(await pool.get(name), outcome, repository)
    except TammaError as error:
        outcome.detail = f"{type(error).__name__}: {error}"
        outcome.hint, outcome.exit_code = error.hint, error.exit_code
        if isinstance(error, NotFound) and outcome.identity is None:  # we ourselves are on every server
            outcome.hint = "the server answers, and not as this platform: does baseUrl name its API?"
    finally:
        await pool.close()
    said = outcome.identity.expires_at if outcome.identity else None
    if ends := ends_within(said or token_ends(entry), datetime.now(UTC)):
        outcome.warning = f"the credentials of {name!r}: the token {ends}"
        structlog.get_logger().warning("platform.token_ends", platform=name, token=ends)
    return outcome


async def _ask(platform: Platform, outcome: Outcome, repository: str | None) -> None:
    outcome.identity = await platform.check_credentials()
    outcome.version = await platform.server_version()
    outcome.capabilities = sorted(await platform.capabilities())
    outcome.limit = await platform.rate_limit()
    outcome.detail = "the credentials are accepted"
    if repository is not None:
        owner, _, name = repository.rpartition("/")
        found = await platform.get_repository(RepoRef(outcome.name, owner, name))
        outcome.repository = {
            "name": found.ref.full_name,
            "defaultBranch": found.default_branch,
            "private": found.private,
            "archived": found.archived,
        }
    outcome.ok = True
