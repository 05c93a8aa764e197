"""Tables, patches and remarks about agents on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tamma.cli import output
from tamma.cli.agenting import sheets

if TYPE_CHECKING:
    from tamma.agents.configs.compare import Difference
    from tamma.agents.configs.findings import Finding


def difference(found: Difference, labels: tuple[str, str]) -> None:
    """The fields as a table, the prompts as patches."""
    if found.fields:
        output.table(("FIELD", *labels), sheets.field_rows(found))
    for each in found.prompts:
        if found.fields or each is not found.prompts[0]:
            output.data()
        patch(each.patch)


def patch(text: str) -> None:
    if output.terminal():
        from tamma.cli.render import print_diff

        print_diff(output.shown(text))
        return
    output.data(text)


def remarks(findings: Sequence[Finding]) -> None:
    """What a check found, beside what the command was asked for."""
    for line in sheets.finding_lines(findings):
        output.note(line)
