"""Commands in comments: what is one, what is none, and what it says."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.commands import LONGEST_TEXT, Command, Word, budget_of, commands_in, harmless
from tamma.model.task import BudgetChange


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("/tamma approve", [Command(Word.APPROVE)]),
        ("/tamma approve plan", [Command(Word.APPROVE, "plan")]),
        ("  /Tamma APPROVE merge  ", [Command(Word.APPROVE, "merge")]),
        ("Looks good.\r\n\r\n/tamma approve\r\nthanks", [Command(Word.APPROVE)]),
        ("/tamma approve.", [Command(Word.APPROVE)]),
        ("/tamma\tpause", [Command(Word.PAUSE)]),
        ("/tamma", [Command(Word.HELP)]),
        ("/tamma reject too risky\nreally", [Command(Word.REJECT, "too risky\nreally")]),
        ("/tamma steer: keep the name", [Command(Word.STEER, "keep the name")]),
        (
            "/tamma steer do as here:\n```\n/tamma approve\n```\nand so on",
            [Command(Word.STEER, "do as here:\n```\n/tamma approve\n```\nand so on")],
        ),
        ("/tamma steer a\n/tamma pause\nb", [Command(Word.STEER, "a"), Command(Word.PAUSE)]),
        ("/tamma approve plan\n/tamma approve merge", [Command(Word.APPROVE, "plan")]),
        ("/tamma budget add 2", [Command(Word.BUDGET, "add 2")]),
        ("/tamma aprove", [Command(None, "aprove")]),
        ("/tamma foo\n/tamma bar", [Command(None, "foo")]),
    ],
)
def test_a_command_begins_a_line(body: str, found: list[Command]) -> None:
    assert list(commands_in(body)) == found


@pytest.mark.parametrize(
    "body",
    [
        "> /tamma approve",
        "> > /tamma approve\n\nwhat does that mean?",
        "please say /tamma approve",
        "`/tamma approve`",
        "```\n/tamma approve\n```",
        "```sh\n/tamma approve",
        "~~~\n```\n/tamma approve\n```\n~~~",
        "````\n```\n/tamma approve\n```\n````",
        "    /tamma approve",
        "\t/tamma approve",
        "- /tamma approve",
        "<!--\n/tamma approve\n-->",
        "<!-- a template\n/tamma approve",
        "/tammany approve",
        "//tamma approve",
        "tamma approve",
        "",
    ],
)
def test_elsewhere_there_is_none(body: str) -> None:
    assert commands_in(body) == ()


def test_a_fence_that_is_closed_hides_nothing_behind_it() -> None:
    assert commands_in("```\ncode\n```\n/tamma approve") == (Command(Word.APPROVE),)
    assert commands_in("``` a `b` ```\n/tamma approve") == (Command(Word.APPROVE),)


def test_a_text_that_is_too_long_is_known_as_such() -> None:
    (command,) = commands_in("/tamma steer " + "x" * 30_000)
    assert len(command.text) == LONGEST_TEXT + 1


@given(st.text(st.sampled_from("/tam`~> \n<!-apr\t"), max_size=200))
def test_nothing_is_too_strange_to_be_read(body: str) -> None:
    found = commands_in(body)
    assert len({command.word for command in found}) == len(found) <= 10
    assert commands_in(harmless(body)) == ()


@given(st.text(max_size=60).filter(lambda text: "<!--" not in text))
def test_quoted_it_is_no_command_whatever_stands_around(text: str) -> None:
    quoted = "\n".join(f"> {line}" for line in f"{text}\n/tamma approve\n{text}".splitlines())
    assert commands_in(quoted) == ()


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("add 2", BudgetChange(add_usd=Decimal(2))),
        ("add $2.50", BudgetChange(add_usd=Decimal("2.50"))),
        ("ADD 2 USD", BudgetChange(add_usd=Decimal(2))),
        ("add 20 turns", BudgetChange(add_turns=20)),
        ("add 2.5 turns", None),
        ("add", None),
        ("2", None),
        ("add nan", None),
        ("add 1e99999999 turns", None),
        ("add two", None),
        ("add 2 apples", None),
    ],
)
def test_how_much_is_added(text: str, change: BudgetChange | None) -> None:
    assert budget_of(text) == change
