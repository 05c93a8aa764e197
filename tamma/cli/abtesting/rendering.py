"""Where a report goes: the terminal, a pipe, a file."""

from __future__ import annotations

from pathlib import Path

from tamma.cli import output
from tamma.experiments.bundle import Bundle
from tamma.experiments.report.model import Report


def show(report: Report, form: str | None) -> None:
    """On standard output, by default as a person reads it."""
    from tamma.experiments.report.markdown import to_markdown
    from tamma.experiments.report.tidy import to_csv
    from tamma.experiments.report.wire import to_json

    match form:
        case "csv":
            output.data(to_csv(report).rstrip("\n"))
        case "json":
            output.data(to_json(report))
        case _ if form is None and output.terminal():
            from tamma.cli.render_ab import print_report

            print_report(report)
        case _:
            output.data(to_markdown(report).rstrip("\n"))


def write_html(report: Report, file: Path) -> None:
    """One self-contained file. Raises ConfigError where it cannot be written, or the extra `reports` is not
    installed."""
    from tamma.experiments.report.html import to_html

    output.file(file, to_html(report).encode())


def write_bundle(bundle: Bundle, file: Path) -> None:
    """What `--from-bundle` reads. Raises ConfigError where it cannot be written."""
    from tamma.experiments.bundle import to_bytes

    output.file(file, to_bytes(bundle))
