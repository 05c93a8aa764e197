"""Markdown to the wiki text of Jira Data Center, and back. Pure.

Source: jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all.
"""

from __future__ import annotations

import re

from tamma.platforms.jira.markdown import Block, Span, blocks, spans

_MEANS = re.compile(r"([{}\[\]|!*^~\\])")
"""What would be read as wiki text."""
_CODE = re.compile(r"\{(code|noformat)(?::([^}\n]*))?\}\n?(.*?)\n?\{\1\}", re.DOTALL)
_HEADING = re.compile(r"h([1-6])\.\s+(.*)")
_LINK = re.compile(r"(?<!\\)\[([^\[\]|\n]+)\|([^\[\]|\s]+)\]")
_BARE_LINK = re.compile(r"(?<!\\)\[(https?://[^\[\]|\s]+)\]")
_MONO = re.compile(r"(?<!\\)\{\{(.+?)(?<!\\)\}\}")
_BOLD = re.compile(r"(?<![\w\\*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])")
_ESCAPED = re.compile(r"\\([{}\[\]|!*^~\\])")
_KEPT = re.compile(r"\x00(\d+)\x00")


def to_wiki(text: str) -> str:
    """As wiki text."""
    return "\n\n".join(map(_written, blocks(text)))


def from_wiki(text: str | None) -> str:
    """Wiki text as Markdown."""
    kept: list[str] = []

    def keep(code: str) -> str:
        kept.append(code)
        return f"\0{len(kept) - 1}\0"

    plain = (text or "").replace("\r\n", "\n").replace("\0", "")
    plain = _CODE.sub(lambda found: keep(f"```{_language(found)}\n{found[3]}\n```"), plain)
    plain = _MONO.sub(lambda found: keep("`" + _ESCAPED.sub(r"\1", found[1]) + "`"), plain)
    lines = [_line(line) for line in plain.split("\n")]
    return _KEPT.sub(lambda found: kept[int(found[1])], "\n".join(lines))


def _language(found: re.Match[str]) -> str:
    """`{code:title=x|java}`: the parameter without a name."""
    return next((part for part in (found[2] or "").split("|") if part and "=" not in part), "")


def _line(line: str) -> str:
    heading = _HEADING.match(line)
    if heading is not None:
        line = f"{'#' * int(heading[1])} {heading[2]}"
    elif line.startswith(("* ", "- ")):
        line = f"- {line[2:]}"
    elif line.startswith("# "):
        line = f"1. {line[2:]}"
    elif line.startswith("bq. "):
        line = f"> {line[4:]}"
    elif line.strip() == "----":
        line = "---"
    line = _LINK.sub(r"[\1](\2)", line)
    line = _BARE_LINK.sub(r"\1", line)
    line = _BOLD.sub(r"**\1**", line)
    return _ESCAPED.sub(r"\1", line)


# --- writing ------------------------------------------------------------------------------------------


def _written(block: Block) -> str:
    if block.kind == "rule":
        return "----"
    if block.kind == "code":
        # The end of the macro inside of it would end it.
        inner = "\n".join(block.lines).replace("{code}", "{ code}")
        return f"{{code{f':{block.mark}' if block.mark else ''}}}\n{inner}\n{{code}}"
    lines = ["\n".join(map(_inline, line.split("\n"))) for line in block.lines]
    before = {"heading": f"h{block.mark}. ", "bullets": "* ", "numbers": "# ", "quote": "bq. "}.get(
        block.kind, ""
    )
    return "\n".join(f"{before}{line}" for line in lines)


def _inline(line: str) -> str:
    return "".join(map(_span, spans(line)))


def _span(span: Span) -> str:
    if span.style == "em":
        return f"_{span.text}_"  # our mark is one: it stays as it is
    text = _MEANS.sub(r"\\\1", span.text)
    if span.style == "link":
        return f"[{text}|{span.href}]"
    before, after = {"code": ("{{", "}}"), "strong": ("*", "*")}.get(span.style, ("", ""))
    return f"{before}{text}{after}"
