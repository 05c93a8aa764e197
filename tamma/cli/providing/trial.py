"""One call to a provider, for the person who wants to know whether it works."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.providing.sheets import camel
from tamma.errors import ConfigError, ProviderError, TammaError
from tamma.model.conversation import Request, TextDelta, user
from tamma.pools import Providers
from tamma.providers.observed import CallRecord

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.providers.interface import Provider

OUTPUT_TOKENS = 512
"""At most: reasoning models think even about a greeting."""


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    name: str
    model: str = ""
    ok: bool = False
    detail: str = ""
    hint: str | None = None
    text: str = ""
    exit_code: int = 0
    call: CallRecord | None = field(default=None)

    def as_json(self) -> dict[str, object]:
        call = self.call
        return {
            "name": self.name,
            "model": (call and (call.served_model or call.model)) or self.model,
            "ok": self.ok,
            "detail": self.detail,
            "hint": self.hint,
            "text": self.text,
            # Rounded alike, so that the first token never seems to come after the last.
            "firstTokenSeconds": call and call.first_token_seconds and round(call.first_token_seconds, 4),
            "seconds": call and round(call.seconds, 4),
            "usage": call and {camel(key): value for key, value in asdict(call.usage).items()},
            "costUsd": None if call is None or call.cost.usd is None else str(call.cost.usd),
            "costSource": call and str(call.cost.source),
        }


class Teller:
    """Tells a trial as it goes: the answer on standard output, the rest beside it."""

    def __init__(self) -> None:
        self._began = False

    def name(self, outcome: Outcome) -> None:
        output.note(f"{outcome.name}{f' ({outcome.model})' if outcome.model else ''}")
        self._began = False

    def text(self, piece: str) -> None:
        click.echo(piece, nl=False)
        self._began = True

    def end(self, outcome: Outcome) -> None:
        if self._began:
            output.data()
        output.note(f"  {outcome.detail}")
        if outcome.hint:
            output.note(f"  hint: {outcome.hint}")


async def run(
    loaded: LoadedConfig,
    name: str,
    *,
    model: str | None,
    prompt: str,
    only_check: bool,
    show: Teller | None,
) -> Outcome:
    """Check the credential, or stream one answer. Errors of the provider are an outcome, not raised."""
    from tamma.config.resolve import provider_entry, settings_for_provider

    outcome = Outcome(name, model or provider_entry(loaded, name).model or "")
    if show:
        show.name(outcome)
    records: list[CallRecord] = []
    pool = Providers(lambda each: settings_for_provider(loaded, each), hooks=[records.append])
    try:
        provider = await pool.get(name)
        await (_check(provider, outcome) if only_check else _ask(provider, outcome, prompt, show))
    except (ProviderError, ConfigError) as error:
        _failed(outcome, error)
    finally:
        await pool.close()
    if records:
        outcome.call = records[-1]
        if outcome.ok:
            outcome.detail = figures(records[-1])
    if show:
        show.end(outcome)
    return outcome


async def _check(provider: Provider, outcome: Outcome) -> None:
    found = await provider.check()
    outcome.ok, outcome.detail, outcome.hint = found.ok, found.detail, found.hint
    outcome.exit_code = 0 if found.ok else found.exit_code or 1


async def _ask(provider: Provider, outcome: Outcome, prompt: str, show: Teller | None) -> None:
    request = Request(
        model=outcome.model,
        messages=(user(prompt),),
        max_output_tokens=OUTPUT_TOKENS,
        cache=False,
        metadata={"purpose": "test"},
    )
    async for event in provider.stream(request):
        if isinstance(event, TextDelta):
            outcome.text += event.text
            if show:
                show.text(event.text)
    outcome.ok = True


def _failed(outcome: Outcome, error: TammaError) -> None:
    outcome.detail, outcome.hint = f"{type(error).__name__}: {error}", error.hint or _patience(error)
    outcome.exit_code = error.exit_code


def _patience(error: TammaError) -> str | None:
    """What to do about an error that nobody has to mend."""
    if error.retry_after:
        return f"try again in {error.retry_after:.0f} s; a run does so by itself"
    return "try again; a run does so by itself" if error.may_retry else None


def figures(call: CallRecord) -> str:
    """Latency, tokens and cost in one line."""
    first, usage, usd = call.first_token_seconds, call.usage, call.cost.usd
    told = [
        "no token" if first is None else f"first token {first:.2f} s",
        f"{call.seconds:.2f} s in all",
        f"{'about ' if usage.estimated else ''}{usage.input_total} tokens in, {usage.output_total} out",
        "cost unknown" if usd is None else f"${usd:.6f} ({call.cost.source})",
    ]
    model = call.served_model or call.model
    return f"{f'{model}: ' if model else ''}{', '.join(told)}"
