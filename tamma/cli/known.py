"""The configured accounts, as far as the words of a command name them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tamma.config.built_in_platforms import USUAL
from tamma.errors import ConfigError
from tamma.platforms.accounts import Account, claim
from tamma.platforms.urls import known_type

GITHUB = Account("github.com", "github", ("github.com",), built_in=True)

_COUNTED = re.compile(r"[1-9][0-9]{0,9}")
_KEYED = re.compile(r"[A-Z][A-Z0-9_]+-[1-9][0-9]{0,9}", re.IGNORECASE)
_COUNTING = frozenset({"github", "gitlab", "gitea", "forgejo", "azure-devops"})
"""Types whose issues have numbers."""
_WITHOUT_ISSUES = frozenset({"bitbucket", "bitbucket-dc"})
"""Bitbucket Cloud had some until August 2026."""


@dataclass(frozen=True, slots=True)
class Known:
    """The configured accounts, and which of them a repository without a platform is on."""

    by_id: dict[str, Account]
    default: str

    def called(self, platform: str) -> Account | None:
        """By its id; by its type, where one account is of that type."""
        if platform in self.by_id:
            return self.by_id[platform]
        found = [account for account in self.by_id.values() if account.type == platform]
        return found[0] if len(found) == 1 else None

    def of(self, full_name: str) -> Account | None:
        """The account of a repository that was named without its platform: on the default one's host."""
        default = self.by_id.get(self.default)
        if default is None or not default.hosts:
            return default
        host = default.hosts[0]
        return claim(full_name, [each for each in self.by_id.values() if host in each.hosts], host) or default

    def tracker(self, account: Account) -> Account:
        """Where its issues are."""
        return self.by_id.get(account.tracker, account)

    @property
    def ids(self) -> str:
        return ", ".join(sorted(self.by_id)) or "none"


def issue_number(text: str, tracker_type: str, issue: str, full_name: str) -> str:
    """The issue's number as its tracker writes it. Raises ConfigError for what cannot be one there."""
    need_issues(text, tracker_type)
    if tracker_type in _COUNTING and not _COUNTED.fullmatch(issue):
        raise ConfigError(f"{issue!r} is no issue number (in {text!r})", hint=f"e.g. {full_name}#12")
    if tracker_type == "jira":
        if not _KEYED.fullmatch(issue):
            raise ConfigError(f"{issue!r} is no key of Jira (in {text!r})", hint=f"e.g. {full_name}#SHOP-12")
        return issue.upper()
    return issue


def need_issues(text: str, tracker_type: str) -> None:
    """Raises ConfigError where nothing keeps issues."""
    if tracker_type in _WITHOUT_ISSUES:
        raise ConfigError(
            f"{tracker_type} has no issues (in {text!r})",
            hint='name the account of your tracker: "issues": {"platform": "jira"} in the entry of this one',
        )


def no_account(host: str, known: Known) -> ConfigError:
    hosts = sorted({host for account in known.by_id.values() for host in account.hosts})
    usual = next((each for each in USUAL if each.host == host), None)
    if usual is not None:
        hint = f"export {usual.tokens[0]}=..., or add it under `platforms` in the configuration"
    elif (kind := known_type(host.partition(":")[0])) is not None:
        hint = f"it is of the type {kind!r}: add it under `platforms` in the configuration"
    else:
        hint = (
            f"known hosts: {', '.join(hosts) or 'none'}; `tamma platforms detect` says what it is, "
            "then add it under `platforms` in the configuration"
        )
    return ConfigError(f"no platform is configured for the host {host!r}", hint=hint)
