"""The diff policy: what may be published, what a person must see first, what is refused. Pure.

It is the control against a model (or an issue's text) that tries to change what runs with more rights than
the change itself: CI, hooks, ownership, instructions to agents, links out of the tree, secrets.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tamma.workspace.interface import PolicyFinding
from tamma.workspace.leaks import leaks_in
from tamma.workspace.paths import is_git_name

MOST_FILE_BYTES = 5_000_000
MOST_BINARY_BYTES = 1_000_000
FILE_MODE, LINK_MODE, GITLINK_MODE = "100644", "120000", "160000"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed path. `added` are the lines that the change adds, where it is text."""

    path: str
    mode: str
    """Git's new mode; empty where the path is deleted."""
    size: int = 0
    binary: bool = False
    link_target: str | None = None
    added: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    """Of the lines in `added`, counted from 1."""
    blob: str = ""
    """Git's name of the new content; empty where it is not known."""
    lfs: str = ""
    """What is wrong with it for Git LFS's sake, see `lfs.problem`."""


CI = "CI configuration"
"""What a platform's machines run, often as soon as it is pushed to any branch, with the secrets of CI."""

# (pattern, rule). A pattern without a slash means the name in any folder.
_PROTECTED: tuple[tuple[str, str], ...] = (
    (".github/copilot-instructions.md", "agent instructions"),
    (".github/workflows/**", CI),
    (".github/actions/**", CI),
    (".github/**", "GitHub's configuration"),
    (".gitea/**", CI),
    (".forgejo/**", CI),
    (".gitlab-ci.yml", CI),
    (".gitlab/**", "GitLab's configuration"),
    (".circleci/**", CI),
    (".buildkite/**", CI),
    (".woodpecker/**", CI),
    (".woodpecker.y*ml", CI),
    (".drone.y*ml", CI),
    (".travis.yml", CI),
    (".cirrus.yml", CI),
    (".teamcity/**", CI),
    (".tekton/**", CI),
    ("jenkinsfile*", CI),
    ("azure-pipelines*.y*ml", CI),
    (".azure-pipelines/**", CI),
    ("bitbucket-pipelines.yml", CI),
    ("appveyor.yml", CI),
    (".appveyor.yml", CI),
    ("cloudbuild.y*ml", CI),
    (".ci/**", CI),
    ("codeowners", "code ownership"),
    (".gitmodules", "submodules"),
    (".gitattributes", "git attributes"),
    (".husky/**", "hooks"),
    (".githooks/**", "hooks"),
    (".pre-commit-config.yaml", "hooks"),
    ("lefthook.y*ml", "hooks"),
    (".lefthook/**", "hooks"),
    ("agents.md", "agent instructions"),
    ("claude.md", "agent instructions"),
    ("gemini.md", "agent instructions"),
    (".claude/**", "agent instructions"),
    (".cursorrules", "agent instructions"),
    (".cursor/**", "agent instructions"),
    (".windsurfrules", "agent instructions"),
    (".clinerules", "agent instructions"),
    (".mcp.json", "agent instructions"),
    (".tamma.json", "Tamma's configuration"),
    (".vscode/**", "editor configuration that runs commands"),
    (".devcontainer/**", "editor configuration that runs commands"),
    (".envrc", "shell configuration that runs by itself"),
)


def judge(changes: Iterable[Change], protected: tuple[str, ...] = ()) -> tuple[PolicyFinding, ...]:
    """What the policy says of `changes`; `protected` are the caller's own patterns that want a person."""
    findings: list[PolicyFinding] = []
    for change in changes:
        findings += _refusals(change)
        if rule := protected_rule(change.path, protected):
            findings.append(PolicyFinding(change.path, rule, False, "a person must agree", blob=change.blob))
    return tuple(findings)


def protected_rule(path: str, extra: tuple[str, ...] = ()) -> str | None:
    """Why `path` wants a person's agreement, if it does. Letter case does not matter, as on some disks."""
    folded = path.casefold()
    for pattern, rule in (*_PROTECTED, *((p, "protected by configuration") for p in extra)):
        if matches(folded, pattern.casefold()):
            return rule
    return None


def matches(path: str, pattern: str) -> bool:
    """Whether `path` fits: `dir/**` is all below `dir` at any depth of the tree, `name` a name anywhere."""
    if pattern.endswith("/**"):
        folder = pattern.removesuffix("/**")
        return fnmatchcase(path, f"{folder}/*") or fnmatchcase(path, f"*/{folder}/*")
    if "/" in pattern:
        return fnmatchcase(path, pattern.lstrip("/"))
    return fnmatchcase(posixpath.basename(path), pattern)


def _refusals(change: Change) -> list[PolicyFinding]:
    found: list[PolicyFinding] = []

    def refuse(rule: str, detail: str) -> None:
        found.append(PolicyFinding(change.path, rule, refuse=True, detail=detail))

    if any(is_git_name(part) for part in change.path.split("/")):
        refuse("git metadata", "a path may not be called .git")
    if not change.mode:
        return found
    if change.mode == GITLINK_MODE:
        refuse("submodule", "a repository inside the repository; remove its .git folder or the folder")
    if change.mode == LINK_MODE and change.link_target is not None:
        if leaves_tree(change.path, change.link_target):
            refuse("symlink", f"the link points to {change.link_target!r}, outside the repository")
        return found
    if change.lfs:
        refuse("git lfs", change.lfs)
    if change.size > MOST_FILE_BYTES:
        refuse("size", f"{change.size} bytes; files over {MOST_FILE_BYTES} are not committed")
    elif change.binary and change.size > MOST_BINARY_BYTES:
        refuse("binary", f"{change.size} bytes; binary files over {MOST_BINARY_BYTES} are not committed")
    for index, name in leaks_in(change.added, change.path):
        number = change.numbers[index] if change.numbers else 0
        where = f"line {number}" if number else "a line"
        found.append(PolicyFinding(change.path, "secret", True, f"{where} looks like {name}", number))
    return found


def leaves_tree(path: str, target: str) -> bool:
    """Whether a link at `path` to `target` points out of the tree, or into `.git`."""
    if target.startswith("/"):
        return True
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    parts = reached.split("/")
    return parts[0] == ".." or any(is_git_name(part) for part in parts)
