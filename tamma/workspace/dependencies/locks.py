"""Lock files: every package that is installed, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from tamma.workspace.dependencies.dotnet import NUGET
from tamma.workspace.dependencies.jvm import MAVEN
from tamma.workspace.dependencies.node import NPM
from tamma.workspace.dependencies.others import CRATES, GEMS, HEX, PACKAGIST
from tamma.workspace.dependencies.python import PYPI, normalized
from tamma.workspace.dependencies.reading import (
    Need,
    Reader,
    Reading,
    inner,
    json_object,
    lines_of,
    tables,
    text_of,
    toml,
)

_USUAL = re.compile(
    r"registry\.(?:npmjs\.org|yarnpkg\.com)|pypi\.org|files\.pythonhosted\.org|index\.crates\.io"
    r"|github\.com/rust-lang/crates\.io-index"
)
"""The servers that the registries' own tools ask."""
_PLACE = "resolved"
"""npm's and yarn's word for where a package comes from."""
_YARN_NAME = re.compile(r"^\"?(@?[^@\"\s]+)@([^\",]*)")
_PNPM_NAME = re.compile(r"^  '?/?(@[^@'/(]+/[^@'/(]+|[^@'/(]+)[@/]([^:'(/]+)[^:]*'?:\s*$")
_BUN = re.compile(r"^\s+\"[^\"]+\": \[\"(@?[^@\"]+)@([^\"]+)\"")
_GEM = re.compile(r"^    (\S+) \(([^)]*)\)$")
_GRADLE = re.compile(r"^([\w.-]+:[\w.-]+):([^=\s]+)=")
_MIX = re.compile(r"^\s+\"(\w+)\":\s*\{:(hex|git|path)\s*,\s*(?::\w+\s*,\s*\"([^\"]*)\"|\"([^\"]*)\")")


def _locking(find: Callable[[str], Iterable[Need]]) -> Reader:
    def read(text: str) -> Reading:
        return Reading(brought=tuple(need for need in find(text) if need.name))

    return read


def elsewhere(address: str) -> str:
    """The server of an address, or the address of a repository; empty where packages usually come from."""
    if not address:
        return ""
    if address.startswith(("git", "ssh:")) and not address.startswith("github.com"):
        return address.partition("#")[0]
    parts = urlsplit(address.removeprefix("registry+").removeprefix("sparse+"))
    host = parts.hostname or ""
    if _USUAL.fullmatch(host) or _USUAL.fullmatch(f"{host}{parts.path}".rstrip("/")):
        return ""
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else address


# --- Python, Rust --------------------------------------------------------------------------------


def _poetry(text: str) -> Iterator[Need]:
    for entry in tables(toml(text).get("package")):
        source = inner(entry, "source")
        address = "" if text_of(source, "type") == "legacy" else text_of(source, "url")
        host = elsewhere(text_of(source, "url"))
        yield Need(PYPI, normalized(text_of(entry, "name")), text_of(entry, "version"), address or host)


def _uv(text: str) -> Iterator[Need]:
    for entry in tables(toml(text).get("package")):
        source = inner(entry, "source")
        if source.keys() & {"editable", "virtual"}:
            continue  # the project itself, and its members
        place = elsewhere(text_of(source, "registry")) or text_of(source, "git", "url", "path", "directory")
        yield Need(PYPI, normalized(text_of(entry, "name")), text_of(entry, "version"), place)


def _pylock(text: str) -> Iterator[Need]:
    for entry in tables(toml(text).get("packages")):
        place = elsewhere(text_of(entry, "index"))
        place = place or text_of(inner(entry, "vcs"), "url") or text_of(inner(entry, "archive"), "url")
        yield Need(PYPI, normalized(text_of(entry, "name")), text_of(entry, "version"), place)


def _pipfile(text: str) -> Iterator[Need]:
    document = json_object(text)
    for group in ("default", "develop"):
        for name in inner(document, group):
            entry = inner(document, group, name)
            place = text_of(entry, "git", "path", "file")
            yield Need(PYPI, normalized(name), text_of(entry, "version").lstrip("="), place)


def _cargo(text: str) -> Iterator[Need]:
    for entry in tables(toml(text).get("package")):
        if source := text_of(entry, "source"):  # without one it is a member of the workspace
            yield Need(CRATES, text_of(entry, "name"), text_of(entry, "version"), elsewhere(source))


# --- Node.js -------------------------------------------------------------------------------------


def _npm(text: str) -> Iterator[Need]:
    document = json_object(text)
    packages = inner(document, "packages")
    for path in packages:
        entry = inner(packages, path)
        _, found, name = path.rpartition("node_modules/")
        if found and entry.get("link") is not True:
            yield _npms(text_of(entry, "name") or name, entry)
    waiting = [] if packages else [inner(document, "dependencies")]
    while waiting:  # the form of npm 6 and older
        level = waiting.pop()
        for name in level:
            entry = inner(level, name)
            yield _npms(name, entry)
            waiting.append(inner(entry, "dependencies"))


def _npms(name: str, entry: dict[str, object]) -> Need:
    place = elsewhere(text_of(entry, _PLACE))
    return Need(NPM, name, text_of(entry, "version"), place, entry.get("hasInstallScript") is True)


def _yarn(text: str) -> Iterator[Need]:
    name, version, place = "", "", ""
    for line in (*lines_of(text), "end:"):
        if line[:1] not in ("", " ", "#"):
            if name:
                yield Need(NPM, name, version, place)
            found = _YARN_NAME.match(line)
            own = found is None or found[2].startswith(("workspace:", "link:", "portal:"))
            name = "" if found is None or own else found[1]
            version, place = "", ""
        else:
            key, _, value = line.strip().partition(" ")
            value = value.strip().strip('"')
            if key.rstrip(":") == "version":
                version = value
            elif key == _PLACE:
                place = elsewhere(value)
            elif key == "resolution:" and "@npm:" not in value:
                place = value.partition("@")[2].partition("#")[0]


def _pnpm(text: str) -> Iterator[Need]:
    inside = False
    name, version, place, scripts = "", "", "", False
    for line in (*lines_of(text), "end:"):
        if line[:1] not in ("", " ", "#"):
            if name:
                yield Need(NPM, name, version, place, scripts)
            name, inside = "", line.startswith("packages:")
        elif inside and (found := _PNPM_NAME.match(line)):
            if name:
                yield Need(NPM, name, version, place, scripts)
            name, version, place, scripts = found[1], found[2], "", False
        elif inside:
            if match := re.search(r"\btarball: ([^,}\s]+)", line):
                place = elsewhere(match[1])
            scripts = scripts or line.strip() == "requiresBuild: true"


def _bun(text: str) -> Iterator[Need]:
    for line in lines_of(text):
        if (found := _BUN.match(line)) and not found[2].startswith("workspace:"):
            usual = found[2][:1].isdigit()
            yield Need(NPM, found[1], found[2] if usual else "", "" if usual else found[2])


# --- others --------------------------------------------------------------------------------------


def _gemfile(text: str) -> Iterator[Need]:
    section, remote = "", ""
    for line in lines_of(text):
        if line[:1].strip():
            section, remote = line.strip(), ""
        elif line.startswith("  remote: "):
            remote = line.removeprefix("  remote: ").strip().rstrip("/")
        elif section in {"GEM", "GIT"} and (found := _GEM.match(line)):
            yield Need(GEMS, found[1], found[2], "" if remote == "https://rubygems.org" else remote)


def _composer(text: str) -> Iterator[Need]:
    document = json_object(text)
    for group in ("packages", "packages-dev"):
        for entry in tables(document.get(group)):
            yield Need(PACKAGIST, text_of(entry, "name").lower(), text_of(entry, "version"))


def _mix(text: str) -> Iterator[Need]:
    for line in lines_of(text):
        if found := _MIX.match(line):
            yield Need(HEX, found[1], found[3] or "", "" if found[2] == "hex" else found[4] or found[2])


def _nuget(text: str) -> Iterator[Need]:
    frameworks = inner(json_object(text), "dependencies")
    for framework in frameworks:
        packages = inner(frameworks, framework)
        for name in packages:
            entry = inner(packages, name)
            if text_of(entry, "type") != "Project":
                yield Need(NUGET, name.lower(), text_of(entry, _PLACE))


def _gradle(text: str) -> Iterator[Need]:
    for line in lines_of(text):
        if found := _GRADLE.match(line):
            yield Need(MAVEN, found[1], found[2])


LOCKS: dict[str, Reader] = {
    name: _locking(find)
    for name, find in {
        "poetry.lock": _poetry,
        "uv.lock": _uv,
        "pylock.toml": _pylock,
        "Pipfile.lock": _pipfile,
        "Cargo.lock": _cargo,
        "package-lock.json": _npm,
        "npm-shrinkwrap.json": _npm,
        "yarn.lock": _yarn,
        "pnpm-lock.yaml": _pnpm,
        "bun.lock": _bun,
        "Gemfile.lock": _gemfile,
        "composer.lock": _composer,
        "mix.lock": _mix,
        "packages.lock.json": _nuget,
        "gradle.lockfile": _gradle,
    }.items()
}
"""By the file's name."""
