"""The linter's part: which command asks ruff about the changed files, and how its answer is read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from tamma.suites.graders.parts import Finding

_MARK = "tamma-lint-of-the-base"
_LINE = re.compile(r"^(\S[^:\n]*):\d+:\d+: ([A-Z]+\d+|invalid-syntax|SyntaxError)\b")
MOST_FILES = 100


def configured(lint_command: str | None) -> bool:
    """Whether the project's own lint command is ruff: where it is not, no rule holds."""
    return lint_command is not None and lint_command.startswith("ruff")


def lint_command(paths: Sequence[str], base_sha: str) -> str:
    """A command that prints ruff's findings in the changed Python files, then those in the base's."""
    files = [path for path in paths if path.endswith((".py", ".pyi"))][:MOST_FILES]
    options = "--quiet --exit-zero --no-cache --output-format concise --force-exclude"
    words = [
        f"command -v ruff >/dev/null || exit 127; ruff check {options} -- {shlex.join(files)}; echo {_MARK}"
    ]
    for path in files:
        name = shlex.quote(path)
        shown = shlex.quote(f"{base_sha}:{path}")
        words.append(
            f"git cat-file -e {shown} 2>/dev/null && git show {shown} | "
            f"ruff check {options} --stdin-filename {name} -"
        )
    return "; ".join(words) + "; exit 0"


def read_findings(output: str) -> tuple[list[Finding], list[Finding]]:
    """(the base's findings, the work's) of `lint_command`'s output. Raises ValueError if it was cut."""
    work, mark, base = output.partition(_MARK)
    if not mark:
        raise ValueError("the output of the linter was cut")
    return _findings(base), _findings(work)


def _findings(text: str) -> list[Finding]:
    return [
        (match[1].removeprefix("./"), match[2]) for line in text.splitlines() if (match := _LINE.match(line))
    ]
