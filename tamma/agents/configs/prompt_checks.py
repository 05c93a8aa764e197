"""Whether an agent's own prompts can be used: their names, their places, their size. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tamma.agents.configs.facts import Facts
from tamma.agents.configs.findings import Finding, error, note, warning
from tamma.agents.configs.prompts import ALMOST, PLACE, known_prompts, places
from tamma.agents.window import CHARACTERS_PER_TOKEN
from tamma.model.agent import AgentConfig
from tamma.model.agent_form import nearest
from tamma.telemetry.redaction import redact_text

MOST_OF_WINDOW = 0.25
"""Share of the window that the prompts may take before it is worth a word."""


def check_prompts(config: AgentConfig, facts: Facts) -> Iterator[Finding]:
    """Findings on each prompt, and on all of them together."""
    known = known_prompts()
    for name, text in sorted(config.prompts.items()):
        field = f"prompts.{name}"
        if name not in known:
            yield error("prompts", f"there is no prompt {name!r}", nearest(name, tuple(known)))
            continue
        if not text.strip():
            yield error(field, "it is empty", "leave it out to use the built-in one")
            continue
        yield from _places(field, text, known[name].known, known[name].required)
        if redact_text(text) != text:
            yield error(field, "it looks as if it held a secret", "no prompt needs one: take it out")
    yield from _size(config, facts)


def _places(field: str, text: str, known: frozenset[str], required: frozenset[str]) -> Iterator[Finding]:
    has = places(text)
    for place in sorted(has - known):
        yield error(field, f"nothing fills in '{{{{{place}}}}}'", nearest(place, tuple(known)))
    for place in sorted(required - has):
        yield error(field, f"'{{{{{place}}}}}' is missing: the model would not be told of it")
    for place in sorted(known - required - has):
        yield note(field, f"it leaves out '{{{{{place}}}}}'")
    for found in sorted({match[0] for match in ALMOST.finditer(text) if not PLACE.fullmatch(match[0])}):
        yield warning(field, f"{found!r} stays as it is", "places are written without blanks: {{issue}}")


def _size(config: AgentConfig, facts: Facts) -> Iterator[Finding]:
    window = (facts.able and facts.able.context_window) or config.capabilities.context_window_tokens
    if not window:
        return
    for name, text in sorted(config.prompts.items()):
        tokens = int(len(text) / CHARACTERS_PER_TOKEN)
        if tokens >= window:
            yield error(
                f"prompts.{name}", f"about {tokens:,} tokens do not fit into the window of {window:,}"
            )
        elif tokens > window * MOST_OF_WINDOW:
            yield warning(f"prompts.{name}", f"about {tokens:,} tokens fill much of the window of {window:,}")
