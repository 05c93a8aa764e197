"""Addresses without credentials, and the environment that carries these to git."""

from __future__ import annotations

import base64
import shlex

import pytest

from tamma.errors import BadCredentials, ConfigError
from tamma.git.environment import environment, ssh_command
from tamma.git.remote import Remote
from tamma.platforms.interface import GitCredentials

NOBODY = GitCredentials()
TOKEN = "t0ken-canary/+="


@pytest.mark.parametrize(
    ("url", "transport", "host", "port"),
    [
        ("https://git.example.test/o/r.git", "https", "git.example.test", None),
        ("HTTPS://git.example.test:8443/o/r", "https", "git.example.test", 8443),
        ("http://127.0.0.1:3000/o/r", "http", "127.0.0.1", 3000),
        ("ssh://git@git.example.test:2222/o/r.git", "ssh", "git.example.test", 2222),
        ("git@git.example.test:o/r.git", "ssh", "git.example.test", None),
        ("git.example.test:o/r.git", "ssh", "git.example.test", None),
        ("git@[::1]:o/r.git", "ssh", "::1", None),
        ("/srv/a:b", "local", "", None),
        ("./a:b", "local", "", None),
        ("file:///srv/a", "local", "", None),
        ("ext::sh -c touch% /tmp/x", "other", "", None),
        ("git://git.example.test/o/r", "other", "git.example.test", None),
    ],
)
def test_how_git_reaches_an_address(url: str, transport: str, host: str, port: int | None) -> None:
    remote = Remote.of(url, NOBODY)
    assert (remote.transport, remote.host, remote.port, remote.url) == (transport, host, port, url)


def test_credentials_in_an_address_are_taken_out_of_it() -> None:
    found = Remote.of("https://mona:s%2Fcret@git.example.test/o/r", NOBODY)
    assert found.url == "https://git.example.test/o/r"
    assert (found.credentials.username, found.credentials.token) == ("mona", "s/cret")
    beside = Remote.of("https://mona:other@git.example.test/o/r", GitCredentials("bot", TOKEN, ca_file="/ca"))
    assert beside.credentials == GitCredentials("bot", TOKEN, ca_file="/ca")
    assert (
        Remote.of("https://mona@bitbucket.example.test/o/r", NOBODY).url
        == "https://bitbucket.example.test/o/r"
    )
    assert Remote.of("ssh://git:pw@git.example.test/o/r", NOBODY).url == "ssh://git@git.example.test/o/r"
    with pytest.raises(ConfigError, match="no address") as caught:
        Remote.of("https://mona:s3cret@[git/o", NOBODY)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(BadCredentials, match="not sent"):
        Remote.of("http://mona:s3cret@git.example.test/o/r", NOBODY)


def test_a_token_is_configuration_for_its_own_origin() -> None:
    env = environment(Remote.of("https://git.example.test:8443/o/r.git", GitCredentials("oauth2", TOKEN)))
    assert env["GIT_CONFIG_COUNT"] == "1"
    assert env["GIT_CONFIG_KEY_0"] == "http.https://git.example.test:8443/.extraHeader"
    expected = base64.b64encode(f"oauth2:{TOKEN}".encode()).decode()
    assert env["GIT_CONFIG_VALUE_0"] == f"Authorization: Basic {expected}"
    assert not [value for value in env.values() if TOKEN in value]
    github = environment(Remote.of("https://github.com/o/r", GitCredentials(token=TOKEN)))
    assert base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode() in github["GIT_CONFIG_VALUE_0"]


@pytest.mark.parametrize("url", ["git@git.example.test:o/r", "/srv/r", "ext::sh"])
def test_no_other_program_gets_the_token(url: str) -> None:
    env = environment(Remote.of(url, GitCredentials("oauth2", TOKEN, proxy="http://u:pw-canary@p")))
    assert not [name for name in env if name.startswith("GIT_CONFIG_KEY")]
    assert not [value for value in env.values() if "canary" in value]


def test_only_what_a_transport_needs_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", "/environment.pem")
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    monkeypatch.setenv("HTTPS_PROXY", "http://environment:1")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    https = Remote.of("https://git.example.test/o/r", NOBODY)
    assert environment(https)["HTTPS_PROXY"] == "http://environment:1"
    assert environment(https)["GIT_SSL_CAINFO"] == "/environment.pem"
    own = environment(Remote(https.url, GitCredentials(ca_file="/own.pem", proxy="http://u:pw@own:2")))
    assert own["GIT_SSL_CAINFO"] == "/own.pem"
    assert (own["GIT_CONFIG_KEY_0"], own["GIT_CONFIG_VALUE_0"]) == ("http.proxy", "http://u:pw@own:2")
    assert not {"HTTPS_PROXY", "NO_PROXY", "no_proxy", "SSH_AUTH_SOCK", "GIT_TRACE_CURL"} & own.keys()
    assert environment(Remote("git@h:o/r", NOBODY))["SSH_AUTH_SOCK"] == "/agent"
    nothing = environment()
    assert nothing["GIT_ALLOW_PROTOCOL"] == "none"
    assert not {"HTTPS_PROXY", "SSH_AUTH_SOCK", "GIT_SSL_CAINFO"} & nothing.keys()


def test_ssh_asks_nothing_and_believes_only_known_hosts() -> None:
    words = shlex.split(ssh_command(GitCredentials(ssh_key="/a key/100%", known_hosts="/known hosts")))
    for option in (
        "BatchMode=yes", "StrictHostKeyChecking=yes", "ForwardAgent=no", "IdentitiesOnly=yes",
        'IdentityFile="/a key/100%%"', 'UserKnownHostsFile="/known hosts"', "GlobalKnownHostsFile=/dev/null",
    ):  # fmt: skip
        assert words[words.index(option) - 1] == "-o"
    assert "IdentitiesOnly" not in ssh_command(NOBODY)  # the user's own configuration says


def test_texts_lose_secrets_in_every_spelling() -> None:
    remote = Remote.of(
        "https://git.example.test/o/r", GitCredentials("bot", TOKEN, proxy="http://p:pr0xy-canary@x")
    )
    encoded = base64.b64encode(f"bot:{TOKEN}".encode()).decode()
    text = f"{TOKEN} t0ken-canary%2F%2B%3D {encoded} pr0xy-canary https://a:b@c/d ssh://git@host/x"
    assert remote.scrubbed(text) == "*** *** *** *** https://***@c/d ssh://git@host/x"
    assert TOKEN not in repr(remote)
    assert "pr0xy" not in repr(remote)
