"""Secrets are references: never in a file, never echoed, resolved late."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tamma.config.fingerprint import fingerprint
from tamma.config.load import LoadedConfig, load_config
from tamma.config.redact import redact_url, redacted, redacted_values
from tamma.config.resolve import (
    database_url,
    settings_for_platform,
    settings_for_provider,
    stack_request,
    temporal_settings,
    worker_environment,
)
from tamma.config.secrets import resolve_secret
from tamma.errors import AuthFailed, ConfigError
from tamma.stack.interface import worker_serves

CANARY = "canary-3c9e-do-not-print"


def load(home: Path, user: dict[str, Any] | None = None, **env: str) -> LoadedConfig:
    (home / "config.json").write_text(json.dumps(user or {}))
    return load_config(env={"TAMMA_HOME": str(home), **env})


def provider(**entry: object) -> dict[str, Any]:
    return {"providers": {"available": [{"providerId": "p", "providerType": "local-llm", **entry}]}}


@pytest.mark.parametrize(
    "user",
    [
        provider(apiKey=CANARY),
        provider(headers={"Authorization": f"Bearer {CANARY}"}),
        provider(options={"client_secret": CANARY}),
        provider(options={"nested": {"apiKey": CANARY}}),
        provider(model=f"sk-ant-api03-{CANARY}"),
        provider(baseUrl=f"https://user:{CANARY}@host/v1"),
        provider(baseUrl=f"https://{CANARY}@host/v1"),
        provider(baseUrl=f"https://host/v1?key={CANARY}"),
        provider(baseUrl=f"https://host/v1?a=b&api-key={CANARY}"),
        provider(headers={"api-key": CANARY}),
        provider(headers={"X-Goog-Api-Key": CANARY}),
        provider(headers={"Ocp-Apim-Subscription-Key": CANARY}),
        {"platforms": {"available": [{"platformId": "github.com", "credentials": {"accessToken": CANARY}}]}},
        {"database": {"password": CANARY}},
        {"database": {"url": f"postgresql://u:{CANARY}@h/d"}},
        {"temporal": {"apiKey": CANARY}},
    ],
)
def test_a_secret_in_a_file_is_refused_and_not_repeated(tmp_path: Path, user: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="holds a secret itself at") as caught:
        load(tmp_path, user)
    assert caught.value.exit_code == 2
    assert "env:" in (caught.value.hint or "")
    assert CANARY not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"


def test_ordinary_values_are_no_secrets(tmp_path: Path) -> None:
    entry = provider(defaultParams={"maxTokens": 100}, baseUrl="http://h:1/v1", options={"maxTokens": "9"})
    assert load(tmp_path, entry).config.providers.available[-1].default_params.max_tokens == 100
    load(tmp_path, provider(baseUrl="https://me@host/v1?key=&version=2", options={"monkey": "x" * 30}))


def test_wrong_type_of_a_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, provider(apiKey=[CANARY]))
    assert CANARY not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"


def test_file_references(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(f"{CANARY}\n")
    secret.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read") as caught:
        resolve_secret(f"file:{secret}", {}, "here")
    assert caught.value.hint == f"chmod 600 {secret}"
    secret.chmod(0o600)
    assert resolve_secret(f"file:{secret}", {}, "here") == CANARY


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("file:/absent/key", "cannot be read: No such file"),
        ("file:key", "a relative path"),
        ("keyring:tamma", "keychain as 'tamma'"),
        ("keyring:tamma/none", "keychain, and there is none"),
        ("plain", "is not a reference"),
    ],
)
def test_references_that_do_not_work(reference: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve_secret(reference, {}, "here")


def test_a_line_break_behind_a_secret_is_none_of_it() -> None:
    assert resolve_secret("env:KEY", {"KEY": f" {CANARY}\r\n"}, "x") == CANARY
    assert resolve_secret("env:KEY", {"KEY": "\n"}, "x") is None


def test_empty_and_binary_files(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.touch(0o600)
    with pytest.raises(ConfigError, match="is empty"):
        resolve_secret(f"file:{secret}", {}, "here")
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not text"):
        resolve_secret(f"file:{secret}", {}, "here")


def test_missing_key_is_told_when_it_is_needed(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    with pytest.raises(AuthFailed, match="ANTHROPIC_API_KEY is not set") as caught:
        settings_for_provider(loaded)
    assert caught.value.exit_code == 4
    assert "export ANTHROPIC_API_KEY" in (caught.value.hint or "")
    assert settings_for_provider(loaded, "scripted").api_key is None
    assert settings_for_provider(loaded, "local-llm").type == "local-llm"
    assert settings_for_platform(loaded, "github.com").token is None


def test_provider_settings(tmp_path: Path) -> None:
    price = {"inputMtok": 0.1, "outputMtok": "2.5"}
    entry = provider(
        apiKey="env:MY_KEY", model="m", price=price, headers={"X-Token": "env:MY_KEY"}, options={"a": 1}
    )
    settings = settings_for_provider(load(tmp_path, entry, MY_KEY=CANARY), "p")
    assert (settings.api_key, settings.model, dict(settings.headers)) == (CANARY, "m", {"X-Token": CANARY})
    assert settings.price is not None
    assert settings.price.input_mtok == Decimal("0.1")
    assert CANARY not in repr(settings)
    with pytest.raises(ConfigError, match="no provider called 'absent'") as caught:
        settings_for_provider(load(tmp_path), "absent")
    assert "scripted" in (caught.value.hint or "")


def test_database_url(tmp_path: Path) -> None:
    assert database_url(load(tmp_path)) is None
    assert (
        database_url(load(tmp_path, DATABASE_URL=f"postgresql://u:{CANARY}@h/d"))
        == f"postgresql://u:{CANARY}@h/d"
    )
    parts = {"database": {"host": "h", "password": "env:PW"}}
    assert database_url(load(tmp_path, parts, PW="a b/c")) == "postgresql://tamma:a%20b%2Fc@h:5432/tamma"
    with pytest.raises(ConfigError, match="which is not set"):
        database_url(load(tmp_path, {"database": {"url": "env:GONE"}}))


def test_temporal_settings(tmp_path: Path) -> None:
    settings = temporal_settings(load(tmp_path, TEMPORAL_ADDRESS="h:1", TEMPORAL_API_KEY=CANARY))
    assert (settings.address, settings.api_key) == ("h:1", CANARY)
    assert CANARY not in repr(settings)


def test_the_embedded_temporal_takes_no_key(tmp_path: Path) -> None:
    loaded = load(tmp_path, TEMPORAL_API_KEY=CANARY, TAMMA_TEMPORAL_API_KEY=CANARY)
    assert temporal_settings(loaded).api_key is None
    assert CANARY not in worker_environment(loaded).values()
    given = load(tmp_path, TEMPORAL_API_KEY=CANARY, TEMPORAL_ADDRESS="h:1")
    assert worker_environment(given)["TEMPORAL_API_KEY"] == CANARY


def test_nothing_shown_holds_a_secret(tmp_path: Path) -> None:
    base_url = f"http://u:{CANARY}@h/v1"
    loaded = load(
        tmp_path,
        ANTHROPIC_API_KEY=CANARY,
        DATABASE_URL=f"postgresql://u:{CANARY}@h/d",
        TAMMA_BASE_URL=base_url,
    )
    shown = f"{redacted(loaded)} {redacted_values(loaded)} {loaded!r} {stack_request(loaded)!r}"
    assert "'apiKey': 'env:ANTHROPIC_API_KEY'" in shown
    assert "'baseUrl': '***'" in shown
    assert CANARY not in str(redacted(loaded))
    assert CANARY not in str(redacted_values(loaded))
    assert CANARY not in repr(stack_request(loaded))


def test_redact_url() -> None:
    assert redact_url(f"postgresql://u:{CANARY}@h:1/d") == "postgresql://u:***@h:1/d"
    assert redact_url("postgresql://u@h/d") == "postgresql://u@h/d"


def test_worker_gets_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    env = {
        "ANTHROPIC_API_KEY": "a",
        "MY_KEY": "b",
        "AWS_SECRET_ACCESS_KEY": CANARY,
        "PATH": "/bin",
        "LC_ALL": "C",
    }
    passed = worker_environment(load(tmp_path, provider(apiKey="env:MY_KEY"), **env))
    assert passed.items() >= {"ANTHROPIC_API_KEY": "a", "MY_KEY": "b", "PATH": "/bin", "LC_ALL": "C"}.items()
    assert passed["TAMMA_CONFIG_PATH"] == str(tmp_path / "config.json")
    assert CANARY not in passed.values()


def test_fingerprint_changes_with_what_the_worker_uses(tmp_path: Path) -> None:
    base = fingerprint(load(tmp_path, ANTHROPIC_API_KEY="a"))
    assert base == fingerprint(load(tmp_path, ANTHROPIC_API_KEY="a", OTHER="x"))
    assert base != fingerprint(load(tmp_path, ANTHROPIC_API_KEY="b"))
    assert base != fingerprint(load(tmp_path, provider(), ANTHROPIC_API_KEY="a"))
    for name, value in (("LOG_LEVEL", "debug"), ("APPROVE", "all"), ("AI_PROVIDER", "scripted")):
        assert base == fingerprint(load(tmp_path, None, ANTHROPIC_API_KEY="a", **{f"TAMMA_{name}": value}))
    without = fingerprint(load(tmp_path))
    assert worker_serves(base, without), "a shell without the key is served by a worker with it"
    assert not worker_serves(without, base)
    (tmp_path / "salt").unlink()
    assert base != fingerprint(load(tmp_path, ANTHROPIC_API_KEY="a"))
    assert (tmp_path / "salt").stat().st_mode & 0o077 == 0
