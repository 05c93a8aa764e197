"""The words by which people name an issue or a run, parsed. Pure: no disk, no network.

An issue is named by

* its address: ``https://github.com/owner/repo/issues/12`` (github.com and configured hosts),
* ``owner/repo#12`` on the default platform, or ``platform:owner/repo#12`` on a configured one,
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
from urllib.parse import unquote, urlsplit

from tamma.errors import ConfigError
from tamma.model.ids import WorkflowId, workflow_id
from tamma.model.references import RepoRef

PLAIN_GIT = "plain-git"
EXAMPLES = "owner/repo#12, https://github.com/owner/repo/issues/12, or PATH --issue FILE.md"

_OWNER = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAME = r"(?!\.\.?(?:[/#]|$))[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_SHORT = re.compile(
    rf"(?:(?P<platform>[A-Za-z][A-Za-z0-9_.-]*):)?(?P<owner>{_OWNER}(?:/{_OWNER})*)/(?P<repo>{_NAME})"
    r"\#(?P<issue>[A-Za-z0-9][A-Za-z0-9_-]*)"
)
_REPOSITORY_ALONE = re.compile(rf"(?:[A-Za-z][A-Za-z0-9_.-]*:)?{_OWNER}/{_NAME}")
_ISSUE_PATH = re.compile(
    rf"/(?P<owner>{_OWNER}(?:/{_OWNER})*)/(?P<repo>{_NAME})(?:/-)?/issues/(?P<issue>[^/]+)"
)
_PULL_PATH = re.compile(r"/(?:pull|pulls|merge_requests|pull-requests)/\d+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID_BEGINNING = re.compile(r"[0-9a-f]{6,8}|[0-9a-f]{8}-[0-9a-f-]{0,27}")
_SCP_ADDRESS = re.compile(r"[\w.-]+@[\w.-]+:.+")


@dataclass(frozen=True, slots=True)
class Account:
    """A configured platform as far as names go: its id, its kind and the hosts its addresses have."""

    id: str
    type: str
    hosts: tuple[str, ...] = ()


GITHUB = Account("github.com", "github", ("github.com", "www.github.com"))


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
        return workflow_id(self.repo.platform_id, self.repo.owner, self.repo.name, self.issue)

    @property
    def label(self) -> str:
        """`owner/repo#12`, or the folder's name and the file's stem."""
        if self.repo.platform_id == PLAIN_GIT:
            return f"{PurePath(self.repo.name).name}#{self.issue}"
        return f"{self.repo.full_name}#{self.issue}"


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
    accounts: Iterable[Account] = (GITHUB,),
    default: str = GITHUB.id,
) -> IssueName:
    """The issue that `text` names. Raises ConfigError with a hint.

    A path is returned as it was written: making it real is the caller's business.
    """
    text = text.strip()
    known = {account.id: account for account in accounts}
    if not text:
        raise ConfigError("the task reference is empty", hint=f"name an issue: {EXAMPLES}")
    if issue_file is not None:
        return _plain_git(text, issue_file)
    if "://" in text:
        return _from_address(text, known)
    short = _SHORT.fullmatch(text)
    if short:
        platform = short["platform"] or default
        return _on_platform(text, known, platform, short["owner"], short["repo"], short["issue"])
    raise _unreadable(text)


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


def _plain_git(text: str, issue_file: str) -> IssueName:
    if _SHORT.fullmatch(text) or ("://" in text and _ISSUE_PATH.search(text)):
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


def _from_address(text: str, known: dict[str, Account]) -> IssueName:
    parts = urlsplit(text)
    host = (parts.hostname or "").lower()
    netloc = f"{host}:{parts.port}" if parts.port else host
    account = next((a for a in known.values() if netloc in a.hosts or host in a.hosts), None)
    match = _ISSUE_PATH.fullmatch(unquote(parts.path).rstrip("/"))
    if match is None:
        if _PULL_PATH.search(parts.path):
            raise ConfigError(
                f"{text!r} is a pull request, not an issue",
                hint="name the issue that it should solve: https://github.com/owner/repo/issues/12",
            )
        raise ConfigError(
            f"{text!r} is not the address of an issue",
            hint=f"{EXAMPLES}; an address that git clones needs --issue FILE.md",
        )
    if account is None:
        hosts = sorted({host for a in known.values() for host in a.hosts})
        raise ConfigError(
            f"no platform is configured for the host {netloc!r}",
            hint=f"known hosts: {', '.join(hosts) or 'none'}; add it under `platforms` in the configuration",
        )
    return _on_platform(text, known, account.id, match["owner"], match["repo"], match["issue"])


def _on_platform(
    text: str, known: dict[str, Account], platform: str, owner: str, repo: str, issue: str
) -> IssueName:
    account = known.get(platform) or _only_one_of_type(known, platform)
    if account is None:
        raise ConfigError(
            f"no platform called {platform!r} is configured (in {text!r})",
            hint=f"configured: {', '.join(sorted(known)) or 'none'}; e.g. github:owner/repo#12",
        )
    if account.type == PLAIN_GIT:
        raise ConfigError(
            f"{text!r} names plain Git, where issues are files", hint="tamma submit PATH --issue FILE.md"
        )
    if account.type == "github" and not re.fullmatch(r"[1-9][0-9]{0,9}", issue):
        raise ConfigError(f"{issue!r} is no issue number (in {text!r})", hint=f"e.g. {owner}/{repo}#12")
    return IssueName(RepoRef(account.id, owner, repo.removesuffix(".git")), issue)


def _only_one_of_type(known: dict[str, Account], kind: str) -> Account | None:
    """`github:owner/repo#12` is clear enough where one account is of that kind."""
    found = [account for account in known.values() if account.type == kind]
    return found[0] if len(found) == 1 else None


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
