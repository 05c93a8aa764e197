"""A repository's own `.tamma.json`: heard from the base commit, and only where it asks for more care."""

from __future__ import annotations

import json

import pytest

from tamma.workspace.wishes import Wishes, read_wishes


def test_a_test_command_and_protected_paths_are_heard() -> None:
    text = json.dumps({"run": {"testCommand": "make check", "protectedPaths": ["db/**"], "budgetUsd": 900}})
    assert read_wishes(text.encode()) == Wishes("make check", ("db/**",))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'{"run": 3}', b'{"run": {"testCommand": 7, "protectedPaths": "x"}}']
)
def test_what_cannot_be_read_asks_nothing(text: bytes) -> None:
    assert read_wishes(text) == Wishes()
