"""The tests before a change against those after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tamma.workspace.interface import PolicyFinding
from tamma.workspace.weakening.languages import LANGUAGES
from tamma.workspace.weakening.patterns import read_by_patterns
from tamma.workspace.weakening.python import read_python
from tamma.workspace.weakening.reading import NOTHING, Check, Reading, Unit

_LONGEST = 400_000
"""Characters of a file that is read; a longer one is data rather than tests."""
_EMPTY = Reading()
Texts = Mapping[str, str]
"""Path -> text. A path that is not in it is not there."""


@dataclass(slots=True)
class _Work:
    before: dict[str, Reading]
    after: dict[str, Reading]
    strict: bool
    taken: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def fresh(self) -> Iterator[tuple[str, Unit]]:
        """The tests that only the change has, and that no other test has become."""
        for path, reading in self.after.items():
            known = self.before.get(path, _EMPTY).by_name
            for unit in reading.units:
                if unit.test and unit.name not in known and (path, unit.name) not in self.taken:
                    yield path, unit


def weakened(before: Texts, after: Texts) -> tuple[PolicyFinding, ...]:
    """What the change of test files takes from them. Both hold the files that changed, and no others.

    A test that is gone is a question to a person (`refuse` is False): it may be right. One that was moved,
    renamed, or whose assertions stand in another one now, is not gone.
    """
    return tuple(_findings(before, after, strict=False))


def changed_proof(shown: Texts, base: Texts, after: Texts) -> tuple[PolicyFinding, ...]:
    """What became of the tests that showed the problem: `shown` are their files as they failed.

    No expectation of theirs may change; what `base` had already is judged by `weakened`.
    """
    own: dict[str, str] = {}
    findings: list[PolicyFinding] = []
    for path, text in shown.items():
        if after.get(path) == text:
            continue
        if _read(path, text) is None:
            gone = path not in after
            words = "is gone" if gone else "was changed"
            findings.append(_finding(path, 0, "changed proof", f"the test that showed the problem {words}"))
        else:
            own[path] = text
    return (*findings, *_findings(own, after, strict=True, base=base))


def _findings(
    before: Texts, after: Texts, *, strict: bool, base: Texts | None = None
) -> Iterator[PolicyFinding]:
    old = {path: reading for path, text in before.items() if (reading := _read(path, text)) is not None}
    new = {path: reading for path, text in after.items() if (reading := _read(path, text)) is not None}
    work = _Work(old, new, strict)
    for path, reading in old.items():
        if path in after and path not in new:
            yield _finding(path, 0, "unreadable test", "it cannot be parsed any more")
            continue
        units = _own(path, reading, base) if base is not None else reading.units
        yield from _of_file(path, units, path in after, work)
        known = {words for _, words in reading.focused}
        for line, words in new.get(path, _EMPTY).focused:
            if words not in known:
                yield _finding(path, line, "focused test", f"`{words}` keeps all other tests from being run")
    for path in new.keys() - old.keys() if not strict else ():
        for line, words in new[path].focused:
            yield _finding(path, line, "focused test", f"`{words}` keeps all other tests from being run")


def _own(path: str, reading: Reading, base: Texts) -> tuple[Unit, ...]:
    """What the stage of the failing test wrote: not in the base as it is."""
    known = _read(path, base.get(path, "")) or _EMPTY
    return tuple(unit for unit in reading.units if not _same(known.by_name.get(unit.name), unit))


def _same(one: Unit | None, other: Unit) -> bool:
    return one is not None and (one.body, one.checks and [c.form for c in one.checks]) == (
        other.body, other.checks and [c.form for c in other.checks]
    )  # fmt: skip


def _of_file(path: str, units: tuple[Unit, ...], exists: bool, work: _Work) -> Iterator[PolicyFinding]:
    there = work.after.get(path, _EMPTY).by_name
    lost: list[Unit] = []
    for unit in units:
        now, where = there.get(unit.name), path
        if now is not None and unit.test and not now.test:
            now = None
        if now is None and unit.test:
            where, now = _elsewhere(path, unit, work)
        if now is not None:
            yield from _of_unit(where, unit, now, strict=work.strict)
        elif unit.test and (unit.checks or unit.body):
            lost.append(unit)
    spare = _spare(work)
    lost = [unit for unit in lost if not _stands_elsewhere(unit, spare)]
    if not lost:
        return
    if not exists and len(lost) > 1:
        yield _finding(
            path, 0, "deleted test", f"the file is gone, and with it {len(lost)} tests", work.strict
        )
    else:
        for unit in lost:
            yield _finding(path, 0, "deleted test", f"the test `{unit.name}` is gone", work.strict)


def _elsewhere(path: str, unit: Unit, work: _Work) -> tuple[str, Unit | None]:
    """Where a test went: the same name first, then the same content under another one."""
    fresh = sorted(work.fresh(), key=lambda item: item[0] != path)
    for alike in (_same_name, _same_body, _same_checks):
        for where, other in fresh:
            if alike(unit, other):
                work.taken.add((where, other.name))
                return where, other
    return path, None


def _same_name(unit: Unit, other: Unit) -> bool:
    return other.short == unit.short


def _same_body(unit: Unit, other: Unit) -> bool:
    return bool(unit.body) and other.body == unit.body


def _same_checks(unit: Unit, other: Unit) -> bool:
    meant = {check.form for check in unit.checks if check.strength}
    return bool(meant) and meant <= {check.form for check in other.checks}


def _spare(work: _Work) -> Counter[str]:
    """The assertions that the change brought: in new tests, and in those there were."""
    spare: Counter[str] = Counter()
    for path, reading in work.after.items():
        known = work.before.get(path, _EMPTY).by_name
        for unit in filter(_is_test, reading.units):
            spare += _forms(unit) - (_forms(known[unit.name]) if unit.name in known else Counter())
    return spare


def _is_test(unit: Unit) -> bool:
    return unit.test


def _stands_elsewhere(unit: Unit, spare: Counter[str]) -> bool:
    forms = _forms(unit)
    return bool(forms) and forms <= spare


def _forms(unit: Unit) -> Counter[str]:
    return Counter(check.form for check in unit.checks if check.strength and not unit.skipped)


def _of_unit(path: str, old: Unit, now: Unit, *, strict: bool) -> Iterator[PolicyFinding]:
    if now.skipped and not old.skipped:
        words = f"`{now.name}` does not count any more: {now.skipped}"
        yield _finding(path, now.line, "skipped test", words)
        return
    was, is_now = _telling(old), _telling(now)
    removed, added = _without(was, is_now), _without(is_now, was)
    if old.test and not is_now and (was or (old.body and not now.body)):
        what = "no assertion is left" if was else "nothing is left of it"
        yield _finding(path, now.line, "emptied test", f"{what} in `{now.name}`")
    elif strict and (removed or Counter(old.values) - Counter(now.values)):
        words = f"`{now.name}` showed the problem, and what it expects was changed"
        yield _finding(path, added[0].line if added else now.line, "changed proof", words)
    elif removed and len(added) < len(removed) and not any(check.many for check in added):
        words = f"`{now.name}` asserts less: {len(was)} before, {len(is_now)} now"
        yield _finding(path, now.line, "removed assertion", words)
    elif (loose := _looser(removed, added)) is not None:
        yield _finding(path, loose.line, "loosened assertion", f"`{now.name}` asserts less strictly")


def _telling(unit: Unit) -> list[Check]:
    return [check for check in unit.checks if check.strength > NOTHING]


def _without(these: list[Check], those: list[Check]) -> list[Check]:
    left = Counter(check.form for check in those)
    kept: list[Check] = []
    for check in these:
        if left[check.form]:
            left[check.form] -= 1
        else:
            kept.append(check)
    return kept


def _looser(removed: list[Check], added: list[Check]) -> Check | None:
    """The first new assertion that says less than the one whose place it took."""
    stronger = sorted(removed, key=lambda check: -check.strength)
    for old, new in zip(stronger, sorted(added, key=lambda check: -check.strength), strict=False):
        if new.strength < old.strength:
            return new
    return None


def _read(path: str, text: str) -> Reading | None:
    ending = path.rpartition(".")[2]
    if len(text) > _LONGEST:
        return None
    if ending == "py":
        return read_python(text)
    return read_by_patterns(text, LANGUAGES[ending]) if ending in LANGUAGES else None


def _finding(path: str, line: int, rule: str, words: str, refuse: bool = True) -> PolicyFinding:
    return PolicyFinding(path, rule, refuse, words, line)
