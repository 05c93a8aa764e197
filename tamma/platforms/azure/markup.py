"""Texts of work items: HTML in, Markdown out, and for comments the other way. Pure.

Descriptions and comments are HTML on servers and in most organizations, Markdown where somebody switched it
on. Azure DevOps keeps a small set of elements; a handful of them is all that is translated.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "div", "ul", "ol", "table", "tr", "blockquote", "section", "article"})
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_MARKS = {"b": "**", "strong": "**", "i": "_", "em": "_", "code": "`"}
_SILENT = frozenset({"script", "style", "head", "title"})
_LOOKS_LIKE_HTML = re.compile(r"</?(?:div|p|br|span|ul|ol|li|b|i|a|pre|code|h[1-6]|table|strong|em)\b[^<>]*>")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_BULLET = re.compile(r"\s*[-*+]\s+(.+)$")
_NUMBERED = re.compile(r"\s*\d{1,9}[.)]\s+(.+)$")


def is_html(text: str) -> bool:
    """Whether it has an element that Azure DevOps' editor writes."""
    return _LOOKS_LIKE_HTML.search(text) is not None


def to_markdown(text: str) -> str:
    """HTML as Markdown: paragraphs, headings, lists, code, links and emphasis. Comments are left out."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.out).replace("\xa0", " ")).strip()


def to_html(markdown: str) -> str:
    """Markdown as HTML, the same that `to_markdown` reads. Everything in it is escaped first."""
    out: list[str] = []
    lines = markdown.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is not None:
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == fence[1]), len(lines))
            out.append(f"<pre><code>{html.escape(chr(10).join(lines[at + 1 : end]))}</code></pre>")
            at = end + 1
            continue
        block: list[str] = []
        while at < len(lines) and lines[at].strip() and not _FENCE.match(lines[at]):
            block.append(lines[at])
            at += 1
        out += _paragraph(block)
        at += not block
    return "\n".join(out)


def _paragraph(lines: list[str]) -> list[str]:
    """A run of lines without an empty one: headings and lists within it, the rest as paragraphs."""
    out: list[str] = []
    plain: list[str] = []
    items: list[str] = []
    tag = ""

    def flush() -> None:
        nonlocal tag
        if plain:
            out.append(f"<p>{'<br>'.join(plain)}</p>")
        if items:
            out.append(f"<{tag}>{''.join(f'<li>{item}</li>' for item in items)}</{tag}>")
        plain.clear()
        items.clear()
        tag = ""

    for line in lines:
        heading, bullet, numbered = _HEADING.match(line), _BULLET.match(line), _NUMBERED.match(line)
        kind = "ul" if bullet else "ol" if numbered else ""
        if heading is not None or kind != tag:
            flush()
        if heading is not None:
            level = len(heading[1])
            out.append(f"<h{level}>{_inline(heading[2])}</h{level}>")
        elif found := bullet or numbered:
            tag = kind
            items.append(_inline(found[1]))
        else:
            plain.append(_inline(line.strip()))
    flush()
    return out


def _inline(text: str) -> str:
    """Code first: what stands in it has no other meaning."""
    pieces = re.split(r"(`+)(.+?)\1", text)
    out = [_emphasis(html.escape(pieces[0], quote=False))]
    for index in range(1, len(pieces), 3):
        out.append(f"<code>{html.escape(pieces[index + 1], quote=False)}</code>")
        out.append(_emphasis(html.escape(pieces[index + 2], quote=False)))
    return "".join(out)


def _emphasis(text: str) -> str:
    text = re.sub(r"\[([^\]\[]+)\]\((https?://[^\s()\"]+)\)", r'<a href="\2">\1</a>', text)
    text = re.sub(r"\*\*(\S(?:.*?\S)?)\*\*", r"<b>\1</b>", text)
    return re.sub(r"(?<![\w/])_(\S(?:.*?\S)?)_(?![\w/])", r"<i>\1</i>", text)


class _Reader(HTMLParser):
    """Writes Markdown while it reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._silent = 0
        self._pre = 0
        self._lists: list[int | None] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "pre":
            self._pre += 1
            self._break("\n\n```\n")
        elif tag == "br":
            self.out.append("\n")
        elif tag in _HEADINGS:
            self._break("\n\n" + _HEADINGS[tag])
        elif tag in ("ul", "ol"):
            self._lists.append(1 if tag == "ol" else None)
            self._break("\n" if len(self._lists) > 1 else "\n\n")
        elif tag == "li":
            self._item()
        elif tag in _BLOCKS:
            self._break("\n\n" if tag != "div" else "\n")
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")
            self.out.append("[")
        elif tag == "img":
            named = dict(attrs)
            self.out.append(f"![{named.get('alt') or ''}]({named.get('src') or ''})")
        elif tag in _MARKS and not (self._pre and tag == "code"):
            self.out.append(_MARKS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag == "pre" and self._pre:
            self._pre -= 1
            self._break("\n```\n\n")
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
            self._break("\n" if self._lists else "\n\n")
        elif tag in _HEADINGS or tag in _BLOCKS:
            self._break("\n\n" if tag != "div" else "\n")
        elif tag == "a" and self._links:
            address = self._links.pop()
            self.out.append(f"]({address})" if address else "]")
        elif tag in _MARKS and not (self._pre and tag == "code"):
            self.out.append(_MARKS[tag])

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._pre:
            self.out.append(data)
        elif data.strip():
            self.out.append(re.sub(r"\s+", " ", data))
        elif self.out and not self.out[-1].endswith(("\n", " ")):
            self.out.append(" ")

    def _item(self) -> None:
        depth = max(len(self._lists) - 1, 0)
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        self._break("\n" + "  " * depth + (f"{number}. " if number is not None else "- "))

    def _break(self, text: str) -> None:
        """Text on a new line; lines that are empty already count. A document does not begin with one."""
        if not self.out:
            self.out.append(text.lstrip("\n"))
            return
        self.out[-1] = self.out[-1].rstrip(" ")
        there = 0
        for piece in reversed(self.out):
            bare = piece.rstrip("\n")
            there += len(piece) - len(bare)
            if bare:
                break
        wanted = len(text) - len(text.lstrip("\n"))
        self.out.append("\n" * max(wanted - there, 0) + text.lstrip("\n"))
