"""What runs cost by the price data: blocks of `docs/research/ai-provider-strategy.md`.

Nothing here was measured against a paid service. The size of a run is assumed (`SHORT`, `USUAL`, `LONG`); the
page says where each figure comes from. The prices are those of the installed `genai-prices`, asked call by
call as Tamma asks them, because some models cost more above a prompt size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.metadata import version

from tamma.agents.prompting import prompt
from tamma.model.conversation import Request, Usage
from tamma.providers.catalogue.prices import cost_of, price_of
from tamma.providers.common import tokens
from tamma.workspace.tools import TOOLS

RUNS_A_MONTH = 40
"""Of one user: two on every working day."""
USERS = (10, 100, 1000)
GROWTH = 2_000
"""Tokens that a turn adds to the conversation: a tool's output of 8 kB, as in `bench/steps.py`."""
OUTPUT = 500
"""Tokens that a model writes in a turn, reasoning included."""
BESIDE = (6_000, 1_000)
"""Tokens in and out of the plan, and the same of the review: an issue or a diff, and an answer."""
_NO_WRITES = frozenset({"gemini", "zai"})
"""Types whose services cache by themselves and charge nothing for it."""


@dataclass(frozen=True, slots=True)
class Run:
    """The agent's turns of a run; plan and review come on top."""

    name: str
    turns: int


SHORT, USUAL, LONG = Run("short", 10), Run("usual", 30), Run("long", 100)


@dataclass(frozen=True, slots=True)
class Who:
    """A model of a provider type."""

    type: str
    model: str

    def __str__(self) -> str:
        return f"`{self.type}` | `{self.model}`"


CHOSEN = (
    Who("anthropic-claude", "claude-sonnet-5-5"),
    Who("anthropic-claude", "claude-opus-5-5"),
    Who("anthropic-claude", "claude-haiku-5-5"),
    Who("openai", "gpt-6.1-sol"),
    Who("openai", "gpt-6.1-terra"),
    Who("openai", "gpt-6-luna"),
    Who("gemini", "gemini-3.8-flash"),
    Who("gemini", "gemini-4-argon"),
    Who("zai", "glm-5.3"),
    Who("zai", "glm-4.7"),
    Who("openrouter", "anthropic/claude-sonnet-5.5"),
    Who("openrouter", "z-ai/glm-5.3"),
)
"""The defaults of the catalogue, and for each vendor a stronger or a cheaper one."""
STEPS = (
    ("Sonnet does all", CHOSEN[0], CHOSEN[0]),
    ("Opus plans and reviews, Haiku works", CHOSEN[1], CHOSEN[2]),
    ("Opus plans and reviews, Sonnet works", CHOSEN[1], CHOSEN[0]),
    ("Opus does all", CHOSEN[1], CHOSEN[1]),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription, as read on `read`."""

    name: str
    monthly: Decimal
    """US dollars for a user, billed monthly."""
    pays_for: str
    source: str
    read: str


PLANS = (
    Plan(
        "GitHub Copilot Business",
        Decimal(19),
        "1,900 AI credits of 0.01 USD each, pooled; more is billed",
        "github/docs, `data/variables/copilot.yml` and `billing.md`",
        "2026-11",
    ),
    Plan(
        "GitHub Copilot Enterprise",
        Decimal(39),
        "3,900 AI credits, likewise",
        "the same",
        "2026-11",
    ),
    Plan(
        "Claude Team, standard seat",
        Decimal(25),
        "Claude's own apps, and an API credit of unknown size",
        "third parties that cite claude.com/pricing (price), support.claude.com 8114531 (credit)",
        "2026-11",
    ),
    Plan(
        "ChatGPT Business, standard seat",
        Decimal(25),
        "ChatGPT and Codex; no API calls",
        "help.openai.com 8792536",
        "2026-11",
    ),
    Plan(
        "OpenCode Go",
        Decimal(10),
        "open models, up to limits; not tried with Tamma",
        "opencode's repository, `go.mdx`",
        "2026-11",
    ),
)


def data() -> str:
    """Which price data the tables are made of."""
    return f"Prices: `genai-prices` {version('genai-prices')}, in US dollars, without taxes."


def assumptions() -> str:
    """The size of a run, as a table."""
    rows = [
        ("system prompt and tools", f"{_fixed():,} tokens", "counted from the code, to the next 500"),
        ("growth of the conversation", f"{GROWTH:,} tokens a turn", "`bench/steps.py`: 8 kB a turn"),
        ("what the model writes", f"{OUTPUT:,} tokens a turn", "judgement; the demo's turns have 150"),
        ("plan, and review", "{:,} in, {:,} out each".format(*BESIDE), "judgement"),
        ("runs", f"{RUNS_A_MONTH} a user and month", "judgement: two on every working day"),
        *((f"a {run.name} run", f"{run.turns} turns", _about(run)) for run in (SHORT, USUAL, LONG)),
    ]
    return _table(("what", "how much", "where from"), rows)


def list_prices() -> str:
    """Dollars for a million tokens."""
    rows: list[Sequence[str]] = []
    for who in CHOSEN:
        price = price_of(who.type, who.model)
        assert price is not None, f"{who} has no price any more"
        figures = (price.input_mtok, price.cache_read_mtok, price.cache_write_mtok, price.output_mtok)
        rows.append((str(who), *("" if each is None else f"{each.normalize():f}" for each in figures)))
    return _table(("type | model", "input", "read from cache", "written to cache", "output"), rows)


def runs() -> str:
    """What a run costs."""
    rows: list[Sequence[str]] = []
    for who in CHOSEN:
        cached = [_usd(run_cost(run, who, who)) for run in (SHORT, USUAL, LONG)]
        rows.append((str(who), *cached, _usd(run_cost(USUAL, who, who, cached=False))))
    return _table(("type | model", "short", "usual", "long", "usual, nothing cached"), rows)


def steps() -> str:
    """What a usual run costs where steps have models of their own."""
    rows = [(name, _usd(run_cost(USUAL, thinks, works))) for name, thinks, works in STEPS]
    return _table(("who does what", "a usual run"), rows)


def projections() -> str:
    """What usual runs cost in a month."""
    rows: list[Sequence[str]] = []
    for who in CHOSEN:
        monthly = run_cost(USUAL, who, who) * RUNS_A_MONTH
        rows.append((str(who), *(f"{_whole(monthly * users)}" for users in USERS)))
    return _table(("type | model", *(f"{users:,} users" for users in USERS)), rows)


def plans() -> str:
    """What subscriptions cost in a month, and what they pay for."""
    rows = [
        (
            plan.name,
            f"{plan.monthly}",
            *(_whole(plan.monthly * users) for users in USERS),
            plan.pays_for,
            f"{plan.source}; {plan.read}",
        )
        for plan in PLANS
    ]
    users = (f"{users:,} users" for users in USERS)
    return _table(("plan", "a user", *users, "what it pays for", "read in"), rows)


def run_cost(run: Run, thinks: Who, works: Who, *, cached: bool = True) -> Decimal:
    """Dollars: `thinks` plans and reviews, `works` has the turns between."""
    beside = 2 * _call(thinks, Usage(input_total=BESIDE[0], output_total=BESIDE[1]))
    return beside + sum((_call(works, usage) for usage in usages(run, works, cached=cached)), Decimal(0))


def usages(run: Run, who: Who, *, cached: bool = True) -> Iterator[Usage]:
    """What each turn uses. Cached: all that the turn before had is read, and what is new is written."""
    before = 0
    for turn in range(run.turns):
        total = _fixed() + GROWTH * (turn + 1)
        if cached:
            written = 0 if who.type in _NO_WRITES else total - before
            yield Usage(total, cache_read=before, cache_write=written, output_total=OUTPUT)
        else:
            yield Usage(total, output_total=OUTPUT)
        before = total


def _call(who: Who, usage: Usage) -> Decimal:
    cost = cost_of(who.type, who.model, usage, None).usd
    assert cost is not None, f"{who} has no price any more"
    return cost


@cache
def _fixed() -> int:
    """Tokens that every turn begins with. Rounded up: a word in a prompt need not change the page."""
    asked = Request(model="", messages=(), system=prompt("system"), tools=tuple(TOOLS))
    return -(-tokens.estimate_request(asked) // 500) * 500


def _about(run: Run) -> str:
    total = sum(usage.input_total for usage in usages(run, CHOSEN[0]))
    return f"so {total:,} tokens in, {run.turns * OUTPUT:,} out, beside plan and review"


def _usd(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP)}"


def _whole(value: Decimal) -> str:
    return f"{value.quantize(Decimal(1), ROUND_HALF_UP):,}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown. A cell may hold several, divided by bars."""
    titles = " | ".join(head)
    line = "|".join("---" for _ in titles.split(" | "))
    return "\n".join([f"| {titles} |", f"|{line}|", *(f"| {' | '.join(row)} |" for row in rows)])
