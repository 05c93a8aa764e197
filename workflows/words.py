"""What a run writes into Git. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tamma.model.suggestion import PatchRef, PatchStage

_SUBJECT = 72
_BODY = 72
"""Columns that `git log` shows whole on a terminal of 80."""
_REVIEW = 500
"""Characters of a review in a question."""

INTERRUPTED = (
    "Your work was interrupted here and goes on now. Files are as you left them; "
    "commands that were running are not."
)
"""What an agent is told whose session begins in the middle."""


def commit_message(title: str, number: str, summary: str) -> str:
    """The title, the agent's summary in the width that Git's tools expect, and the issue it closes.

    Forges add a pull request's own number to a subject, so the issue stands at the end. The name of an
    issue's file would be noise, and is left out.
    """
    closes = f"Closes #{number}" if number.isdecimal() else ""
    parts = (_shortened(title, _SUBJECT), _wrapped(summary), closes)
    return "\n\n".join(part for part in parts if part)


def what_it_does(
    findings: Sequence[str], arrivals: Sequence[str], runs: Sequence[str] = (), *, pushes: bool = True
) -> str:
    """Why a change needs a person: the findings are those of `arrivals` and `runs`, and what is taken from
    the tests. `pushes`: as opposed to suggesting it, which has CI run nothing."""
    run = [each for each in findings if each in runs]
    brought = [each for each in findings if each in arrivals]
    taken = [each for each in findings if each not in arrivals and each not in runs]
    push = "a push" if pushes else "whoever pushes this suggestion"
    parts = (
        (f"{push} may have CI run, with its secrets, what the change makes of", run),
        ("the change brings in", brought),
        ("the change takes from the tests", taken),
    )
    return "; ".join(f"{words}: {'; '.join(found)}" for words, found in parts if found)


def patch_waits(
    patch: PatchRef,
    *,
    red: str,
    untested: str,
    green: bool,
    review: str,
    protected: Sequence[str],
    where: str,
) -> str:
    """What a person is asked about a stage's patch. `red`: the command of the failing test; `where` a yes
    has the suggestion written, if anywhere."""
    files = "file" if patch.files_total == 1 else "files"
    what = f"the {patch.stage}: {patch.files_total} {files}, +{patch.added} -{patch.removed}"
    if not patch.files_total:
        what = f"the {patch.stage}: nothing was changed"
    parts = [what, untested.rstrip(".")]
    if patch.stage is PatchStage.FAILING_TEST:
        parts.append(f"`{red}` is red, as it must be" if red else "")
        return "; ".join(part for part in parts if part)
    parts.append("the tests are green" if green else "")
    parts.append(f"it touches protected paths: {', '.join(protected)}" if protected else "")
    if patch.stage is PatchStage.SUGGESTION:
        parts += [
            f"review: {review[:_REVIEW]}" if review else "",
            f"a yes writes it {where}" if where else "",
        ]
    return "; ".join(part for part in parts if part)


def red_checks_comment(names: tuple[str, ...], rounds: int, *, old: bool) -> str:
    """What is written on a pull request whose checks the agent cannot get green."""
    which = ", ".join(f"`{name}`" for name in names)
    if old:
        why = f"These checks fail without this change, too: {which}."
    else:
        why = f"These checks are still red after {rounds} attempts to mend them: {which}."
    return (
        f"**This needs a person.** {why}\n\n"
        'The run waits. `tamma steer TASK "..."` tells the agent what to do; after the checks were run '
        "again, `tamma resume TASK` lets it look again; `tamma cancel TASK` ends it, and the branch stays."
    )


def conflict_comment(base: str, problems: tuple[str, ...], rounds: int) -> str:
    """What is written on a pull request whose conflicts the agent cannot solve."""
    listed = "\n".join(f"- {_code(problem)}" for problem in problems)
    return (
        f"**This needs a person.** The branch conflicts with `{base}`, and after {rounds} attempts git does "
        f"not agree that it is solved:\n\n{listed}\n\n"
        "Nothing of these attempts is published; the branch stands as it was. "
        '`tamma steer TASK "..."` tells the agent how to solve it; `tamma approve TASK` has it begin anew on '
        "the newest base. Where you merge it yourself the run notices, and ends."
    )


def _code(text: str) -> str:
    """On one line, as it is: it may hold lines of files."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


def _shortened(title: str, width: int) -> str:
    """The title on one line, cut after a word; in the middle of one where it has no spaces."""
    line = " ".join(title.split())
    if len(line) <= width:
        return line
    cut = line[: width - 2]
    return (cut.rpartition(" ")[0].rstrip(",;:") or cut[:-1]) + "..."


def _wrapped(text: str) -> str:
    """Long lines of prose broken; what has a layout of its own (lists, code, tables) is left as it is."""
    lines: list[str] = []
    fenced = False
    for line in text.strip().splitlines():
        fenced ^= line.lstrip().startswith("```")
        laid_out = fenced or line[:1] in (" ", "\t", "|", "`", "#", ">")
        hang = "  " if line.startswith(("- ", "* ")) else ""
        wide = len(line) > _BODY and not laid_out
        lines += _broken(line, hang) if wide else [line.rstrip()]
    return "\n".join(lines)


def _broken(line: str, hang: str) -> list[str]:
    return textwrap.wrap(line, _BODY, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
