"""Secrets in added lines, as tables: what must be noticed, what must not, and that nothing shows them."""

from __future__ import annotations

import pytest

from tamma.workspace.leaks import leaks_in
from tamma.workspace.policy import Change, judge

RANDOM = "q7Xv2Lm9" + "Rk4Tz8Wb3Ny6"
HEX = "9f86d081884c7d65" + "9a2feaa0c55ad015"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "TOKEN = 'ghp_" + "a1" * 18 + "'"),
        ("a.py", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("tests/test_a.py", "key = 'sk-ant-" + "api03-" + "canary9" * 5 + "'"),
        ("a.js", "const hook = 'https://hooks.slack.com/services/" + "T0000AAAA/B0000BBBB/" + "c" * 24 + "'"),
        ("a.yml", "value: hf_" + "aB3" * 12),
        ("a.txt", "AccountKey=" + "Ab1/" * 21 + "=="),
        ("settings.py", f'API_KEY = "{RANDOM}"'),
        ("config.js", f"  clientSecret: '{RANDOM}',"),
        (".env", f"DB_PASSWORD={RANDOM}"),
        ("app.yml", f"  auth_token: {RANDOM}"),
        ("a.go", f'secretKey := "{HEX}"'),
        ("a.py", "URL = 'postgres://app:" + "h7Gk2pQ9" + "@db.internal/x'"),
    ],
)
def test_secrets_are_found_and_never_shown(path: str, line: str) -> None:
    (finding,) = judge([Change(path, "100644", 10, added=("x = 1", line), numbers=(1, 7))])
    assert (finding.rule, finding.refuse, finding.line) == ("secret", True, 7)
    assert "line 7" in finding.detail
    for value in (RANDOM, HEX, "a1a1a1", "canary9", "AAAA", "aB3aB3", "h7Gk2pQ9"):
        assert value not in finding.detail


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "token = get_token_from_session_2024_10()"),
        ("a.py", "token = settings.API_V2_TOKEN_4"),
        ("a.py", "API_KEY = os.environ['SERVICE_API_KEY_2']"),
        ("a.py", 'password = "correct horse battery staple"'),
        ("a.py", 'api_key = "your-api-key-goes-here-123"'),
        ("a.py", 'KEY = "AKIAIOSFODNN7EXAMPLE"'),
        ("a.yml", "  api_key: ${SERVICE_API_KEY_12345}"),
        ("a.js", "const cacheKey = 'user-profile-v2-settings-2024';"),
        ("a.py", 'primary_key = "user_account_id_v2_2"'),
        ("a.py", "URL = 'postgres://postgres:" + "postgres12" + "@localhost/x'"),
        ("a.py", "URL = 'https://user:" + "changeme1" + "@host/x'"),
        ("tests/test_a.py", f'password = "{RANDOM}"'),
        ("poetry.lock", f'key = "{RANDOM}"'),
        ("a.md", "The token `ghp_...` is read from the environment."),
    ],
)
def test_what_only_looks_like_one_passes(path: str, line: str) -> None:
    assert list(leaks_in([line], path)) == []
