""".NET's manifests."""

from __future__ import annotations

from collections.abc import Iterator

from tamma.workspace.dependencies.markup import Element, parse
from tamma.workspace.dependencies.reading import Alarm, Need, Reading, reading, shown

NUGET = "NuGet"
_REFERENCES = frozenset(
    {"PackageReference", "PackageVersion", "GlobalPackageReference", "DotNetCliToolReference"}
)
_SOURCES = frozenset({"RestoreSources", "RestoreAdditionalProjectSources", "RestoreConfigFile"})


def project(text: str) -> Reading:
    """A project file, or properties that projects share."""
    root = parse(text)
    return reading(_references(root), _alarms(root))


def _references(root: Element) -> Iterator[Need]:
    for _, element in root.walk():
        if element.name in _REFERENCES:
            name = element.attributes.get("Include") or element.attributes.get("Update") or ""
            version = element.attributes.get("Version") or element.attributes.get("VersionOverride")
            yield Need(NUGET, name.lower(), version or element.value("Version"))
        elif element.name == "Reference" and (path := element.value("HintPath")):
            yield Need(NUGET, element.attributes.get("Include", path).partition(",")[0].lower(), source=path)


def _alarms(root: Element) -> Iterator[Alarm]:
    for above, element in root.walk():
        if element.name in _SOURCES:
            yield Alarm(f"packages come from {shown(element.text)}", element.name)
        elif element.name == "Exec" and "Target" in above:
            command = element.attributes.get("Command", "")
            yield Alarm(f"a target of the build runs: {shown(command)}", "<Exec")


def packages_config(text: str) -> Reading:
    """packages.config, the older form."""
    return reading(
        Need(NUGET, element.attributes.get("id", "").lower(), element.attributes.get("version", ""))
        for _, element in parse(text).walk()
        if element.name == "package"
    )


def nuget_config(text: str) -> Reading:
    """Where packages come from."""
    return reading(
        (),
        (
            Alarm(f"packages come from {shown(value)}", value)
            for above, element in parse(text).walk()
            if element.name == "add" and above[-1:] == ("packageSources",)
            if (value := element.attributes.get("value", ""))
        ),
    )
