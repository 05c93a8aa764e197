"""Which platform an address is on: a configured account, a known host, what a plugin claims, or what the
server itself says. The first that knows decides; the decision is logged with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog

from tamma import registry
from tamma.errors import ConfigError
from tamma.platforms.accounts import Account, match
from tamma.platforms.plugins.detection import claimants
from tamma.platforms.url_forms import parse_location
from tamma.platforms.urls import Address, Location, known_type, locate

Ask = Callable[[Location], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found out about an address."""

    host: str
    type: str | None
    """None where nobody knows."""
    account: str | None
    """The configured account; None where the host has none."""
    address: Address | None
    """What it names there; None where that is nothing of a platform."""
    reason: str


async def detect(
    text: str,
    accounts: Iterable[Account],
    *,
    claims: Callable[[str], str | None] | None = None,
    probe: Ask | None = None,
) -> Detection:
    """What `text` is the address of. Raises ConfigError where it is no address, or two accounts claim it.

    `claims` names the type of a plugin that knows it, `probe` that of a server; None: they are not asked.
    """
    location = locate(text)
    if location is None:
        raise ConfigError(
            "that is no address of a repository",
            hint="give it as https://HOST/owner/repo or git@HOST:owner/repo.git",
        )
    found = match(text, accounts)
    if found is not None:
        account, address = found.account, found.address
        decided = Detection(location.netloc, account.type, account.id, address, found.reason)
    else:
        kind, reason = await _type_of(location, claims, probe)
        address = parse_location(location, kind)
        decided = Detection(location.netloc, kind, None, address, reason)
    structlog.get_logger().info(
        "platform.detected",
        host=decided.host,
        type=decided.type,
        account=decided.account,
        reason=decided.reason,
    )
    return decided


async def _type_of(
    location: Location, claims: Callable[[str], str | None] | None, probe: Ask | None
) -> tuple[str | None, str]:
    known = known_type(location.host)
    if known is not None:
        return known, f"{location.host!r} is known to be {known}"
    if claims is not None:
        claimed = await asyncio.to_thread(claims, _bare(location))
        if claimed is not None:
            return claimed, f"the plugin {claimed!r} claims it"
    if probe is None:
        return None, "the host is not known, and was not asked"
    said = await probe(location)
    if said is not None:
        return said, f"the server answers as {said} does"
    return None, "the host does not answer as any platform that Tamma knows"


def plugin_that_claims(url: str) -> str | None:
    """The first plugin, by name, that recognises an address. One that fails is passed over."""
    return next(iter(claimants(url, registry.platforms)), None)


def _bare(location: Location) -> str:
    """The address without users, passwords and queries: all that a plugin is told."""
    return f"https://{location.netloc}/{'/'.join(location.path)}"
