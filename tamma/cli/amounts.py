"""Amounts of money, as options of commands."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

MOST_DOLLARS = 1_000_000
"""What a run takes at once (see `workflows.messages`)."""


class Dollars(click.ParamType[Decimal]):
    """An amount of US dollars: `2`, `2.50` or `$2.50`. `zero`: nothing at all is an amount, too."""

    name = "usd"

    def __init__(self, *, zero: bool = False) -> None:
        self._zero = zero

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(str(value).strip().removeprefix("$"))
        except InvalidOperation:
            self.fail(f"{value!r} is no amount of dollars, e.g. 2.50", param, ctx)
        if not amount.is_finite() or amount < 0 or (amount == 0 and not self._zero):
            self.fail(f"{value!r} is no positive amount", param, ctx)
        if amount > MOST_DOLLARS:
            self.fail(f"{value!r} is more than {MOST_DOLLARS}", param, ctx)
        return amount
