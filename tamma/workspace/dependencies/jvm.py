"""Maven's and Gradle's manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tamma.workspace.dependencies.markup import Element, parse
from tamma.workspace.dependencies.reading import (
    Alarm,
    Need,
    Reading,
    inner,
    lines_of,
    reading,
    shown,
    text_of,
    toml,
)

MAVEN = "Maven"
_PLUGINS = "org.apache.maven.plugins"
_PLACE = re.compile(r"\$\{([\w.-]+)\}")
_COORDINATES = re.compile(
    r"[\"']([A-Za-z][\w.-]*):([A-Za-z][\w.-]*)(?::([^\"':@]+))?(?::[^\"']*)?(?:@\w+)?[\"']"
)
_CONFIGURATION = re.compile(
    r"^\s*(?:\w*[iI]mplementation|\w*[aA]pi|\w*[cC]ompile(?:Only)?|\w*[rR]untime(?:Only)?|classpath"
    r"|kapt\w*|ksp\w*|\w*annotationProcessor|add\(|\"\w+\"\()"
)
_BY_PARTS = re.compile(
    r"\bgroup\s*[:=]\s*[\"']([\w.-]+)[\"']\s*,\s*name\s*[:=]\s*[\"']([\w.-]+)[\"']"
    r"(?:\s*,\s*version\s*[:=]\s*[\"']([^\"']+)[\"'])?"
)
_PLUGIN = re.compile(r"\bid\s*\(?\s*[\"']([\w.-]+)[\"']\s*\)?\s*version\s*\(?\s*[\"']([^\"']+)[\"']")
_REPOSITORY = re.compile(
    r"(?:\bmaven(?:\s*\{[^\"']*|\s*\(\s*(?:url\s*=\s*)?(?:uri\s*\(\s*)?)|\burl\s*[=(]?\s*(?:uri\s*\(\s*)?)"
    r"[\"']([a-z]+://[^\"']+)[\"']"
)
_FILES = re.compile(r"\b(?:files|fileTree)\s*\(\s*(?:dir\s*[:=]\s*)?[\"']([^\"']+)[\"']")


def pom(text: str) -> Reading:
    """A pom.xml. Its own modules are no dependencies on others."""
    root = parse(text)
    values = {
        child.name: child.text.strip()
        for top in root.children
        if top.name == "properties"
        for child in top.children
    }
    return reading(_poms_needs(root, values), _poms_repositories(root, values))


def _poms_needs(root: Element, values: dict[str, str]) -> Iterator[Need]:
    for above, element in root.walk():
        if element.name not in {"dependency", "plugin", "parent", "extension"} or "exclusions" in above:
            continue
        group = element.value("groupId") or (_PLUGINS if element.name == "plugin" else "")
        artifact = element.value("artifactId")
        if not artifact or group in {"${project.groupId}", "${pom.groupId}"}:
            continue
        name = f"{_filled(group, values)}:{_filled(artifact, values)}"
        version = _filled(element.value("version"), values)
        yield Need(MAVEN, name, version, _filled(element.value("systemPath"), values))


def _poms_repositories(root: Element, values: dict[str, str]) -> Iterator[Alarm]:
    for above, element in root.walk():
        if element.name in {"repository", "pluginRepository"} and "distributionManagement" not in above:
            url = element.value("url")
            yield Alarm(f"packages come from {shown(_filled(url, values))}", url)


def _filled(text: str, values: dict[str, str]) -> str:
    """With the file's own properties put in: once, for they may name each other in a circle."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def gradle(text: str) -> Reading:
    """A Gradle script in Groovy or Kotlin, as far as it says it in so many words."""
    needs: list[Need] = []
    alarms: list[Alarm] = []
    for line in lines_of(text):
        if line.lstrip().startswith(("//", "*", "exclude", "/*")):
            continue
        if match := _PLUGIN.search(line):
            needs.append(Need(MAVEN, match[1], match[2]))
        elif match := _BY_PARTS.search(line):
            needs.append(Need(MAVEN, f"{match[1]}:{match[2]}", match[3] or ""))
        elif match := _REPOSITORY.search(line):
            alarms.append(Alarm(f"packages come from {shown(match[1])}", match[1]))
        elif match := _FILES.search(line):
            alarms.append(Alarm(f"files of the repository serve as libraries: {shown(match[1])}", match[1]))
        else:
            versioned = _CONFIGURATION.match(line) is not None
            needs += [
                Need(MAVEN, f"{found[1]}:{found[2]}", found[3] or "")
                for found in _COORDINATES.finditer(line)
                if versioned or ("." in found[1] and (found[3] or "")[:1].isdigit())
            ]
    return reading(needs, alarms)


def catalogue(text: str) -> Reading:
    """Gradle's version catalogue, `gradle/libs.versions.toml`."""
    document = toml(text)
    versions = inner(document, "versions")
    return reading(
        [
            *_catalogued(inner(document, "libraries"), versions),
            *_catalogued(inner(document, "plugins"), versions),
        ]
    )


def _catalogued(entries: dict[str, object], versions: dict[str, object]) -> Iterator[Need]:
    for key, value in entries.items():
        if isinstance(value, str):
            name, _, version = value.rpartition(":")
            yield Need(MAVEN, name, version)
            continue
        entry = inner(entries, key)
        name = text_of(entry, "module", "id") or f"{text_of(entry, 'group')}:{text_of(entry, 'name')}"
        reference = text_of(inner(entry, "version"), "ref")
        version = text_of(versions, reference) if reference else text_of(entry, "version")
        yield Need(MAVEN, name, version)
