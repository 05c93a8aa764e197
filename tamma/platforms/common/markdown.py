"""What a piece of Markdown leaves open (CommonMark 0.31 and GitHub's folds). Pure."""

from __future__ import annotations

import re

_LINE_END = re.compile(r"\r\n|\n|\r")
_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?: {1,4}(?=\S)|(?=\s|$))")
_FOLD = re.compile(r"<(/?)details\b", re.IGNORECASE)
_HTML_BLOCK = re.compile(
    r"</?(?:details|summary|div|p|center|table|thead|tbody|t[rhd]|[uod]l|li|d[dt]|h[1-6r]|blockquote)\b",
    re.IGNORECASE,
)
"""Up to the next blank line Markdown is not read in it either."""
_RAW = {"<!--": "-->", "<pre": "</pre>"}
"""HTML in which Markdown is not read, to its end."""
_CODE_INDENT = 4
"""Spaces before a line that make it code by themselves."""


def closing(text: str) -> str:
    """What has to follow `text` so that the next paragraph is one, and is seen.

    That is the end of a fenced code block, of an HTML comment or `<pre>`, of folds (`<details>`). What stands
    in a quotation or in an item of a list ends with that: the next paragraph is not indented.
    """
    reader = _Reader()
    for line in _LINE_END.split(text):
        reader.read(line.expandtabs(4))
    ends = [f"\n{reader.until}"] if reader.until else []
    return "".join([*ends, *["\n\n</details>"] * reader.folds])


class _Reader:
    """Reads line by line; knows what is open behind the last one."""

    def __init__(self) -> None:
        self.until = ""
        """The line that ends what is open: of a fence, with its indentation, or of raw HTML."""
        self.folds = 0
        self._margin = 0
        """The column from which a line belongs to the list item before it; 0 outside of lists."""
        self._inner = ""
        """The fence that is open in that item."""
        self._in_paragraph = False
        """Whether that item's last line was one of a paragraph, which may go on without its indentation."""
        self._after_blank = True
        self._in_html = False

    def read(self, line: str) -> None:
        if self.until:
            self.until = "" if _ends(line, self.until) else self.until
            return
        rest = line.lstrip(" ")
        indent = len(line) - len(rest)
        after_blank, self._after_blank = self._after_blank, not rest
        self._in_html = self._in_html and bool(rest)
        if self._in_html:
            self._read_html(rest)
        if not rest or self._in_html:
            return
        if self._margin and indent >= self._margin:
            self._read_item(rest)
            return
        if self._inner:
            self._margin, self._inner = 0, ""
        if rest.startswith(">") and indent < _CODE_INDENT:
            self._margin = 0  # a quotation beside an item ends its list
            return
        if indent >= _CODE_INDENT:
            return
        item, fence = _ITEM.match(rest), _FENCE.match(rest)
        if item is not None:
            self._margin = indent + (len(item[0]) if item[0][-1] == " " else len(item[0]) + 1)
            self._read_item(rest[len(item[0]) :])
        elif fence is not None:
            self._margin, self.until = 0, " " * indent + fence[1]
        else:
            if after_blank or not self._in_paragraph:  # else the item's paragraph goes on
                self._margin = 0
            self._in_html = _HTML_BLOCK.match(rest) is not None
            self._read_html(rest)

    def _read_item(self, rest: str) -> None:
        fence = _FENCE.match(rest)
        self._in_paragraph = not self._inner and fence is None and bool(rest.strip())
        if self._inner:
            self._inner = "" if _ends(rest, self._inner) else self._inner
        elif fence is not None:
            self._inner = fence[1]

    def _read_html(self, rest: str) -> None:
        for begins, end in _RAW.items():
            if rest.lower().startswith(begins):
                self.until = "" if end in rest.lower() else end
                return
        for fold in _FOLD.finditer(rest):
            self.folds = max(self.folds + (-1 if fold[1] else 1), 0)


def _ends(line: str, until: str) -> bool:
    """Whether `line` ends what the line `until` would end."""
    if until in _RAW.values():
        return until in line.lower()
    fence, bare = until.strip(), line.strip()
    indented = len(line) - len(line.lstrip(" ")) >= _CODE_INDENT
    return not indented and len(bare) >= len(fence) and not bare.strip(fence[0])
