"""Which configured account an address belongs to. Pure: nothing is looked up.

Several accounts may have one host, such as a personal and a work account on github.com: then patterns of
`repositories` decide, the most specific one first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tamma.errors import ConfigError
from tamma.platforms.roots import web_root
from tamma.platforms.url_forms import organization_in, parse_location
from tamma.platforms.urls import Address, Location, locate

_ALSO = {"dev.azure.com": (".visualstudio.com",)}
"""Domains whose addresses are another host's too."""


@dataclass(frozen=True, slots=True)
class Account:
    """A configured platform as far as names go."""

    id: str
    type: str
    hosts: tuple[str, ...] = ()
    """In lower case, with the web server's port where it is not the usual one; its own first."""
    root: str = ""
    """The path that the server lives below."""
    repositories: tuple[str, ...] = ()
    """Patterns (`github.com/acme/*`) of those it is for; empty: all that no other account claims."""
    tracker: str = ""
    """The id of the account where its issues are; empty: its own."""
    built_in: bool = False
    """Nobody configured it: any account that somebody did configure goes before it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An account, what the address names there, and why."""

    account: Account
    address: Address
    reason: str


def account(
    platform_id: str,
    platform_type: str,
    base_url: str | None = None,
    *,
    repositories: tuple[str, ...] = (),
    tracker: str = "",
    built_in: bool = False,
) -> Account:
    """An entry's account, with the hosts that its addresses have: its own id, those of its server, and those
    that its patterns begin with."""
    root = web_root(platform_type, base_url)
    _, _, server = (root or "").partition("://")
    host, _, path = server.partition("/")
    hosts = [host, platform_id.lower(), *(_split(pattern)[0] for pattern in repositories)]
    known = tuple(dict.fromkeys(each for each in hosts if each and "*" not in each))
    return Account(
        platform_id, platform_type, known, f"/{path}" if path else "", repositories, tracker, built_in
    )


def match(text: str, accounts: Iterable[Account]) -> Found | None:
    """The account whose repository, issue or pull request `text` is the address of; None where no account has
    its host, or the address names nothing of a platform.

    Raises ConfigError where two accounts have the same claim.
    """
    location = locate(text)
    if location is None:
        return None
    candidates: list[tuple[Account, Address]] = []
    for each in accounts:
        if serves(each, location):
            address = parse_location(location, each.type, each.root)
            if address is not None:
                candidates.append((each, address))
    return _best(candidates)


def named_out(account: Account, owner: str, name: str) -> tuple[str, str]:
    """Owner and name as the addresses of the account's web pages have them: one repository has one name."""
    if account.type == "bitbucket":
        return owner.lower(), name.lower()
    if account.type == "bitbucket-dc" and not owner.startswith("~"):
        return owner.upper(), name
    if account.type == "azure-devops" and "/" not in owner and account.hosts:
        # A project alone is enough where the account's address names the organization.
        organization = organization_in(account.hosts[0], account.root)
        return f"{organization}/{owner}".lstrip("/"), name
    return owner, name


def claim(full_name: str, among: Iterable[Account], host: str) -> Account | None:
    """Of the accounts of one host, the one for the repository `full_name`. Raises ConfigError for a tie."""
    owner, _, name = full_name.rpartition("/")
    found = _best([(each, Address(host, owner, name)) for each in among])
    return found.account if found else None


def serves(account: Account, location: Location) -> bool:
    """Whether the account is of the location's host. Addresses of git alone have another port, or none."""
    if location.netloc in account.hosts or location.host in account.hosts:
        return True
    if any(location.host.endswith(end) for host in account.hosts for end in _ALSO.get(host, ())):
        return True
    return location.git and any(host.rpartition(":")[0] == location.host for host in account.hosts)


def _best(candidates: list[tuple[Account, Address]]) -> Found | None:
    ranked = [(rank, *each) for each in candidates if (rank := _rank(*each)) is not None]
    if not ranked:
        return None
    best = max(rank for rank, _, _ in ranked)
    first, *others = [(account, address) for rank, account, address in ranked if rank == best]
    if others:
        names = " and ".join(repr(each.id) for each, _ in (first, *others))
        raise ConfigError(
            f"{first[1].full_name!r} on {first[1].host!r} could be of the platforms {names}",
            hint="say which repositories each of them is for, under `repositories` of its entry: "
            f'["{first[1].host}/{first[1].owner}/*"]',
        )
    chosen, address = first
    return Found(chosen, address, _reason(chosen, address, alone=len(ranked) == 1))


def _rank(account: Account, address: Address) -> tuple[int, bool, bool] | None:
    """How well it fits; None: it is for others."""
    if not account.repositories:
        return 0, not account.built_in, account.id.lower() == address.host
    fitting = [specific(pattern) for pattern in account.repositories if fits(pattern, address)]
    return (max(fitting), True, False) if fitting else None


def _reason(account: Account, address: Address, *, alone: bool) -> str:
    fitting = [pattern for pattern in account.repositories if fits(pattern, address)]
    if fitting:
        return f"its pattern {max(fitting, key=specific)!r} fits"
    if alone:
        return f"it is the account of the host {address.host!r}"
    return f"no other account of the host {address.host!r} claims it"


# --- patterns ----------------------------------------------------------------------------------------


def fits(pattern: str, address: Address) -> bool:
    """Whether a pattern of `repositories` means this repository.

    `*` stands for anything within one part of the path, and at the end for everything below; `**` for any
    parts. Capitals do not matter. A pattern that ends early (`github.com/acme`) means all below.
    """
    return _compiled(pattern).fullmatch(f"{address.host}/{address.full_name}") is not None


def specific(pattern: str) -> int:
    """How much of a pattern is written out: more goes before less. At least 1."""
    return 1 + len("/".join(_split(pattern)).replace("*", ""))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    host, path = _split(pattern)
    if path.endswith("/*") or path == "*":
        path += "*"
    pieces = re.split(r"(\*+)", f"{host}/{path}" if path else host)
    made = "".join(
        re.escape(piece) if not piece.startswith("*") else ".*" if len(piece) > 1 else "[^/]*"
        for piece in pieces
    )
    return re.compile(made + r"(/.*)?", re.IGNORECASE)


def _split(pattern: str) -> tuple[str, str]:
    """Host and path of a pattern, which may be written as an address of the web or of git."""
    rest = pattern.strip().partition("://")[2] or pattern.strip()
    if "://" not in pattern and re.match(r"[^/:]+@[^/:]+:(?!\d+/)", rest):
        rest = rest.replace(":", "/", 1)
    rest = rest.rpartition("@")[2] if "@" in rest.partition("/")[0] else rest
    host, _, path = rest.partition("/")
    return host.lower(), path.rstrip("/").removesuffix(".git")
