"""Reading the review in a model's answer: lenient in form, strict in meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from tamma.model.loose_json import find_object


@dataclass(frozen=True, slots=True)
class Review:
    approved: bool
    summary: str
    comments: tuple[str, ...] = ()


def read_review(answer: str) -> Review:
    """The review in a model's answer.

    An answer that cannot be read approves nothing and demands nothing: it is kept as a remark, and the
    gates decide (`approved` is True, because a review is advice and the tests are the gate).
    """
    data = find_object(answer)
    if data is None:
        return Review(True, "The review could not be read: " + answer.strip()[:300])
    comments = tuple(text[:500] for text in _strings(_items(data.get("comments"))))[:10]
    wants_changes = str(data.get("verdict", "")).lower() in ("request_changes", "reject", "changes")
    return Review(
        approved=not (wants_changes and comments),
        summary=str(data.get("summary") or "").strip()[:1000],
        comments=comments,
    )


def _items(value: object) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    return [] if value is None else [value]


def _strings(values: list[object]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values if isinstance(value, str) and value.strip())
