"""As much of the work items' query language as the tests ask in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Mapping[str, Any]], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<field>\[[^\]]+\])|'(?P<text>(?:[^']|'')*)'|(?P<number>\d+)|(?P<word>[A-Z]+|@\w+)|(?P<sign>>=|<=|[(),=<>]))"
)


class Query:
    """`SELECT [System.Id] FROM WorkItems WHERE … ORDER BY [System.Id] ASC`. Raises ValueError."""

    def __init__(self, text: str) -> None:
        head, _, rest = text.partition(" WHERE ")
        conditions, _, order = rest.partition(" ORDER BY ")
        if head != "SELECT [System.Id] FROM WorkItems" or order != "[System.Id] ASC":
            raise ValueError(f"not understood: {text!r}")
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(conditions):
            found = _TOKEN.match(conditions, at)
            if found is None or found.lastgroup is None:
                raise ValueError(f"not understood: {conditions[at:]!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.holds = self._alternatives()
        if self._tokens:
            raise ValueError(f"not understood: {self._tokens!r}")

    def _alternatives(self) -> Test:
        tests = [self._all()]
        while self._took("OR"):
            tests.append(self._all())
        return lambda item: any(test(item) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._took("AND"):
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._took("("):
            inner = self._alternatives()
            self._need(")")
            return inner
        field = self._next("field").strip("[]")
        denied = self._took("NOT")
        if self._took("IN"):
            return self._in(field, denied)
        if self._took("CONTAINS"):
            wanted = self._next("text").lower()
            return lambda item: wanted in str(item[field]).lower()
        sign = self._next("sign")
        kind, raw = self._tokens.pop(0)
        value: Any = int(raw) if kind == "number" else raw.replace("''", "'")
        return _comparison(field, sign, value)

    def _in(self, field: str, denied: bool) -> Test:
        if self._took("GROUP"):
            self._next("text")
            return lambda item: denied  # nothing here is of a hidden type
        self._need("(")
        values = [self._next("text").replace("''", "'")]
        while self._took(","):
            values.append(self._next("text").replace("''", "'"))
        self._need(")")
        return lambda item: (item[field] in values) is not denied

    def _took(self, word: str) -> bool:
        if self._tokens and self._tokens[0][0] in ("word", "sign") and self._tokens[0][1] == word:
            self._tokens.pop(0)
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._took(word):
            raise ValueError(f"{word!r} is missing before {self._tokens!r}")

    def _next(self, kind: str) -> str:
        found, text = self._tokens.pop(0)
        if found != kind:
            raise ValueError(f"{text!r} is no {kind}")
        return text


def _comparison(field: str, sign: str, value: Any) -> Test:
    if value == "@project":
        return lambda item: True
    if sign == "=":
        return lambda item: item[field] == value
    if sign == ">":
        return lambda item: item[field] > value
    if sign == ">=":
        return lambda item: item[field] >= value
    if sign == "<":
        return lambda item: item[field] < value
    raise ValueError(f"{sign!r} is not understood")
