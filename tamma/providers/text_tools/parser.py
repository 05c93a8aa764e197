"""The text of a model, as it streams in, to words and tool calls. Pure: text in, pieces out.

The parser reads line by line, but lets words pass as they come: it holds back only a line that may yet begin
a block, and the lines of a block. However the text is cut into deltas, the pieces say the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from tamma.providers.text_tools.blocks import Block, EditBlock, Fence, FencedBlock
from tamma.providers.text_tools.forms import (
    BASH_INFO,
    MAY_BEGIN,
    PATH,
    RESULT,
    SEARCH,
    TOOL_INFO,
    Call,
    Forms,
)

Piece = str | Call
"""Words, or a call."""
LONGEST = 1000
"""Characters of a line that may begin a block; longer ones are words."""


class Parser:
    """Feed it deltas, then close it. Pieces of words may be split anywhere."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._line: list[str] = []
        """The line that is not complete yet, as it came."""
        self._passed = 0
        """How much of it was let through as words."""
        self._held: list[str] = []
        """Lines that may begin an edit: a path, an opening fence, blank lines."""
        self._block: Block | None = None
        self._quote: Fence | None = None
        """The open fence of quoted code: nothing in it is a call."""
        self._wrapper: Fence | None = None
        """The open fence that stood before an edit."""
        self._blank: list[str] = []
        """White space that is words only if words follow it."""
        self._after_call = False
        self._deaf = False
        """The model began to write the tools' results itself: what it says from there on moves nothing."""

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain now."""
        pieces: list[Piece] = []
        *lines, rest = text.split("\n")
        for line in lines:
            pieces += self._complete("".join([*self._line, line]))
            self._line, self._passed = [], 0
        if rest:
            self._line.append(rest)
            if self._block is None:
                pieces += self._pass_on(rest)
        return pieces

    def close(self, *, cut_off: bool) -> list[Piece]:
        """What is left. `cut_off`: the text did not end by itself, so that an open block is not whole."""
        pieces: list[Piece] = []
        if self._line:
            pieces += self._complete("".join(self._line), end="")
        pieces += self._let_go()
        if self._block is not None:
            pieces.append(self._block.end(cut_off))
            self._block = None
        elif self._blank and not self._after_call:
            pieces.append("".join(self._blank))
        return pieces

    def _pass_on(self, rest: str) -> Iterator[Piece]:
        """Let the incomplete line through, of which `rest` is new, unless it may yet begin a block."""
        if not self._passes():
            rest = "".join(self._line)
            if len(rest) <= LONGEST and MAY_BEGIN.fullmatch(rest):
                return
        yield from self._let_go()
        yield from self._words(rest)
        self._passed += len(rest)

    def _passes(self) -> bool:
        """Whether the line that is coming in is known to be words."""
        return self._passed > 0 or self._quote is not None or self._deaf

    def _complete(self, line: str, end: str = "\n") -> Iterator[Piece]:
        if self._block is not None:
            call = self._block.add(line.rstrip("\r"))
            if call is not None:
                self._block = None
                yield from self._called(call)
        elif self._passes() or len(line) > LONGEST:
            yield from self._let_go()
            if self._quote is not None and self._quote.closed_by(line):
                self._quote = None
            yield from self._words(line[self._passed :] + end)
        else:
            yield from self._classify(line, end)

    def _classify(self, line: str, end: str) -> Iterator[Piece]:
        """A whole line outside of blocks and quoted code: what does it begin?"""
        fence = Fence.opened_by(line)
        info = "" if fence is None or any(map(Fence.opened_by, self._held)) else fence.info
        if self._wrapper is not None and self._wrapper.closed_by(line):
            self._wrapper = None
            yield from self._let_go()
        elif self._forms.edit and (found := SEARCH.fullmatch(line)):
            self._open_edit(line, found["indent"])
        elif fence is not None and (named := TOOL_INFO.fullmatch(info)):
            yield from self._open_fenced(fence, named["name"], line)
        elif fence is not None and self._forms.bash and BASH_INFO.fullmatch(info):
            yield from self._open_fenced(fence, None, line)
        elif self._may_precede_edit(line, fence):
            self._held.append(line + end)
        elif self._held:  # words after all
            yield from self._let_go()
            yield from self._complete(line, end)  # the fence that was let go may make it quoted code
        elif RESULT.match(line):
            self._deaf = True
            yield from self._words(line + end)
        elif self._forms.edit and (fence is not None or PATH.fullmatch(line)):
            self._held.append(line + end)
        else:
            self._quote = fence
            yield from self._words(line + end)

    def _may_precede_edit(self, line: str, fence: Fence | None) -> bool:
        """Whether the held lines and this one may stand before an edit: a path and a fence, once each."""
        if not self._held:
            return False
        if not line.strip():
            return True
        held = [held for held in self._held if held.strip()]
        fences = [Fence.opened_by(each) is not None for each in held]
        if len(held) > 1:
            return False
        if fence is not None:
            return fences == [False]
        return fences == [True] and PATH.fullmatch(line) is not None and RESULT.match(line) is None

    def _open_edit(self, line: str, indent: str) -> None:
        path: str | None = None
        for held in filter(str.strip, self._held):
            if fence := Fence.opened_by(held):
                self._wrapper = fence
            elif found := PATH.fullmatch(held):
                path = found["quoted"] or found["bare"]
        opening = [held.rstrip("\r\n") for held in self._held if held.strip()]
        self._held.clear()
        self._block = EditBlock(path, indent, [*opening, line.rstrip("\r")])

    def _open_fenced(self, fence: Fence, name: str | None, line: str) -> Iterator[Piece]:
        yield from self._let_go()
        self._quote = None
        self._block = FencedBlock(fence, name, line.strip())

    def _called(self, call: Call) -> Iterator[Piece]:
        self._blank.clear()
        self._after_call = True
        yield call

    def _let_go(self) -> Iterator[Piece]:
        """Held lines were words after all; a fence among them quotes what follows."""
        held, self._held = self._held, []
        for line in held:
            self._quote = Fence.opened_by(line) or self._quote
            yield from self._words(line)

    def _words(self, text: str) -> Iterator[Piece]:
        """Words. White space around calls is none: it waits for words on both of its sides."""
        if not text.strip():
            self._blank += [text] if text else []
            return
        if self._after_call:
            self._blank.clear()
        kept = text.rstrip()
        yield "".join([*self._blank, kept])
        self._blank = [text[len(kept) :]] if kept != text else []
        self._after_call = False
