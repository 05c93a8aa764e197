"""The words by which people name an issue or a run, parsed. Pure: no disk, no network.

An issue is named by

* its address: ``https://gitlab.com/group/repo/-/issues/12`` (of configured hosts),
* ``owner/repo#12`` on the default platform, or ``platform:owner/repo#12`` on a configured one; the number is
  a key (``owner/repo#SHOP-12``) where the issues are in Jira,
* the address of an issue that names no repository (work items, Jira), or its number, with ``--repo``,
* a path (or an address that git can clone) together with ``--issue FILE.md`` on plain Git.

A run is named by its task id (or at least the first six characters of it), by its workflow id, or by the
same words as its issue.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from tamma.cli.known import GITHUB as GITHUB
from tamma.cli.known import Known, issue_number, need_issues, no_account
from tamma.errors import ConfigError
from tamma.model.ids import WorkflowId, forge_run_id, workflow_id
from tamma.model.references import PLAIN_GIT, RepoRef
from tamma.platforms.accounts import Account as Account
from tamma.platforms.accounts import Found, match, named_out
from tamma.platforms.url_forms import parse

EXAMPLES = "owner/repo#12, https://github.com/owner/repo/issues/12, or PATH --issue FILE.md"

_OWNER = r"[A-Za-z0-9_~][A-Za-z0-9_.-]*"
_NAME = r"(?!\.\.?(?:[/#]|$))[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_SHORT = re.compile(
    rf"(?:(?P<platform>[A-Za-z][A-Za-z0-9_.-]*):)?(?P<owner>{_OWNER}(?:/{_OWNER})*)/(?P<repo>{_NAME})"
    r"\#(?P<issue>[A-Za-z0-9][A-Za-z0-9_-]*)"
)
_REPOSITORY = re.compile(
    rf"(?:(?P<platform>[A-Za-z][A-Za-z0-9_.-]*):)?(?:(?P<owner>{_OWNER}(?:/{_OWNER})*)/)?(?P<repo>{_NAME})"
)
_REPOSITORY_ALONE = re.compile(rf"(?:[A-Za-z][A-Za-z0-9_.-]*:)?{_OWNER}/{_NAME}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID_BEGINNING = re.compile(r"[0-9a-f]{6,8}|[0-9a-f]{8}-[0-9a-f-]{0,27}")
_SCP_ADDRESS = re.compile(r"[\w.-]+@[\w.-]+:.+")
_BARE_ISSUE = re.compile(r"#?(?P<issue>[A-Za-z0-9][A-Za-z0-9_-]*)")


@dataclass(frozen=True, slots=True)
class IssueName:
    """An issue on a platform, or (with `file`) a Markdown file about a plain Git repository."""

    repo: RepoRef
    issue: str
    file: str | None = None

    @property
    def workflow_id(self) -> WorkflowId:
        """The id of its run. On plain Git `repo.name` must be absolute and real by now."""
        if self.repo.platform_id == PLAIN_GIT:
            return workflow_id(PLAIN_GIT, "", path_key(self.repo.name), self.issue)
        return forge_run_id(self.repo, self.issue)

    @property
    def label(self) -> str:
        """A name that commands take: `owner/repo#12`, with its account before it where that is not GitHub's;
        on plain Git the folder's name and the file's stem."""
        if self.repo.platform_id == PLAIN_GIT:
            return f"{PurePath(self.repo.name).name}#{self.issue}"
        account = "" if self.repo.platform_id == GITHUB.id else f"{self.repo.platform_id}:"
        return f"{account}{self.repo.full_name}#{self.issue}"


@dataclass(frozen=True, slots=True)
class TaskName:
    """A task id, or its beginning."""

    prefix: str
    whole: bool


@dataclass(frozen=True, slots=True)
class WorkflowName:
    workflow_id: WorkflowId


@dataclass(frozen=True, slots=True)
class RepositoryName:
    """A path without an issue: whatever run the repository has."""

    path: str


RunName = TaskName | WorkflowName | IssueName | RepositoryName


def path_key(real_path: str) -> str:
    """What stands for a plain Git repository in workflow ids: 16 hexadecimal digits of its path's hash."""
    return hashlib.sha256(real_path.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def parse_issue(
    text: str,
    *,
    issue_file: str | None = None,
    repository: str | None = None,
    accounts: Iterable[Account] = (GITHUB,),
    default: str = GITHUB.id,
) -> IssueName:
    """The issue that `text` names, in `repository` where it does not say. Raises ConfigError with a hint.

    A path is returned as it was written: making it real is the caller's business.
    """
    text = text.strip()
    known = Known({account.id: account for account in accounts}, default)
    if not text:
        raise ConfigError("the task reference is empty", hint=f"name an issue: {EXAMPLES}")
    if issue_file is not None:
        return _plain_git(text, issue_file)
    if "://" in text:
        return _from_address(text, known, repository)
    bare = _BARE_ISSUE.fullmatch(text)
    if repository is not None and bare:
        return _from_short(f"{repository.strip()}#{bare['issue']}", known)
    if repository is not None:
        raise _named_twice(text, repository)
    return _from_short(text, known)


def parse_run(
    text: str,
    *,
    issue_file: str | None = None,
    accounts: Iterable[Account] = (GITHUB,),
    default: str = GITHUB.id,
) -> RunName:
    """The run that `text` names; an existing one, whatever it is called by. Raises ConfigError."""
    text = text.strip()
    if issue_file is None:
        lower = text.lower()
        if _UUID.fullmatch(lower):
            return TaskName(lower, whole=True)
        if _UUID_BEGINNING.fullmatch(lower):
            return TaskName(lower, whole=False)
        if text.startswith("dev/"):
            return WorkflowName(WorkflowId(text))
        if text.startswith(("/", "./", "../", "~")) or text in (".", ".."):
            return RepositoryName(text)
    return parse_issue(text, issue_file=issue_file, accounts=accounts, default=default)


def parse_repository(
    text: str, *, accounts: Iterable[Account] = (GITHUB,), default: str = GITHUB.id
) -> RepoRef:
    """The repository that `owner/repo`, `platform:owner/repo` or an address names, on a platform that has
    issues. Raises ConfigError with a hint."""
    text = text.strip()
    known = Known({account.id: account for account in accounts}, default)
    shown = _without_user(text)
    if "://" in text:
        found = match(text, known.by_id.values())
        if found is None or found.address.kind != "repository":
            raise ConfigError(
                f"{shown!r} is no address of a repository on a configured platform",
                hint="write it as owner/repo or PLATFORM:owner/repo; `tamma platforms list` shows those",
            )
        account, owner, name = found.account, found.address.owner, found.address.name
    else:
        named = _REPOSITORY.fullmatch(text)
        if named is None or not named["owner"]:
            raise ConfigError(f"{shown!r} names no repository", hint="write it as owner/repo")
        owner, name = named["owner"], named["repo"]
        account = _account(text, known, named["platform"], f"{owner}/{name}")
    if account.type == PLAIN_GIT:
        raise ConfigError(
            f"{shown!r} is on plain Git, where nobody keeps a list of issues",
            hint="submit them one by one: tamma submit PATH --issue FILE.md",
        )
    need_issues(shown, known.tracker(account).type)
    owner, name = named_out(account, owner, name)
    return RepoRef(account.id, owner, name.removesuffix(".git"))


def _plain_git(text: str, issue_file: str) -> IssueName:
    address = parse(text) if "://" in text else None
    if _SHORT.fullmatch(text) or (address is not None and address.kind == "issue"):
        raise ConfigError(
            f"{text!r} names an issue already, and --issue {issue_file!r} another",
            hint="--issue goes with a path: tamma submit PATH --issue FILE.md",
        )
    if "://" in text and urlsplit(text).password:
        raise ConfigError(
            "the repository's address holds a password",
            hint="leave it out and let git's credential helper answer; addresses end up in logs",
        )
    stem = PurePath(issue_file).stem
    if not stem:
        raise ConfigError(f"--issue {issue_file!r} is no file name", hint="e.g. --issue issues/rounding.md")
    return IssueName(RepoRef(PLAIN_GIT, "", text), stem, issue_file)


def _from_short(text: str, known: Known) -> IssueName:
    short = _SHORT.fullmatch(text)
    if short is None:
        raise _unreadable(text)
    account = _account(text, known, short["platform"], f"{short['owner']}/{short['repo']}")
    return _on_account(text, known, account, short["owner"], short["repo"], short["issue"])


def _from_address(text: str, known: Known, repository: str | None) -> IssueName:
    found = match(text, known.by_id.values())
    address = found.address if found else parse(text)
    shown = _without_user(text)
    if address is None or address.kind == "repository":
        raise ConfigError(
            f"{shown!r} is not the address of an issue",
            hint=f"{EXAMPLES}; an address that git clones needs --issue FILE.md",
        )
    if address.kind == "pull_request":
        raise ConfigError(
            f"{shown!r} is a pull request, not an issue",
            hint="name the issue that it should solve: https://github.com/owner/repo/issues/12",
        )
    if found is None:
        raise no_account(address.host, known)
    if not address.name:
        return _without_repository(shown, known, found, repository)
    if repository is not None:
        raise _named_twice(shown, repository)
    return _on_account(shown, known, found.account, address.owner, address.name, address.number or "")


def _without_repository(text: str, known: Known, found: Found, given: str | None) -> IssueName:
    """An issue of a tracker, in the repository that was named beside it."""
    inside = found.address.owner  # on Azure DevOps the project
    if given is None:
        raise ConfigError(
            f"{text!r} does not say which repository the change is for",
            hint=f"submit it with --repo {'NAME' if inside else 'owner/repo'}; elsewhere write it as "
            f"{inside or 'owner'}/{'NAME' if inside else 'repo'}#{found.address.number}",
        )
    named = _REPOSITORY.fullmatch(given.strip())
    owner = (named["owner"] or inside) if named else ""
    if named is None or not owner:
        raise ConfigError(f"--repo {given!r} is no repository", hint="write it as owner/repo")
    number = found.address.number or ""
    if inside:
        account = found.account if named["platform"] is None else known.called(named["platform"])
    elif named["platform"] is not None:
        account = known.called(named["platform"])
    else:
        account = _using(found.account, known, f"{owner}/{named['repo']}")
    if account is None or found.account.id not in (account.id, account.tracker):
        raise ConfigError(
            f"the platform of --repo {given!r} does not have its issues on {found.account.id!r}",
            hint=f'set "issues": {{"platform": "{found.account.id}"}} in its entry of the configuration, or '
            "write --repo PLATFORM:owner/repo",
        )
    return _on_account(text, known, account, owner, named["repo"], number)


def _using(tracker: Account, known: Known, full_name: str) -> Account | None:
    """The account whose issues are on `tracker`; of several the one that the repository alone would mean."""
    users = [account for account in known.by_id.values() if account.tracker == tracker.id]
    return users[0] if len(users) == 1 else known.of(full_name)


def _account(text: str, known: Known, platform: str | None, full_name: str) -> Account:
    account = known.of(full_name) if platform is None else known.called(platform)
    if account is None:
        raise ConfigError(
            f"no platform called {platform or known.default!r} is configured (in {text!r})",
            hint=f"configured: {known.ids}; e.g. github:owner/repo#12",
        )
    return account


def _on_account(text: str, known: Known, account: Account, owner: str, repo: str, issue: str) -> IssueName:
    if account.type == PLAIN_GIT:
        raise ConfigError(
            f"{text!r} names plain Git, where issues are files", hint="tamma submit PATH --issue FILE.md"
        )
    owner, repo = named_out(account, owner, repo)
    number = issue_number(text, known.tracker(account).type, issue, f"{owner}/{repo}")
    return IssueName(RepoRef(account.id, owner, repo.removesuffix(".git")), number)


def _named_twice(text: str, repository: str) -> ConfigError:
    return ConfigError(
        f"{text!r} names a repository already, and --repo {repository!r} another",
        hint="--repo goes with an issue's number, or an address that names no repository",
    )


def _without_user(text: str) -> str:
    """An address as it may be shown: whatever stands before the host may hold a password."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", text)


def _unreadable(text: str) -> ConfigError:
    if text.startswith("#"):
        return ConfigError(f"{text!r} does not say which repository", hint=f"e.g. owner/repo{text}")
    if _REPOSITORY_ALONE.fullmatch(text) and not text.startswith("."):
        return ConfigError(
            f"{text!r} names a repository but no issue",
            hint=f"add the number, in quotes where the shell takes # for a comment: '{text}#12'; "
            "a folder needs --issue FILE.md",
        )
    if _SCP_ADDRESS.fullmatch(text):
        return ConfigError(f"{text!r} is an address for git, not an issue", hint=f"e.g. {EXAMPLES}")
    if "#" in text:
        return ConfigError(f"{text!r} is not a task reference", hint=f"write it as {EXAMPLES}")
    return ConfigError(
        f"{text!r} names no issue", hint=f"a folder needs --issue FILE.md; otherwise write {EXAMPLES}"
    )
