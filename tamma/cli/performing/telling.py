"""Sheets on a terminal, as Markdown, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from tamma.cli import output
from tamma.cli.performing.sheets import Sheet

_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet; figures are none."""


def terminal(sheets: Iterable[Sheet]) -> None:
    """Tables on a terminal, lines with tabs elsewhere."""
    for number, sheet in enumerate(sheets):
        if number:
            output.data()
        if sheet.title:
            output.data(sheet.title)
        if sheet.heads:
            output.table(sheet.heads, sheet.rows)
        for line in sheet.lines:
            output.data(line)


def markdown(sheets: Iterable[Sheet]) -> None:
    """As a document."""
    for sheet in sheets:
        if sheet.title:
            output.data(f"## {_cell(sheet.title)}\n")
        if sheet.heads:
            output.data(_line(sheet.heads))
            output.data(_line(("---",) * len(sheet.heads)))
            for row in sheet.rows:
                output.data(_line(row))
            output.data()
        for line in sheet.lines:
            indent = len(line) - len(line.lstrip())
            output.data(f"{' ' * indent}- {line.strip().removeprefix('- ')}")
        if sheet.lines:
            output.data()


def comma_separated(heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Figures as they are, not rounded; empty where there is none."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_safe(value) for value in row] for row in rows)
    output.data(written.getvalue().rstrip("\n"))


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _safe(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_RISKY):
        return f"'{value}"
    return value
