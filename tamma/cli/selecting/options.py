"""The options by which issues are selected and their runs are ordered, and what they make."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from tamma.cli.amounts import Dollars
from tamma.cli.ordering import Wishes
from tamma.errors import ConfigError

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.model.selection import SelectionRules

F = TypeVar("F", bound=Callable[..., Any])

_UNITS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LENGTH = re.compile(r"(\d{1,6})([smhd])")


class Length(click.ParamType[float]):
    """A length of time in seconds, written as `90s`, `10m`, `24h` or `7d`."""

    name = "length"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _LENGTH.fullmatch(str(value).strip().lower())
        if found is None:
            self.fail(f"{value!r} is no length of time, e.g. 90s, 10m, 24h or 7d", param, ctx)
        return float(int(found[1]) * _UNITS[found[2]])


def length(seconds: float) -> str:
    """Seconds as `Length` reads them, in the largest unit that is exact."""
    whole = round(seconds)
    unit = next((unit for unit in ("d", "h", "m") if whole and whole % _UNITS[unit] == 0), "s")
    return f"{whole // _UNITS[unit]}{unit}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command was told; nothing, where it leaves all to the configuration."""

    rules: Mapping[str, object] = field(default_factory=dict[str, object])
    """By their names in the section `selection` of the configuration."""
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def anything(self) -> bool:
        return bool(self.rules) or self.wishes != Wishes()

    def flags(self) -> dict[str, object]:
        """The configuration's paths that were set."""
        return {**{f"selection.{key}": value for key, value in self.rules.items()}, **self.wishes.flags()}


def asked_options(command: F) -> F:
    """The options of rules and runs, given to the command as one `asked`."""

    @functools.wraps(command)
    def gathered(*args: Any, **kwargs: Any) -> Any:
        wishes = Wishes(**{name: kwargs.pop(name) for name in _WISHES})
        rules = {key: kwargs.pop(name) for name, key in _RULES.items()}
        given = {key: value for key, value in rules.items() if value not in (None, (), False)}
        if given.get("anyIssue"):
            if "labels" in given:
                raise click.UsageError("--label and --any-issue exclude each other")
            given["labels"] = ()  # those of the configuration are not meant
        return command(*args, asked=Asked(given, wishes), **kwargs)

    wrapped: Any = gathered
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_RULES: Final[Mapping[str, str]] = {
    "labels": "labels",
    "any_issue": "anyIssue",
    "exclude_labels": "excludeLabels",
    "concurrency": "concurrency",
    "cool_down": "coolDown",
    "most": "most",
    "most_a_day": "mostADay",
    "retry_after": "retryAfter",
    "attempts": "attempts",
}
_WISHES = (
    "agent",
    "provider",
    "model",
    "approve",
    "merge",
    "budget",
    "base",
    "test_command",
    "max_turns",
)
_OPTIONS = (
    click.option(
        "--label", "labels", multiple=True, metavar="LABEL", help="Issues with this label; several: with all."
    ),
    click.option(
        "--any-issue", is_flag=True, help="Without a label, too: whoever opens an issue begins a run."
    ),
    click.option(
        "--exclude-label",
        "exclude_labels",
        multiple=True,
        metavar="LABEL",
        help="No issues with this label.  [default: needs-human-review]",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 100),
        help="Open runs of the repository at once.  [default: 1]",
    ),
    click.option(
        "--cool-down", type=Length(), help="Time between a run and the next, e.g. 10m.  [default: none]"
    ),
    click.option("--most", type=click.IntRange(1, 100), help="Issues that one look takes.  [default: 5]"),
    click.option(
        "--most-a-day", type=click.IntRange(1, 1000), help="Runs that begin in 24 hours.  [default: 20]"
    ),
    click.option(
        "--retry-after", type=Length(), help="When an issue whose run failed is tried again.  [default: 1d]"
    ),
    click.option(
        "--attempts", type=click.IntRange(1, 100), help="Failed runs until people have to look.  [default: 2]"
    ),
    click.option("--agent", metavar="NAME[@N]", help="The agent that does the work."),
    click.option("--provider", help="The AI provider, by its name in the configuration."),
    click.option("--model", help="The model."),
    click.option(
        "--approve",
        type=click.Choice(["none", "plan", "merge", "all"]),
        help="Which steps of each run wait for your word.  [default: none]",
    ),
    click.option("--merge", type=click.Choice(["auto", "never"]), help="Whether to merge.  [default: auto]"),
    click.option("--budget", type=Dollars(), help="US dollars of each run before it asks.  [default: 3.00]"),
    click.option(
        "--max-turns", type=click.IntRange(1, 10_000), help="Model calls of each run.  [default: 100]"
    ),
    click.option("--base", metavar="BRANCH", help="The branch to start from and merge into."),
    click.option("--test-command", metavar="COMMAND", help="How the project is tested, if it is not found."),
)


def rules_of(loaded: LoadedConfig) -> SelectionRules:
    """The rules that the configuration, with a command's flags on top, makes. Raises ConfigError."""
    from tamma.model.selection import SelectionRules

    config = loaded.config.selection
    if not config.labels and not config.any_issue:
        raise ConfigError(
            "no label says which issues are meant, so that anybody who opens one would begin a run",
            hint="--label LABEL takes those that somebody has labelled; --any-issue takes all",
        )
    return SelectionRules(
        labels=config.labels,
        exclude_labels=config.exclude_labels,
        concurrency=config.concurrency,
        cool_down=config.cool_down,
        most=config.most,
        most_a_day=config.most_a_day,
        retry_after=config.retry_after,
        attempts=config.attempts,
    )
