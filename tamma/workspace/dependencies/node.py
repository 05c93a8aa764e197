"""Node.js: package.json."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tamma.workspace.dependencies.reading import (
    Alarm,
    Need,
    Reading,
    inner,
    json_object,
    reading,
    shown,
)
from tamma.workspace.ecosystems.reading import strings

NPM = "npm"
_GROUPS = (
    "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions"
)  # fmt: skip
_BY_ITSELF = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare", "prepublish")
"""Scripts that package managers run without being asked to."""
_ELSEWHERE = re.compile(
    r"(?:git\+|git:|git@|https?:|ssh:|file:|link:|portal:|github:|gitlab:|bitbucket:|gist:|\.{0,2}/)"
    r"|[\w.-]+/[\w.-]+(?:#.*)?$"
)


def package_json(text: str) -> Reading:
    """What is depended on, and what runs at an installation."""
    document = json_object(text)
    return reading(_needs(document), _alarms(document))


def _needs(document: dict[str, object]) -> Iterator[Need]:
    for group in _GROUPS:
        for name, wanted in inner(document, group).items():
            if isinstance(wanted, str):
                yield need_of(name, wanted)


def need_of(name: str, wanted: str) -> Need:
    """A package by what package.json says of it. Members of the own workspace have no version."""
    if wanted.startswith("npm:"):  # another package under this name
        name, at, version = wanted.removeprefix("npm:").rpartition("@")
        return Need(NPM, name, version) if at and name else Need(NPM, version)
    if wanted.startswith(("workspace:", "catalog:", "$")):
        return Need(NPM, name)
    if _ELSEWHERE.match(wanted):
        return Need(NPM, name, source=wanted)
    return Need(NPM, name, "" if wanted in {"*", "latest"} else wanted)


def _alarms(document: dict[str, object]) -> Iterator[Alarm]:
    scripts = inner(document, "scripts")
    for name in _BY_ITSELF:
        body = scripts.get(name)
        if isinstance(body, str) and body.strip():
            yield Alarm(f"the script {name} runs at every installation: {shown(body)}", f'"{name}"')
    trusted = strings(document.get("trustedDependencies"))
    trusted += strings(inner(document, "pnpm").get("onlyBuiltDependencies"))
    for name in trusted:
        yield Alarm(f"{shown(name)} may run scripts when it is installed", name)
