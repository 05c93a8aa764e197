"""Which tests passed: read from what a test runner printed. Knows pytest's and unittest's words.

The output comes from code under test, which may print anything: where two lines disagree about a test, it did
not pass. Code that means to deceive can still do so, as it can change the runner itself; see docs/suites.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tamma.model.suite import HiddenTests

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PYTEST = re.compile(r"^(?:(PASSED) +(\S.*)|(FAILED|ERROR|SKIPPED|XFAIL|XPASS) +(\S.*?)(?: - .*)?)$")
"""Only what did not simply pass has a reason behind a dash; a parameter's name may hold one."""
_UNITTEST_LINE = re.compile(r"^(test\S* \([\w.]+\))$")
_VERDICT = re.compile(r"^.* \.\.\. (ok|FAIL|ERROR|skipped.*|expected failure|unexpected success)$")
_FAILED_BLOCK = re.compile(r"^(?:FAIL|ERROR): (test\S* \([\w.]+\))")
_GOOD = frozenset({"PASSED", "XFAIL", "ok", "expected failure"})


@dataclass(frozen=True, slots=True)
class HiddenOutcome:
    """How the hidden tests ended. `named`: their names were found; else only the exit code counts."""

    passed: bool
    named: bool
    fixed: int = 0
    to_fix: int = 0
    kept: int = 0
    to_keep: int = 0
    missing: tuple[str, ...] = ()
    """Those that did not pass, at most 20."""

    @property
    def score(self) -> float:
        """0 to 100; see the package."""
        if not self.named:
            return 100.0 if self.passed else 0.0
        return 100.0 * _share(self.fixed, self.to_fix) * _share(self.kept, self.to_keep)


def judge_hidden(
    hidden: HiddenTests, output: str, exit_code: int, *, timed_out: bool = False
) -> HiddenOutcome:
    """Whether every test that must pass did. Without names the exit code decides."""
    wanted = (*hidden.fail_to_pass, *hidden.pass_to_pass)
    if not wanted:
        return HiddenOutcome(exit_code == 0 and not timed_out, named=False)
    results = read_results(output)
    passed = {name for name in wanted if _passed(name, results)}
    fixed = sum(name in passed for name in hidden.fail_to_pass)
    kept = sum(name in passed for name in hidden.pass_to_pass)
    missing = tuple(name for name in wanted if name not in passed)
    return HiddenOutcome(
        not missing,
        named=True,
        fixed=fixed,
        to_fix=len(hidden.fail_to_pass),
        kept=kept,
        to_keep=len(hidden.pass_to_pass),
        missing=missing[:20],
    )


def read_results(output: str) -> dict[str, bool]:
    """Name -> whether it passed, of every test that a pytest or unittest run names.

    pytest: the short summary (`-rap`). unittest: the lines of `-v`. Where a name comes twice, it passed only
    if it did both times.
    """
    found: dict[str, bool] = {}
    pending = ""
    for raw in output.split("\n"):
        line = _ANSI.sub("", raw).rstrip()
        if match := _PYTEST.match(line):
            _note(found, match[2] or match[4], (match[1] or match[3]) in _GOOD)
            pending = ""
        elif match := _FAILED_BLOCK.match(line):
            _note(found, match[1], passed=False)
        elif match := _VERDICT.match(line):
            # A test with a docstring prints its name on one line and the verdict on the next.
            name = line.rpartition(" ... ")[0]
            _note(found, name, match[1] in _GOOD)
            if pending:
                _note(found, pending, match[1] in _GOOD)
            pending = ""
        else:
            named = _UNITTEST_LINE.match(line)
            pending = named[1] if named else ""
    return found


def _note(found: dict[str, bool], name: str, passed: bool) -> None:
    found[name] = found.get(name, True) and passed


def _passed(name: str, results: Mapping[str, bool]) -> bool:
    """By its whole name; a bare name (`test_two`, `Class.test_two`) stands for every test that ends so."""
    if name in results:
        return results[name]
    if "::" in name or " (" in name:
        return results.get(_other_form(name), False)
    alike = [passed for known, passed in results.items() if _ends_with(known, name)]
    return bool(alike) and all(alike)


def _other_form(name: str) -> str:
    """unittest's `test_a (mod.Class)` is `test_a (mod.Class.test_a)` from Python 3.11 on, and back."""
    match = re.fullmatch(r"(test\S*) \(([\w.]+)\)", name)
    if not match:
        return name
    short, where = match[1], match[2]
    return (
        f"{short} ({where.removesuffix('.' + short)})"
        if where.endswith(f".{short}")
        else f"{short} ({where}.{short})"
    )


def _ends_with(known: str, name: str) -> bool:
    bare = known.partition("[")[0]
    if bare.endswith((f"::{name}", f".{name}")) or bare == name:
        return True
    match = re.fullmatch(r"(test\S*) \(([\w.]+)\)", known)
    if not match:
        return bare.replace("::", ".").endswith(f".{name}")
    where = match[2] if match[2].endswith(f".{match[1]}") else f"{match[2]}.{match[1]}"
    return where.endswith(f".{name}")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
