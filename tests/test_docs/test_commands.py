"""Every command that a page tells people to type exists, with its options."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from scripts import docs_cli
from tamma.cli.main import cli
from tests.test_docs.pages import ROOT, Snippet, blocks, inline

_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_COMMENT = re.compile(r"\s+# .*$")
_REDIRECTION = re.compile(r"\s+> [\w.-]+\s*$")
_ENVIRONMENT = re.compile(r"^(?:[A-Z_]+=\S*\s+)*")


def _lines() -> list[Snippet]:
    """The lines of shell blocks, without their comments."""
    found: list[Snippet] = []
    for block in blocks("sh"):
        found += [Snippet(block.page, "sh", line.strip()) for line in block.text.splitlines() if line.strip()]
    return found


def _words(text: str, program: str) -> list[str] | None:
    """The words after the program's name, None where the text is no call of it."""
    # Not by shlex: it begins a comment in the middle of `owner/repo#12`, which shells do not.
    text = _REDIRECTION.sub("", _COMMENT.sub("", _ENVIRONMENT.sub("", text.removeprefix("$ "))))
    if not re.match(rf"{program}(?:\s|$)", text):
        return None
    return shlex.split(text)[1:]


TYPED = [line for line in _lines() if _words(line.text, "tamma") is not None]
SAID = [snippet for snippet in inline() if _words(snippet.text, "tamma") is not None]
MAKE = [found for found in (*_lines(), *inline()) if _words(found.text, "make")]


def resolve(words: list[str], *, whole: bool) -> None:
    """Parse a command line as Click does, starting nothing. `whole`: nothing may be missing from it."""
    group: click.Command = cli
    ctx = docs_cli.root()
    while isinstance(group, click.Group):
        _, words, _ = group.make_parser(ctx).parse_args(list(words))
        if not words or words[0] in ("...", "…"):
            return
        name, *words = words
        command = group.get_command(ctx, name)
        if command is None:
            raise click.NoSuchCommand(name, ctx=ctx)
        group = command
        ctx = click.Context(command, info_name=name, parent=ctx)
    if whole:
        group.make_context(ctx.info_name, list(words), parent=ctx.parent)
    else:
        group.make_parser(ctx).parse_args(list(words))


@pytest.mark.parametrize("line", TYPED, ids=str)
def test_typed_commands_parse(line: Snippet) -> None:
    resolve(_words(line.text, "tamma") or [], whole=True)


@pytest.mark.parametrize("snippet", SAID, ids=str)
def test_mentioned_commands_exist(snippet: Snippet) -> None:
    resolve(_words(snippet.text, "tamma") or [], whole=False)


@pytest.mark.parametrize("found", MAKE, ids=str)
def test_make_targets_exist(found: Snippet) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
    named = [word for word in _words(found.text, "make") or [] if "=" not in word and word[0] != "-"]
    assert set(named) <= targets, f"{set(named) - targets} is no target of the Makefile"


@pytest.mark.parametrize(
    "wrong",
    [
        "tamma sbumit x",
        "tamma budget sub x",
        "tamma submit a#1 --budgte 3",
        "tamma approve x --gate lunch",
        "tamma watch",
    ],
)
def test_a_wrong_command_would_be_found(wrong: str) -> None:
    with pytest.raises(click.UsageError):
        resolve(_words(wrong, "tamma") or [], whole=True)


def test_the_pages_have_commands() -> None:
    assert len(TYPED) > 20
    assert len(SAID) > 20
