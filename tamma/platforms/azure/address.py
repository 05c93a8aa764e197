"""Where things are in Azure DevOps: an organization or collection, a project, a repository. Pure.

Services: `https://dev.azure.com/{organization}/{project}/_git/{repository}`, formerly
`https://{organization}.visualstudio.com/...`. Server: `https://{host}/{virtual folder}/{collection}/...`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from tamma.errors import ConfigError
from tamma.model.repository import RepoRef
from tamma.platforms.common.names import segment

SERVICES = "https://dev.azure.com"
_SERVICES_HOST = "dev.azure.com"
_OLD_SUFFIX = ".visualstudio.com"


@dataclass(frozen=True, slots=True)
class Place:
    """A project below the base address. Parts are escaped; `collection` is empty or begins with a slash."""

    collection: str
    project: str
    repository: str

    @property
    def in_project(self) -> str:
        return f"{self.collection}/{self.project}/_apis"

    @property
    def in_repository(self) -> str:
        return f"{self.in_project}/git/repositories/{self.repository}"


@lru_cache(maxsize=256)
def place_of(base_url: str, repo: RepoRef) -> Place:
    """`owner` is `organization/project`, or the project alone where the base address names the rest.

    Raises ConfigError where there is no organization in either.
    """
    organization, _, project = repo.owner.rpartition("/")
    if organization and _names(base_url, organization):
        organization = ""
    if not project or (not organization and needs_organization(base_url)):
        raise ConfigError(
            f"{repo.full_name!r} names no organization and project",
            hint="write organization/project/repository, as in https://dev.azure.com/organization/project/_git/repository",
        )
    return Place(_path(organization), segment(project), segment(repo.name))


def collection_of(base_url: str, organization: str) -> str | None:
    """The collection's path below the base address; None where nobody says which it is."""
    if organization and not _names(base_url, organization):
        return _path(organization)
    return "" if organization or not needs_organization(base_url) else None


def needs_organization(base_url: str) -> bool:
    """Whether the base address is that of all organizations."""
    parts = urlsplit(base_url)
    return parts.hostname == _SERVICES_HOST and not parts.path.strip("/")


def identities_of(base_url: str, collection: str) -> str:
    """Where identities are looked up: of Services on a host of their own, which takes the same tokens
    (learn.microsoft.com/rest/api/azure/devops/ims/identities)."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host == _SERVICES_HOST:
        return f"https://vssps.{_SERVICES_HOST}{parts.path.rstrip('/')}{collection}"
    if host.endswith(_OLD_SUFFIX):
        return f"https://{host.removesuffix(_OLD_SUFFIX)}.vssps{_OLD_SUFFIX}"
    return collection


def without_user(url: str) -> str:
    """`https://org@dev.azure.com/...` as Azure DevOps writes it, without what stands before the `@`."""
    scheme, found, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{found}{host.rpartition('@')[2]}{slash}{path}" if found else url


def _path(organization: str) -> str:
    return "".join(f"/{segment(part)}" for part in organization.split("/") if part)


def _names(base_url: str, organization: str) -> bool:
    parts = urlsplit(base_url)
    path, wanted = unquote(parts.path).rstrip("/").lower(), organization.strip("/").lower()
    return path.endswith(f"/{wanted}") or (parts.hostname or "") == f"{wanted}{_OLD_SUFFIX}"
