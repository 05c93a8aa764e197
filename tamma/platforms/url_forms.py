"""How each platform forms the paths of its addresses, and so what an address names. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tamma.platforms.urls import Address, Kind, Location, known_type, locate

Form = Callable[[Location], Address | None]

_KINDS: dict[str, Kind] = {
    "issues": "issue",
    "work_items": "issue",
    "pull": "pull_request",
    "pulls": "pull_request",
    "merge_requests": "pull_request",
    "pull-requests": "pull_request",
}
"""What stands before a number."""
_PAGES = frozenset(
    {
        *_KINDS, "actions", "activity", "archive", "blame", "blob", "branches", "commit", "commits",
        "compare", "edit", "media", "packages", "pipelines", "projects", "raw", "releases", "settings", "src",
        "tags", "tree", "wiki",
    }
)  # fmt: skip
"""What may stand behind a repository's name where nothing else tells where it ends."""


def parse(text: str, platform_type: str | None = None, root: str = "") -> Address | None:
    """What the address `text` names; None where that is nothing of a platform.

    `platform_type` says how its paths are formed, where it is known; `root` is the path that the server lives
    below (`/gitlab`).
    """
    location = locate(text)
    return None if location is None else parse_location(location, platform_type, root)


def parse_location(location: Location, platform_type: str | None = None, root: str = "") -> Address | None:
    """As `parse`."""
    kind = platform_type or known_type(location.host)
    below = tuple(segment for segment in root.split("/") if segment)
    if kind == "azure-devops" and organization_in(location.host, root):
        below = below[:-1]  # what follows is the first part of the owner
    if below and location.path[: len(below)] == below:
        location = replace(location, path=location.path[len(below) :])
    form = FORMS.get(kind or "") or form_of(location)
    return form(location)


def form_of(location: Location) -> Form:
    """What the path alone suggests, for hosts that nobody knows."""
    path = location.path
    if path[:1] == ("v3",) or {"_git", "_workitems", "_ssh"} & set(path):
        return azure
    if "-" in path[2:]:
        return gitlab
    if path[:1] == ("scm",) or (path[:1] in (("projects",), ("users",)) and path[2:3] == ("repos",)):
        return bitbucket_dc
    if path[:1] == ("browse",) and len(path) == 2:
        return jira
    return nested


def two_parts(location: Location) -> Address | None:
    """`/owner/name`, then the page: GitHub, Gitea, Forgejo."""
    if len(location.path) < 2:
        return None
    owner, name, *page = location.path
    return _address(location, owner, name, page)


def bitbucket(location: Location) -> Address | None:
    """As `two_parts`; workspaces and repositories are lower case, whatever the address writes."""
    if len(location.path) < 2:
        return None
    owner, name, *page = location.path
    return _address(location, owner.lower(), name.lower(), page)


def gitlab(location: Location) -> Address | None:
    """`/group/…/name/-/page`; older addresses are without the hyphen."""
    path = location.path
    if "-" in path:
        end = path.index("-")
        return _nested(location, path[:end], path[end + 1 :])
    if not location.git and len(path) >= 4 and path[-2] in _KINDS and path[-1].isdigit():
        return _nested(location, path[:-2], path[-2:])
    return _nested(location, path, ())


def nested(location: Location) -> Address | None:
    """Any number of groups, up to what looks like a page."""
    path = location.path
    cut = (
        len(path)
        if location.git
        else next((i for i, it in enumerate(path) if i >= 2 and it in _PAGES), len(path))
    )
    return _nested(location, path[:cut], path[cut:])


def bitbucket_dc(location: Location) -> Address | None:
    """`/projects/KEY/repos/name`, `/users/name/repos/name`, `/scm/key/name.git`, and `/key/name` by ssh.

    Keys are upper case, however they are written; a personal one begins with `~`.
    """
    match location.path:
        case ("projects" | "users" as kind, owner, "repos", name, *page):
            key = f"~{owner}" if kind == "users" else owner
        case ("scm", key, name):
            page = []
        case (key, name) if location.git:
            page = []
        case _:
            return None
    return _address(location, key if key.startswith("~") else key.upper(), name, page)


def azure(location: Location) -> Address | None:
    """`/organisation/project/_git/name`, work items, ssh's `v3/organisation/project/name`, and the older
    `organisation.visualstudio.com/project`. The owner is `organisation/project`."""
    host, path = location.host, location.path
    if path[:1] == ("v3",) and len(path) == 4:
        return _azure(location, path[1:3], path[3], [])
    silent = {"_optimized", "_full"}
    if host.endswith(".visualstudio.com"):
        path = (host.partition(".")[0], *path)
        silent.add("DefaultCollection")  # on a server it is a collection like others
    path = tuple(segment for segment in path if segment not in silent)
    mark = next((i for i, segment in enumerate(path) if segment in ("_git", "_ssh")), None)
    if mark is None:
        return _work_item(location, path)
    if mark == 0 or len(path) <= mark + 1:
        return None
    name, page = path[mark + 1], list(path[mark + 2 :])
    above = path[:mark]
    # Without a project the repository has the project's own name. A server has a folder of its own in front.
    where = (above[-1], name) if len(above) == 1 else above[-2:]
    return _azure(location, where, name, page)


def jira(location: Location) -> Address | None:
    """`/browse/KEY-12`, and boards where one issue is open."""
    match location.path:
        case ("browse", number):
            pass
        case _:
            number = dict(location.query).get("selectedIssue", "")
    return Address(location.netloc, "", "", "issue", number.upper()) if number else None


def organization_in(host: str, root: str) -> str:
    """The organization (on a server the collection) that an account's own address names; empty for none."""
    if host.endswith(".visualstudio.com"):
        return host.partition(".")[0]
    last = root.rstrip("/").rpartition("/")[2]
    return "" if last == "tfs" else last  # the folder that servers live in unless they are told otherwise


def _azure(location: Location, where: tuple[str, ...], name: str, page: list[str]) -> Address | None:
    name = name.removesuffix(".git")
    is_pull = page[:1] == ["pullrequest"] and len(page) > 1 and page[1].isdigit()
    number = page[1] if is_pull else None
    return Address(
        _azure_host(location), "/".join(where), name, "pull_request" if is_pull else "repository", number
    )


def _work_item(location: Location, path: tuple[str, ...]) -> Address | None:
    """It belongs to a project, not to a repository."""
    query = dict(location.query)
    match path:
        case (*where, "_workitems", "edit", number) if len(where) >= 2:
            pass
        case (*where, "_workitems", "recentlyupdated" | "assignedtome") if len(where) >= 2:
            number = query.get("id", "")
        case (*where, "_workitems") if len(where) >= 2:
            number = query.get("id", "")
        case (organisation, project, *_):
            where, number = [organisation, project], query.get("workitem", "")
        case _:
            return None
    if not number.isdigit():
        return None
    return Address(_azure_host(location), "/".join(where[-2:]), "", "issue", number)


def _azure_host(location: Location) -> str:
    return "dev.azure.com" if location.host.endswith(".visualstudio.com") else location.netloc


def _nested(location: Location, repository: tuple[str, ...], page: tuple[str, ...]) -> Address | None:
    if len(repository) < 2:
        return None
    return _address(location, "/".join(repository[:-1]), repository[-1], list(page))


def _address(location: Location, owner: str, name: str, page: list[str]) -> Address | None:
    name = name.removesuffix(".git")
    if not owner or not name:
        return None
    kind: Kind = "repository"
    number = None
    if len(page) >= 2 and page[0] in _KINDS and page[1].isdigit():
        kind, number = _KINDS[page[0]], page[1]
    return Address(location.netloc, owner, name, kind, number)


FORMS: dict[str, Form] = {
    "github": two_parts,
    "gitea": two_parts,
    "forgejo": two_parts,
    "gitlab": gitlab,
    "bitbucket": bitbucket,
    "bitbucket-dc": bitbucket_dc,
    "azure-devops": azure,
    "jira": jira,
    "memory": nested,
}
