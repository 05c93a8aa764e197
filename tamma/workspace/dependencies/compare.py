"""What a change makes the project depend on that it did not depend on before. Pure.

All changed files are looked at together: what moves from one to another is no new dependency. Lock files say
more than anybody can be asked about, so what they bring in beside the named packages is told in one line a
file; what looks wrong among it is told in any case.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tamma.workspace.dependencies.files import reader_of
from tamma.workspace.dependencies.lookalikes import lookalike
from tamma.workspace.dependencies.reading import Alarm, Need, Reader, Reading, line_with, shown
from tamma.workspace.dependencies.versions import step
from tamma.workspace.interface import DependencyChange

CAREFUL = "CAREFUL: "
"""What stands before a finding that may be an attack."""
_MOST_NAMED = 10
_MOST_SCRIPTS = 20
Key = tuple[str, str]
"""(registry, name)"""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file before and after; None where it is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class _Side:
    """What all changed files say together, before or after."""

    named: defaultdict[Key, list[Need]] = field(default_factory=lambda: defaultdict(list))
    brought: defaultdict[Key, list[Need]] = field(default_factory=lambda: defaultdict(list))
    places: dict[Key, str] = field(default_factory=dict[Key, str])
    """The file that names each, or brings it."""

    def add(self, path: str, read: Reading) -> None:
        for kept, needs in ((self.named, read.needs), (self.brought, read.brought)):
            for need in needs:
                key = need.registry, need.name
                kept[key].append(need)
                if kept is self.named or key not in self.places:
                    self.places[key] = path


def dependency_changes(files: Iterable[FileChange], issue: str = "") -> tuple[DependencyChange, ...]:
    """The findings, those first that want the most care. `issue`: what the work is about."""
    before, after = _Side(), _Side()
    found: list[DependencyChange] = []
    texts: dict[str, str] = {}
    for each in files:
        if (reader := reader_of(each.path)) is None:
            continue
        old = _read(reader, each.before) or Reading()
        new = _read(reader, each.after)
        texts[each.path] = each.after or ""
        if new is None:
            why = "it cannot be read, so nobody knows what it makes the project depend on"
            found.append(DependencyChange(each.path, why, asks=True))
            continue
        before.add(each.path, old)
        after.add(each.path, new)
        found += _alarms(each.path, old.alarms, new.alarms, texts[each.path])
    found += _named(before, after, texts, issue)
    found += _brought(before, after)
    return tuple(sorted(found, key=lambda change: (not change.loud, not change.asks)))


def _read(reader: Reader, text: str | None) -> Reading | None:
    """None where it cannot be read. A file that is not there says nothing."""
    if text is None:
        return Reading()
    if "\0" in text:
        return None
    try:
        return reader(text)
    except (ValueError, RecursionError):
        return None


def _alarms(
    path: str, before: Iterable[Alarm], after: Iterable[Alarm], text: str
) -> Iterator[DependencyChange]:
    known = {alarm.words for alarm in before}
    for words, needle in {alarm.words: alarm.needle for alarm in after if alarm.words not in known}.items():
        yield _loud(path, words, line_with(text, needle))


def _loud(path: str, words: str, line: int = 0) -> DependencyChange:
    return DependencyChange(path, f"{CAREFUL}{words}", line, asks=True, loud=True)


# --- what the project names itself ---------------------------------------------------------------


def _named(before: _Side, after: _Side, texts: Mapping[str, str], issue: str) -> Iterator[DependencyChange]:
    for key, needs in after.named.items():
        old, path = before.named.get(key, []), after.places[key]
        words = _change(key, old, needs, after.brought.get(key, []))
        if not words:
            continue
        sources = {need.source for need in needs if need.source} - {need.source for need in old}
        wrong = [f"it comes from {shown(source)}, not from {key[0]}" for source in sorted(sources)]
        if not old and (odd := lookalike(*key)):
            wrong.insert(0, odd)
        line = line_with(texts[path], key[1].rpartition(":")[2])
        if issue and not old and names(issue, key[1]):
            words += ", which the issue names"
        if wrong:
            yield _loud(path, f"{words}: {'; '.join(wrong)}", line)
        else:
            moved = step((need.version for need in old), (need.version for need in needs))
            yield DependencyChange(path, words, line, asks=not old or bool(moved))
    for key in sorted(before.named.keys() - after.named.keys() - after.brought.keys()):
        yield DependencyChange(before.places[key], f"`{shown(key[1])}` is no dependency any more")


def _change(key: Key, old: list[Need], new: list[Need], locked: list[Need]) -> str:
    """What happened to a package, in words; empty where nothing did."""
    name, now, then = f"`{shown(key[1])}`", _versions(new), _versions(old)
    if not old:
        exact = f", locked at {_versions(locked)}" if locked and _versions(locked) != now else ""
        return f"{name}{f' {now}' if now else ''} is a new dependency ({key[0]}{exact})"
    if {(need.version, need.source) for need in new} <= {(need.version, need.source) for need in old}:
        return ""
    moved = step((need.version for need in old), (need.version for need in new))
    how = {"major": ", another major version", "back": ", an older version"}.get(moved, "")
    return f"{name} goes from {then or 'any version'} to {now or 'any version'}{how}"


def _versions(needs: Iterable[Need]) -> str:
    return " and ".join(
        shown(version) for version in dict.fromkeys(need.version for need in needs) if version
    )


def names(issue: str, name: str) -> bool:
    """Whether a text names the package: by all of its name, or by the last part of a path's."""
    known = {name, name.rpartition(":")[2]}
    if "/" in name:
        known.add(re.sub(r"/v\d+$", "", name).rpartition("/")[2])
    return any(
        re.search(rf"(?i)(?<![\w./@-]){re.escape(each)}(?![\w-])", issue) for each in known if len(each) > 1
    )


# --- what comes with it --------------------------------------------------------------------------


def _brought(before: _Side, after: _Side) -> Iterator[DependencyChange]:
    """What lock files hold that no manifest names."""
    lines: defaultdict[str, list[str]] = defaultdict(list)
    jumps: defaultdict[str, list[str]] = defaultdict(list)
    foreign: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    known_sources = {need.source for needs in before.brought.values() for need in needs}
    told = 0
    for key, needs in after.brought.items():
        old = before.brought.get(key, [])
        path, name = after.places[key], f"`{shown(key[1])}`"
        told_already = any(need.source for need in after.named.get(key, ()))
        for need in needs:
            if need.source and need.source not in known_sources and not told_already:
                foreign[path, need.source].append(name)
        if not old and any(need.scripts for need in needs) and told < _MOST_SCRIPTS:
            told += 1
            yield _loud(path, f"{name} runs a script when it is installed")
        if key in after.named or key in before.named:
            continue
        if not old:
            if odd := lookalike(*key):
                yield _loud(path, f"{name} comes with the others: {odd}")
            lines[path].append(name)
        elif step((need.version for need in old), (need.version for need in needs)):
            jumps[path].append(f"{name} ({_versions(old)} to {_versions(needs)})")
    for (path, source), found in foreign.items():
        yield _loud(path, f"{_some(found)} from {shown(source)} instead of the registry")
    for path, found in lines.items():
        yield DependencyChange(path, f"with the others comes: {_some(found)}", asks=True)
    for path, found in jumps.items():
        yield DependencyChange(path, f"another major or an older version of {_some(found)}", asks=True)


def _some(found: list[str]) -> str:
    more = len(found) - _MOST_NAMED
    return ", ".join(sorted(found)[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
