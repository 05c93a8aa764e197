"""Secrets are kept out of what is written, in whatever dress they come."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from tamma.telemetry.redaction import HIDDEN, redact, redact_text, remember_secret

CANARY = "canary/with+odd=characters-0123456789"


@pytest.fixture(autouse=True)
def _remembered() -> None:
    remember_secret(CANARY)


@pytest.mark.parametrize(
    "dressed",
    [CANARY, base64.b64encode(CANARY.encode()).decode(), quote(CANARY, safe="")],
    ids=["plain", "base64", "url"],
)
def test_a_loaded_secret_is_hidden_however_it_is_encoded(dressed: str) -> None:
    assert dressed not in redact_text(f"GET /?key={dressed} failed")
    assert HIDDEN in redact_text(dressed)


def test_what_looks_like_a_secret_is_hidden_though_nobody_loaded_it() -> None:
    for shaped in ("ghp_" + "canary" * 5, "sk-ant-" + "canary-" * 4, "https://user:canarypass@host/x"):
        assert "canary" not in redact_text(f"said {shaped} there")


def test_events_are_cleaned_at_any_depth_and_by_key() -> None:
    event = redact(
        {
            "event": f"call {CANARY}",
            "api_key": "short",
            "nested": {"list": [CANARY, {"password": "x"}]},
            "tokens": 12,
        }
    )
    assert CANARY not in str(event)
    assert event["api_key"] == HIDDEN
    assert event["nested"]["list"][1]["password"] == HIDDEN
    assert event["tokens"] == 12


def test_short_words_are_no_secrets() -> None:
    remember_secret("main")
    assert redact_text("the branch main") == "the branch main"


def test_of_an_address_only_the_password_is_hidden() -> None:
    remember_secret("postgresql://tamma:canary%20password@db.example:5432/tamma")
    said = redact_text("db.example refused 'canary password' (canary%20password)")
    assert said == f"db.example refused '{HIDDEN}' ({HIDDEN})"
