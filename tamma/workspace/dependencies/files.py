"""Which files say what a project depends on, by their names."""

from __future__ import annotations

import posixpath
import re

from tamma.workspace.dependencies import dotnet, jvm, node, others, python
from tamma.workspace.dependencies.locks import LOCKS
from tamma.workspace.dependencies.reading import LONGEST_LINE, Alarm, Reader, Reading, shown

_MANIFESTS: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"pyproject\.toml", python.pyproject),
        (r"[\w.-]*requirements[\w.-]*\.(?:txt|in)", python.requirements),
        (r"setup\.cfg", python.setup_cfg),
        (r"setup\.py", python.setup_py),
        (r"Pipfile", python.pipfile),
        (r"package\.json", node.package_json),
        (r"go\.mod", others.go_mod),
        (r"Cargo\.toml", others.cargo),
        (r"Gemfile|gems\.rb|[^/]+\.gemspec", others.gemfile),
        (r"composer\.json", others.composer),
        (r"mix\.exs", others.mix),
        (r"pom\.xml", jvm.pom),
        (r"[^/]+\.gradle(?:\.kts)?", jvm.gradle),
        (r"[^/]*\.versions\.toml", jvm.catalogue),
        (r"[^/]+\.(?:cs|fs|vb)proj|Directory\.[\w.]+\.(?:props|targets)", dotnet.project),
        (r"packages\.config", dotnet.packages_config),
        (r"(?i:nuget\.config)", dotnet.nuget_config),
    )
)
_SETTINGS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(name), re.compile(line))
    for name, line in (
        (r"(?:.*/)?\.npmrc", r"^\s*(?:@[\w.-]+:)?registry\s*="),
        (r"(?:.*/)?\.yarnrc(?:\.yml)?", r"^\s*(?:registry\s|npmRegistryServer\s*:)"),
        (r"(?:.*/)?bunfig\.toml", r"^\s*registry\s*="),
        (
            r"(?:.*/)?(?:\.?pip/)?pip\.(?:conf|ini)",
            r"^\s*(?:index-url|extra-index-url|find-links|trusted-host)\s*=",
        ),
        (r"(?:.*/)?uv\.toml", r"^\s*(?:url|index-url|extra-index-url|find-links)\s*="),
        (
            r"(?:.*/)?\.cargo/config(?:\.toml)?",
            r"^\s*(?:index|registry|replace-with|rustc-wrapper|directory|local-registry)\s*=",
        ),
        (r"(?:.*/)?\.bundle/config", r"^\s*BUNDLE_MIRROR"),
        (
            r"(?:.*/)?(?:gradle-wrapper|maven-wrapper)\.properties",
            r"^\s*(?:distributionUrl|wrapperUrl)\s*=",
        ),
    )
)
"""(path, lines that have packages, or the tools that install them, come from elsewhere)"""
_NOT_THE_PROJECTS = frozenset(
    {"fixtures", "fixture", "testdata", "test_data", "test-data", "__fixtures__", "node_modules"}
)


def reader_of(path: str) -> Reader | None:
    """How the file is read; None where it says nothing of dependencies, or is material of tests."""
    folder, name = posixpath.split(path)
    if not _NOT_THE_PROJECTS.isdisjoint(folder.split("/")):
        return None
    if lock := LOCKS.get(name):
        return lock
    if posixpath.basename(folder) == "requirements" and name.endswith((".txt", ".in")):
        return python.requirements
    for pattern, reader in _MANIFESTS:
        if pattern.fullmatch(name):
            return reader
    for pattern, line in _SETTINGS:
        if pattern.fullmatch(path):
            return _settings(line)
    return None


def _settings(wanted: re.Pattern[str]) -> Reader:
    def read(text: str) -> Reading:
        lines = (line[:LONGEST_LINE] for line in text.splitlines())
        found = (line.strip() for line in lines if wanted.match(line))
        return Reading(
            alarms=tuple(Alarm(f"it is installed from elsewhere: {shown(line)}", line) for line in found)
        )

    return read
