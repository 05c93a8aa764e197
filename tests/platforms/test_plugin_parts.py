"""The parts of the host of platforms that start no process."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.errors import PlatformError
from tamma.model.repository import Branch, ChangeKind, CommitRef, FileChange, Page, RepoRef, Repository
from tamma.platforms.interface import (
    AppSettings,
    GitCredentials,
    OAuthSettings,
    Platform,
    PlatformSettings,
)
from tamma.platforms.plugins.child import Given, checked
from tamma.platforms.plugins.hosted import bare
from tamma.platforms.plugins.kind import account_of
from tamma.platforms.plugins.messages import VOCABULARY, Open
from tamma.platforms.plugins.methods import functions, method
from tamma.platforms.plugins.policy import allowed
from tamma.platforms.plugins.settings import settings_of, told_settings
from tamma.plugins.messages import Frame, encode

REPO = RepoRef("mine", "octo", "hello")


def crossed(message: object) -> Any:
    """`message` as it arrives at the other end."""
    head, _, body = encode(1, message)[4:].partition(b"\n")
    return Frame(1, head.split()[1].decode(), body).message(VOCABULARY)


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the protocol."""
    if get_origin(hint) is Page:
        items = st.lists(st.from_type(get_args(hint)[0]), max_size=3).map(tuple)
        return st.builds(Page, items, st.none() | st.text())
    if get_origin(hint) is Mapping:
        return st.dictionaries(st.text(), st.text(), max_size=3)
    return st.from_type(hint)


def test_each_method_of_the_protocol_is_called_by_message() -> None:
    declared = {name for name, value in inspect.getmembers(Platform) if inspect.isfunction(value)}
    public = {name for name in declared if not name.startswith("_")}
    assert set(functions()) == public - {"start", "close"}
    waited = {name for name in functions() if method(name).waits}
    assert public - waited == {"start", "close", "verify_webhook", "parse_webhook"}
    for message in VOCABULARY:
        assert VOCABULARY[message].__name__ == message
    assert len(list(VOCABULARY)) == len(VOCABULARY)
    for unknown in ("call_get_isue", "answer_get_issue", "get_issue", "call", "Popen"):
        assert unknown not in VOCABULARY


@pytest.mark.parametrize("name", sorted(functions()))
def test_arguments_and_results_arrive_as_they_were(name: str) -> None:
    meant = method(name)
    hints = get_type_hints(getattr(Platform, name))
    arguments = st.fixed_dictionaries({each.name: anything(hints[each.name]) for each in meant.parameters})

    @settings(max_examples=8, deadline=None)
    @given(arguments, anything(hints["return"]), st.none() | st.text())
    def check(given_arguments: dict[str, object], value: object, token: str | None) -> None:
        message = meant.asked(token, (), given_arguments)
        arrived = crossed(message)
        assert arrived == message
        assert arrived.with_token == token
        assert crossed(checked(meant, value)).value == value

    check()


def test_every_byte_and_half_a_character_arrive() -> None:
    commit = method("commit_files")
    change = FileChange("ü/\ud83d", ChangeKind.WRITE, bytes(range(256)))
    arrived = crossed(commit.asked(None, (REPO, "b", (change,), "m", "head", "op"), {}))
    assert arrived.changes == (FileChange("ü/\ufffd", ChangeKind.WRITE, bytes(range(256))),)


def test_an_adapter_need_not_know_a_parameter_that_came_later() -> None:
    class Old:
        def list_runs(self, repo: RepoRef, *, sha: str | None = None) -> tuple[object, ...]:
            return repo, sha

    runs = method("list_runs")
    assert runs.carried_out(runs.asked(None, (REPO,), {"sha": "abc"}), Old()) == (REPO, "abc")
    with pytest.raises(TypeError, match="branch"):
        runs.carried_out(runs.asked(None, (REPO,), {"branch": "main"}), Old())


def test_what_a_method_does_not_take_is_refused_here() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'number'"):
        method("get_issue").asked(None, (REPO,), {})
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        method("get_issue").asked(None, (REPO, "1"), {"colour": "red"})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("get_branch", CommitRef("abc", created=True), "get_branch answered with a CommitRef, which"),
        ("get_diff", 7, "get_diff answered with a int"),
        ("close_issue", "done", "close_issue answered with a str"),
        ("list_issues", Page(items=("text",)), r"list_issues answered with a Page \(items.0\), which"),
    ],
)
def test_a_result_of_another_type_is_named(name: str, value: object, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        checked(method(name), value)


class Anyone:
    async def token(self) -> str | None:
        return None

    async def refused(self, token: str) -> bool:
        return False


def whole_settings() -> PlatformSettings:
    return PlatformSettings(
        "mine",
        "forge",
        "https://forge.example",
        "canary-token",
        username="mona",
        auth="oauth",
        oauth=OAuthSettings("https://forge.example/token", "id", "canary-client", "canary-refresh"),
        app=AppSettings("7", "canary-key"),
        webhook_secrets=("canary-hook",),
        ca_file="/etc/house/ca.pem",
        proxy="http://mona:canary-proxy@proxy.example:3128",
        timeout=7.5,
        options={"colour": ["red", 1, None], "sandbox": {"read": ["/etc/house"]}},
    )


def test_settings_cross_but_for_what_is_ours() -> None:
    ours, tokens = whole_settings(), Given(None)
    arrived = settings_of(crossed(Open(told_settings(ours, "canary-now"))).settings, tokens)
    assert arrived.tokens is tokens
    assert arrived.token == "canary-now"
    assert arrived.options == {"colour": ["red", 1, None]}
    for name in (
        "id",
        "type",
        "base_url",
        "username",
        "auth",
        "app",
        "webhook_secrets",
        "ca_file",
        "timeout",
    ):
        assert getattr(arrived, name) == getattr(ours, name), name
    assert arrived.oauth == ours.oauth


def test_who_has_a_source_of_tokens_keeps_what_renews_them() -> None:
    ours = replace(whole_settings(), tokens=Anyone())
    assert settings_of(told_settings(ours, "canary-now"), Given(None)).oauth is None


def test_an_account_knows_every_secret_and_no_repr_tells_it() -> None:
    account = account_of(whole_settings())
    assert set(account.secrets) == {
        "canary-token", "canary-client", "canary-refresh", "canary-key", "canary-hook", "canary-proxy",
    }  # fmt: skip
    assert "canary" not in repr(account)
    assert account.readable == ("/etc/house/ca.pem",)


# --- what a plugin may not choose ---


def entry(clone_url: str | None = None) -> PlatformSettings:
    return PlatformSettings("mine", "forge", clone_url=clone_url, ssh_key="/keys/ours", ca_file="/keys/ca")


@pytest.mark.parametrize(
    "url",
    [
        "https://forge.example/octo/hello.git",
        "http://127.0.0.1:3000/octo/hello",
        "ssh://git@forge.example:2222/octo/hello",
        "git@forge.example:octo/hello.git",
        "https://mona@forge.example/octo/hello",
    ],
)
def test_addresses_on_the_network_may_be_cloned(url: str) -> None:
    allowed(Repository(REPO, "main", url), entry(), "forge")


@pytest.mark.parametrize(
    "url",
    [
        "/home/mona/private",
        "../private",
        "file:///home/mona/private",
        "ext::sh -c date",
        "git@forge.example::octo",
        "--upload-pack=date",
        "-oProxyCommand=date@forge.example:octo",
        "https://mona:canary@forge.example/octo/hello",
        "https:///octo",
        "https://[forge",
        "",
    ],
)
def test_other_addresses_are_not(url: str) -> None:
    with pytest.raises(PlatformError, match="to clone from, which is not its to choose") as raised:
        allowed(Repository(REPO, "main", url), entry(), "forge")
    assert "canary" not in str(raised.value)


def test_the_entry_s_own_template_may_be_a_path_and_no_name_leads_out_of_it() -> None:
    mirror = entry("/srv/mirror/{owner}/{name}")
    allowed(Repository(REPO, "main", "/srv/mirror/octo/hello"), mirror, "forge")
    with pytest.raises(PlatformError, match="to clone from"):
        allowed(Repository(REPO, "main", "/srv/mirror/octo/other"), mirror, "forge")
    for owner in ("../../home", "octo/../..", ".", "/octo"):
        there = RepoRef("mine", owner, "hello")
        with pytest.raises(PlatformError, match="names the repository"):
            allowed(Repository(there, "main", f"/srv/mirror/{owner}/hello"), mirror, "forge")


def test_a_repository_moves_to_no_other_account() -> None:
    url = "https://forge.example/octo/hello"
    allowed(Repository(RepoRef("mine", "new/group", "name"), "main", url), entry(), "forge")
    with pytest.raises(PlatformError, match="names the repository 'github:octo/hello'"):
        allowed(Repository(RepoRef("github", "octo", "hello"), "main", url), entry(), "forge")


@pytest.mark.parametrize(
    "name", ["-oProxyCommand=date", "main other", "main:other", "ma\nin", "", "a^b", "*"]
)
def test_git_takes_no_branch_for_anything_else(name: str) -> None:
    for answer in (Branch(name, "a" * 40), Repository(REPO, name, "https://forge.example/octo/hello")):
        with pytest.raises(PlatformError, match="names the branch"):
            allowed(answer, entry(), "forge")
    allowed(Branch("tamma/12-häßlich/ünïcode", "a" * 64), entry(), "forge")


@pytest.mark.parametrize("sha", ["HEAD", "--hard", "", "A" * 40, "a" * 41])
def test_a_commit_is_a_hash(sha: str) -> None:
    with pytest.raises(PlatformError, match="names the commit"):
        allowed(Branch("main", sha), entry(), "forge")


def test_keys_for_git_are_the_entry_s() -> None:
    allowed(GitCredentials("mona", "canary", ssh_key="/keys/ours", ca_file="/keys/ca"), entry(), "forge")
    allowed(GitCredentials(), entry(), "forge")
    for other in (
        GitCredentials(ssh_key="/home/mona/.ssh/id_ed25519"),
        GitCredentials(known_hosts="/dev/null"),
        GitCredentials(ca_file="/tmp/ca"),
    ):
        with pytest.raises(PlatformError, match="not its to choose"):
            allowed(other, entry(), "forge")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://forge.example/octo/hello", None),
        ("https://canary@forge.example/octo/hello?token=canary#canary", "https://forge.example/octo/hello"),
        ("HTTPS://mona:canary@forge.example:8443/x", "HTTPS://forge.example:8443/x"),
        ("ssh://git:canary@forge.example:22/octo/hello", "ssh://git@forge.example:22/octo/hello"),
        ("git@forge.example:octo/hello.git", None),
        ("git:canary@forge.example:octo/hello", "git@forge.example:octo/hello"),
        ("ssh.dev.azure.com:v3/a/b/c", None),
        ("https://forge.example/octo/h@llo", None),
        ("", None),
    ],
)
def test_an_address_is_told_without_secrets(url: str, told: str | None) -> None:
    assert bare(url) == (url if told is None else told)


async def test_a_child_knows_of_a_newer_token_only_where_a_call_brought_one() -> None:
    given_tokens = Given("old")
    assert not await given_tokens.refused("old")
    given_tokens.now = "new"
    assert await given_tokens.refused("old")
    assert await given_tokens.token() == "new"
