"""`tamma perf`: how agents do, what changed, what is worth testing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, database_option, json_option, server_options
from tamma.cli.performing.options import Asked, asked_options, form_options
from tamma.cli.performing.sharing import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tamma.cli.performing.sheets import Sheet
    from tamma.temporal.analysis import Scheduled

_METRICS = ("success", "quality", "cost", "duration")


@click.group()
def command() -> None:
    """Say how agents do, what changed, and what is worth testing. Looks at what runs measured of themselves.

    AGENT is NAME, all versions of an agent, or NAME@3, one of them. Costs are US dollars; what is compared is
    compared within types of tasks and repositories.
    """


command.add_command(share)


@command.command()
@click.argument("agent", required=False)
@asked_options
@form_options
@database_option
@click.pass_obj
@asynchronous
async def report(
    invocation: Invocation, agent: str | None, asked: Asked, form: str | None, database_url: str | None
) -> None:
    """Report on one agent, or on all side by side."""
    from tamma.analysis.wire import document, plain
    from tamma.cli.performing import rows, sheets
    from tamma.cli.performing.opening import analyzer

    async with analyzer(invocation, database_url) as ours:
        if agent is not None:
            found = (await ours.report(agent, asked.time_range, asked.selected),)
        else:
            found = await ours.reports(asked.time_range, asked.selected)
    if agent is None and not found:
        _nothing()
    elif all(not each.metrics.runs for each in found):
        _no_runs(asked)
    if form == "json":
        every = {"timeRange": plain(asked.time_range), "reports": [document(each) for each in found]}
        output.json_document(document(found[0]) if agent else every)
        return

    def shown() -> Iterable[Sheet]:
        if agent is not None:
            return sheets.report_sheets(found[0])
        lines = [line for each in found for line in each.insights]
        return (sheets.overview(found), sheets.Sheet("In words", lines=tuple(lines)))

    _show(form, shown, lambda: (rows.REPORT_HEADS, rows.report_rows(found)))


@command.command()
@click.argument("first", metavar="AGENT")
@click.argument("second", metavar="AGENT")
@asked_options
@form_options
@database_option
@click.pass_obj
@asynchronous
async def compare(
    invocation: Invocation,
    first: str,
    second: str,
    asked: Asked,
    form: str | None,
    database_url: str | None,
) -> None:
    """Compare the second agent with the first, on what both worked on.

    Nobody drew who got which task, so that it suggests and proves nothing: `tamma ab` decides.
    """
    from tamma.analysis.wire import document
    from tamma.cli.performing import rows, sheets
    from tamma.cli.performing.opening import analyzer

    async with analyzer(invocation, database_url) as ours:
        found = await ours.compare(first, second, asked.time_range, asked.selected)
    if not found.runs_a or not found.runs_b:
        _no_runs(asked)
    if form == "json":
        output.json_document(document(found))
        return
    _show(
        form,
        lambda: sheets.comparison_sheets(found),
        lambda: (rows.DIFFERENCE_HEADS, rows.comparison_rows(found)),
    )


@command.command()
@click.argument("agents", metavar="[AGENT]...", nargs=-1)
@click.option("--metric", type=click.Choice(_METRICS), help="This one alone, with its points.")
@asked_options
@form_options
@database_option
@click.pass_obj
@asynchronous
async def trends(
    invocation: Invocation,
    agents: tuple[str, ...],
    metric: str | None,
    asked: Asked,
    form: str | None,
    database_url: str | None,
) -> None:
    """Show how agents went over time, where a metric changed its level, and what changed then."""
    from tamma.analysis.periods import parts_of
    from tamma.analysis.wire import document
    from tamma.cli.performing import rows, sheets
    from tamma.cli.performing.opening import analyzer

    async with analyzer(invocation, database_url) as ours:
        parts = parts_of(asked.time_range)
        found = await ours.trends(agents, asked.time_range, asked.selected, parts=parts)
    found = tuple(each for each in found if metric in (None, each.metric))
    if not any(point.runs for each in found for point in each.points):
        _no_runs(asked)
    if form == "json":
        output.json_document({"trends": [document(each) for each in found]})
        return
    _show(
        form, lambda: sheets.trend_sheets(found, metric), lambda: (rows.TREND_HEADS, rows.trend_rows(found))
    )


@command.command()
@click.argument("agent", required=False)
@asked_options
@form_options
@database_option
@click.pass_obj
@asynchronous
async def recommend(
    invocation: Invocation, agent: str | None, asked: Asked, form: str | None, database_url: str | None
) -> None:
    """Say what is worth testing, on what evidence, and how to test it. Nothing is applied."""
    from tamma.analysis.recommending.case import LEAST
    from tamma.analysis.wire import plain
    from tamma.cli.performing import rows, sheets
    from tamma.cli.performing.opening import reports_of

    reports = await reports_of(invocation, database_url, agent, asked)
    found = tuple(each for report in reports for each in report.recommendations)
    if not any(each.metrics.runs for each in reports):
        _no_runs(asked)
    elif not found:
        runs = max(each.metrics.runs for each in reports)
        why = f"{runs} runs are fewer than the {LEAST} it takes" if runs < LEAST else "no rule found anything"
        output.note(f"nothing to recommend: {why}")
    if form == "json":
        output.json_document({"recommendations": [plain(each) for each in found]})
        return
    _show(
        form,
        lambda: (sheets.recommendation_sheet(found),) if found else (),
        lambda: (rows.RECOMMENDATION_HEADS, rows.recommendation_rows(found)),
    )


@command.command()
@click.argument("agent", required=False)
@asked_options
@json_option
@database_option
@click.pass_obj
@asynchronous
async def insights(
    invocation: Invocation, agent: str | None, asked: Asked, as_json: bool, database_url: str | None
) -> None:
    """Say in sentences what stands out. Each is made of numbers."""
    from tamma.cli.performing.opening import reports_of

    reports = await reports_of(invocation, database_url, agent, asked)
    if not any(each.metrics.runs for each in reports):
        _no_runs(asked)
    if as_json:
        output.json_document({each.agent: list(each.insights) for each in reports})
        return
    for each in reports:
        for line in each.insights:
            output.data(line if each.agent in line else f"{each.agent}: {line}")


@command.command()
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How far back.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def analyze(
    invocation: Invocation,
    days: int,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Analyse all active agents now, keep the result, and propose tests where that is allowed."""
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.analysis.wire import document
        from tamma.model.analysis_run import AnalysisRequest
        from tamma.temporal.analysis import analyse_now, outcome

        found = await outcome(await analyse_now(link.client, AnalysisRequest(days)))
    if as_json:
        output.json_document(document(found))
        return
    output.data(found.summary)
    for alert in found.alerts:
        output.data(f"regression: {alert}")
    for each in found.proposals:
        output.data(f"proposed: {each.candidate} ({each.title}); test it: {each.command}")
    for note in found.notes:
        output.note(f"note: {note}")


@command.command()
@click.option("--daily", "wish", flag_value="daily", help="Every day at 04:00 UTC.")
@click.option("--weekly", "wish", flag_value="weekly", help="Every Monday at 04:00 UTC.")
@click.option("--off", "wish", flag_value="off", help="Only when somebody asks.")
@click.option("--show", "wish", flag_value="show", help="Say how it is; so it does without an option.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def schedule(
    invocation: Invocation,
    wish: str | None,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Analyse all agents by themselves, daily or weekly: a Temporal Schedule."""
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.temporal import analysis

        match wish:
            case "daily" | "weekly":
                found = await analysis.set_schedule(link.client, wish)
            case "off":
                found = await analysis.remove_schedule(link.client)
            case _:
                found = await analysis.show_schedule(link.client)
    if as_json:
        from tamma.analysis.wire import plain

        output.json_document(plain(found))
        return
    for line in _schedule_lines(found):
        output.data(line)


def _schedule_lines(found: Scheduled) -> Iterable[str]:
    if found.rhythm == "off":
        yield "nothing is scheduled: `tamma perf schedule --daily` or `--weekly`"
        return
    yield f"analysed {found.rhythm}" + (" (paused)" if found.paused else "")
    if found.next is not None:
        yield f"next  {found.next:%Y-%m-%d %H:%M} UTC"
    if found.last is not None:
        yield f"last  {found.last:%Y-%m-%d %H:%M} UTC"


def _show(
    form: str | None,
    sheets: Callable[[], Iterable[Sheet]],
    rows: Callable[[], tuple[tuple[str, ...], Iterable[tuple[object, ...]]]],
) -> None:
    from tamma.cli.performing import telling

    if form == "csv":
        telling.comma_separated(*rows())
    elif form == "markdown":
        telling.markdown(sheets())
    else:
        telling.terminal(sheets())


def _nothing() -> None:
    output.note("no agent is active, and no run was measured in that time")
    output.note("hint: `tamma agent create --name NAME --activate` makes one; runs measure themselves")


def _no_runs(asked: Asked) -> None:
    from tamma.cli.performing.sheets import range_words

    output.note(f"no run ended from {range_words(asked.time_range)} that fits")
    output.note(
        "hint: a longer --since, fewer filters, --kind bench (benchmarks) or --kind replay (A/B tests)"
    )
