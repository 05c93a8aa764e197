"""Accounts, types and addresses as rows: names to JSON values, in the order they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamma import registry
from tamma.config.built_in_platforms import USUAL
from tamma.config.resolve import settings_for_platform
from tamma.config.secrets import env_name
from tamma.errors import TammaError
from tamma.platforms.roots import web_root
from tamma.platforms.urls import KNOWN_HOSTS

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.config.schema_platforms import PlatformConfig
    from tamma.platforms.detection import Detection

Row = dict[str, object]

_ADDRESS = {"github": "/api/v3"}
"""What `baseUrl` of an entry needs behind the server's address."""


def entries(loaded: LoadedConfig, default: str) -> list[Row]:
    """The configured accounts, the default one first."""
    ordered = sorted(loaded.config.platforms.available, key=lambda entry: entry.platform_id != default)
    return [
        {
            "name": entry.platform_id,
            "type": entry.platform_type,
            "server": web_root(entry.platform_type, entry.base_url),
            "auth": entry.auth_type,
            "credentials": credentials(loaded, entry),
            "repositories": list(entry.repositories) or (["default"] if entry.platform_id == default else []),
            "issues": _issues(entry),
        }
        for entry in ordered
    ]


def types() -> list[Row]:
    """What an entry's `platformType` may be."""
    return [
        {
            "type": entry.name,
            "version": entry.version,
            "from": entry.distribution or "tamma",
            "problem": registry.platforms.examine(entry) if entry.distribution else None,
        }
        for entry in registry.platforms.list()
    ]


def detected(text: str, found: Detection) -> Row:
    """What was found out about an address, with the entry that its server still needs."""
    address = found.address
    row: Row = {
        "host": found.host,
        "type": found.type,
        "account": found.account,
        "repository": address.full_name if address and address.name else None,
        "kind": address.kind if address else None,
        "number": address.number if address else None,
        "reason": found.reason,
    }
    if found.account is None and found.type is not None:
        row["entry"] = suggestion(found.host, found.type)
    return row


def suggestion(host: str, platform_type: str) -> Row:
    """An entry of `platforms.available` for a server that nobody configured."""
    usual = next((each for each in USUAL if each.host == host), None)
    variable = usual.tokens[0] if usual else f"{platform_type.upper().replace('-', '_')}_TOKEN"
    entry: Row = {"platformId": host, "platformType": platform_type}
    if host not in KNOWN_HOSTS:
        entry["baseUrl"] = f"https://{host}{_ADDRESS.get(platform_type, '')}"
    entry["credentials"] = {"accessToken": f"env:{variable}"}
    return entry


def credentials(loaded: LoadedConfig, entry: PlatformConfig) -> str:
    """Whether they are there, in words that name the place and never the secret."""
    given = entry.credentials
    reference = {"app": given.private_key, "oauth": given.refresh_token or given.access_token}.get(
        entry.auth_type, given.access_token
    )
    try:
        settings = settings_for_platform(loaded, entry.platform_id)
    except TammaError as error:
        return str(error)
    place = env_name(reference) or reference
    if entry.auth_type == "ssh" and reference is None:
        return given.ssh_key or "ssh finds its own"
    if settings.token or settings.oauth or settings.app:
        return f"set ({place})"
    return f"{place} is not set" if place else "none"


def _issues(entry: PlatformConfig) -> str | None:
    """Where they are, if elsewhere."""
    if entry.issues is None:
        return None
    return f"{entry.issues.platform}{f' ({entry.issues.project})' if entry.issues.project else ''}"
