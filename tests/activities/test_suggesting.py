"""A suggestion as it is written on a forge: a review of the pull request it is for, or one comment."""

from __future__ import annotations

from pathlib import Path

from temporalio.testing import ActivityEnvironment

from activities.interface import Done
from activities.interface.suggesting import FindPullRequest, FoundPullRequest, Suggest
from activities.suggesting import SuggestionActivities
from tamma.errors import Forbidden
from tamma.model.ids import TaskId
from tamma.model.repository import Comment, PullRequestSpec, RepoRef, ReviewEvent, Target
from tamma.model.suggestion import PatchRef, PatchStage
from tamma.model.task import DiffRef
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.store.memory import MemoryStore
from tests.activities.test_platform import OnePlatform
from tests.support.loop import FILES, git, make_repository

REPO = RepoRef("memory", "octo", "calc")
PATCH = b"""\
diff --git a/calc.py b/calc.py
index 1..2 100644
--- a/calc.py
+++ b/calc.py
@@ -1,3 +1,3 @@
 def mean(values):
     \"\"\"The mean.\"\"\"
-    return sum(values) / (len(values) + 1)
+    return sum(values) / len(values)
"""


class Scene:
    """A forge with one open pull request that documents `mean`, and a suggestion about it."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = make_repository(folder), folder / "seed"
        options = {
            "repositories": {"octo/calc": str(self.bare)},
            "issues": {"octo/calc": {"1": "# A bug\nIt."}},
        }
        self.platform = MemoryPlatform(PlatformSettings("memory", "memory", options=options))
        self.store = MemoryStore()
        self.does = SuggestionActivities(OnePlatform(self.platform), self.store)
        git(self.work, "checkout", "-q", "-b", "feature")
        documented = FILES["calc.py"].replace(":\n", ':\n    """The mean."""\n', 1)
        (self.work / "calc.py").write_text(documented)
        self.head = self.push("document mean")

    def push(self, message: str) -> str:
        git(self.work, "commit", "-q", "-a", "--allow-empty", "-m", message)
        git(self.work, "push", "-q", str(self.bare), "feature")
        return git(self.work, "rev-parse", "HEAD")

    async def open(self) -> str:
        opened = await self.platform.somebody_opens(
            REPO, PullRequestSpec("feature", "main", "Doc", "it"), "ada"
        )
        return opened.number

    async def find(self, branch: str, sha: str) -> FoundPullRequest:
        return await ActivityEnvironment().run(
            self.does.find_pull_request, FindPullRequest(REPO, branch, sha)
        )

    async def suggest(self, pull: str = "", content: bytes = PATCH) -> Done:
        blob = await self.store.put_blob(content)
        patch = PatchRef(blob, self.head, PatchStage.SUGGESTION, len(content), ("calc.py",), 1, 1, 1)
        given = Suggest(
            TaskId("t1"), REPO, "1", patch, DiffRef(blob), "it divides", "fine", pull_request=pull
        )
        return await ActivityEnvironment().run(self.does.suggest, given)

    async def comments(self, kind: str, number: str) -> tuple[Comment, ...]:
        target = Target("issue" if kind == "issue" else "pull_request", number)
        return await self.platform.list_comments(REPO, target)


async def test_the_pull_request_of_the_branch_at_that_commit(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert await scene.find("feature", scene.head) == FoundPullRequest(), "none is open"
    number = await scene.open()
    found = await scene.find("feature", scene.head)
    assert (found.number, bool(found.url)) == (number, True)
    assert not (await scene.find("feature", "0" * 40)).number, "it stands elsewhere"


async def test_a_release_of_the_default_branch_is_no_place(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    git(scene.bare, "branch", "stable", "main")
    git(scene.bare, "update-ref", "refs/heads/main", "feature")
    await scene.platform.somebody_opens(REPO, PullRequestSpec("main", "stable", "Release", ""), "ada")
    assert not (await scene.find("main", git(scene.bare, "rev-parse", "main"))).number


async def test_a_review_with_the_edit_on_its_lines_once(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    number = await scene.open()
    for _ in range(2):
        assert await scene.suggest(number) == Done()
    (review,) = await scene.platform.list_reviews(REPO, number)
    assert (review.event, review.sha) == (ReviewEvent.COMMENT, scene.head)
    assert "**Suggested change**: 1 file, +1 -1" in review.body
    (thread,) = await scene.platform.list_threads(REPO, number)
    assert (thread.path, thread.line) == ("calc.py", 3)
    assert thread.comments[0].body == "```suggestion\n    return sum(values) / len(values)\n```"
    assert await scene.comments("issue", "1") == ()
    await scene.suggest(number, PATCH.replace(b"len(values)\n", b"max(1, len(values))\n"))
    assert len(await scene.platform.list_reviews(REPO, number)) == 2, "another patch is another review"


async def test_where_the_pull_request_has_moved_it_is_one_comment(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    number = await scene.open()
    scene.push("later")
    done = await scene.suggest(number)
    assert "no review could be made" in done.notes[0]
    assert await scene.platform.list_reviews(REPO, number) == ()
    (comment,) = await scene.comments("pull_request", number)
    assert "+    return sum(values) / len(values)" in comment.body


async def test_on_the_issue_it_is_written_once_and_written_anew(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.suggest()
    assert await scene.suggest(content=PATCH.replace(b"len(values)\n", b"max(1, len(values))\n")) == Done()
    (comment,) = await scene.comments("issue", "1")
    assert "max(1, len(values))" in comment.body


async def test_a_comment_that_is_not_allowed_leaves_the_patch(tmp_path: Path) -> None:
    scene = Scene(tmp_path)

    class Locked(MemoryPlatform):
        async def ensure_comment(
            self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
        ) -> Comment:
            raise Forbidden("the conversation is locked")

    scene.does = SuggestionActivities(OnePlatform(Locked(scene.platform.settings)), scene.store)
    assert (await scene.suggest()).notes == ("the suggestion was not written: the conversation is locked",)


async def test_secrets_are_left_out_of_what_is_written(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    number = await scene.open()
    secret = b"glpat-canary0123456789abcdef"
    await scene.suggest(number, PATCH.replace(b"len(values)\n", b'"' + secret + b'"\n'))
    assert await scene.platform.list_threads(REPO, number) == ()
    (review,) = await scene.platform.list_reviews(REPO, number)
    assert secret.decode() not in review.body
    assert "For reading only" in review.body
