"""What a third party's platform may not choose for us: decided in our process, on what came from its own.

Its answers reach parts of Tamma that are not confined, git above all. A local path or a key that the plugin
names would be read with our rights, and a repository of another account changed with that one's token.
"""

from __future__ import annotations

import re

from tamma.errors import PlatformError
from tamma.model.repository import Branch, RepoRef, Repository
from tamma.platforms.common.repositories import is_remote, without_user
from tamma.platforms.interface import GitCredentials, PlatformSettings

_BRANCH = re.compile(r"(?!-)[^\s~^:?*\[\\\x00-\x1f\x7f]+")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHOWN = 200


def allowed(answer: object, settings: PlatformSettings, plugin: str) -> None:
    """Raises PlatformError for an answer that must not be acted upon."""
    match answer:
        case GitCredentials():
            for name in ("ssh_key", "known_hosts", "ca_file"):
                if getattr(answer, name) not in (None, getattr(settings, name)):
                    raise _refused(
                        f"another {name} for git than the entry's",
                        settings,
                        plugin,
                        f"set {name} in the entry",
                    )
        case Repository(ref=ref, default_branch=branch, clone_url=url):
            if ref.platform_id != settings.id or _leads_away(ref):
                where = f"{ref.platform_id}:{ref.full_name}"[:_SHOWN]
                raise _refused(f"the repository {where!r}", settings, plugin, "it must be one of the account")
            _check_name(branch, settings, plugin)
            if not _configured(url, ref, settings.clone_url) and not is_remote(url):
                raise _refused(
                    f"the address {without_user(url)!r} to clone from",
                    settings,
                    plugin,
                    "it must be https, http or ssh, without a password; the entry's cloneUrl may be another",
                )
        case Branch(name=name, sha=sha):
            _check_name(name, settings, plugin)
            if _SHA.fullmatch(sha) is None:
                raise _refused(f"the commit {sha[:_SHOWN]!r}", settings, plugin, "it must be a hash")
        case _:
            pass


def _configured(url: str, repo: RepoRef, template: str | None) -> bool:
    """Whether it is what the entry's own template says."""
    return template is not None and url == template.format(owner=repo.owner, name=repo.name)


def _leads_away(repo: RepoRef) -> bool:
    """Whether a path or an address that ends in the name would end elsewhere."""
    return bool({"", ".", ".."} & set(repo.full_name.split("/")))


def _check_name(branch: str, settings: PlatformSettings, plugin: str) -> None:
    """Git must not take it for an option, nor for more than one branch."""
    if _BRANCH.fullmatch(branch) is None:
        raise _refused(
            f"the branch {branch[:_SHOWN]!r}", settings, plugin, "it must be what Git calls a branch"
        )


def _refused(what: str, settings: PlatformSettings, plugin: str, hint: str) -> PlatformError:
    return PlatformError(
        f"platform {settings.id!r}: the plugin {plugin!r} names {what}, which is not its to choose",
        hint=hint,
        platform=settings.id,
    )
