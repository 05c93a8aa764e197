"""GitLab's commits that race, its merge requests, and the project's settings that say how they are merged."""

from __future__ import annotations

from typing import Any

import pytest

from tamma.errors import (
    Forbidden,
    NotFound,
    PlatformError,
    StaleHead,
    Unsupported,
)
from tamma.model.repository import (
    ChangeKind,
    FileChange,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    Obstacle,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    Target,
)
from tamma.platforms.gitlab.diffs import unified
from tamma.platforms.gitlab.git import actions_of
from tamma.platforms.gitlab.merging import auto_merge_field
from tamma.platforms.gitlab.models import (
    DiffAnswer,
    MergeRequestAnswer,
    ProjectAnswer,
    draft_title,
    plain_title,
)
from tamma.platforms.gitlab.platform import GitLab
from tamma.platforms.gitlab.readiness import STATES, merge_state, misfit
from tests.platforms.gitlab_harness import GitLabHarness
from tests.platforms.steps import BRANCH, commit, open_pr
from tests.support.forge.faces.gitlab.common import settings

# --- commits ----------------------------------------------------------------------------------------------


def test_what_the_commits_api_is_told() -> None:
    def told(kind: ChangeKind, mode: str, was: bool | None) -> list[str]:
        return [str(action["action"]) for action in actions_of(FileChange("f", kind, b"x", mode), was, "h")]

    write, delete = ChangeKind.WRITE, ChangeKind.DELETE
    assert told(write, "100644", None) == ["create"]
    assert told(write, "100755", None) == ["create", "chmod"]
    assert told(write, "100644", False) == ["update"]
    assert told(write, "100755", False) == ["update", "chmod"]
    assert told(write, "100644", True) == ["update", "chmod"]
    assert told(write, "100755", True) == ["update"]
    assert told(delete, "100644", False) == ["delete"]
    assert told(delete, "100644", None) == []
    with pytest.raises(Unsupported, match="symbolic"):
        told(write, "120000", None)
    pinned = actions_of(FileChange("f", write, b"x"), False, "h")[0]
    assert pinned["last_commit_id"] == "h"
    assert "last_commit_id" not in actions_of(FileChange("f", write, b"x"), None, "h")[0]


async def test_a_file_s_mode_is_kept_and_changed(lab: GitLabHarness) -> None:
    base = (await lab.platform.get_branch(lab.repo, "main")).sha
    await lab.platform.ensure_branch(lab.repo, BRANCH, base)
    for index, mode in enumerate(("100755", "100755", "100644")):
        head = (await lab.platform.get_branch(lab.repo, BRANCH)).sha
        change = FileChange("run.sh", ChangeKind.WRITE, f"echo {index}\n".encode(), mode)
        await lab.platform.commit_files(lab.repo, BRANCH, (change,), "Mode", head, f"op-{index}")
        assert f"{lab.hello.file('run.sh', BRANCH).filemode:o}" == mode


class Racing(GitLab):
    """Somebody pushes after our look at the head and before our commit."""

    lab: GitLabHarness
    path = ""

    async def _actions(self, repo: RepoRef, changes: Any, head: str) -> list[dict[str, object]]:
        made = await super()._actions(repo, changes, head)
        if self.path:
            self.lab.hello.push(BRANCH, self.path, b"theirs\n")
            self.path = ""
        return made


@pytest.mark.parametrize("path", ["README.md", "elsewhere.txt"])
async def test_a_push_between_our_look_and_our_commit(lab: GitLabHarness, path: str) -> None:
    """One to the same file is refused by GitLab; of another one the commit's parent tells. Twice the same."""
    base = (await lab.platform.get_branch(lab.repo, "main")).sha
    await lab.platform.ensure_branch(lab.repo, BRANCH, base)
    racing = Racing(lab.platform.settings)
    racing.lab, racing.path = lab, path
    change = (FileChange("README.md", ChangeKind.WRITE, b"ours\n"),)
    for _ in range(2):
        with pytest.raises(StaleHead):
            await racing.commit_files(lab.repo, BRANCH, change, "Fix", base, "op-1")
    await racing.close()
    assert lab.world.effects["commit"] == (1 if path == "elsewhere.txt" else 0)
    if path == "elsewhere.txt":
        head = (await lab.platform.get_branch(lab.repo, BRANCH)).sha
        seen = await lab.platform.commit_files(lab.repo, BRANCH, change, "Fix", head, "op-1")
        assert (seen.sha, seen.created) == (head, False), "who has seen where it stands may go on from there"


async def test_a_protected_branch_is_not_written_or_deleted(lab: GitLabHarness) -> None:
    base = (await lab.platform.get_branch(lab.repo, "main")).sha
    lab.protect("main")
    change = (FileChange("README.md", ChangeKind.WRITE, b"ours\n"),)
    with pytest.raises(PlatformError, match="protected"):
        await lab.platform.commit_files(lab.repo, "main", change, "Fix", base, "op-1")
    with pytest.raises(Forbidden):
        await lab.platform.delete_branch(lab.repo, "main", base)


async def test_a_branch_is_deleted_as_of_the_time_we_saw(lab: GitLabHarness) -> None:
    sha = await commit(lab)
    await lab.platform.delete_branch(lab.repo, BRANCH, sha)
    [asked] = [logged for logged in lab.server.log if logged.method == "DELETE"]
    assert asked.headers["if-unmodified-since"] == "Fri, 02 Jan 2026 03:04:05 GMT"


# --- merge requests ---------------------------------------------------------------------------------------


async def test_drafts_are_made_and_unmade_by_the_title(lab: GitLabHarness) -> None:
    await commit(lab)
    spec = PullRequestSpec(BRANCH, "main", "Fix it", "Because", draft=True)
    pull = (await lab.platform.ensure_pr(lab.repo, spec, "op")).pull_request
    assert (pull.draft, pull.title) == (True, "Fix it")
    state = await lab.platform.merge_readiness(lab.repo, pull.number)
    assert (state.category, state.native) == (MergeCategory.RECOVERABLE, "draft_status")
    renamed = await lab.platform.update_pr(lab.repo, pull.number, title="Fix all of it")
    assert (renamed.draft, renamed.title) == (True, "Fix all of it")
    for draft in (False, False, True):
        changed = await lab.platform.set_draft(lab.repo, pull.number, draft)
        assert (changed.draft, changed.title) == (draft, "Fix all of it")
    assert lab.world.effects["draft"] == 2


@pytest.mark.parametrize(
    "title", ["Draft: x", "draft: x", "[Draft] x", "(Draft) x", "WIP: x", "[WIP] x", "x"]
)
def test_titles_of_drafts(title: str) -> None:
    assert plain_title(title) == "x"
    assert draft_title(title) == "Draft: x"


async def test_a_branch_of_the_same_name_in_a_fork_is_another(lab: GitLabHarness) -> None:
    answer = MergeRequestAnswer(
        iid=1, title="t", source_branch="a", target_branch="b", source_project_id=1, target_project_id=2
    )
    assert answer.from_fork
    assert not answer.model_copy(update={"source_project_id": 2}).from_fork


async def test_lists_diffs_and_reviewers(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    other = await lab.open_pr(await _second_branch(lab), "main")
    listed = await lab.platform.list_prs(lab.repo, PullRequestFilter())
    assert [found.number for found in listed.items] == [other, pull.number]
    mine = await lab.platform.list_prs(lab.repo, PullRequestFilter("all", head=BRANCH, base="main"))
    assert [found.number for found in mine.items] == [pull.number]
    diff = await lab.platform.get_diff(lab.repo, pull.number)
    assert "+++ b/fix.txt" in diff
    assert "\n+fixed" in diff
    await lab.platform.request_reviewers(lab.repo, pull.number, ("writer", "octo"))
    await lab.platform.request_reviewers(lab.repo, pull.number, ("writer",), ("octo",))
    assert (await lab.platform.get_pr(lab.repo, pull.number)).reviewers == ("writer",)
    with pytest.raises(NotFound, match="stranger"):
        await lab.platform.request_reviewers(lab.repo, pull.number, ("stranger",))
    await lab.platform.close_pr(lab.repo, other)
    await lab.platform.close_pr(lab.repo, other)
    assert (await lab.platform.get_pr(lab.repo, other)).state == "closed"
    assert lab.world.effects["pull_state"] == 1


async def _second_branch(lab: GitLabHarness) -> str:
    await lab.push("theirs", "theirs.txt", b"x\n")
    return "theirs"


def test_a_diff_is_put_together_where_the_server_gives_none() -> None:
    files = [
        DiffAnswer(
            old_path="a", new_path="a", a_mode="100644", b_mode="100644", diff="@@ -1 +1 @@\n-x\n+y\n"
        ),
        DiffAnswer(old_path="n", new_path="n", b_mode="100644", new_file=True, diff="@@ -0,0 +1 @@\n+n\n"),
        DiffAnswer(
            old_path="d", new_path="d", a_mode="100644", deleted_file=True, diff="@@ -1 +0,0 @@\n-d\n"
        ),
        DiffAnswer(old_path="o", new_path="r", a_mode="100644", b_mode="100644", renamed_file=True),
        DiffAnswer(old_path="s", new_path="s", a_mode="100644", b_mode="100755"),
        DiffAnswer(old_path="l", new_path="l", a_mode="100644", b_mode="100644", too_large=True),
    ]
    text = unified(files)
    for line in (
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n",
        "new file mode 100644\n--- /dev/null\n+++ b/n\n",
        "deleted file mode 100644\n--- a/d\n+++ /dev/null\n",
        "rename from o\nrename to r\n",
        "old mode 100644\nnew mode 100755\n",
        "(GitLab leaves out the changes to l: they are too large)\n",
    ):
        assert line in text


# --- merging ----------------------------------------------------------------------------------------------


def request(**values: Any) -> MergeRequestAnswer:
    plain = {"iid": 1, "title": "t", "source_branch": "a", "target_branch": "b", "sha": "s"}
    return MergeRequestAnswer.model_validate({**plain, **values})


@pytest.mark.parametrize(("native", "expected"), [(name, state[0]) for name, state in STATES.items()])
def test_every_word_for_what_stands_between(native: str, expected: MergeCategory) -> None:
    state = merge_state(request(detailed_merge_status=native))
    assert (state.category, state.native) == (expected, native)
    assert state.reason
    assert (state.obstacle is Obstacle.CONFLICT) is ("conflicts" in state.reason)
    assert (state.obstacle is Obstacle.BEHIND) is ("behind" in state.reason)


def test_states_that_stand_above_the_words() -> None:
    for values, expected, native in (
        ({"state": "merged"}, MergeCategory.TERMINAL, "merged"),
        ({"state": "closed"}, MergeCategory.TERMINAL, "closed"),
        ({"state": "locked"}, MergeCategory.IN_PROGRESS, "locked"),
        ({"draft": True, "detailed_merge_status": "mergeable"}, MergeCategory.RECOVERABLE, "draft_status"),
        ({"detailed_merge_status": "some_new_word"}, MergeCategory.RECOVERABLE, "some_new_word"),
        ({"merge_status": "can_be_merged"}, MergeCategory.READY, "mergeable"),
        ({"merge_status": "cannot_be_merged"}, MergeCategory.RECOVERABLE, "conflict"),
        ({"merge_status": "unchecked"}, MergeCategory.IN_PROGRESS, "unchecked"),
    ):
        state = merge_state(request(**values))
        assert (state.category, state.native) == (expected, native)


def test_a_fast_forward_makes_no_commit_of_its_own() -> None:
    assert request(state="merged").merged_as == "s"
    assert request(state="merged", squash_commit_sha="q").merged_as == "q"
    assert request(state="merged", merge_commit_sha="m", squash_commit_sha="q").merged_as == "m"
    assert request(merge_commit_sha="m").merged_as is None


@pytest.mark.parametrize(
    ("merge_method", "squash", "fits"),
    [
        ("merge", "default_off", ("merge", "squash")),
        ("merge", "never", ("merge",)),
        ("merge", "always", ("squash",)),
        ("rebase_merge", "default_on", ("merge", "squash")),
        ("ff", "default_off", ("squash", "rebase")),
        ("ff", "never", ("rebase",)),
    ],
)
def test_methods_that_a_project_s_settings_allow(
    merge_method: str, squash: str, fits: tuple[MergeMethod, ...]
) -> None:
    project = ProjectAnswer(id=1, path_with_namespace="a/b", merge_method=merge_method, squash_option=squash)
    methods: tuple[MergeMethod, ...] = ("merge", "squash", "rebase")
    assert tuple(method for method in methods if misfit(project, method) is None) == fits


async def test_a_method_that_does_not_fit_is_refused_with_the_setting(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    refused = await lab.platform.merge_pr(lab.repo, pull.number, "rebase", pull.head_sha)
    assert refused.outcome is MergeOutcome.REFUSED
    assert "fast-forward" in refused.reason
    settings(lab.hello)["squash_option"] = "never"
    refused = await lab.platform.merge_pr(lab.repo, pull.number, "squash", pull.head_sha)
    assert "never squashes" in refused.reason
    assert lab.world.effects["merge"] == 0


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("17.10.4", "merge_when_pipeline_succeeds"),
        ("15.11.0-ee", "merge_when_pipeline_succeeds"),
        ("17.11.0-ee", "auto_merge"),
        ("18.0.1", "auto_merge"),
        ("", "auto_merge"),
    ],
)
def test_what_auto_merge_is_called(version: str, name: str) -> None:
    assert auto_merge_field(version) == name


async def test_a_merge_when_ready_is_scheduled_once_and_happens(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    lab.protect("main", checks=("ci",))
    state = await lab.platform.merge_readiness(lab.repo, pull.number)
    assert (state.category, state.native) == (MergeCategory.IN_PROGRESS, "ci_still_running")
    now = await lab.platform.merge_pr(lab.repo, pull.number, "squash", pull.head_sha)
    assert (now.outcome, now.reason) == (MergeOutcome.REFUSED, "a pipeline is running")
    for _ in range(2):
        later = await lab.platform.merge_pr(
            lab.repo, pull.number, "squash", pull.head_sha, "Fix", when_ready=True
        )
        assert later.outcome is MergeOutcome.SCHEDULED
    assert lab.world.effects["auto_merge"] == 1
    lab.hello.report_check(pull.head_sha, "ci", "success")
    merged = await lab.platform.merge_pr(lab.repo, pull.number, "squash", pull.head_sha, when_ready=True)
    assert merged.outcome is MergeOutcome.MERGED
    assert lab.hello.commit_of("main").message == "Fix"


async def test_a_merge_that_goes_on_later_is_pending(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    lab.merge_later(1)
    outcomes = [
        (await lab.platform.merge_pr(lab.repo, pull.number, "merge", pull.head_sha)).outcome for _ in range(3)
    ]
    assert outcomes[0] is MergeOutcome.PENDING
    assert outcomes[-1] is MergeOutcome.MERGED
    assert lab.world.effects["merge"] == 1


async def test_what_is_still_being_computed_is_asked_again(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    lab.compute(1)
    first = await lab.platform.merge_readiness(lab.repo, pull.number)
    second = await lab.platform.merge_readiness(lab.repo, pull.number)
    assert (first.category, second.category) == (MergeCategory.IN_PROGRESS, MergeCategory.READY)


async def test_who_may_not_merge_is_told_so_and_not_that_the_token_is_bad(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    lab.hello.members["tamma-bot"] = "read"
    with pytest.raises(Forbidden) as caught:
        await lab.platform.merge_pr(lab.repo, pull.number, "merge", pull.head_sha)
    assert "Developer" in (caught.value.hint or "")


async def test_a_comma_makes_no_two_labels_of_one(lab: GitLabHarness) -> None:
    issue = lab.hello.add_issue("A bug", "It fails")
    with pytest.raises(PlatformError, match="'a,b'"):
        await lab.platform.set_labels(lab.repo, Target("issue", str(issue.number)), ("a,b",))
    lab.hello.push(BRANCH, "fix.txt", b"1")
    with pytest.raises(PlatformError, match="'a,b'"):
        await lab.platform.ensure_pr(
            lab.repo, PullRequestSpec(BRANCH, "main", "t", "b", labels=("a,b",)), "op"
        )
    assert await lab.platform.find_pr(lab.repo, BRANCH, "main") is None
    assert lab.changes() == 0
