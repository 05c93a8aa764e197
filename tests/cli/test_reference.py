"""What people may call an issue or a run, and what they are told where it is none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.cli.reference import (
    GITHUB,
    Account,
    IssueName,
    RepositoryName,
    TaskName,
    WorkflowName,
    parse_issue,
    parse_run,
    path_key,
)
from tamma.errors import ConfigError
from tamma.model.references import PLAIN_GIT
from tamma.platforms.accounts import account

PLAIN = Account(PLAIN_GIT, PLAIN_GIT, (PLAIN_GIT,))
FORGE = Account("code.example", "gitlab", ("code.example", "code.example:8443"))
ACCOUNTS = (GITHUB, FORGE, PLAIN)
TASK = "01a204f2-dc75-73f8-af08-410ef9fd103d"

NAMES = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=20).map(lambda s: f"r{s}")
NUMBERS = st.integers(1, 10**9).map(str)


def parse(text: str, issue_file: str | None = None) -> IssueName:
    return parse_issue(text, issue_file=issue_file, accounts=ACCOUNTS)


@pytest.mark.parametrize(
    "text",
    [
        "acme/tools#12",
        "  acme/tools#12 ",
        "github.com:acme/tools#12",
        "github:acme/tools#12",
        "https://github.com/acme/tools/issues/12",
        "https://www.github.com/acme/tools/issues/12/",
        "http://GitHub.com/acme/tools/issues/12?foo=1#issuecomment-3",
        "acme/tools.git#12",
    ],
)
def test_one_issue_has_many_names(text: str) -> None:
    name = parse(text)
    assert (name.repo.platform_id, name.repo.owner, name.repo.name, name.issue) == (
        "github.com",
        "acme",
        "tools",
        "12",
    )
    assert name.workflow_id == "dev/github.com/acme/tools/12"
    assert name.label == "acme/tools#12"


def test_groups_may_be_nested_and_ports_count() -> None:
    name = parse("https://code.example:8443/group/sub/tools/-/issues/9")
    assert (name.repo.platform_id, name.repo.owner, name.repo.name) == ("code.example", "group/sub", "tools")
    assert parse("gitlab:group/sub/tools#9").workflow_id == name.workflow_id


def test_plain_git_is_called_by_its_path_and_the_file() -> None:
    name = parse("/srv/repo", "issues/rounding-error.md")
    assert (name.repo.platform_id, name.repo.owner, name.repo.name) == (PLAIN_GIT, "", "/srv/repo")
    assert (name.issue, name.file) == ("rounding-error", "issues/rounding-error.md")
    assert name.workflow_id == f"dev/plain-git/{path_key('/srv/repo')}/rounding-error"
    assert name.label == "repo#rounding-error"


@pytest.mark.parametrize(
    ("text", "file", "what", "hint"),
    [
        ("", None, "empty", "owner/repo#12"),
        ("acme/tools", None, "no issue", "'acme/tools#12'"),
        ("#12", None, "which repository", "owner/repo#12"),
        ("./repo", None, "names no issue", "--issue FILE.md"),
        ("acme/tools#0", None, "no issue number", "acme/tools#12"),
        ("acme/tools#abc", None, "no issue number", "acme/tools#12"),
        ("../tools#12", None, "not a task reference", "owner/repo#12"),
        ("gitea:acme/tools#12", None, "no platform called 'gitea'", "code.example"),
        ("plain-git:acme/tools#12", None, "issues are files", "--issue FILE.md"),
        ("https://github.com/acme/tools/pull/7", None, "pull request", "issue"),
        ("https://github.com/acme/tools", None, "not the address of an issue", "--issue"),
        ("https://git.example/acme/tools/issues/1", None, "'git.example'", "github.com"),
        ("git@github.com:acme/tools.git", None, "address for git", "owner/repo#12"),
        ("acme/tools#12", "bug.md", "names an issue already", "--issue"),
        ("https://me:secret@host/r.git", "bug.md", "password", "credential helper"),
    ],
)
def test_what_is_no_issue_is_told_with_a_way_out(text: str, file: str | None, what: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, file)
    assert what in str(caught.value)
    assert hint in (caught.value.hint or "")
    assert "secret" not in str(caught.value)


AZURE = account("dev.azure.com", "azure-devops")
CENTER = account("bb.example", "bitbucket-dc", "https://bb.example", tracker="jira")
TRACKED = account(
    "work", "github", "https://api.github.com", repositories=("github.com/acme/*",), tracker="jira"
)
JIRA = account("jira", "jira", "https://acme.atlassian.net")
EVERYTHING = (GITHUB, FORGE, AZURE, CENTER, TRACKED, JIRA, account("codeberg.org", "forgejo"), PLAIN)


@pytest.mark.parametrize(
    ("text", "repository", "expected"),
    [
        ("https://code.example/g/sub/tools/-/issues/12", None, "code.example g/sub/tools 12"),
        ("https://codeberg.org/me/tools/issues/3", None, "codeberg.org me/tools 3"),
        ("https://github.com/me/tools/issues/3", None, "github.com me/tools 3"),
        ("dev.azure.com:org/proj/tools#12", None, "dev.azure.com org/proj/tools 12"),
        ("https://dev.azure.com/org/proj/_workitems/edit/12", "tools", "dev.azure.com org/proj/tools 12"),
        ("https://dev.azure.com/org/proj/_workitems/edit/12", "org/other/x", "dev.azure.com org/other/x 12"),
        ("acme/tools#SHOP-12", None, "work acme/tools SHOP-12"),
        ("acme/tools#shop-12", None, "work acme/tools SHOP-12"),
        ("SHOP-12", "acme/tools", "work acme/tools SHOP-12"),
        ("12", "me/tools", "github.com me/tools 12"),
        ("#12", "codeberg.org:me/tools", "codeberg.org me/tools 12"),
        ("https://acme.atlassian.net/browse/SHOP-12", "acme/tools", "work acme/tools SHOP-12"),
        ("https://acme.atlassian.net/browse/SHOP-12", "bb.example:shop/web", "bb.example SHOP/web SHOP-12"),
        ("bb.example:~ann/web#SHOP-1", None, "bb.example ~ann/web SHOP-1"),
    ],
)
def test_issues_of_every_platform_and_tracker(text: str, repository: str | None, expected: str) -> None:
    name = parse_issue(text, repository=repository, accounts=EVERYTHING)
    assert f"{name.repo.platform_id} {name.repo.full_name} {name.issue}" == expected
    if repository is None:
        assert parse_run(text, accounts=EVERYTHING) == name


@pytest.mark.parametrize(
    ("base", "page"),
    [
        ("https://dev.azure.com/Acme", "https://dev.azure.com/acme/Shop/_workitems/edit/12"),
        ("https://acme.visualstudio.com", "https://acme.visualstudio.com/Shop/_workitems/edit/12"),
        (
            "https://acme.visualstudio.com/DefaultCollection",
            "https://acme.visualstudio.com/DefaultCollection/Shop/_workitems/edit/12",
        ),
        ("https://tfs.example/tfs/Acme", "https://tfs.example/tfs/Acme/Shop/_workitems/edit/12"),
    ],
)
def test_a_work_item_has_one_run_with_and_without_its_organization(base: str, page: str) -> None:
    azure = account("work", "azure-devops", base)
    given = (
        (page, "web"),
        ("12", "work:shop/web"),
        ("work:shop/web#12", None),
        ("work:Acme/Shop/web#12", None),
    )
    runs = {parse_issue(text, repository=repo, accounts=(azure,)).workflow_id for text, repo in given}
    assert runs == {"dev/work/acme/shop/web/12"}


def test_an_account_of_all_organizations_adds_none() -> None:
    for base in (None, "https://tfs.example/tfs"):
        azure = account("work", "azure-devops", base)
        assert parse_issue("work:shop/web#12", accounts=(azure,)).repo.owner == "shop"


@pytest.mark.parametrize(
    ("text", "repository", "what", "hint"),
    [
        ("https://dev.azure.com/org/proj/_workitems/edit/12", None, "which repository", "--repo NAME"),
        ("https://acme.atlassian.net/browse/SHOP-12", None, "which repository", "--repo owner/repo"),
        ("https://acme.atlassian.net/browse/SHOP-12", "tools", "is no repository", "owner/repo"),
        ("https://acme.atlassian.net/browse/SHOP-12", "codeberg.org:me/tools", "'jira'", '"issues"'),
        ("https://acme.atlassian.net/browse/SHOP-12", "nowhere:me/tools", "'jira'", '"issues"'),
        ("me/tools#12", "me/other", "names a repository already", "--repo"),
        ("https://github.com/me/tools/issues/3", "me/other", "names a repository already", "--repo"),
        ("acme/tools#12", None, "no key of Jira", "SHOP-12"),
        ("https://github.com/acme/tools/issues/3", None, "no key of Jira", "SHOP-12"),
        ("codeberg.org:me/tools#SHOP-1", None, "no issue number", "me/tools#12"),
        ("https://gitlab.com/g/tools/-/issues/1", None, "'gitlab.com'", "export GITLAB_TOKEN"),
        ("https://acme.ghe.com/g/tools/issues/1", None, "'acme.ghe.com'", "type 'github'"),
        ("https://me:canary-pw@git.example/g/tools", None, "not the address of an issue", "--issue"),
    ],
)
def test_what_does_not_fit_the_accounts(text: str, repository: str | None, what: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_issue(text, repository=repository, accounts=EVERYTHING)
    assert what in str(caught.value)
    assert hint in (caught.value.hint or "")
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_a_server_without_issues_asks_for_a_tracker() -> None:
    alone = account("bb.example", "bitbucket-dc", "https://bb.example")
    with pytest.raises(ConfigError, match="has no issues") as caught:
        parse_issue("bb.example:shop/web#3", accounts=(GITHUB, alone))
    assert '"issues"' in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TASK, TaskName(TASK, whole=True)),
        (TASK.upper(), TaskName(TASK, whole=True)),
        ("01a204", TaskName("01a204", whole=False)),
        ("01a204f2-dc75-7", TaskName("01a204f2-dc75-7", whole=False)),
        ("dev/github.com/acme/tools/12", WorkflowName),
        ("./repo", RepositoryName("./repo")),
        (".", RepositoryName(".")),
        ("acme/tools#12", IssueName),
    ],
)
def test_a_run_has_more_names(text: str, expected: object) -> None:
    found = parse_run(text, accounts=ACCOUNTS)
    assert isinstance(found, expected) if isinstance(expected, type) else found == expected


def test_five_characters_are_too_few_for_a_task() -> None:
    with pytest.raises(ConfigError):
        parse_run("01a20", accounts=ACCOUNTS)


@given(owner=NAMES, repo=NAMES, issue=NUMBERS)
def test_short_and_long_form_mean_the_same(owner: str, repo: str, issue: str) -> None:
    short = parse(f"{owner}/{repo}#{issue}")
    assert short == parse(f"https://github.com/{owner}/{repo}/issues/{issue}")
    assert short == parse(f"github:{owner}/{repo}#{issue}")
    assert short.workflow_id == f"dev/github.com/{owner.lower()}/{repo.lower()}/{issue}"
    assert short.workflow_id == parse(f"{owner.upper()}/{repo}#{issue}").workflow_id


@given(st.text(alphabet=string.printable, max_size=60), st.none() | st.text(max_size=10))
def test_any_text_is_understood_or_refused_with_a_hint(text: str, file: str | None) -> None:
    refused: ConfigError | None = None
    try:
        name = parse(text, file)
    except ConfigError as error:
        refused = error
    else:
        assert name.issue
        assert "//" not in name.workflow_id
        assert ".." not in name.repo.owner.split("/")
    assert refused is None or refused.hint
