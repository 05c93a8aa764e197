"""Addresses as people and git write them, each platform's own way, and which account they mean."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import ConfigError
from tamma.platforms.accounts import Account, account, claim, fits, match, specific
from tamma.platforms.auth.endpoints import token_url
from tamma.platforms.roots import web_root
from tamma.platforms.url_forms import parse
from tamma.platforms.urls import Address, locate

REPO, ISSUE, PULL = "repository", "issue", "pull_request"


@pytest.mark.parametrize(
    ("text", "host", "full_name", "kind", "number"),
    [
        ("https://github.com/acme/tools", "github.com", "acme/tools", REPO, None),
        ("https://www.github.com/acme/tools.git", "github.com", "acme/tools", REPO, None),
        ("HTTPS://GitHub.com:443/acme/tools/", "github.com", "acme/tools", REPO, None),
        ("https://github.com/acme/tools/issues/12#issuecomment-3", "github.com", "acme/tools", ISSUE, "12"),
        ("https://github.com/acme/tools/pull/7/files", "github.com", "acme/tools", PULL, "7"),
        ("https://github.com/acme/tools/tree/main/issues/12", "github.com", "acme/tools", REPO, None),
        ("git@github.com:acme/tools.git", "github.com", "acme/tools", REPO, None),
        ("github.com:acme/tools.git", "github.com", "acme/tools", REPO, None),
        ("ssh://git@ssh.github.com:443/acme/tools.git", "github.com", "acme/tools", REPO, None),
        ("git+ssh://git@github.com/acme/tools.git", "github.com", "acme/tools", REPO, None),
        ("git://github.com/acme/tools.git", "github.com", "acme/tools", REPO, None),
        ("https://acme.ghe.com/acme/tools", "acme.ghe.com", "acme/tools", REPO, None),
        ("https://gitlab.com/group/sub/deep/tools", "gitlab.com", "group/sub/deep/tools", REPO, None),
        ("https://gitlab.com/group/sub/tools/-/issues/12", "gitlab.com", "group/sub/tools", ISSUE, "12"),
        ("https://gitlab.com/group/tools/-/work_items/12", "gitlab.com", "group/tools", ISSUE, "12"),
        ("https://gitlab.com/group/tools/issues/12", "gitlab.com", "group/tools", ISSUE, "12"),
        ("https://gitlab.com/g/tools/-/merge_requests/3/diffs", "gitlab.com", "g/tools", PULL, "3"),
        ("https://gitlab.com/g/tools/-/tree/main/src", "gitlab.com", "g/tools", REPO, None),
        ("ssh://git@altssh.gitlab.com:443/g/sub/tools.git", "gitlab.com", "g/sub/tools", REPO, None),
        ("git@gitlab.com:g/sub/tools.git", "gitlab.com", "g/sub/tools", REPO, None),
        ("https://codeberg.org/acme/tools/issues/4", "codeberg.org", "acme/tools", ISSUE, "4"),
        ("https://codeberg.org/acme/tools/pulls/4", "codeberg.org", "acme/tools", PULL, "4"),
        ("https://codeberg.org/acme/tools/src/branch/main/a.py", "codeberg.org", "acme/tools", REPO, None),
        ("https://bitbucket.org/WS/Tools/issues/9/it-breaks", "bitbucket.org", "ws/tools", ISSUE, "9"),
        ("https://bitbucket.org/ws/tools/pull-requests/9", "bitbucket.org", "ws/tools", PULL, "9"),
        ("https://me@bitbucket.org/ws/tools.git", "bitbucket.org", "ws/tools", REPO, None),
        ("https://dev.azure.com/org/proj/_git/tools", "dev.azure.com", "org/proj/tools", REPO, None),
        ("https://org@dev.azure.com/org/proj/_git/tools", "dev.azure.com", "org/proj/tools", REPO, None),
        ("https://dev.azure.com/org/_git/tools", "dev.azure.com", "org/tools/tools", REPO, None),
        ("https://dev.azure.com/org/My%20Proj/_git/tools", "dev.azure.com", "org/My Proj/tools", REPO, None),
        ("https://dev.azure.com/o/p/_git/tools/pullrequest/5", "dev.azure.com", "o/p/tools", PULL, "5"),
        ("https://dev.azure.com/o/p/_git/_optimized/tools", "dev.azure.com", "o/p/tools", REPO, None),
        ("https://dev.azure.com/o/p/_workitems/edit/12", "dev.azure.com", "o/p", ISSUE, "12"),
        ("https://dev.azure.com/o/p/_workitems?id=12&_a=edit", "dev.azure.com", "o/p", ISSUE, "12"),
        (
            "https://dev.azure.com/o/p/_boards/board/t/Team/Issues?workitem=12",
            "dev.azure.com",
            "o/p",
            ISSUE,
            "12",
        ),
        ("git@ssh.dev.azure.com:v3/org/proj/tools", "dev.azure.com", "org/proj/tools", REPO, None),
        ("org@vs-ssh.visualstudio.com:v3/org/proj/tools", "dev.azure.com", "org/proj/tools", REPO, None),
        ("https://org.visualstudio.com/proj/_git/tools", "dev.azure.com", "org/proj/tools", REPO, None),
        (
            "https://org.visualstudio.com/DefaultCollection/proj/_git/tools",
            "dev.azure.com",
            "org/proj/tools",
            REPO,
            None,
        ),
        ("https://org.visualstudio.com/_git/tools", "dev.azure.com", "org/tools/tools", REPO, None),
        ("https://acme.atlassian.net/browse/SHOP-12", "acme.atlassian.net", "", ISSUE, "SHOP-12"),
        (
            "https://acme.atlassian.net/jira/software/projects/SHOP/boards/1?selectedIssue=shop-12",
            "acme.atlassian.net",
            "",
            ISSUE,
            "SHOP-12",
        ),
    ],
)
def test_known_hosts(text: str, host: str, full_name: str, kind: str, number: str | None) -> None:
    found = parse(text)
    assert found is not None
    assert (found.host, found.full_name, found.kind, found.number) == (host, full_name, kind, number)


@pytest.mark.parametrize(
    ("text", "kind_of_platform", "root", "host", "full_name", "number"),
    [
        ("https://git.test:8443/g/sub/tools/-/issues/9", "gitlab", "", "git.test:8443", "g/sub/tools", "9"),
        ("https://git.test/gitlab/g/tools/-/issues/9", "gitlab", "/gitlab", "git.test", "g/tools", "9"),
        ("ssh://git@git.test:2222/g/sub/tools.git", "gitlab", "", "git.test", "g/sub/tools", None),
        (
            "https://bb.test/projects/SHOP/repos/tools/browse",
            "bitbucket-dc",
            "",
            "bb.test",
            "SHOP/tools",
            None,
        ),
        (
            "https://bb.test/projects/shop/repos/tools/pull-requests/3/overview",
            "bitbucket-dc",
            "",
            "bb.test",
            "SHOP/tools",
            "3",
        ),
        ("https://bb.test/bb/scm/shop/tools.git", "bitbucket-dc", "/bb", "bb.test", "SHOP/tools", None),
        ("https://bb.test/users/ann/repos/tools", "bitbucket-dc", "", "bb.test", "~ann/tools", None),
        ("ssh://git@bb.test:7999/~ann/tools.git", "bitbucket-dc", "", "bb.test", "~ann/tools", None),
        ("ssh://git@bb.test:7999/shop/tools.git", "bitbucket-dc", "", "bb.test", "SHOP/tools", None),
        (
            "https://az.test/tfs/Coll/proj/_git/tools",
            "azure-devops",
            "/tfs",
            "az.test",
            "Coll/proj/tools",
            None,
        ),
        ("https://[::1]:3000/acme/tools/issues/2", "gitea", "", "[::1]:3000", "acme/tools", "2"),
        # Without knowing what the server is, the path alone has to do.
        ("https://x.test/projects/SHOP/repos/tools", None, "", "x.test", "SHOP/tools", None),
        ("https://x.test/scm/shop/tools.git", None, "", "x.test", "SHOP/tools", None),
        ("https://x.test/coll/proj/_git/tools", None, "", "x.test", "coll/proj/tools", None),
        ("https://x.test/g/sub/tools/-/merge_requests/3", None, "", "x.test", "g/sub/tools", "3"),
        ("https://x.test/acme/tools/issues/3", None, "", "x.test", "acme/tools", "3"),
        ("git@x.test:g/sub/tools.git", None, "", "x.test", "g/sub/tools", None),
        ("https://x.test/browse/SHOP-3", None, "", "x.test", "", "SHOP-3"),
    ],
)
def test_servers_of_ones_own(
    text: str, kind_of_platform: str | None, root: str, host: str, full_name: str, number: str | None
) -> None:
    found = parse(text, kind_of_platform, root)
    assert found is not None
    assert (found.host, found.full_name, found.number) == (host, full_name, number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme/tools",
        "./repo",
        "C:\\repo",
        "file:///srv/repo.git",
        "https://github.com",
        "https://github.com/acme",
        "https://github.com/acme/..",
        "https://github.com/acme/%2e%2e",
        "https://github.com/acme/a%2fb/issues/1",
        "https://github.com/acme/a%0ab",
        "https://github.com:x/acme/tools",
        "https://[::1/acme/tools",
        "https:///acme/tools",
        "https://dev.azure.com/org/proj",
        "https://bb.test/projects/SHOP",
        "javascript://github.com/acme/tools",
    ],
)
def test_what_names_nothing(text: str) -> None:
    found = parse(text, "bitbucket-dc" if "bb.test" in text else None)
    assert found is None


def test_a_password_in_an_address_goes_nowhere() -> None:
    for text in ("https://me:canary-pw@github.com/acme/tools", "https://canary-pw@github.com/acme/tools"):
        assert "canary" not in repr(locate(text))
        assert "canary" not in repr(parse(text))


@given(st.text(alphabet=string.printable, max_size=80))
def test_any_text_is_taken_apart_or_not(text: str) -> None:
    for candidate in (text, f"https://github.com/{text}", f"https://x.test/{text}", f"git@x.test:{text}"):
        found = parse(candidate)
        if found is not None:
            assert not {"", ".", ".."} & set(found.full_name.split("/")) or not found.full_name
            assert "@" not in found.host


PARTS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12).map(lambda part: f"r{part}")


@given(st.lists(PARTS, min_size=1, max_size=4), PARTS, st.integers(1, 10**6))
def test_every_form_of_one_repository_means_it(groups: list[str], name: str, number: int) -> None:
    path = "/".join([*groups, name])
    wanted = ("git.test", "/".join(groups), name)
    for text in (
        f"https://git.test/{path}",
        f"https://git.test/{path}.git",
        f"https://git.test/{path}/-/issues/{number}",
        f"ssh://git@git.test:2222/{path}.git",
        f"git@git.test:{path}.git",
    ):
        found = parse(text, "gitlab")
        assert found is not None
        assert (found.host, found.owner, found.name) == wanted


# --- accounts ----------------------------------------------------------------------------------------

PRIVATE = account("github.com", "github", built_in=True)
WORK = account("work", "github", "https://api.github.com", repositories=("github.com/acme/*",))
SHOP = account("shop", "github", "https://api.github.com", repositories=("git@github.com:acme/shop-*",))
HOUSE = account("git.acme.test", "gitlab", "https://git.acme.test:8443/gitlab/api/v4")
AZURE = account("dev.azure.com", "azure-devops")
ALL = (PRIVATE, WORK, SHOP, HOUSE, AZURE)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://github.com/me/dots", "github.com"),
        ("https://github.com/acme/tools/issues/1", "work"),
        ("git@github.com:ACME/tools.git", "work"),
        ("https://github.com/acme/shop-web", "shop"),
        ("https://git.acme.test:8443/gitlab/g/sub/tools/-/issues/1", "git.acme.test"),
        ("ssh://git@git.acme.test:2222/g/tools.git", "git.acme.test"),
        ("https://org.visualstudio.com/proj/_git/tools", "dev.azure.com"),
        ("git@ssh.dev.azure.com:v3/org/proj/tools", "dev.azure.com"),
        ("https://gitlab.com/g/tools", None),
    ],
)
def test_the_most_specific_account_is_chosen(text: str, wanted: str | None) -> None:
    found = match(text, ALL)
    assert (found.account.id if found else None) == wanted


def test_the_root_of_a_server_is_no_group() -> None:
    found = match("https://git.acme.test:8443/gitlab/g/tools/-/issues/1", ALL)
    assert found is not None
    assert (found.address.owner, found.address.number) == ("g", "1")


@pytest.mark.parametrize(
    ("text", "base_url", "wanted", "number"),
    [
        ("https://dev.azure.com/acme/Web/_workitems/edit/12", "https://dev.azure.com/acme", "acme/Web", "12"),
        ("https://dev.azure.com/acme/Web/_git/shop", "https://dev.azure.com/acme", "acme/Web/shop", None),
        ("https://dev.azure.com/acme/_git/shop", "https://dev.azure.com/acme", "acme/shop/shop", None),
        ("https://acme.visualstudio.com/acme/_git/a", "https://dev.azure.com/acme", "acme/acme/a", None),
        (
            "https://az.test/tfs/DefaultCollection/Web/_workitems/edit/12",
            "https://az.test/tfs/DefaultCollection",
            "DefaultCollection/Web",
            "12",
        ),
        ("https://az.test/tfs/Coll/_git/shop", "https://az.test/tfs/Coll", "Coll/shop/shop", None),
        ("https://az.test/tfs/Coll/_git/shop", "https://az.test/tfs", "Coll/shop/shop", None),
    ],
)
def test_an_organization_that_the_account_names_stays_the_owners_first_part(
    text: str, base_url: str, wanted: str, number: str | None
) -> None:
    entry = account("acme", "azure-devops", base_url)
    found = match(text, (entry, AZURE) if "az.test" in text else (entry,))
    assert found is not None
    assert (found.account, found.address.full_name, found.address.number) == (entry, wanted, number)


def test_a_tie_names_both() -> None:
    other = account("other", "github", "https://api.github.com", repositories=("github.com/acme/*",))
    with pytest.raises(ConfigError, match="'work' and 'other'") as caught:
        match("https://github.com/acme/tools", (PRIVATE, WORK, other))
    assert "repositories" in (caught.value.hint or "")
    assert claim("acme/tools", (PRIVATE, WORK), "github.com") == WORK


def test_what_somebody_configured_goes_before_what_is_built_in() -> None:
    mine = account("mine", "github", "https://api.github.com")
    found = match("https://github.com/me/dots", (PRIVATE, mine))
    assert found is not None
    assert found.account == mine


def test_two_open_accounts_of_a_host_go_by_the_hosts_name() -> None:
    named = account("github.com", "github")
    other = account("other", "github", "https://api.github.com")
    found = match("https://github.com/me/dots", (other, named))
    assert found is not None
    assert found.account == named
    with pytest.raises(ConfigError, match="'other' and 'third'"):
        match("https://github.com/me/dots", (other, account("third", "github", "https://api.github.com")))


@pytest.mark.parametrize(
    ("pattern", "full_name", "expected"),
    [
        ("github.com/acme/*", "acme/tools", True),
        ("github.com/acme", "acme/tools", True),
        ("github.com", "acme/tools", True),
        ("https://github.com/acme/tools.git", "acme/tools", True),
        ("ssh://git@github.com/acme/*", "acme/tools", True),
        ("github.com/acme/*", "acme/sub/tools", True),
        ("github.com/*/tools", "acme/tools", True),
        ("github.com/*/tools", "acme/sub/tools", False),
        ("github.com/**/tools", "acme/sub/tools", True),
        ("*.com/acme/*", "acme/tools", True),
        ("github.com/acme", "acmecorp/tools", False),
        ("github.com/acme/t", "acme/tools", False),
        ("github.com.evil/acme/*", "acme/tools", False),
        ("githubxcom/acme/*", "acme/tools", False),
    ],
)
def test_patterns(pattern: str, full_name: str, expected: bool) -> None:
    owner, _, name = full_name.rpartition("/")
    assert fits(pattern, Address("github.com", owner, name)) is expected


def test_more_written_out_is_more_specific() -> None:
    ordered = ["github.com", "github.com/acme/*", "github.com/acme/shop-*", "github.com/acme/shop-web"]
    assert sorted(ordered, key=specific) == ordered


@pytest.mark.parametrize(
    ("kind", "base_url", "root", "tokens"),
    [
        ("github", None, "https://github.com", "https://github.com/login/oauth/access_token"),
        ("github", "https://api.github.com/", "https://github.com", "https://github.com/login/oauth/access_token"),
        ("github", "https://ghe.test/api/v3", "https://ghe.test", "https://ghe.test/login/oauth/access_token"),
        ("gitlab", "https://h.test/gitlab/api/v4/", "https://h.test/gitlab", "https://h.test/gitlab/oauth/token"),
        ("gitea", "https://H.test:3000", "https://h.test:3000", "https://h.test:3000/login/oauth/access_token"),
        ("bitbucket", None, "https://bitbucket.org", "https://bitbucket.org/site/oauth2/access_token"),
        ("bitbucket-dc", "https://b.test/x/rest/api/1.0", "https://b.test/x", "https://b.test/x/rest/oauth2/latest/token"),
        ("plain-git", None, None, None),
        ("forgejo", None, None, None),
    ],
)  # fmt: skip
def test_roots_and_token_endpoints(
    kind: str, base_url: str | None, root: str | None, tokens: str | None
) -> None:
    assert web_root(kind, base_url) == root
    assert token_url(kind, base_url) == tokens


def test_an_account_made_by_hand_needs_no_more_than_its_hosts() -> None:
    found = match("https://code.example/g/tools", (Account("code", "gitlab", ("code.example",)),))
    assert found is not None
    assert found.address == Address("code.example", "g", "tools")
