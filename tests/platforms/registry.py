"""Every platform that the contract suite runs over. To add one, add an entry: README.md says how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tamma.platforms import interface as i
from tests.platforms.azure_harness import AzureHarness
from tests.platforms.bitbucket_cloud_harness import BitbucketCloudHarness
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.gitea_harness import GiteaHarness
from tests.platforms.gitlab_harness import GitLabHarness
from tests.platforms.harness import Harness, MemoryHarness, PlainGitHarness
from tests.platforms.hosted import HostedHarness
from tests.support.forge.face import Face


@dataclass(frozen=True)
class Entry:
    """One platform, or one profile of a platform's version.

    Either `face` and `type` (a server of ours shows the world), or `local` (the platform needs none), or
    neither (a peer, which the fixtures start).
    """

    name: str
    face: Callable[[], Face | None] | None = None
    """None where the published description is not there: then the tests are skipped."""
    type: str = ""
    """What tamma.registry calls the adapter."""
    harness: type[ForgeHarness] | None = None
    """For a platform that names things in its own way."""
    local: Callable[[Path], Harness] | None = None
    shared_numbers: bool = True
    """Whether issues and pull requests count in one sequence."""
    lacks: Mapping[str, str] = field(default_factory=dict[str, str])
    """Capabilities that it has not and will not have, and a word that the hint of `Unsupported` has."""
    oddities: Mapping[str, str] = field(default_factory=dict[str, str])
    """What else of the suite does not hold here, and why: by the name that a test's `needs` gives it, or by
    the test's own."""
    peer: bool = False
    """Marked `peers`: needs something that is not installed everywhere."""
    slow: bool = False
    """Marked `slow`: shows nothing that the quick ones do not, but by another way."""


def _github() -> Face | None:
    from tests.support.forge.faces.github.face import github_face

    return github_face()


def _gitlab() -> Face | None:
    from tests.support.forge.faces.gitlab.face import gitlab_face

    return gitlab_face()


def _gitea() -> Face | None:
    from tests.support.forge.faces.gitea.face import gitea_face

    return gitea_face()


def _forgejo() -> Face | None:
    from tests.support.forge.faces.gitea.face import forgejo_face

    return forgejo_face()


def _azure() -> Face | None:
    from tests.support.forge.faces.azure.face import azure_face

    return azure_face()


def _bitbucket() -> Face | None:
    from tests.support.forge.faces.bitbucket_cloud.face import bitbucket_cloud_face

    return bitbucket_cloud_face()


def _bitbucket_dc() -> Face | None:
    from tests.support.forge.faces.bitbucket_dc.face import bitbucket_dc_face

    return bitbucket_dc_face()


# Names for what is no capability, and may be odd or pending nevertheless.
ANSWERS_LOST = "lost answers"
FOLLOWS = "pull requests that follow their branch"
CONFLICTS = "conflicting merges"
MERGES_LATER = "merges that complete later"
RENAMED = "renamed repositories"
ARCHIVED = "archived repositories"
EMPTY = "empty repositories"
PROTECTED = "protected branches"
FILTERS = "issues by author and change"
LONG_TEXTS = "texts longer than the platform takes"
REFUSALS = "refusals of all that is lacking"
TRUST = "who may write"
ATTEMPTS = "runs that have attempts"
MODES = "files that can be run, by the API"

_NO_FORGE = dict.fromkeys(
    (
        i.ISSUES, i.COMMENTS, i.LABELS, i.ASSIGNEES, i.PULL_REQUESTS, i.DRAFTS, i.REVIEWERS, i.REVIEWS,
        i.RESOLVE_THREADS, i.CHECKS, i.STATUSES, i.AUTO_MERGE, i.CI_TRIGGER, i.CI_RUNS, i.CI_LOGS, i.CI_RERUN,
        i.CI_CANCEL, i.WEBHOOKS, i.API_COMMITS,
    ),
    "",
)  # fmt: skip
_EMULATE = "emulate has it not"

ENTRIES: tuple[Entry, ...] = (
    Entry("memory", local=MemoryHarness),
    Entry(
        "plain-git",
        local=PlainGitHarness,
        lacks={**_NO_FORGE, i.ISSUES: ""},
        oddities={ANSWERS_LOST: "nothing travels"},
    ),
    Entry(
        "github",
        face=_github,
        type="github",
        lacks={i.LOCAL_MERGE: "pull request"},
        oddities={MERGES_LATER: "GitHub merges at once"},
    ),
    # GitLab counts merge requests apart. Counted together, one can never be taken for an issue unnoticed.
    Entry(
        "gitlab",
        face=_gitlab,
        type="gitlab",
        harness=GitLabHarness,
        lacks={i.LOCAL_MERGE: "merge request"},
    ),
    Entry(
        "azure-devops",
        face=_azure,
        type="azure-devops",
        harness=AzureHarness,
        shared_numbers=False,
        lacks={i.LOCAL_MERGE: "pull request"},
        oddities={
            RENAMED: "Azure DevOps forgets a repository's old name",
            ARCHIVED: "a disabled repository cannot be read either",
            MODES: "pushes by the API set no modes",
        },
    ),
    Entry(
        "bitbucket",
        face=_bitbucket,
        type="bitbucket",
        harness=BitbucketCloudHarness,
        shared_numbers=False,
        lacks={
            i.ISSUES: "tracker",
            i.LABELS: "labels",
            i.ASSIGNEES: "tracker",
            i.AUTO_MERGE: "checks",
            i.LOCAL_MERGE: "pull request",
        },
        oddities={
            ARCHIVED: "Bitbucket Cloud has no archive",
            ATTEMPTS: "another pipeline is begun there, two if it is asked for twice at once",
            "test_what_is_being_computed_is_waited_for": "Bitbucket Cloud computes it when it is asked",
            "test_nobody_is_trusted_for_a_verdict_alone": "a review without a verdict is a comment there",
        },
    ),
    Entry(
        "hosted-github",
        face=_github,
        type="sample-github",
        harness=HostedHarness,
        slow=True,
        lacks={i.LOCAL_MERGE: "pull request"},
        oddities={
            MERGES_LATER: "GitHub merges at once",
            ANSWERS_LOST: "shown without the boundary; a process for each case takes minutes",
        },
    ),
    Entry(
        "gitea",
        face=_gitea,
        type="gitea",
        harness=GiteaHarness,
        lacks={i.LOCAL_MERGE: "pull request", i.CI_CANCEL: "1.28"},
        oddities={MERGES_LATER: "Gitea merges at once"},
    ),
    Entry(
        "forgejo",
        face=_forgejo,
        type="forgejo",
        harness=GiteaHarness,
        lacks={i.LOCAL_MERGE: "pull request", i.RESOLVE_THREADS: "browser", i.CI_RERUN: "17"},
        oddities={MERGES_LATER: "Forgejo merges at once"},
    ),
    Entry(
        "bitbucket-dc",
        face=_bitbucket_dc,
        type="bitbucket-dc",
        shared_numbers=False,
        lacks={
            i.ISSUES: "jira",
            i.ASSIGNEES: "jira",
            i.LABELS: "",
            i.API_COMMITS: "git push",
            i.LOCAL_MERGE: "pull request",
            **dict.fromkeys((i.CI_TRIGGER, i.CI_RUNS, i.CI_LOGS, i.CI_RERUN, i.CI_CANCEL), "builds run"),
        },
        oddities={
            MERGES_LATER: "Bitbucket merges at once",
            RENAMED: "nothing is written about the old names of repositories",
            "test_nobody_is_trusted_for_a_verdict_alone": "a review without a verdict is a comment here",
        },
    ),
    Entry(
        "emulate",
        peer=True,
        lacks={i.LOCAL_MERGE: "pull request"},
        oddities={
            ANSWERS_LOST: "emulate answers always",
            FOLLOWS: "emulate's pull requests stay at the commit they were opened with",
            CONFLICTS: "emulate's merges take the head's tree: nothing conflicts",
            "test_a_branch_that_cannot_be": "emulate takes every name and commit",
            "test_what_cannot_be_opened_says_why": "emulate opens pull requests without a change",
            "test_pull_requests_have_labels": "emulate's pull requests are no issues",
            "test_issues_are_found_by_author_and_by_their_last_change": "emulate's `since` means later",
            "test_the_change_is_a_diff_that_git_applies": "emulate knows no other form than JSON",
            **dict.fromkeys((i.DRAFTS, i.REVIEWERS, i.REVIEWS, i.STATUSES, i.CI_RUNS, i.WEBHOOKS), _EMULATE),
        },
    ),
)

PENDING: dict[str, frozenset[str]] = {}
"""What an adapter does not have YET, by entry: capabilities, methods, oddities, names of tests. What needs
one of them is skipped. Whoever writes it takes it out of here."""
