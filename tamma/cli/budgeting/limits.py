"""`tamma budget show`, `set` and `remove`: the limits of a repository, a day or a month."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from tamma.cli import gates, output
from tamma.cli.amounts import Dollars
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, database_option, json_option
from tamma.cli.shapes import number
from tamma.cli.story import usd as dollars
from tamma.errors import ConfigError

if TYPE_CHECKING:
    from tamma.model.budget import LimitStanding, Reservation, SpendLimit
    from tamma.store.postgres import PostgresStore

_PERIODS = ("day", "month", "total")
_HEADS = ("REPOSITORIES", "PER", "LIMIT", "SPENT", "RESERVED", "LEFT", "TURNS AT")

_repo = click.option(
    "--repo",
    "glob",
    metavar="GLOB",
    default="*",
    help="Repositories that it is for: `owner/name`, `owner/*`, `platform:owner/name`.  [default: all]",
)
_per = click.option(
    "--per", "period", type=click.Choice(_PERIODS), required=True, help="What it counts; days by UTC."
)


@asynccontextmanager
async def _store(invocation: Invocation, database_url: str | None) -> AsyncGenerator[PostgresStore]:
    from tamma.cli.storing import stored

    async with stored(invocation.load(database_url=database_url), invocation.progress) as store:
        yield store


@click.command()
@json_option
@database_option
@click.pass_obj
@asynchronous
async def show(invocation: Invocation, as_json: bool, database_url: str | None) -> None:
    """Show the limits that runs share: what is spent, reserved and left, and when they begin anew."""
    now = datetime.now(UTC)
    async with _store(invocation, database_url) as store:
        standings = await store.limits_standing(now)
        held = await store.open_reservations()
    if as_json:
        output.json_document(
            {
                "limits": [_document(each, now) for each in standings],
                "reservations": [_reservation(each) for each in held],
            }
        )
    elif standings:
        output.table(_HEADS, [_row(each, now) for each in standings])
    else:
        output.note("runs share no limit: each has its own budget")
        output.note("hint: `tamma budget set --per day 20` limits what all of them spend in a day")


@click.command(name="set")
@click.argument("amount", metavar="USD", type=Dollars(zero=True))
@_repo
@_per
@database_option
@click.pass_obj
@asynchronous
async def set_(
    invocation: Invocation, amount: Decimal, glob: str, period: str, database_url: str | None
) -> None:
    """Limit what runs spend together in a day, a month, or ever. 0 stops them before their next model call.

    A run that meets a limit waits, and goes on when the period turns or the limit is raised. All limits that
    concern a repository hold at once. Benchmarks and A/B tests have budgets of their own and count for none.
    """
    from tamma.model.budget import Period, SpendLimit, scope_of

    limit = SpendLimit(scope_of(glob), Period(period), amount, gates.person())
    async with _store(invocation, database_url) as store:
        await store.set_spend_limit(limit)
    output.note(
        f"{_words(limit)} may cost {dollars(amount)} together; runs that wait look again by themselves"
    )


@click.command()
@_repo
@_per
@database_option
@click.pass_obj
@asynchronous
async def remove(invocation: Invocation, glob: str, period: str, database_url: str | None) -> None:
    """Remove a limit that runs share."""
    from tamma.model.budget import Period, scope_of

    scope = scope_of(glob)
    async with _store(invocation, database_url) as store:
        gone = await store.remove_spend_limit(scope, Period(period))
    if not gone:
        raise ConfigError(
            f"there is no limit for {scope!r} per {period!r}", hint="`tamma budget show` lists them"
        )
    output.note(f"the limit for {scope!r} per {period} is gone")


def _words(limit: SpendLimit) -> str:
    which = "all runs" if limit.scope == "*" else f"runs on {limit.scope}"
    return which if limit.period.value == "total" else f"{which} in a {limit.period.value}"


def _document(standing: LimitStanding, now: datetime) -> Mapping[str, Any]:
    limit, turns = standing.limit, standing.limit.period.turns(now)
    return {
        "scope": limit.scope,
        "per": limit.period.value,
        "limitUsd": number(limit.usd),
        "spentUsd": number(standing.spent),
        "reservedUsd": number(standing.reserved),
        "leftUsd": number(max(standing.left, Decimal(0))),
        "turnsAt": turns.isoformat() if turns else None,
        "setBy": limit.set_by,
    }


def _reservation(held: Reservation) -> Mapping[str, Any]:
    return {
        "taskId": held.task_id,
        "workflowId": held.workflow_id,
        "repo": held.repo,
        "usd": number(held.usd),
    }


def _row(standing: LimitStanding, now: datetime) -> tuple[str, ...]:
    limit, turns = standing.limit, standing.limit.period.turns(now)
    return (
        "all" if limit.scope == "*" else limit.scope,
        limit.period.value,
        dollars(limit.usd),
        dollars(standing.spent),
        dollars(standing.reserved),
        dollars(max(standing.left, Decimal(0))),
        f"{turns:%Y-%m-%d %H:%M} UTC" if turns else "never",
    )
