"""The pages about A/B tests name every word that a test may say of itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tamma.model.verdict import ABTestState, Reason

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("page", "words"), [("ab-reports.md", Reason), ("ab-tests.md", ABTestState)])
def test_every_code_and_state_is_named(page: str, words: Iterable[str]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [word for word in words if f"`{word}`" not in text] == []
