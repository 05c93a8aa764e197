"""Manifests of Go, Rust, Ruby, PHP and Elixir."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tamma.workspace.dependencies.reading import (
    Alarm,
    Need,
    Reading,
    inner,
    json_object,
    lines_of,
    reading,
    shown,
    tables,
    text_of,
    toml,
)

GO, CRATES, GEMS, PACKAGIST, HEX = "Go", "crates.io", "RubyGems", "Packagist", "Hex"
_GO_LINE = re.compile(r"^\s*(?:(require|replace)\s+)?([\w./~@-]+)(?:\s+(v\S+))?(?:\s*=>\s*(\S+))?")
_GO_BLOCK = re.compile(r"^\s*(\w+)\s*\(")
_GEM = re.compile(r"^\s*gem\s*\(?\s*[\"']([^\"']+)[\"'](.*)")
_GEMSPEC = re.compile(r"\.add_(?:runtime_|development_)?dependency\s*\(?\s*[\"']([^\"']+)[\"'](.*)")
_GEM_VERSION = re.compile(r"\s*,\s*[\"']([^\"']+)[\"']")
_GEM_SOURCE = re.compile(
    r"(?::(?:git|github|gist|bitbucket|path|source)\s*=>|\b(?:git|github|gist|bitbucket|path|source):)"
    r"\s*[\"']([^\"']+)[\"']"
)
_GEM_BLOCK = re.compile(r"^\s*(?:source|git|path)\s*\(?\s*[\"']([^\"']+)[\"']")
_MIX = re.compile(r"\{\s*:(\w+)\s*,\s*(?:\"([^\"]*)\")?([^}]*)\}?")
_MIX_SOURCE = re.compile(r"\b(?:git|github|path|url|repo):\s*\"([^\"]+)\"")
_CARGO_GROUPS = ("dependencies", "dev-dependencies", "build-dependencies")
_COMPOSERS_SCRIPTS = re.compile(
    r"(?:pre|post)-(?:install|update|autoload|root-package-install|create-project)\S*"
)
_NO_PACKAGE = re.compile(r"php(?:-\w+)?|(?:ext|lib)-.*|composer(?:-\w+-api)?|hhvm")


def go_mod(text: str) -> Reading:
    """go.mod: what is required, and apart from it what that requires."""
    needs: list[Need] = []
    brought: list[Need] = []
    block = ""
    for line in lines_of(text):
        words, _, comment = line.partition("//")
        if opened := _GO_BLOCK.match(words):
            block = opened[1]
            continue
        if words.strip() == ")":
            block = ""
            continue
        found = _GO_LINE.match(words)
        if found is None:
            continue
        kind, name, version, replaced = found[1] or block, found[2], found[3] or "", found[4]
        if kind == "require":
            (brought if "indirect" in comment else needs).append(Need(GO, name, version))
        elif kind == "replace" and replaced:
            needs.append(Need(GO, name, version, replaced))
    return Reading(tuple(needs), brought=tuple(brought))


def cargo(text: str) -> Reading:
    """Cargo.toml. What the workspace decides stands in its own file."""
    document = toml(text)
    parents = [document, inner(document, "workspace")]
    parents += [inner(document, "target", name) for name in inner(document, "target")]
    groups = [inner(parent, group) for parent in parents for group in _CARGO_GROUPS]
    groups += [inner(document, "patch", name) for name in inner(document, "patch")]
    groups.append(inner(document, "replace"))
    return reading(need for group in groups for need in _crates(group))


def _crates(group: dict[str, object]) -> Iterator[Need]:
    for key, value in group.items():
        details = inner(group, key)
        version = value if isinstance(value, str) else text_of(details, "version")
        source = text_of(details, "git", "path", "registry", "registry-index")
        yield Need(CRATES, text_of(details, "package") or key, "" if version == "*" else version, source)


def gemfile(text: str) -> Reading:
    """A Gemfile, or a gem's own specification."""
    needs: list[Need] = []
    alarms: list[Alarm] = []
    for line in lines_of(text):
        if line.lstrip().startswith("#"):
            continue
        if match := _GEM.match(line) or _GEMSPEC.search(line):
            source = _GEM_SOURCE.search(match[2])
            needs.append(Need(GEMS, match[1], _versions(match[2]), source[1] if source else ""))
        elif (match := _GEM_BLOCK.match(line)) and match[1].rstrip("/") != "https://rubygems.org":
            alarms.append(Alarm(f"packages come from {shown(match[1])}", match[1]))
    return reading(needs, alarms)


def _versions(rest: str) -> str:
    """The texts that follow the name at once: `, "~> 7.1", ">= 7.1.2"`."""
    found: list[str] = []
    at = 0
    while match := _GEM_VERSION.match(rest, at):
        found.append(match[1])
        at = match.end()
    return ", ".join(found)


def composer(text: str) -> Reading:
    """composer.json."""
    document = json_object(text)
    return reading(
        (
            Need(PACKAGIST, name.lower(), "" if wanted == "*" else wanted)
            for group in ("require", "require-dev")
            for name, wanted in inner(document, group).items()
            if isinstance(wanted, str) and not _NO_PACKAGE.fullmatch(name)
        ),
        _composers_alarms(document),
    )


def _composers_alarms(document: dict[str, object]) -> Iterator[Alarm]:
    listed = document.get("repositories")
    named = inner(document, "repositories")
    for entry in tables(listed) or [inner(named, key) for key in named]:
        if url := text_of(entry, "url"):
            yield Alarm(f"packages come from {shown(url)}", url)
    for name, body in inner(document, "scripts").items():
        if _COMPOSERS_SCRIPTS.fullmatch(name):
            yield Alarm(f"the script {shown(name)} runs by itself: {shown(str(body))}", name)
    for name, allowed in inner(document, "config", "allow-plugins").items():
        if allowed is True:
            yield Alarm(f"the plugin {shown(name)} may run at every installation", name)


def mix(text: str) -> Reading:
    """mix.exs: tuples that look like dependencies."""
    needs: list[Need] = []
    for line in lines_of(text):
        if line.lstrip().startswith("#"):
            continue
        for match in _MIX.finditer(line):
            source = _MIX_SOURCE.search(match[3])
            if source or re.search(r"\d", match[2] or ""):
                needs.append(Need(HEX, match[1], match[2] or "", source[1] if source else ""))
    return reading(needs)
