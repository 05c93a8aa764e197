"""The diff policy, as a table."""

from __future__ import annotations

import pytest

from tamma.workspace.leaks import secrets_in
from tamma.workspace.policy import Change, judge, leaves_tree, protected_rule


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml", ".github/copilot-instructions.md", ".GitHub/Workflows/x.yml",
        ".gitlab-ci.yml",
        "Jenkinsfile", "ci/Jenkinsfile.release", "azure-pipelines.yml", ".circleci/config.yml",
        ".woodpecker/test.yaml", ".buildkite/pipeline.yml", "CODEOWNERS", "docs/CODEOWNERS", ".gitmodules",
        ".gitattributes", "sub/.gitattributes", ".husky/pre-commit", ".githooks/x", ".pre-commit-config.yaml",
        "AGENTS.md", "pkg/AGENTS.md", "CLAUDE.md", ".cursorrules", ".cursor/rules/a.mdc", ".tamma.json",
        ".vscode/tasks.json", ".travis.yml", "bitbucket-pipelines.yml", ".gitea/workflows/x.yml",
    ],
)  # fmt: skip
def test_protected_paths_want_a_person(path: str) -> None:
    (finding,) = judge([Change(path, "100644", 10)])
    assert not finding.refuse
    (deleted,) = judge([Change(path, "")])
    assert not deleted.refuse


@pytest.mark.parametrize("path", ["src/app.py", "github/x", "docs/agents.py", "src/Jenkins.py", ".gitignore"])
def test_others_do_not(path: str) -> None:
    assert judge([Change(path, "100644", 10)]) == ()


def test_the_callers_patterns_count() -> None:
    assert protected_rule("deploy/prod.yaml", ("deploy/**",)) == "protected by configuration"
    assert protected_rule("a/secrets.tf", ("*.tf",)) == "protected by configuration"
    assert protected_rule("docs/x.md", ("docs/*.md",)) == "protected by configuration"
    assert protected_rule("src/x.py", ("deploy/**", "*.tf")) is None


@pytest.mark.parametrize(
    ("path", "target", "leaves"),
    [
        ("a", "b", False),
        ("d/a", "../b", False),
        ("a", "../b", True),
        ("d/e/a", "../../../b", True),
        ("a", "/etc/passwd", True),
        ("a", ".git/config", True),
        ("d/a", "../.GIT", True),
        ("d/a", "..", False),
        ("a", "..", True),
    ],
)
def test_links_that_leave_are_refused(path: str, target: str, leaves: bool) -> None:
    assert leaves_tree(path, target) is leaves
    findings = judge([Change(path, "120000", 5, link_target=target)])
    assert bool(findings) is leaves
    assert all(finding.refuse for finding in findings)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (Change("sub", "160000"), "submodule"),
        (Change("big", "100644", 5_000_001), "size"),
        (Change("b.bin", "100644", 1_000_001, binary=True), "binary"),
        (Change("a/.git/config", "100644", 1), "git metadata"),
        (Change("a/GIT~1/config", "100644", 1), "git metadata"),
        (Change("a/.gi\u200ct/config", "100644", 1), "git metadata"),
        (Change("k", "100644", 9, added=("-----BEGIN OPENSSH PRIVATE KEY-----",)), "secret"),
    ],
)
def test_refusals(change: Change, rule: str) -> None:
    (finding,) = judge([change])
    assert (finding.rule, finding.refuse) == (rule, True)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("t = 'ghp_" + "a1" * 18 + "'", "a GitHub token"),
        ("glpat-" + "x" * 20, "a GitLab token"),
        ("sk-ant-api03-" + "x" * 40, "an Anthropic key"),
        ("AKIA" + "ABCD1234" * 2, "an AWS key"),
        ("AIza" + "x" * 35, "a Google key"),
        ("npm_" + "x" * 36, "an npm token"),
    ],
)
def test_tokens_are_known_by_their_form(line: str, kind: str) -> None:
    assert secrets_in([line]) == {kind}


def test_ordinary_lines_hold_no_secret() -> None:
    assert secrets_in(["sk-learn", "AKIA", "ghp_short", "private key", "task-" + "x" * 60]) == set()
