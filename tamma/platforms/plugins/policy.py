"""What a third party's platform may not choose for us: decided in our process, on what came from its own.

Its answers reach parts of Tamma that are not confined, git above all. A local path or a key that the plugin
names would be read with our rights.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tamma.errors import PlatformError
from tamma.model.repository import RepoRef, Repository
from tamma.platforms.interface import GitCredentials, PlatformSettings

_SCP = re.compile(r"[\w.-]+@[\w.-]+:[^:]\S*")
_SCHEMES = ("https", "http", "ssh")


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
        case Repository(ref=ref, clone_url=url):
            if not _configured(url, ref, settings.clone_url) and not _remote(url):
                raise _refused(
                    f"the address {_shown(url)!r} to clone from",
                    settings,
                    plugin,
                    "it must be https, http or ssh, without a password; the entry's cloneUrl may be another",
                )
        case _:
            pass


def _configured(url: str, repo: RepoRef, template: str | None) -> bool:
    """Whether it is what the entry's own template says, of a name that leads nowhere else."""
    steps = repo.full_name.split("/")
    return (
        template is not None
        and not {"", ".", ".."} & set(steps)
        and url == template.format(owner=repo.owner, name=repo.name)
    )


def _remote(url: str) -> bool:
    """Whether git would fetch it over the network, and nothing is hidden in it."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.password is None
    except ValueError:
        return False
    return (plain and not url.startswith("-")) or _SCP.fullmatch(url) is not None


def _shown(url: str) -> str:
    return re.sub(r"(//)[^/@]*@", r"\1", url)[:200]


def _refused(what: str, settings: PlatformSettings, plugin: str, hint: str) -> PlatformError:
    return PlatformError(
        f"platform {settings.id!r}: the plugin {plugin!r} names {what}, which is not its to choose",
        hint=hint,
        platform=settings.id,
    )
