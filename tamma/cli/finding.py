"""From what a person typed to the run on the server."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tamma.cli.reference import (
    Account,
    IssueName,
    RepositoryName,
    TaskName,
    WorkflowName,
    parse_issue,
    parse_run,
)
from tamma.errors import ConfigError
from tamma.model.ids import WorkflowId
from tamma.temporal import run_index
from tamma.temporal.run_errors import RunNotFound

if TYPE_CHECKING:
    from temporalio.client import Client

LONGEST_ISSUE = 256 * 1024
"""Bytes of an issue file. It travels to the workflow once; nobody reads a longer one."""


async def find(
    client: Client, text: str, issue_file: str | None, accounts: tuple[Account, ...], default: str
) -> run_index.RunRecord:
    """The run that `text` names. Raises ConfigError, RunNotFound, RunAmbiguous."""
    match parse_run(text, issue_file=issue_file, accounts=accounts, default=default):
        case TaskName(prefix, whole):
            return await run_index.find_by_task(client, prefix, whole=whole)
        case WorkflowName(workflow):
            return await _describe(client, workflow, text)
        case RepositoryName(path):
            return await run_index.find_by_repository(client, real_path(path))
        case IssueName() as name:
            return await _describe(client, resolved(name).workflow_id, text)


async def _describe(client: Client, workflow: WorkflowId, text: str) -> run_index.RunRecord:
    try:
        return await run_index.describe(client, workflow)
    except RunNotFound:
        raise RunNotFound(
            f"{text!r} has no run on this server",
            hint="`tamma list --all` shows all runs, `tamma submit` starts one",
        ) from None


def locate(
    text: str,
    issue_file: str | None,
    accounts: tuple[Account, ...],
    default: str,
    repository: str | None = None,
) -> tuple[IssueName, str | None]:
    """The issue that `text` names (in `repository`, where it does not say), paths made real, and its text
    where it is a file. Raises ConfigError."""
    if issue_file is None and Path(text).expanduser().is_dir():
        raise ConfigError(
            f"{text!r} is a folder, and its issue is not named", hint=f"tamma submit {text} --issue FILE.md"
        )
    name = parse_issue(text, issue_file=issue_file, repository=repository, accounts=accounts, default=default)
    if name.file is None:
        return name, None
    name = resolved(name)
    if "://" not in name.repo.name and not Path(name.repo.name).is_dir():
        raise ConfigError(f"{text!r} is no folder", hint="give the path of a Git repository")
    return name, read_issue(name.file or "")


def resolved(name: IssueName) -> IssueName:
    """The same with the real path of a local repository, which is what its run is called by."""
    if name.file is None or ("://" in name.repo.name and not name.repo.name.startswith("file://")):
        return name
    return replace(name, repo=replace(name.repo, name=real_path(name.repo.name)))


def real_path(path: str) -> str:
    """Of a path, or of a file:// address: one repository has one name, however it was written."""
    if path.startswith("file://"):
        path = unquote(urlsplit(path).path)
    return os.path.realpath(Path(path).expanduser())


def read_issue(file: str) -> str:
    """An issue's Markdown. Raises ConfigError where it is missing, empty, too long or not text."""
    path = Path(file).expanduser()
    try:
        with path.open("rb") as stream:
            content = stream.read(LONGEST_ISSUE + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise ConfigError(
            f"the issue {file!r} cannot be read: {error.strerror}",
            hint="--issue takes a Markdown file: its first heading is the title, the rest the problem",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"the issue {file!r} is not UTF-8 text", hint="save it as UTF-8 Markdown"
        ) from error
    if len(content) > LONGEST_ISSUE:
        raise ConfigError(
            f"the issue {file!r} is longer than {LONGEST_ISSUE // 1024} kB",
            hint="put long logs into the repository or shorten them",
        )
    if not text.strip():
        raise ConfigError(
            f"the issue {file!r} is empty", hint="write a heading and what is wrong, in Markdown"
        )
    return text
