"""Platform accounts: from an entry, or from a variable alone, to what an adapter takes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tamma.config.fingerprint import fingerprint
from tamma.config.load import LoadedConfig, load_config
from tamma.config.platform_settings import conventions_for_platform, token_ends, tracking_for_platform
from tamma.config.redact import redacted
from tamma.config.resolve import settings_for_platform, worker_environment
from tamma.errors import BadCredentials, ConfigError
from tamma.platforms.auth.oauth import OAuthToken
from tamma.platforms.interface import PlatformSettings
from tests.config.test_load import load, refused
from tests.support.keychain import MemoryKeychain, keychain
from tests.support.pace import effort

__all__ = ["keychain"]

CANARY = "canary-7f31-do-not-print"


def entry(**more: Any) -> dict[str, Any]:
    made = {"platformId": "forge", "platformType": "gitlab", "baseUrl": "https://git.acme.test", **more}
    return {"platforms": {"available": [made]}}


def settings(home: Path, env: dict[str, str] | None = None, **more: Any) -> PlatformSettings:
    return settings_for_platform(load(home, entry(**more), env), "forge")


def accounts(loaded: LoadedConfig) -> dict[str, tuple[str, str | None, str | None]]:
    return {
        each.platform_id: (each.platform_type, each.base_url, each.credentials.access_token)
        for each in loaded.config.platforms.available
        if each.platform_type != "plain-git"
    }


# --- entries -----------------------------------------------------------------------------------------


def test_an_entry_becomes_settings_with_its_secrets(tmp_path: Path) -> None:
    ca, key = tmp_path / "ca.pem", tmp_path / "id"
    ca.touch()
    key.touch()
    found = settings(
        tmp_path,
        {"T": CANARY, "NEW": "canary-new", "OLD": "canary-old", "MAIL": "me@acme.test"},
        authType="basic",
        credentials={"accessToken": "env:T", "username": "env:MAIL", "sshKey": str(key)},
        webhookSecret=["env:NEW", "env:GONE", "env:OLD"],
        defaultBranch="trunk",
        gitOver="ssh",
        caFile=str(ca),
        proxy="http://proxy.test:3128",
        maxConcurrent=3,
        timeout=5,
        options={"a": 1},
    )
    assert (found.auth, found.token, found.username) == ("basic", CANARY, "me@acme.test")
    assert found.webhook_secrets == ("canary-new", "canary-old")
    assert (found.default_branch, found.git_over, found.ssh_key) == ("trunk", "ssh", str(key))
    assert (found.ca_file, found.proxy, found.max_concurrent) == (str(ca), "http://proxy.test:3128", 3)
    assert (found.timeout, found.options) == (5, {"a": 1})
    assert "canary" not in repr(found)


def test_one_webhook_secret_needs_no_list(tmp_path: Path) -> None:
    assert settings(tmp_path, {"S": "canary-one"}, webhookSecret="env:S").webhook_secrets == ("canary-one",)


def test_an_app_has_its_key_and_its_ids_may_be_numbers(tmp_path: Path) -> None:
    given = {"appId": 12, "privateKey": "env:PEM", "installationId": 34}
    found = settings(tmp_path, {"PEM": CANARY}, authType="app", credentials=given)
    assert found.app is not None
    assert (found.app.app_id, found.app.private_key, found.app.installation_id) == ("12", CANARY, "34")
    with pytest.raises(BadCredentials, match="PEM is not set") as caught:
        settings(tmp_path, authType="app", credentials=given)
    assert caught.value.exit_code == 4


def test_oauth_knows_where_its_type_renews_tokens(tmp_path: Path) -> None:
    given = {"clientId": "id", "clientSecret": "env:CS", "refreshToken": "env:RT", "accessToken": "env:AT"}
    env = {"CS": "canary-client", "RT": "canary-refresh", "AT": CANARY}
    found = settings(tmp_path, env, authType="oauth", credentials=given)
    assert found.oauth is not None
    assert found.oauth.token_url == "https://git.acme.test/oauth/token"
    assert isinstance(found.tokens, OAuthToken)
    assert found.token == CANARY
    assert "canary" not in repr(found)
    alone = settings(tmp_path, {"AT": CANARY}, authType="oauth", credentials=given)
    assert (alone.oauth, alone.token) == (None, CANARY), "without a refresh token it is one like any other"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"authType": "basic"}, "needs credentials.username"),
        ({"authType": "app"}, "needs credentials.appId"),
        ({"authType": "oauth", "credentials": {"refreshToken": "env:RT"}}, "credentials.clientId"),
        (
            {"authType": "oauth", "platformType": "other", "credentials": {"refreshToken": "env:RT"}},
            "credentials.tokenUrl",
        ),
        ({"caFile": "ca.pem"}, "relative path 'ca.pem'"),
        ({"credentials": {"sshKey": "/nowhere/id"}}, "'/nowhere/id', which is no file"),
        ({"proxy": "socks5://proxy.test:1080"}, "address of an HTTP proxy"),
        ({"proxy": ""}, "address of an HTTP proxy"),
        ({"proxy": "http://[::1"}, "address of an HTTP proxy"),
        ({"proxy": "env:RT"}, "address of an HTTP proxy"),
        ({"cloneUrl": "https://mirror.test/{0}"}, "'https://mirror.test/{0}'"),
        ({"cloneUrl": "https://mirror.test/{repo}"}, "{owner} and {name}"),
        ({"cloneUrl": "https://mirror.test/{"}, "{owner} and {name}"),
        ({"cloneUrl": "https://mirror.test/{owner.__class__}"}, "{owner} and {name}"),
    ],
)
def test_an_entry_that_contradicts_itself(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, {"RT": "canary-refresh"}, **more)
    assert said in str(caught.value)
    assert "platforms.available[forge]" in str(caught.value)
    assert "canary" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"authType": "magic"}, "authType"),
        ({"maxConcurrent": 0}, "maxConcurrent"),
        ({"credentials": {"expiresAt": "soon"}}, "expiresAt"),
        ({"credentials": {"acessToken": "env:T"}}, "did you mean 'accessToken'"),
        ({"labels": {"needsHumans": "x"}}, "did you mean 'needsHuman'"),
        ({"issues": {"platform": "tracker"}}, "there is no platform called 'tracker'"),
        ({"webhookSecret": [CANARY]}, "holds a secret itself"),
        ({"webhookSecret": ["env:S", CANARY]}, "holds a secret itself"),
        ({"credentials": {"clientSecret": CANARY}}, "holds a secret itself"),
        (
            {"credentials": {"privateKey": f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}"}},
            "holds a secret itself",
        ),
        ({"proxy": f"http://me:{CANARY}@proxy.test"}, "holds a secret itself"),
    ],
)
def test_what_cannot_be_is_told_and_no_secret_with_it(
    tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    error = refused(tmp_path, entry(**more))
    assert said in f"{error} {error.hint}"
    assert CANARY not in f"{error} {error.hint} {error.__cause__!r}"


def test_the_default_must_be_there(tmp_path: Path) -> None:
    assert "platforms.default" in str(refused(tmp_path, {"platforms": {"default": "nowhere"}}))
    assert load(tmp_path, {"platforms": {"default": "github.com"}}).config.platforms.default == "github.com"


def test_conventions_and_the_end_of_a_token(tmp_path: Path) -> None:
    more = {
        "labels": {"pullRequest": "tamma", "inProgress": "doing"},
        "pullRequestTemplate": ".github/pr.md",
        "credentials": {"expiresAt": "2027-03-31"},
    }
    loaded = load(tmp_path, entry(**more))
    found = conventions_for_platform(loaded, "forge")
    assert found.pull_request_labels == ("tamma",)
    assert (found.needs_human_label, found.in_progress_label) == ("needs-human-review", "doing")
    assert found.template_path == ".github/pr.md"
    ends = token_ends(loaded.config.platforms.available[-1])
    assert ends is not None
    assert ends.isoformat() == "2027-03-31T00:00:00+00:00"


def test_a_project_may_touch_no_account(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".tamma.json").write_text('{"platforms": {"default": "plain-git"}}')
    with pytest.raises(ConfigError, match="a project may not decide"):
        load_config(env={"TAMMA_HOME": str(tmp_path / "home")}, project_dir=tmp_path)


# --- variables ---------------------------------------------------------------------------------------


def test_the_usual_variables_make_accounts(tmp_path: Path) -> None:
    env = {
        "GITLAB_ACCESS_TOKEN": "a",
        "CODEBERG_TOKEN": "b",
        "BITBUCKET_TOKEN": "c",
        "BITBUCKET_EMAIL": "me@acme.test",
        "AZURE_DEVOPS_EXT_PAT": "d",
        "GITEA_SERVER_URL": "https://git.acme.test:3000/",
        "GITEA_TOKEN": "e",
    }
    loaded = load(tmp_path, env=env)
    assert accounts(loaded) == {
        "github.com": ("github", None, "env:GITHUB_TOKEN"),
        "gitlab.com": ("gitlab", None, "env:GITLAB_ACCESS_TOKEN"),
        "git.acme.test:3000": ("gitea", "https://git.acme.test:3000", "env:GITEA_TOKEN"),
        "codeberg.org": ("forgejo", None, "env:CODEBERG_TOKEN"),
        "bitbucket.org": ("bitbucket", None, "env:BITBUCKET_TOKEN"),
        "dev.azure.com": ("azure-devops", None, "env:AZURE_DEVOPS_EXT_PAT"),
    }
    assert settings_for_platform(loaded, "bitbucket.org").username == "me@acme.test"
    assert set(worker_environment(loaded)) >= set(env), "or the worker would find other accounts"
    assert set(accounts(load(tmp_path))) == {"github.com"}


@pytest.mark.parametrize("server", ["git.acme.test", "https://git.acme.test/"])
def test_a_token_goes_to_the_server_beside_it_and_to_no_other(tmp_path: Path, server: str) -> None:
    found = accounts(load(tmp_path, env={"GITLAB_TOKEN": CANARY, "GITLAB_HOST": server}))
    assert found["git.acme.test"] == ("gitlab", "https://git.acme.test", "env:GITLAB_TOKEN")
    assert "gitlab.com" not in found
    assert accounts(load(tmp_path, env={"GH_ENTERPRISE_TOKEN": CANARY, "GH_HOST": "github.com"})) == {
        "github.com": ("github", None, "env:GITHUB_TOKEN")
    }


@pytest.mark.parametrize("server", ["https://me@git.acme.test", "https://git.acme.test:x", "https://", "  "])
def test_a_server_that_cannot_be_gets_no_account(tmp_path: Path, server: str) -> None:
    assert set(accounts(load(tmp_path, env={"GITEA_TOKEN": "a", "GITEA_SERVER_URL": server}))) == {
        "github.com"
    }


def test_the_first_variable_that_is_set_counts(tmp_path: Path) -> None:
    both = load(tmp_path, env={"GITHUB_TOKEN": "canary-one", "GH_TOKEN": "canary-two"})
    assert settings_for_platform(both, "github.com").token == "canary-one"
    one = load(tmp_path, env={"GH_TOKEN": "canary-two", "GITHUB_TOKEN": ""})
    assert settings_for_platform(one, "github.com").token == "canary-two"
    named = {
        "platforms": {"available": [{"platformId": "github.com", "credentials": {"accessToken": "env:T"}}]}
    }
    assert (
        settings_for_platform(load(tmp_path, named, {"T": "x", "GH_TOKEN": "y"}), "github.com").token == "x"
    )


def test_variables_override_what_is_sensitive_in_an_entry(tmp_path: Path) -> None:
    env = {
        "T": "canary-file",
        "TAMMA_PLATFORM_FORGE_TOKEN": "canary-variable",
        "TAMMA_PLATFORM_FORGE_WEBHOOK_SECRET": "canary-hook",
        "TAMMA_PLATFORM_FROGE_TOKEN": "canary-typo",
    }
    loaded = load(tmp_path, entry(credentials={"accessToken": "env:T"}), env)
    found = settings_for_platform(loaded, "forge")
    assert (found.token, found.webhook_secrets) == ("canary-variable", ("canary-hook",))
    where = loaded.origin("platforms.available[forge].credentials.accessToken")
    assert where == "env TAMMA_PLATFORM_FORGE_TOKEN"
    assert [note for note in loaded.notes if "FORGE" in note or "FROGE" in note] == [
        "the variable TAMMA_PLATFORM_FROGE_TOKEN means nothing to tamma"
    ]
    assert "canary" not in str(redacted(loaded))


def test_a_variable_that_fits_two_accounts_sets_none(tmp_path: Path) -> None:
    user = {
        "platforms": {
            "available": [
                {"platformId": "a.b", "platformType": "gitlab"},
                {"platformId": "a-b", "platformType": "gitlab"},
            ]
        }
    }
    load(tmp_path, user)
    error = refused(tmp_path, user, env={"TAMMA_PLATFORM_A_B_TOKEN": CANARY})
    assert "platforms.available[a.b]" in str(error)
    assert "platforms.available[a-b]" in str(error)


def test_the_fingerprint_sees_every_secret_of_an_account(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("canary-key")
    key.chmod(0o600)
    user = entry(webhookSecret=["env:S1", "env:S2"], credentials={"privateKey": f"file:{key}"})

    def seen(**env: str) -> str:
        return fingerprint(load(tmp_path, user, env))

    base = seen(S1="a", S2="b")
    assert base == seen(S1="a", S2="b", OTHER="c")
    assert base != seen(S1="a", S2="x")
    key.write_text("canary-other")
    assert base != seen(S1="a", S2="b")


# --- the keychain ------------------------------------------------------------------------------------


def test_a_secret_in_the_keychain(tmp_path: Path, keychain: MemoryKeychain) -> None:
    keychain.held["tamma/work", "gitlab"] = CANARY
    given = {"accessToken": "keyring:tamma/work/gitlab"}
    assert settings(tmp_path, credentials=given).token == CANARY
    assert settings(tmp_path, credentials={"accessToken": "keyring:tamma/none"}).token is None


def test_loading_is_quick_and_imports_no_sdk(tmp_path: Path) -> None:
    many: list[dict[str, Any]] = [
        {"platformId": f"forge-{at}", "platformType": "gitlab", "credentials": {"accessToken": "env:T"}}
        for at in range(30)
    ]

    def read() -> None:
        loaded = load(tmp_path, {"platforms": {"available": many}}, {"T": CANARY})
        assert len([settings_for_platform(loaded, each["platformId"]) for each in many]) == 30

    assert effort(read) < 3
    script = (
        "import sys; from tamma.config.load import load_config; from tamma.config.resolve import *;"
        "loaded = load_config(); settings_for_platform(loaded, 'github.com');"
        "print({'githubkit', 'gitlab', 'httpx2', 'httpx', 'keyring', 'cryptography'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"


def test_an_account_that_was_kept_is_the_one_that_was_validated(tmp_path: Path) -> None:
    user = entry(
        authType="oauth",
        credentials={"clientId": 7, "refreshToken": "env:RT", "expiresAt": "2027-01-01"},
        webhookSecret="env:S",
        issues={"platform": "github.com", "project": "a/b"},
        labels={"pullRequest": ["x"], "needsHuman": None},
        repositories="git.acme.test/a/*",
    )
    (tmp_path / "config.json").write_text(json.dumps(user))
    env = {"TAMMA_HOME": str(tmp_path), "RT": "canary-refresh", "S": "canary-hook"}
    first, second = (load_config(env=env, keep=True) for _ in range(2))
    assert type(second.config) is not type(first.config), "this one was kept"
    one, other = (settings_for_platform(each, "forge") for each in (first, second))
    assert replace(one, tokens=None) == replace(other, tokens=None)
    assert conventions_for_platform(first, "forge") == conventions_for_platform(second, "forge")
    assert tracking_for_platform(first, "forge") == tracking_for_platform(second, "forge")
    assert worker_environment(first) == worker_environment(second)
    assert not any("canary" in path.read_text() for path in (tmp_path / "cache").iterdir())
